//! Nothing outside is reached: every spelling of this machine is tried for real, against a listener that must never see it.

use guesthouse_manifest::policy::Policy;
use guesthouse_test_guests as guest;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::UdpSocket;

use crate::harness::beside::Beside;
use crate::harness::host::TestHost;
use crate::harness::within;

/// Ways to write this machine. `PORT` is the listener's.
const HERE: &[&str] = &[
    "http://127.0.0.1:PORT/",
    "http://localhost:PORT/",
    "http://localhost.:PORT/",
    "http://LOCALHOST:PORT/",
    "http://sub.localhost:PORT/",
    "http://127.1:PORT/",
    "http://127.0.1:PORT/",
    "http://127.0.0.2:PORT/",
    "http://127.255.255.254:PORT/",
    "http://2130706433:PORT/",
    "http://0x7f000001:PORT/",
    "http://0x7f.0.0.1:PORT/",
    "http://0x7f.1:PORT/",
    "http://0177.0.0.1:PORT/",
    "http://017700000001:PORT/",
    "http://127.0.0.1.:PORT/",
    "http://0:PORT/",
    "http://0.0.0.0:PORT/",
    "http://[::]:PORT/",
    "http://[::1]:PORT/",
    "http://[0:0:0:0:0:0:0:1]:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
    "http://[::127.0.0.1]:PORT/",
    "http://[64:ff9b::127.0.0.1]:PORT/",
    "http://user@127.0.0.1:PORT/",
    "http://example.invalid@127.0.0.1:PORT/",
    "http://user:secret@localhost:PORT/",
    "http://127.0.0.1:PORT@localhost:PORT/",
    "https://127.0.0.1:PORT/",
    "https://localhost:PORT/",
    "ftp://127.0.0.1:PORT/",
    "//127.0.0.1:PORT/",
];

/// Sockets on both loopback addresses, on one port.
struct Listeners {
    tcp: [TcpListener; 2],
    udp: [UdpSocket; 2],
    port: u16,
}

impl Listeners {
    async fn bind() -> Listeners {
        // A port that is free on one address may be taken on the other.
        loop {
            let v4 = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = v4.local_addr().unwrap().port();
            let v6 = TcpListener::bind(("::1", port)).await;
            let udp = (UdpSocket::bind(("127.0.0.1", port)).await, UdpSocket::bind(("::1", port)).await);
            if let (Ok(v6), (Ok(udp4), Ok(udp6))) = (v6, udp) {
                return Listeners { tcp: [v4, v6], udp: [udp4, udp6], port };
            }
        }
    }

    /// The first thing that any of them sees is this test itself.
    async fn were_never_reached(self) {
        for listener in &self.tcp {
            let mut ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (mut first, from) = within("ourselves", listener.accept()).await.unwrap();
            assert_eq!(from, ours.local_addr().unwrap(), "a guest was here before");
            ours.write_all(b"ours").await.unwrap();
            drop(ours);
            let mut seen = String::new();
            first.read_to_string(&mut seen).await.unwrap();
            assert_eq!(seen, "ours");
        }
        for socket in &self.udp {
            socket.send_to(b"ours", socket.local_addr().unwrap()).await.unwrap();
            let mut seen = [0; 16];
            let length = within("ourselves", socket.recv(&mut seen)).await.unwrap();
            assert_eq!(&seen[..length], b"ours", "a guest was here before");
        }
    }
}

#[tokio::test]
async fn no_spelling_of_this_machine_is_reached_by_http() {
    let listeners = Listeners::bind().await;
    for name in [guest::ENVIRON_HTTP, guest::ENVIRON_HTTP03] {
        let mut beside = Beside::guest(name, "").await;
        let own = beside.host.address.port();
        for port in [listeners.port, own] {
            for url in HERE {
                let url = url.replace("PORT", &port.to_string());
                let path = format!("/{name}/outbound?url={url}");
                let reply = beside.check(&path, "200 outbound: ").await.unwrap();
                assert!(!reply.text().contains("status"), "{url}: {}", reply.text());
                let refusals = ["HttpRequestDenied", "HttpRequestUriInvalid"];
                assert!(refusals.iter().any(|code| reply.text().contains(code)), "{url}: {}", reply.text());
            }
        }
    }
    listeners.were_never_reached().await;
}

#[tokio::test]
async fn no_socket_name_file_or_variable_is_reached() {
    let listeners = Listeners::bind().await;
    // What the host itself has is no guest's to see.
    let environment = "[environment]\nGREETING = \"moin\"\n";
    // A place somewhere else changes nothing for this one; what is an address already is looked up by nobody.
    let elsewhere = format!("{environment}[outbound]\ntcp = [\"db.invalid:1\", \"127.0.0.1:1\"]\n");
    let granted = [(guest::BAD_HTTP, 34, environment), (guest::BAD_HTTP03, 55, environment)];
    let others = [(guest::BAD_HTTP, 30, elsewhere.as_str()), (guest::BAD_HTTP03, 50, elsewhere.as_str())];
    for (name, attempts, manifest) in granted.into_iter().chain(others) {
        let policy = "outbound = [\"tcp://*:*\"]\nprivate_networks = [\"127.0.0.0/8\", \"::1/128\"]\n";
        let policy: Policy = toml::from_str(policy).unwrap();
        let host = TestHost::new().config(move |config| config.deploy.policy = policy);
        let mut beside = Beside::run(host.app(name, guest::bytes(name)).manifest(name, manifest)).await;
        let path = format!("/{name}/reach?port={}", listeners.port);
        let report = beside.check(&path, "200 ").await.unwrap().text();
        let refused = report.lines().filter(|line| line.contains(": refused (")).count();
        assert_eq!(refused, attempts, "{name}:\n{report}");
        let allowed = report.lines().filter_map(|line| line.trim_start_matches("0.3 ").strip_suffix(": allowed"));
        let is_address = |what: &str| {
            let looked_up = what.strip_prefix("lookup ").unwrap_or_default();
            manifest == elsewhere && looked_up.starts_with(|first: char| first.is_ascii_digit())
        };
        assert!(allowed.into_iter().all(is_address), "{name}:\n{report}");
        assert!(report.contains("\nvariables: GREETING\n") && report.contains("\narguments: 0\n"), "{name}:\n{report}");
    }
    listeners.were_never_reached().await;
}

#[tokio::test]
async fn a_name_that_the_visitor_sends_leads_nowhere_either() {
    let listeners = Listeners::bind().await;
    let mut beside = Beside::guest(guest::ENVIRON_HTTP, "").await;
    // The authority of the visitor's own request is no way out (CVE-2024-32980).
    for host in [format!("127.0.0.1:{}", listeners.port), format!("localhost:{}", listeners.port)] {
        let path = format!("/environ-http/outbound?url=http://{host}/");
        let reply = beside.host.get_at(&host, &path).await;
        assert!(reply.text().contains("HttpRequestDenied"), "{}", reply.text());
        beside.check_good(&host).await;
    }
    listeners.were_never_reached().await;
}
