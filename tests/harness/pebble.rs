//! Pebble: a certificate authority that is made for tests, with a name server that knows every name.

use std::ffi::OsStr;
use std::fs;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;

use guesthouse_tls::self_signed::SelfSigned;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::process::Command;

use crate::harness::client::get;
use crate::harness::secure::Secure;
use crate::harness::secure::certificate;
use crate::harness::secure::write;
use crate::harness::serving::until;

/// A running authority. It ends when it is dropped.
pub struct Pebble {
    _programs: [Child; 2],
    own: SelfSigned,
    management: SocketAddr,
    /// The URL of its directory.
    pub directory: String,
    /// The certificate that its own server is trusted by.
    pub root: PathBuf,
}

/// Whether it is installed. Where it must be there (CI sets `GUESTHOUSE_REQUIRE_PEBBLE`), its absence is a failure.
pub fn is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has = |name: &str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    let installed = has("pebble") && has("pebble-challtestsrv");
    if !installed {
        assert!(std::env::var_os("GUESTHOUSE_REQUIRE_PEBBLE").is_none(), "pebble is not installed, and CI needs it");
        eprintln!("NOT TESTED WITH AN AUTHORITY: pebble is not installed (Debian: apt-get install pebble)");
    }
    installed
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn program(name: &str, arguments: &[&OsStr]) -> Child {
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    // It looks at once, and does not refuse now and then for practice.
    command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0");
    command.spawn().unwrap()
}

impl Pebble {
    /// Starts it; it will look for proofs on these ports of this machine, whatever the name.
    pub async fn start(folder: &Path, http_port: u16, tls_port: u16) -> Pebble {
        let own = certificate(&["localhost"]);
        let files = write(&own, folder, "pebble");
        let [listen, management, dns, dns_management] = [(); 4].map(|()| local(free_port()));
        let config = serde_json::json!({ "pebble": {
            "listenAddress": listen,
            "managementListenAddress": management,
            "certificate": files.chain,
            "privateKey": files.key,
            "httpPort": http_port,
            "tlsPort": tls_port,
        }});
        let path = folder.join("pebble.json");
        fs::write(&path, config.to_string()).unwrap();
        let (dns, names_are_there) = (dns.to_string(), dns_management);
        let dns_management = dns_management.to_string();
        let nothing = OsStr::new("");
        let names = program(
            "pebble-challtestsrv",
            &[
                "-dns01".as_ref(),
                dns.as_ref(),
                "-management".as_ref(),
                dns_management.as_ref(),
                "-defaultIPv6".as_ref(),
                nothing,
                "-http01".as_ref(),
                nothing,
                "-https01".as_ref(),
                nothing,
                "-tlsalpn01".as_ref(),
                nothing,
            ],
        );
        let authority = program("pebble", &["-config".as_ref(), path.as_os_str(), "-dnsserver".as_ref(), dns.as_ref()]);
        for address in [listen, management, names_are_there] {
            let is_there = async || TcpStream::connect(address).await.is_ok();
            until("pebble", is_there, |is_there| *is_there, |_| {}).await;
        }
        let directory = format!("https://localhost:{}/dir", listen.port());
        Pebble { _programs: [names, authority], own, management, directory, root: files.chain }
    }

    /// What its certificates are signed by.
    pub async fn issuer(&self) -> SelfSigned {
        let secure = Secure::connect(self.management, "localhost", &[&self.own], &["http/1.1"]).await.unwrap();
        let chain = secure.send(get("https://localhost/roots/0")).await.text();
        SelfSigned { chain, key: String::new() }
    }
}
