//! Which app answers where, and what apps on one origin may do to each other.

use std::sync::Arc;

use guesthouse::dev::pages::Pages;
use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;
use http::StatusCode;

use crate::harness::client::post;
use crate::harness::host::TestHost;

#[tokio::test]
async fn an_app_answers_at_its_host_and_at_its_path() {
    let host = TestHost::new()
        .app("shop", guest::revision(1))
        .app("index", guest::revision(2))
        .app("api/users", guest::revision(3))
        .run()
        .await;
    for (authority, path, number) in [
        ("shop.localhost", "/", 1),
        ("SHOP.localhost.:8080", "/any/thing", 1),
        ("localhost", "/shop/", 1),
        ("127.0.0.1", "/shop/x", 1),
        ("[::1]:80", "/", 2),
        ("localhost", "/shops/", 2),
        ("localhost", "/api/users/7", 3),
        ("localhost", "/api/", 2),
    ] {
        let reply = host.get_at(authority, path).await;
        assert_eq!(reply.text(), guest::revision_text(number), "{authority}{path}");
    }
    let redirect = host.get("/shop?size=1&size=2").await;
    assert_eq!(
        (redirect.status, redirect.header("location")),
        (StatusCode::PERMANENT_REDIRECT, "/shop/?size=1&size=2")
    );
}

/// The guest gets the bytes that were sent; routes are compared with them, and what two readers would route differently is
/// refused.
#[tokio::test]
async fn an_encoded_slash_is_the_guests_and_no_routes() {
    let host = TestHost::new()
        .app("shop", guest::bytes(guest::ENVIRON))
        .app("shop/deep", guest::bytes(guest::ENVIRON))
        .app("index", guest::bytes(guest::ENVIRON))
        .run()
        .await;
    for (authority, sent, mount, path) in [
        ("shop.localhost", "/a%2Fb?c=%2f", "", "/a%2Fb"),
        ("shop.localhost", "/%2f%2f", "", "/%2f%2f"),
        ("shop.localhost", "/@scope%2fname", "", "/@scope%2fname"),
        ("shop.localhost", "/..%252f%25", "", "/..%252f%25"),
        ("localhost", "/shop/a%2fb/", "/shop", "/a%2fb/"),
        ("localhost", "/shop/deep/%2f", "/shop/deep", "/%2f"),
        ("localhost", "/@scope%2fname", "", "/@scope%2fname"),
    ] {
        let reply = host.get_at(authority, sent).await;
        let text = reply.text();
        assert!(text.contains(&format!("mount: {mount}\npath: {path}\n")), "{authority}{sent}: {text}");
    }
    for (authority, sent) in [
        ("localhost", "/shop%2fa"),
        ("localhost", "/shop%2F"),
        ("localhost", "/%2fshop/..%2f"),
        ("localhost", "/shop/deep%2fa"),
        ("localhost", "/shop%2fdeep"),
        ("shop.localhost", "/%2e%2e%2fa"),
        ("shop.localhost", "/a%5cb"),
    ] {
        assert_eq!(host.get_at(authority, sent).await.status, StatusCode::BAD_REQUEST, "{authority}{sent}");
    }
}

/// On a mount and of `index` beside mounts, but not on a host of the app's own.
#[tokio::test]
async fn nobody_speaks_for_an_origin_that_others_share() {
    let host =
        TestHost::new().app("shop", guest::bytes(guest::FIELDS)).app("index", guest::bytes(guest::FIELDS)).run().await;
    let of_the_origin = [
        "clear-site-data",
        "strict-transport-security",
        "alt-svc",
        "service-worker-allowed",
        "nel",
        "report-to",
        "reporting-endpoints",
        "accept-ch",
        "set-login",
        "origin-agent-cluster",
    ];
    let fields = of_the_origin.map(|name| format!("{name}:x")).join("%7C");
    let query = format!("?fields={fields}%7Cpermissions-policy:x%7Cwww-authenticate:x");
    for (authority, path, is_shared) in [
        ("localhost", "/shop/", true),
        ("localhost", "/", true),
        ("127.0.0.1", "/", true),
        ("shop.localhost", "/", false),
    ] {
        let reply = host.get_at(authority, &format!("{path}{query}")).await;
        for name in of_the_origin {
            assert_eq!(reply.header(name), if is_shared { "" } else { "x" }, "{authority}{path}: {name}");
        }
        for name in ["permissions-policy", "www-authenticate"] {
            assert_eq!(reply.header(name), "x", "{authority}{path}: {name}");
        }
    }
}

