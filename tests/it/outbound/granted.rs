//! Hosts whose apps are let out.

use guesthouse::config::Config;
use guesthouse_manifest::policy::Policy;
use guesthouse_test_guests as guest;

use crate::harness::host::Running;
use crate::harness::host::TestHost;

/// Guests that call what they are told, in each lane; the first one by the SDK.
pub const GUESTS: [&str; 3] = [guest::ENVIRON, guest::ENVIRON_HTTP, guest::ENVIRON_HTTP03];

/// An operator who lets apps out to this machine.
pub const HERE: &str = "outbound = [\"*://*:*\", \"tcp://*:*\"]\nprivate_networks = [\"127.0.0.0/8\"]\n";

/// The operator's policy.
pub fn policy(text: &str) -> impl FnOnce(&mut Config) + 'static {
    let policy: Policy = toml::from_str(text).unwrap();
    move |config| config.deploy.policy = policy
}

/// A host with `name`, which asks for `[outbound]` as in `asked`.
pub async fn host(name: &str, asked: &str, allowed: &str) -> Running {
    let manifest = format!("[outbound]\n{asked}\n");
    TestHost::new().config(policy(allowed)).app(name, guest::bytes(name)).manifest(name, &manifest).run().await
}
