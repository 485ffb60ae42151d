//! Requests of guests to the outside: where they go by grant, what they carry, and what they never reach.

use std::time::Duration;

use guesthouse::config::Config;
use guesthouse_deploy::status::AppState;
use guesthouse_manifest::policy::Policy;
use guesthouse_test_guests as guest;
use guesthouse_types::name::Digest;

use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::outside::Outside;
use crate::harness::secure::certificate;
use crate::harness::secure::write;
use crate::harness::within;
use crate::outbound::granted::GUESTS;
use crate::outbound::granted::HERE;
use crate::outbound::granted::host;
use crate::outbound::granted::policy;

/// Those that tell how an answer broke off.
const STREAMING: [&str; 2] = [guest::ENVIRON_HTTP, guest::ENVIRON_HTTP03];

/// What the guest says of a request to `url`.
async fn asked(host: &Running, name: &str, url: &str) -> String {
    let reply = host.get(&format!("/{name}/outbound?url={url}")).await;
    let told = reply.text().strip_prefix("outbound: ").unwrap_or_else(|| panic!("{reply:?}")).to_owned();
    // A body's end is told in words (0.2), a head's by its name.
    told.replace("broken after 1: connection read timeout", "broken after 1: ConnectionReadTimeout")
        .replace("HTTP response body size exceeds limit", "HttpResponseBodySize")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_granted_request_arrives_and_its_answer_comes_back() {
    let outside = Outside::begin().await;
    let url = format!("http://{}", outside.address);
    for name in GUESTS {
        let before = outside.connections();
        let host = host(name, &format!("http = [\"{url}\"]"), HERE).await;
        let told = asked(&host, name, &format!("{url}/hello")).await;
        let port = outside.address.port();
        assert!(told.starts_with("status 200\nbody "), "{name}: {told}");
        for part in ["GET /hello HTTP/1.1", &format!("host: 127.0.0.1:{port}"), "x-kept: yes"] {
            assert!(told.contains(part), "{name}: no `{part}` in {told}");
        }
        for part in ["x-forwarded", "proxy-", "x-guesthouse", "6.6.6.6"] {
            assert!(!told.contains(part), "{name}: `{part}` in {told}");
        }
        let sent = host.get(&format!("/{name}/outbound?url={url}/&body=sent-by-a-guest")).await.text();
        assert!(sent.contains("POST / HTTP/1.1") && sent.contains("\n\nsent-by-a-guest"), "{name}: {sent}");
        // Where it leads is for the guest to follow, which is asked anew.
        let redirect = asked(&host, name, &format!("{url}/redirect")).await;
        assert!(redirect.starts_with("status 302\n"), "{name}: {redirect}");
        assert_eq!(outside.connections(), before + 1, "{name}: a connection is kept for the next request");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_granted_is_refused_by_name_and_nothing_is_sent() {
    let outside = Outside::begin().await;
    let url = format!("http://{}", outside.address);
    let port = outside.address.port();
    for name in GUESTS {
        // The operator allows nothing: what is asked for is no revision.
        let refused = TestHost::new().app(name, guest::bytes(name));
        let refused = refused.manifest(name, &format!("[outbound]\nhttp = [\"{url}\"]\n")).run().await;
        let why = refused.until_state(name, AppState::Refused).await;
        assert!(why.contains(&format!("`outbound = [\"{url}\"]` under `[policy]` would allow it")), "{why}");

        // What is asked for is somewhere else.
        let other = host(name, "http = [\"https://api.example.com\"]", HERE).await;
        for spelled in [&url, &format!("http://localhost:{port}"), &format!("http://0x7f.1:{port}")] {
            let told = asked(&other, name, spelled).await;
            assert!(
                told.starts_with("ErrorCode::HttpRequestDenied") || told.starts_with("HttpRequestDenied"),
                "{told}"
            );
        }

        // The name is asked for and the network is not open, however it is spelled; a host of `*` is no name.
        let closed = host(
            name,
            &format!("http = [\"http://*:{port}\", \"http://localhost:{port}\"]"),
            "outbound = [\"*://*:*\"]",
        )
        .await;
        let any = host(name, &format!("http = [\"http://*:{port}\"]"), HERE).await;
        for host in [&closed, &any] {
            for spelled in
                ["127.0.0.1", "localhost", "LOCALHOST.", "0x7f.1", "2130706433", "[::1]", "[::ffff:7f00:1]", "0"]
            {
                let told = asked(host, name, &format!("http://{spelled}:{port}/")).await;
                assert!(told.contains("DestinationIpProhibited"), "{name}: {spelled}: {told}");
            }
        }
    }
    assert_eq!(outside.connections(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_itself_is_no_place_to_call() {
    for name in GUESTS {
        let host = host(name, "http = [\"http://127.0.0.0/8:*\", \"http://localhost:*\"]", HERE).await;
        let port = host.address.port();
        for spelled in ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:7f00:1]"] {
            let told = asked(&host, name, &format!("http://{spelled}:{port}/{name}/")).await;
            let is_refused = told.contains("DestinationIpProhibited") || told.contains("HttpRequestDenied");
            assert!(is_refused, "{name}: {spelled}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revision_that_asks_for_less_has_no_connection_of_the_one_before() {
    let outside = Outside::begin().await;
    let url = format!("http://{}", outside.address);
    let name = guest::ENVIRON_HTTP;
    let host = host(name, &format!("http = [\"{url}\"]"), HERE).await;
    assert!(asked(&host, name, &url).await.starts_with("status 200"));
    let manifest = "[outbound]\nhttp = [\"https://api.example.com\"]\n";
    host.apps.rename_in(&format!("{name}.toml"), manifest);
    let is_next = |status: &guesthouse_deploy::status::Status| {
        status.apps[name].serving.is_some_and(|live| live.manifest == Some(Digest::of(manifest.as_bytes())))
    };
    host.until("the next revision", is_next).await;
    assert!(asked(&host, name, &url).await.contains("HttpRequestDenied"));
    assert_eq!(outside.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_bound_has_its_own_code() {
    let outside = Outside::begin().await;
    let url = format!("http://{}", outside.address);
    let bounds = "connections = 1\nfirst_byte = \"1s\"\nbetween_bytes = \"1s\"\nresponse_body = \"64KiB\"";
    for name in STREAMING {
        let host = host(name, &format!("http = [\"http://127.0.0.1:*\"]\n{bounds}"), HERE).await;
        let silent = asked(&host, name, &format!("{url}/silent")).await;
        assert!(silent.contains("ConnectionReadTimeout"), "{name}: {silent}");
        let stalls = asked(&host, name, &format!("{url}/stalls")).await;
        assert!(
            stalls.starts_with("status 200\nbroken after 1: ") && stalls.contains("ConnectionReadTimeout"),
            "{name}: {stalls}"
        );
        let large = asked(&host, name, &format!("{url}/large")).await;
        assert!(
            large.starts_with("status 200\nbroken after ") && large.contains("HttpResponseBodySize"),
            "{name}: {large}"
        );
        // A port where nobody listens.
        let refused = asked(&host, name, "http://127.0.0.1:1/").await;
        assert!(refused.contains("ConnectionRefused"), "{name}: {refused}");
        // One connection at a time: whoever finds it in use is told so.
        let (mut first, mut second) = (host.client(), host.client());
        let path = format!("/{name}/outbound?url={url}/silent");
        let (first, second) = tokio::join!(first.get(&path), async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            second.get(&path).await
        });
        let told = format!("{}{}", first.text(), second.text());
        assert!(told.contains("ConnectionReadTimeout"), "{name}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_checked_and_http_2_is_spoken_where_it_is_offered() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (certificate(&["localhost"]), certificate(&["localhost"]));
    let roots = write(&good, folder.path(), "roots").chain;
    let trusted = [Outside::secure(&good, false).await, Outside::secure(&good, true).await];
    let unknown = Outside::secure(&bad, false).await;
    for name in GUESTS {
        let roots = roots.clone();
        let manifest = "[outbound]\nhttp = [\"https://localhost:*\", \"https://127.0.0.1:*\"]\n";
        let host = TestHost::new().config(policy(HERE)).app(name, guest::bytes(name)).manifest(name, manifest);
        let host = host.config(|config| config.sandbox.capabilities.outbound.roots = Some(roots)).run().await;
        for (outside, version) in trusted.iter().zip(["HTTP/1.1", "HTTP/2.0"]) {
            let told = asked(&host, name, &format!("https://localhost:{}/x", outside.address.port())).await;
            assert!(told.starts_with("status 200\n") && told.contains(&format!("GET /x {version}")), "{name}: {told}");
        }
        let told = asked(&host, name, &format!("https://localhost:{}/", unknown.address.port())).await;
        assert!(told.contains("TlsCertificateError"), "{name}: {told}");
        // The name must be the one that is asked for.
        let told = asked(&host, name, &format!("https://{}/", trusted[0].address)).await;
        assert!(told.contains("TlsCertificateError"), "{name}: {told}");
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_read_is_refused_with_the_line_to_type() {
    let name = guest::ENVIRON_HTTP;
    let host = TestHost::new()
        .app(name, guest::bytes(name))
        .manifest(name, "[outbound]\nhttp = [\"api.example.com\"]\n")
        .run()
        .await;
    let why = host.until_state(name, AppState::Refused).await;
    assert!(why.contains("begin it with its scheme, as in `https://api.example.com`"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_dev_an_app_without_a_manifest_goes_out() {
    let outside = Outside::begin().await;
    for name in GUESTS {
        let permissive = |config: &mut Config| config.deploy.policy = Policy::permissive();
        let host = TestHost::new().config(permissive).app(name, guest::bytes(name)).run().await;
        let told = asked(&host, name, &format!("http://localhost:{}/", outside.address.port())).await;
        assert!(told.starts_with("status 200\n"), "{name}: {told}");
        let told = asked(&host, name, "http://169.254.169.254/latest/meta-data/").await;
        assert!(told.contains("DestinationIpProhibited"), "{name}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_allows_less_holds_for_what_serves_and_for_open_connections() {
    let outside = Outside::begin().await;
    let url = format!("http://{}", outside.address);
    let name = guest::ENVIRON_HTTP;
    let host = host(name, &format!("http = [\"{url}\"]"), HERE).await;
    assert!(asked(&host, name, &url).await.starts_with("status 200"));
    // The place is allowed, its network no more.
    host.deploy.set_policy(toml::from_str("outbound = [\"*://*:*\"]").unwrap());
    within("the next policy holds", async {
        while !asked(&host, name, &url).await.contains("DestinationIpProhibited") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Nothing is allowed.
    host.deploy.set_policy(Policy::default());
    let why = host.until_state(name, AppState::Refused).await;
    assert!(why.contains("the operator's policy allows none"), "{why}");
    assert_eq!(outside.connections(), 1);
    let reply = host.get(&format!("/{name}/outbound?url={url}")).await;
    assert!(!reply.text().contains("status 200"), "{reply:?}");
}