#[tokio::test]
async fn only_hosts_that_are_ours_are_served() {
    let host = TestHost::new()
        .app("shop", guest::revision(1))
        .config(|config| config.deploy.origins.hosts = vec!["box.example".to_owned()])
        .run()
        .await;
    assert_eq!(host.get_at("box.example", "/shop/").await.status, StatusCode::OK);
    assert_eq!(host.get_at("nobody.localhost", "/").await.status, StatusCode::NOT_FOUND);
    let foreign = host.get_at("evil.example", "/shop/").await;
    assert_eq!(foreign.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(!foreign.text().contains("--host"), "a stranger is no operator: {}", foreign.text());
}

#[tokio::test]
async fn whoever_works_here_reads_what_to_do_and_only_what_is_true() {
    let host = |path_routes| {
        TestHost::new().app("shop", guest::revision(1)).config(move |config| {
            config.serve.inner_details = true;
            config.deploy.origins.path_routes = path_routes;
        })
    };
    let paths = host(true).run().await;
    let foreign = paths.get_at("evil.example", "/").await.text();
    assert!(foreign.contains("For the operator: ") && foreign.contains("--host evil.example"), "{foreign}");
    let nothing = paths.get("/other/").await.text();
    assert!(nothing.contains("answers at `/shop/` and at `shop.localhost`."), "{nothing}");
    let nothing = host(false).run().await.get_at("other.localhost", "/").await.text();
    assert!(nothing.contains("answers at `shop.localhost`."), "{nothing}");
}

#[tokio::test]
async fn without_path_routes_only_hosts_lead_to_apps() {
    let host = TestHost::new()
        .app("shop", guest::revision(1))
        .config(|config| {
            config.deploy.origins.domain = "example.org".to_owned();
            config.deploy.origins.path_routes = false;
        })
        .run()
        .await;
    assert_eq!(host.get_at("shop.example.org", "/").await.status, StatusCode::OK);
    assert_eq!(host.get_at("example.org", "/shop/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_declared_host_needs_the_operators_leave_and_the_first_one_keeps_it() {
    let manifest = "routes = [\"buy.example\"]\n";
    let host = TestHost::new().app("shop", guest::revision(1)).manifest("shop", manifest).run().await;
    let why = host.until_state("shop", AppState::Refused).await;
    assert!(why.contains("buy.example"), "{why}");

    let host = TestHost::new()
        .app("shop", guest::revision(1))
        .manifest("shop", manifest)
        .config(|config| config.deploy.policy = guesthouse_manifest::policy::Policy::permissive())
        .run()
        .await;
    assert_eq!(host.get_at("buy.example", "/").await.text(), guest::revision_text(1));
    host.apps.rename_in("thief.toml", manifest);
    host.apps.rename_in("thief.wasm", guest::revision(2));
    let why = host.until_state("thief", AppState::Conflict).await;
    assert!(why.contains("shop"), "{why}");
    assert_eq!(host.get_at("buy.example", "/").await.text(), guest::revision_text(1));
}

#[tokio::test]
async fn a_cookie_set_on_a_path_route_stays_there() {
    let host = TestHost::new().app("todo", guest::bytes(guest::TODO)).run().await;
    let add = || {
        let mut add = post("/todo/add", "text=x");
        add.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        add
    };
    let shared = host.send(add()).await;
    assert!(shared.header("set-cookie").to_lowercase().contains("path=/todo/"), "{shared:?}");
    let mut own = add();
    *own.uri_mut() = "/add".parse().unwrap();
    own.headers_mut().insert("host", "todo.localhost".parse().unwrap());
    let own = host.send(own).await;
    assert!(own.header("set-cookie").to_lowercase().contains("path=/"), "{own:?}");
    assert!(!own.header("set-cookie").contains("/todo"), "{own:?}");
}

#[tokio::test]
async fn an_app_that_is_not_ready_is_not_unknown() {
    let half = guest::revision(1)[..1000].to_vec();
    let host = TestHost::new().app("shop", b"<!doctype html>").app("half", half).run().await;
    host.until_state("shop", AppState::Refused).await;
    host.until_state("half", AppState::Pending).await;
    let refused = host.get("/shop/").await;
    assert_eq!((refused.status, refused.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, ""));
    assert!(refused.text().contains("`shop` cannot be started.\nTrying again does not help"), "{}", refused.text());
    assert!(!refused.text().contains("WebAssembly"), "the reason is the operator's: {}", refused.text());
    let pending = host.get("/half/").await;
    assert_eq!((pending.status, pending.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "2"));
    assert!(pending.text().contains("`half` is not ready yet.\nTry again in a moment."), "{}", pending.text());
    let unknown = host.get("/other/").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(!unknown.text().contains(".wasm"), "a visitor drops no file: {}", unknown.text());
}

#[tokio::test]
async fn in_dev_the_pages_show_what_is_inside() {
    let host = TestHost::new()
        .app("shop", b"<!doctype html>")
        .app("hello", guest::bytes(guest::HELLO))
        .config(|config| {
            config.serve.inner_details = true;
            config.serve.dev_pages = Some(Arc::new(Pages::default()));
        })
        .run()
        .await;
    assert!(host.get("/shop/").await.text().contains("not WebAssembly"));
    let index = host.get("/").await;
    assert_eq!(index.status, StatusCode::OK);
    assert!(index.text().contains("hello.localhost") && index.text().contains("shop"), "{}", index.text());
}

#[tokio::test]
async fn at_its_start_the_host_does_not_say_that_an_app_is_not_there() {
    let host = TestHost::new().app("shop", guest::revision(1)).start();
    // From the very first request on: not ready, until it is.
    let mut client = host.client();
    loop {
        let reply = client.get("/shop/").await;
        match reply.status {
            StatusCode::OK => break,
            status => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{}", reply.text()),
        }
    }
}
