//! Apps that call one another within the host: both sides agree, and nothing leaves the process.

use guesthouse_test_guests as guest;

use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::outbound::granted::GUESTS;
use crate::outbound::granted::policy;

const ALLOWED: &str = "outbound = [\"*://*.guesthouse.internal\"]";

/// A host on which `name` asks for all other apps, and `called` names its callers.
async fn host(name: &str, called: &str, callers: &str) -> Running {
    let asks = "[outbound]\nhttp = [\"*://*.guesthouse.internal\"]\n";
    let host = TestHost::new().config(policy(ALLOWED)).app(name, guest::bytes(name)).manifest(name, asks);
    host.app(called, guest::bytes(called)).manifest(called, &format!("[internal]\ncallers = [{callers}]\n")).run().await
}

async fn asked(host: &Running, name: &str, url: &str) -> String {
    let reply = host.get(&format!("/{name}/outbound?url={url}")).await;
    reply.text().strip_prefix("outbound: ").unwrap_or_else(|| panic!("{reply:?}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_called_that_names_its_caller() {
    for name in GUESTS {
        for called in GUESTS.into_iter().filter(|called| *called != name) {
            let host = host(name, called, &format!("\"{name}\"")).await;
            let url = format!("http://{called}.guesthouse.internal");
            let told = asked(&host, name, &format!("{url}/some/path?body=sent")).await;
            assert!(told.starts_with("status 200\nbody "), "{name}: {told}");
            for line in [
                "method: GET",
                "scheme: http",
                &format!("authority: {called}.guesthouse.internal"),
                "path: /some/path",
                &format!("header x-guesthouse-caller: {name}"),
                "header x-kept: yes",
            ] {
                assert!(told.contains(&format!("{line}\n")), "{name} → {called}: no `{line}` in {told}");
            }
            // A visitor cannot say so.
            let forged = host
                .send(
                    http::Request::get(format!("/{called}/"))
                        .header("x-guesthouse-caller", name)
                        .body("".into())
                        .unwrap(),
                )
                .await
                .text();
            assert!(forged.contains("method: GET\n") && !forged.contains("x-guesthouse-caller"), "{forged}");
            let sent = host.get(&format!("/{name}/outbound?url={url}/&body=from-a-guest")).await.text();
            assert!(sent.contains("method: POST\n") && sent.contains("body: from-a-guest\n"), "{name}: {sent}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_named_is_refused_and_so_is_what_is_not_there() {
    let called = guest::HELLO;
    for name in GUESTS {
        let host = host(name, called, "\"somebody-else\"").await;
        for (url, code) in [
            (format!("http://{called}.guesthouse.internal/"), "HttpRequestDenied"),
            ("http://nobody.guesthouse.internal/".to_owned(), "DestinationNotFound"),
            (format!("https://{called}.guesthouse.internal/"), "HttpRequestUriInvalid"),
            (format!("http://{called}.guesthouse.internal:81/"), "HttpRequestDenied"),
        ] {
            let told = asked(&host, name, &url).await;
            assert!(told.contains(code), "{name}: {url}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_circle_ends_and_a_failure_is_a_status() {
    for name in GUESTS {
        let host = host(name, guest::BAD_TRAP, "\"*\"").await;
        let told = asked(&host, name, &format!("http://{}.guesthouse.internal/", guest::BAD_TRAP)).await;
        assert!(told.starts_with("status 502\n"), "{name}: {told}");

        let asks = "[outbound]\nhttp = [\"http://*.guesthouse.internal\"]\n[internal]\ncallers = [\"*\"]\n";
        let alone = TestHost::new().config(policy(ALLOWED)).app(name, guest::bytes(name)).manifest(name, asks);
        let alone = alone.run().await;
        let again = format!("http://{name}.guesthouse.internal/outbound?url=").repeat(9);
        let told = asked(&alone, name, &format!("{again}http://{name}.guesthouse.internal/")).await;
        assert_eq!(told.matches("status 200").count(), 8, "{name}: {told}");
        assert!(told.contains("LoopDetected"), "{name}: {told}");
    }
}
