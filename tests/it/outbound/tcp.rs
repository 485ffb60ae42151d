//! TCP of guests: what is looked up, what is connected to, and what is refused before a packet leaves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use guesthouse::config::Config;
use guesthouse_deploy::status::AppState;
use guesthouse_manifest::policy::Policy;
use guesthouse_test_guests as guest;
use guesthouse_types::name::Digest;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::outbound::granted::GUESTS;
use crate::outbound::granted::HERE;
use crate::outbound::granted::host;

/// Sends back what it got, when that is over.
struct Echo {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Echo {
    async fn begin() -> Echo {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let counted = connections.clone();
        tokio::task::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::task::spawn(async move {
                    let mut got = Vec::new();
                    // A guest that goes away is no fault of the server's.
                    let _ = stream.read_to_end(&mut got).await;
                    let _ = stream.write_all(&got).await;
                });
            }
        });
        Echo { address, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// What the guest says of a connection to `to`.
async fn asked(host: &Running, name: &str, to: &str) -> String {
    let reply = host.get(&format!("/{name}/connect?to={to}&send=hello")).await;
    reply.text().strip_prefix("connect: ").unwrap_or_else(|| panic!("{to}: {reply:?}")).to_owned()
}

/// As WASI 0.2 says it through `std`, or 0.3 by itself.
fn is_denied(told: &str) -> bool {
    ["PermissionDenied", "AccessDenied", "failed to lookup address"].iter().any(|word| told.contains(word))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_granted_place_is_connected_to_by_its_name_and_by_its_address() {
    let echo = Echo::begin().await;
    let port = echo.address.port();
    for name in GUESTS {
        let asks = format!("tcp = [\"localhost:{port}\", \"127.0.0.1:{port}\"]");
        let host = host(name, &asks, HERE).await;
        for to in ["localhost", "127.0.0.1"] {
            let told = asked(&host, name, &format!("{to}:{port}")).await;
            assert_eq!(told, "answered hello\n", "{name}: {to}");
        }
        // A port where nobody listens.
        let manifest = "[outbound]\ntcp = [\"127.0.0.1:1\"]\n";
        host.apps.rename_in(&format!("{name}.toml"), manifest);
        host.until("the next revision", |status| {
            status.apps[name].serving.is_some_and(|live| live.manifest == Some(Digest::of(manifest.as_bytes())))
        })
        .await;
        let told = asked(&host, name, "127.0.0.1:1").await;
        assert!(told.contains("ConnectionRefused"), "{name}: {told}");
    }
    assert_eq!(echo.connections(), 2 * GUESTS.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_granted_is_refused_by_name_and_no_packet_is_sent() {
    let echo = Echo::begin().await;
    let port = echo.address.port();
    for name in GUESTS {
        // The operator allows nothing: what is asked for is no revision.
        let refused = TestHost::new().app(name, guest::bytes(name));
        let refused = refused.manifest(name, &format!("[outbound]\ntcp = [\"localhost:{port}\"]\n")).run().await;
        let why = refused.until_state(name, AppState::Refused).await;
        let line = format!("`outbound = [\"tcp://localhost:{port}\"]` under `[policy]` would allow it");
        assert!(why.contains(&line), "{why}");

        let spelled = ["127.0.0.1", "localhost", "LOCALHOST.", "0x7f.1", "2130706433", "[::1]", "[::ffff:7f00:1]", "0"];
        // Nothing is asked for; another port is, or another name; the network is not open.
        let hosts = [
            host(name, "http = [\"http://*:*\"]", HERE).await,
            host(name, &format!("tcp = [\"localhost:1\", \"127.0.0.1:{}\"]", port ^ 1), HERE).await,
            host(name, &format!("tcp = [\"db.example.org:{port}\"]"), HERE).await,
            host(name, &format!("tcp = [\"localhost:{port}\", \"127.0.0.1:{port}\"]"), "outbound = [\"tcp://*:*\"]")
                .await,
        ];
        for host in &hosts {
            for to in spelled {
                let told = asked(host, name, &format!("{to}:{port}")).await;
                // 0.3 and `std` know only some spellings.
                let is_refused = is_denied(&told) || told.contains("InvalidArgument") || told.contains("InvalidInput");
                assert!(is_refused, "{name}: {to}: {told}");
            }
        }
    }
    assert_eq!(echo.connections(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_itself_and_what_a_cloud_tells_are_no_places_to_connect_to() {
    for name in GUESTS {
        let host = host(
            name,
            "tcp = [\"localhost:1\"]",
            "outbound = [\"tcp://*:*\"]\nprivate_networks = [\"0.0.0.0/0\", \"::/0\"]",
        )
        .await;
        let port = host.address.port();
        let manifest =
            format!("[outbound]\ntcp = [\"localhost:{port}\", \"127.0.0.0/8:{port}\", \"169.254.169.254:80\"]\n");
        host.apps.rename_in(&format!("{name}.toml"), &manifest);
        host.until("the next revision", |status| {
            status.apps[name].serving.is_some_and(|live| live.manifest == Some(Digest::of(manifest.as_bytes())))
        })
        .await;
        for to in [format!("localhost:{port}"), format!("127.0.0.1:{port}"), "169.254.169.254:80".to_owned()] {
            let told = asked(&host, name, &to).await;
            assert!(is_denied(&told), "{name}: {to}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_are_counted_with_all_connections_and_given_back() {
    let echo = Echo::begin().await;
    let to = echo.address;
    for name in GUESTS {
        let asks = format!("tcp = [\"{to}\"]\nconnections = 3\n");
        let host = host(name, &asks, HERE).await;
        // Twice: those of an instance that is gone are nobody's.
        for _ in 0..2 {
            let told = host.get(&format!("/{name}/connect-many?to={to}&most=9")).await.text();
            assert!(told.starts_with("connect: 3 and then "), "{name}: {told}");
        }
        let many = self::host(name, &format!("tcp = [\"{to}\"]\nconnections = 64\n"), HERE).await;
        let told = many.get(&format!("/{name}/connect-many?to={to}&most=64")).await.text();
        assert!(told.starts_with("connect: 16 and then "), "{name}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_dev_an_app_without_a_manifest_connects() {
    let echo = Echo::begin().await;
    for name in GUESTS {
        let permissive = |config: &mut Config| config.deploy.policy = Policy::permissive();
        let host = TestHost::new().config(permissive).app(name, guest::bytes(name)).run().await;
        let told = asked(&host, name, &format!("localhost:{}", echo.address.port())).await;
        assert_eq!(told, "answered hello\n", "{name}");
        let told = asked(&host, name, "169.254.169.254:80").await;
        assert!(is_denied(&told), "{name}: {told}");
    }
}
