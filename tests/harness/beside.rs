//! Bad guests beside a good one, on one host: each case ends as it should, and the good one answers after it.

use std::path::Path;

use guesthouse_test_guests as guest;
use http::StatusCode;

use crate::harness::client::Client;
use crate::harness::client::Reply;
use crate::harness::client::get;
use crate::harness::folder::AppsFolder;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::process::Process;
use crate::harness::within;

/// A host with `hello` and with bad guests.
pub struct Beside {
    pub host: Running,
    /// One connection through all cases: whatever happens beside it, it is never closed.
    good: Client,
}

impl Beside {
    /// Runs `host` with `hello` in it.
    pub async fn run(host: TestHost) -> Beside {
        let host = host.app("hello", guest::bytes(guest::HELLO)).run().await;
        let good = host.client();
        let mut beside = Beside { host, good };
        beside.check_good("nothing").await;
        beside
    }

    /// Runs one bad guest with `limits`.
    pub async fn guest(name: &str, limits: &str) -> Beside {
        let manifest = format!("[limits]\n{limits}\n");
        Beside::run(TestHost::new().app(name, guest::bytes(name)).manifest(name, &manifest)).await
    }

    /// Asks for `path`, and holds what comes against `expected`: the beginning of `200 text` or `502`, or `cut` for a
    /// body that does not look whole. Several that are right alike are separated by `|`.
    pub async fn check(&mut self, path: &str, expected: &str) -> Option<Reply> {
        let sent = within(path, Client::new(self.host.address).try_send(get(path))).await;
        let ended = match &sent {
            Ok(reply) => format!("{} {}", reply.status.as_u16(), reply.text()),
            Err(_) => "cut".to_owned(),
        };
        assert!(expected.split('|').any(|begin| ended.starts_with(begin)), "{path}: not `{expected}` but {ended}");
        assert!(!ended.contains("wasm trap") && !ended.contains("forged by the guest"), "inner details: {ended}");
        self.check_good(path).await;
        sent.ok()
    }

    /// The same for a table of paths below `mount`.
    pub async fn check_all(&mut self, mount: &str, cases: &[(&str, &str)]) {
        for (path, expected) in cases {
            self.check(&format!("{mount}{path}"), expected).await;
        }
    }

    /// The good one answers as ever.
    pub async fn check_good(&mut self, after: &str) {
        let reply = self.good.get("/hello/").await;
        let is_whole = reply.status == StatusCode::OK && reply.text().contains("<h1>hello</h1>");
        assert!(is_whole, "after {after}: {} {}", reply.status, reply.text());
    }
}

/// The real program with these guests, and a connection to it.
pub async fn program(home: &Path, names: &[&str], log_format: &str) -> (Process, Client) {
    let apps = AppsFolder::create(home.join("apps"));
    for name in names {
        apps.rename_in(&format!("{name}.wasm"), guest::bytes(name));
    }
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--state", "state", "--log-format", log_format];
    let mut host = Process::start(&arguments, home);
    let line = host.says("listening on http://").await;
    let address = line.trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
    for name in names {
        host.logs(&format!("`{name}` is live")).await;
    }
    (host, Client::new(address))
}
