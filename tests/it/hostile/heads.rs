//! Heads that no response should have, in each lane.

use guesthouse_manifest::policy::Policy;
use guesthouse_test_guests as guest;

use crate::harness::beside::Beside;
use crate::harness::host::TestHost;

#[tokio::test]
async fn a_status_that_http_has_no_meaning_for_is_a_bad_gateway() {
    let mut gateway = Beside::guest(guest::BAD_HEADERS, "").await;
    for code in [0, 1, 99, 100, 101, 103, 199, 600, 999, 1000, 65535] {
        gateway.check(&format!("/bad-headers/?kind=status&code={code}"), "502").await;
    }
    gateway.check("/bad-headers/?kind=status&code=418", "418 bad headers").await;
    // The interfaces of WASI refuse by themselves what their host cannot say.
    let mut http02 = Beside::guest(guest::BAD_HTTP, "").await;
    for code in [100, 101, 103, 199, 600, 999] {
        http02.check(&format!("/bad-http/status?code={code}"), "502").await;
    }
    for code in [0, 99, 1000, 65535] {
        http02.check(&format!("/bad-http/status?code={code}"), "200 refused").await;
    }
    http02.check("/bad-http/status?code=599", "599 a status").await;
    let mut http03 = Beside::guest(guest::BAD_HTTP03, "").await;
    for code in [100, 101, 103, 199] {
        http03.check(&format!("/bad-http03/status?code={code}"), "502").await;
    }
    for code in [0, 99, 600, 999, 1000, 65535] {
        http03.check(&format!("/bad-http03/status?code={code}"), "200 refused").await;
    }
    http03.check("/bad-http03/status?code=599", "599 a head").await;
}

const OF_THE_CONNECTION: &[&str] =
    &["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "http2-settings", "x-mine"];

#[tokio::test]
async fn fields_of_the_connection_are_not_a_guests_to_say() {
    let mut gateway = Beside::guest(guest::BAD_HEADERS, "").await;
    let reply = gateway.check("/bad-headers/?kind=hop", "200 bad headers\n").await.unwrap();
    assert_eq!(reply.header("content-length"), "12");
    for name in OF_THE_CONNECTION {
        assert!(!reply.headers.contains_key(*name), "{name}: {reply:?}");
    }
    for name in [guest::BAD_HTTP, guest::BAD_HTTP03] {
        let mut beside = Beside::guest(name, "").await;
        for field in OF_THE_CONNECTION {
            let path = format!("/{name}/field?name={field}");
            let reply = beside.check(&path, "200 refused: |200 a field|200 a head").await.unwrap();
            // How a body is framed is the host's own: a guest of 0.3 may still be writing when its head goes out.
            let (own, said) = (reply.headers.get(*field).map(|value| value.as_bytes()), *field == "x-mine");
            let is_ours = *field == "transfer-encoding" && own == Some(b"chunked");
            assert!(own.is_none() || said || is_ours, "{path}: {reply:?}");
        }
        for field in ["connection", "transfer-encoding", "upgrade", "host"] {
            beside.check(&format!("/{name}/field?name={field}"), "200 refused: ").await;
        }
    }
}

#[tokio::test]
async fn a_field_that_would_split_the_head_never_reaches_it() {
    let mut gateway = Beside::guest(guest::BAD_HEADERS, "").await;
    gateway.check_all("/bad-headers", &[("/?kind=split", "502"), ("/?kind=name", "502")]).await;
    for name in [guest::BAD_HTTP, guest::BAD_HTTP03] {
        let mut beside = Beside::guest(name, "").await;
        for field in ["split", "name"] {
            let reply = beside.check(&format!("/{name}/field?name={field}"), "200 refused: ").await.unwrap();
            assert!(!reply.headers.contains_key("set-cookie"), "{reply:?}");
        }
    }
}

#[tokio::test]
async fn a_head_of_too_many_fields_or_bytes_is_refused() {
    let mut gateway = Beside::guest(guest::BAD_HEADERS, "").await;
    let cases = [
        ("/?n=90&len=1000", "200 bad headers"),
        ("/?n=1001&len=1", "502"),
        ("/?n=10000&len=100", "502"),
        ("/?n=1&len=200000", "502"),
        // So many that a map of headers panics.
        ("/?kind=same&n=26000", "502"),
    ];
    gateway.check_all("/bad-headers", &cases).await;
    for name in [guest::BAD_HTTP, guest::BAD_HTTP03] {
        let mut beside = Beside::guest(name, "").await;
        let cases = [
            ("/fields?count=90&length=1000", "200 fields|200 a head"),
            ("/fields?count=1001&length=1", "502"),
            ("/fields?count=100000&length=1", "502|200 refused after 1"),
            ("/fields?count=1&length=200000", "502|200 refused after 0"),
            ("/fields?count=100000&length=10000", "502|200 refused after 1"),
        ];
        beside.check_all(&format!("/{name}"), &cases).await;
    }
}

#[tokio::test]
async fn a_body_that_is_not_as_long_as_its_head_says_is_no_whole_response() {
    let mut http02 = Beside::guest(guest::BAD_HTTP, "").await;
    http02.check_all("/bad-http", &[("/short", "502|cut"), ("/long", "502|cut")]).await;
    http02.check("/bad-http/field?name=content-length", "200 refused: ").await;
    let mut http03 = Beside::guest(guest::MISDEED_HTTP03, "").await;
    http03.check_all("/misdeed-http03", &[("/short", "502|cut"), ("/long", "502|cut")]).await;
}

#[tokio::test]
async fn a_body_that_is_never_finished_is_whole_unless_its_guest_drops_it() {
    for reuse in ["", "[instances]\nreuse = 100\n"] {
        let host = TestHost::new()
            .app("bad-http", guest::bytes(guest::BAD_HTTP))
            .manifest("bad-http", &format!("{reuse}[limits]\nbody_idle = \"1h\"\n"))
            .config(|config| config.deploy.policy = Policy::permissive());
        let mut beside = Beside::run(host).await;
        // A language without destructors leaks it when its handler returns, and has written all that it will.
        beside.check_all("/bad-http", &[("/leaked", "200 first\n"), ("/leaked", "200 first\n")]).await;
        // Dropped, it is corrupt (`outgoing-body` in wasi:http/types).
        beside.check_all("/bad-http", &[("/dropped", "502|cut"), ("/leaked", "200 first\n")]).await;
    }
}

#[tokio::test]
async fn a_guest_that_writes_before_it_sets_its_response_is_told_so() {
    let host = TestHost::new()
        .app("bad-http", guest::bytes(guest::BAD_HTTP))
        .manifest("bad-http", "[limits]\nhead = \"1s\"\n")
        .config(|config| config.serve.inner_details = true);
    let mut beside = Beside::run(host).await;
    let reply = beside.check("/bad-http/early", "504").await.unwrap();
    assert!(reply.text().contains("response-outparam.set"), "{}", reply.text());
    // One that only waits is told the plain reason.
    let reply = beside.check("/bad-http/wait", "504").await.unwrap();
    assert!(!reply.text().contains("response-outparam.set"), "{}", reply.text());
}

#[tokio::test]
async fn fields_after_the_body_have_a_bound_too() {
    for name in [guest::BAD_HTTP, guest::BAD_HTTP03] {
        let mut beside = Beside::guest(name, "").await;
        let cases = [("/trailers?count=10", "200 first"), ("/trailers?count=100000", "502|200 refused after 1")];
        beside.check_all(&format!("/{name}"), &cases).await;
    }
}
