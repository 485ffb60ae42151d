//! Certificates from an authority, against a real one that is made for tests.

use guesthouse::config::Config;
use guesthouse_serve::listen::listener::BindAddress;
use guesthouse_serve::listen::listener::Endpoint;
use guesthouse_serve::listen::listener::ListenerProtocol;
use guesthouse_test_guests as guest;
use guesthouse_tls::acme::settings::AcmeSettings;
use guesthouse_tls::acme::settings::Challenge;
use guesthouse_tls::self_signed::SelfSigned;
use http::StatusCode;

use crate::harness::client::get;
use crate::harness::host::TestHost;
use crate::harness::pebble::Pebble;
use crate::harness::pebble::free_port;
use crate::harness::pebble::is_installed;
use crate::harness::secure::Secure;
use crate::harness::serving::until;

const HTTP1: &[&str] = &["http/1.1"];
const DOMAIN: &str = "guesthouse.test";

/// What is changed in a host's configuration so that it asks `pebble`.
struct Asking {
    directory: String,
    root: std::path::PathBuf,
    challenge: Challenge,
    http_port: u16,
    tls_port: u16,
}

impl Asking {
    fn apply(&self, config: &mut Config) {
        let endpoint =
            |port: u16, protocol| Endpoint { place: BindAddress::Tcp(([127, 0, 0, 1], port).into()), protocol };
        config.listen = vec![
            endpoint(self.tls_port, ListenerProtocol::Https),
            endpoint(self.http_port, ListenerProtocol::Redirect),
        ];
        config.deploy.origins.domain = DOMAIN.to_owned();
        config.tls.acme = Some(AcmeSettings {
            directory: self.directory.clone(),
            contact: vec!["mailto:me@guesthouse.test".to_owned()],
            root: Some(self.root.clone()),
            challenge: self.challenge,
            folder: config.deploy.state.join("acme"),
        });
    }
}

/// Waits until `name` is shown with a certificate of `issuer`, and asks for a page.
async fn check(address: std::net::SocketAddr, name: &str, issuer: &SelfSigned) {
    let shown = async || Secure::connect(address, name, &[issuer], HTTP1).await.ok();
    until(&format!("a certificate for {name}"), async || shown().await.is_some(), |shown| *shown, |_| {}).await;
    let reply = shown().await.unwrap().send(get(&format!("https://{name}/"))).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
}

async fn check_challenge(challenge: Challenge) {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (http_port, tls_port) = (free_port(), free_port());
    let pebble = Pebble::start(folder.path(), http_port, tls_port).await;
    let issuer = pebble.issuer().await;
    let (directory, root) = (pebble.directory.clone(), pebble.root.clone());
    let asking = Asking { directory, root, challenge, http_port, tls_port };
    let again = Asking { directory: pebble.directory.clone(), root: pebble.root.clone(), ..asking };
    let host = TestHost::new().app("environ", guest::bytes(guest::ENVIRON)).app("index", guest::bytes(guest::ENVIRON));
    let host = host.config(move |config| asking.apply(config)).run().await;
    check(host.address, "environ.guesthouse.test", &issuer).await;
    check(host.address, DOMAIN, &issuer).await;

    // Without the authority: what was issued is kept.
    drop(pebble);
    let (host, _) = host.stop().await;
    let host = host.config(move |config| again.apply(config)).run().await;
    check(host.address, "environ.guesthouse.test", &issuer).await;
}

#[tokio::test]
async fn a_name_is_proved_by_a_handshake_and_its_certificate_is_kept() {
    check_challenge(Challenge::TlsAlpn01).await;
}

#[tokio::test]
async fn a_name_is_proved_over_http_and_its_certificate_is_kept() {
    check_challenge(Challenge::Http01).await;
}

#[tokio::test]
async fn no_app_answers_those_who_validate_names() {
    let host = TestHost::new().app("index", guest::bytes(guest::ENVIRON)).run().await;
    let asked = "/.well-known/acme-challenge/token";
    assert_eq!(host.get("/.well-known/other").await.status, StatusCode::OK);
    for name in ["localhost", "index.localhost"] {
        assert_eq!(host.get_at(name, asked).await.status, StatusCode::NOT_FOUND, "{name}");
    }
}
