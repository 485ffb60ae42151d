//! Every guest app has a test that is named after it; without one, this file does not compile.

use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;
use http::Method;
use http::StatusCode;

use crate::harness::client::Client;
use crate::harness::client::get;
use crate::harness::client::post;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::within;

macro_rules! assert_test_exists {
    ($name:ident) => {
        #[expect(unused_imports, reason = "only its existence matters")]
        use self::$name as _;
    };
}
guest::foreach_guest!(assert_test_exists);

async fn host(name: &str) -> Running {
    TestHost::new().app(name, guest::bytes(name)).run().await
}

/// The guest fails, the visitor gets `status` without inner details, and the host goes on.
async fn check_fault(name: &str, path: &str, status: StatusCode) {
    let host = TestHost::new()
        .app(name, guest::bytes(name))
        .app("hello", guest::bytes(guest::HELLO))
        .manifest(name, "[limits]\ncpu = \"1s\"\nhead = \"3s\"\nmemory = \"16MiB\"\n")
        .run()
        .await;
    let reply = host.get(&format!("/{name}{path}")).await;
    assert_eq!(reply.status, status, "{name}{path}: {}", reply.text());
    assert!(!reply.text().contains("wasm trap"), "{}", reply.text());
    assert_eq!(host.get("/hello/").await.status, StatusCode::OK);
}

/// The guest fails after its head was sent: the body is cut, and does not look whole.
async fn check_cut(name: &str, path: &str) {
    let manifest = "[limits]\ncpu = \"300ms\"\nbody_idle = \"1s\"\n";
    let host = TestHost::new().app(name, guest::bytes(name)).manifest(name, manifest).run().await;
    let cut = Client::new(host.address).try_send(get(&format!("/{name}{path}"))).await;
    assert!(cut.is_err(), "{name}{path}: {cut:?}");
}

/// The guest fails in the same breath as it sends its head, so that it may be found out before the head is sent.
async fn check_cut_or_refused(name: &str, path: &str) {
    let host = host(name).await;
    match Client::new(host.address).try_send(get(&format!("/{name}{path}"))).await {
        Ok(reply) => assert_eq!(reply.status, StatusCode::BAD_GATEWAY, "{name}{path}: {}", reply.text()),
        Err(cut) => drop(cut),
    }
}

/// The guest fails after its response was complete, which is no visitor's concern, and no later request's either.
async fn check_whole(name: &str, path: &str) {
    let manifest = "[limits]\ncpu = \"300ms\"\nbody_idle = \"1s\"\n";
    let host = TestHost::new().app(name, guest::bytes(name)).manifest(name, manifest).run().await;
    for _ in 0..2 {
        let reply = host.get(&format!("/{name}{path}")).await;
        assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, "first\n"), "{name}{path}");
    }
}

#[tokio::test]
async fn hello() {
    let host = host(guest::HELLO).await;
    let reply = host.get("/hello/").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
    assert!(reply.text().contains("<h1>hello</h1>"), "{}", reply.text());
}

#[tokio::test]
async fn charge() {
    let host = host(guest::CHARGE).await;
    assert!(host.get("/charge/").await.text().contains("<form method=post"));
    // Nobody has told it whom to ask (`outbound::samples` does).
    let refused = host.send(post("/charge/charge?amount=1", "")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn hello_http() {
    let host = host(guest::HELLO_HTTP).await;
    let reply = host.get("/hello-http/").await;
    assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, "hello\n"));
    assert_eq!(reply.header("content-length"), "6");
}

#[tokio::test]
async fn hello_http03() {
    let host = host(guest::HELLO_HTTP03).await;
    let reply = host.get("/hello-http03/").await;
    assert_eq!((reply.status, reply.text().as_str()), (StatusCode::OK, "hello\n"));
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
}

#[tokio::test]
async fn auth_http03() {
    let host = host(guest::AUTH_HTTP03).await;
    let why = host.until_state("auth-http03", AppState::Refused).await;
    assert!(why.starts_with("a middleware, not an app"), "{why}");
    assert!(why.contains("rename it to `_auth-http03.wasm`, and write `before = [\"_auth-http03.wasm\"]`"), "{why}");
}

#[tokio::test]
async fn inspect() {
    let host = host(guest::INSPECT).await;
    let mut request = post("/inspect/x?q=%3Cscript%3E", "note=<b>hi</b>");
    request.headers_mut().insert("x-odd", "<i>\"quoted\"</i>".parse().unwrap());
    request.headers_mut().insert("cookie", "flavour=plain".parse().unwrap());
    let page = host.send(request).await.text();
    for shown in ["POST", "x-odd", "flavour", "&lt;b&gt;hi&lt;/b&gt;"] {
        assert!(page.contains(shown), "no `{shown}` in\n{page}");
    }
    assert!(!page.contains("<b>hi</b>") && !page.contains("<i>\"quoted"), "not escaped:\n{page}");
}

async fn check_echo(name: &str) {
    let host = host(name).await;
    let body: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let mut request = post(&format!("/{name}/"), body.clone());
    request.headers_mut().insert("content-type", "application/x-odd".parse().unwrap());
    let reply = host.send(request).await;
    assert_eq!(reply.header("content-type"), "application/x-odd");
    assert!(reply.body == body, "{} of {} bytes", reply.body.len(), body.len());
}

#[tokio::test]
async fn echo() {
    check_echo(guest::ECHO).await;
}

#[tokio::test]
async fn echo_whole() {
    check_echo(guest::ECHO_WHOLE).await;
}

#[tokio::test]
async fn echo_http03() {
    check_echo(guest::ECHO_HTTP03).await;
}

#[tokio::test]
async fn fields() {
    let host = host(guest::FIELDS).await;
    let reply = host.get("/fields/x?status=404&bytes=20&fields=x-odd:1%7Cx-odd:2").await;
    assert_eq!((reply.status, reply.text().as_str()), (StatusCode::NOT_FOUND, "the guest: GET /x\nli"));
    assert_eq!(reply.headers.get_all("x-odd").iter().count(), 2, "{reply:?}");
}

#[tokio::test]
async fn clock() {
    let host = host(guest::CLOCK).await;
    assert!(host.get("/clock/").await.text().contains("EventSource"));
    let reply = host.get("/clock/events?n=3&ms=10").await;
    assert_eq!(reply.header("content-type"), "text/event-stream");
    assert_eq!(reply.text().matches("data: ").count(), 3, "{}", reply.text());
}

#[tokio::test]
async fn todo() {
    let host = host(guest::TODO).await;
    let mut client = host.client();
    let mut add = post("/todo/add", "text=buy+%3Cmilk%3E");
    add.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    let added = client.send(add).await;
    assert_eq!((added.status, added.header("location")), (StatusCode::SEE_OTHER, "/todo/"));
    let cookie = added.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(added.header("set-cookie").to_lowercase().contains("path=/todo/"), "{added:?}");
    let mut list = get("/todo/");
    list.headers_mut().insert("cookie", cookie.parse().unwrap());
    let page = client.send(list).await.text();
    assert!(page.contains("buy &lt;milk&gt;"), "{page}");
    assert_eq!(client.get("/todo/nowhere").await.status, StatusCode::NOT_FOUND);
    assert_eq!(client.get("/todo/add").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

async fn check_environ(name: &str) {
    let manifest = "[environment]\nGREETING = \"moin\"\n";
    let host = TestHost::new().app(name, guest::bytes(name)).manifest(name, manifest).run().await;
    let mut request = post(&format!("/{name}/a%2Db?q=1"), "the body");
    for (field, value) in [
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-prefix", "/evil"),
        ("x_forwarded_for", "6.6.6.6"),
        ("x-real-ip", "6.6.6.6"),
        ("x-request-id", "forged"),
        ("proxy", "http://evil.example"),
        ("x-kept", "yes"),
    ] {
        request.headers_mut().insert(field, value.parse().unwrap());
    }
    let seen = host.send(request).await.text();
    let port = host.address.port();
    for line in [
        "method: POST",
        "scheme: http",
        &format!("authority: localhost:{port}"),
        &format!("mount: /{name}"),
        "path: /a%2Db",
        "query: q=1",
        "peer: 127.0.0.1",
        "header x-kept: yes",
        "body-length: 8",
        "body: the body",
        "env GREETING=moin",
    ] {
        assert!(seen.lines().any(|found| found == line), "{name}: no `{line}` in\n{seen}");
    }
    assert!(!seen.contains("6.6.6.6") && !seen.contains("evil") && !seen.contains("forged"), "{seen}");
    assert!(!seen.contains("env PATH") && !seen.contains("env HOME"), "{seen}");
    assert!(!seen.contains("allowed"), "a file or a socket was opened:\n{seen}");

    let own = host.get_at(&format!("{name}.localhost"), "/").await.text();
    assert!(own.lines().any(|line| line == "mount: " || line == "mount:"), "{own}");
}

#[tokio::test]
async fn environ() {
    check_environ(guest::ENVIRON).await;
}

async fn check_outbound(name: &str) {
    let host = host(name).await;
    let outbound = host.get(&format!("/{name}/outbound?url=http://{}/", host.address)).await;
    assert!(outbound.text().contains("HttpRequestDenied"), "{name}: {}", outbound.text());
}

#[tokio::test]
async fn environ_http() {
    check_environ(guest::ENVIRON_HTTP).await;
    check_outbound(guest::ENVIRON_HTTP).await;
}

#[tokio::test]
async fn environ_http03() {
    check_environ(guest::ENVIRON_HTTP03).await;
    check_outbound(guest::ENVIRON_HTTP03).await;
}

#[tokio::test]
async fn counter() {
    let host = host(guest::COUNTER).await;
    let mut client = host.client();
    for _ in 0..3 {
        let seen = client.get("/counter/").await.text();
        assert!(seen.contains("requests: 1\n") && seen.contains("variable: unset"), "{seen}");
    }
}

/// One line for each channel, and nothing was found in any.
async fn check_carry(name: &str) {
    let host = host(name).await;
    let mut client = host.client();
    for _ in 0..3 {
        let report = client.get(&format!("/{name}/")).await.text();
        assert_eq!(report.lines().count(), 7, "{name}: {report}");
        assert!(report.lines().all(|line| line.contains(": found nothing, left ")), "{name}: {report}");
    }
}

#[tokio::test]
async fn carry() {
    check_carry(guest::CARRY).await;
}

#[tokio::test]
async fn carry_http() {
    check_carry(guest::CARRY_HTTP).await;
}

#[tokio::test]
async fn carry_http03() {
    check_carry(guest::CARRY_HTTP03).await;
}

#[tokio::test]
async fn tally() {
    let manifest = "[instances]\nreuse = 3\ngrowth = \"8MiB\"\n";
    let host = TestHost::new().app("tally", guest::bytes(guest::TALLY)).manifest("tally", manifest).run().await;
    let mut client = host.client();
    for answered in [1, 2, 3, 1, 2] {
        assert_eq!(client.get("/tally/").await.text(), format!("answered: {answered}\n"));
    }
    assert_eq!(client.get("/tally/").await.text(), "answered: 3\n");
    // The first request makes the instance larger than it may become: it answers, and is replaced.
    assert!(client.get("/tally/grow?mib=20").await.text().starts_with("answered: 1\nmemory: "));
    assert_eq!(client.get("/tally/").await.text(), "answered: 1\n");

    // Without a manifest it is the component that asks.
    let host = TestHost::new().app("tally", guest::bytes(guest::TALLY)).run().await;
    let mut client = host.client();
    for answered in 1..=5 {
        assert_eq!(client.get("/tally/").await.text(), format!("answered: {answered}\n"));
    }
}

#[tokio::test]
async fn toil() {
    let host = host(guest::TOIL).await;
    assert_eq!(host.get("/toil/?rounds=0").await.text(), "cbf29ce484222325\n");
    assert_eq!(host.get("/toil/?rounds=1000").await.text(), "988cc5afd8cb65dd\n");
}

#[tokio::test]
async fn meet_http03() {
    let manifest = "[instances]\nreuse = 100000\nconcurrent = 16\n";
    let name = guest::MEET_HTTP03;
    let host = TestHost::new().app(name, guest::bytes(name)).manifest(name, manifest).run().await;
    let mut client = host.client();
    assert_eq!(client.get("/meet-http03/remember?a").await.text(), "nothing\n");
    assert_eq!(client.get("/meet-http03/remember?b").await.text(), "a\n");

    // There are as many instances as cores before one has two requests at once: with somebody waiting in each of them,
    // whoever comes next meets one of those.
    let (met, mut heard) = tokio::sync::mpsc::channel(1);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let visitors: Vec<_> = (0..cores)
        .map(|_| {
            let (mut visitor, met) = (host.client(), met.clone());
            tokio::task::spawn(async move { met.send(visitor.get("/meet-http03/wait").await.text()).await })
        })
        .collect();
    within("everyone to wait", async { while !client.get("/meet-http03/count").await.text().contains("serving 2") {} })
        .await;
    assert_eq!(client.get("/meet-http03/ring").await.text(), "rang for 1\n");
    assert_eq!(within("the bell", heard.recv()).await.unwrap(), "met\n");
    visitors.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn large() {
    let host = host(guest::LARGE).await;
    for _ in 0..2 {
        assert_eq!(host.get("/large/").await.text(), "12582912 bytes, 0 of them used before\n");
    }
}

#[tokio::test]
async fn revision() {
    let host = TestHost::new().app("revision", guest::revision(42)).run().await;
    assert_eq!(host.get("/revision/").await.text(), guest::revision_text(42));
}

async fn check_revision(name: &str, make: fn(u32) -> Vec<u8>) {
    let host = TestHost::new().app(name, make(43)).run().await;
    assert_eq!(host.get(&format!("/{name}/")).await.text(), guest::revision_text(43));
    let slow = host.get(&format!("/{name}/slow")).await.text();
    assert_eq!(slow.matches(&guest::revision_text(43)).count(), 5, "{name}: {slow}");
}

#[tokio::test]
async fn revision_http() {
    check_revision(guest::REVISION_HTTP, guest::revision_http).await;
}

#[tokio::test]
async fn revision_http03() {
    check_revision(guest::REVISION_HTTP03, guest::revision_http03).await;
}

async fn check_flow(name: &str) {
    let host = host(name).await;
    let at = |path: &str| format!("/{name}{path}");
    let mut client = host.client();
    assert_eq!(client.get(&at("/empty")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(client.send(post(&at("/drop-body"), vec![b'x'; 1 << 20])).await.text(), "not read\n");
    assert_eq!(client.send(post(&at("/read-slow?ms=1"), vec![b'x'; 100_000])).await.text(), "read 100000\n");
    assert_eq!(client.get(&at("/trailers")).await.text(), "see below\n");
    assert_eq!(client.get(&at("/flood?bytes=3000000")).await.body.len(), 3_000_000);
    let mut head = get(&at("/flood?bytes=3000000"));
    *head.method_mut() = Method::HEAD;
    assert_eq!(client.send(head).await.body.len(), 0);
}

#[tokio::test]
async fn flow() {
    check_flow(guest::FLOW).await;
    let host = host(guest::FLOW).await;
    let body: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let reply = host.send(post("/flow/splice", body.clone())).await;
    assert!(reply.body == body, "{} of {} bytes", reply.body.len(), body.len());
}

#[tokio::test]
async fn flow_http03() {
    check_flow(guest::FLOW_HTTP03).await;
    let host = host(guest::FLOW_HTTP03).await;
    assert_eq!(host.get("/flow-http03/drip?n=3&ms=5").await.text(), "line 1\nline 2\nline 3\n");
    // The response is whole while the guest still works: for a year, if nobody ended it.
    assert_eq!(within("all of it", host.get("/flow-http03/after?n=100000000&ms=300")).await.text(), "complete\n");
}

#[tokio::test]
async fn bad_trap() {
    check_fault(guest::BAD_TRAP, "/", StatusCode::BAD_GATEWAY).await;
}

#[tokio::test]
async fn bad_trap_http() {
    check_fault(guest::BAD_TRAP_HTTP, "/", StatusCode::BAD_GATEWAY).await;
}

#[tokio::test]
async fn bad_late_trap() {
    check_cut_or_refused(guest::BAD_LATE_TRAP, "/").await;
}

#[tokio::test]
async fn bad_loop() {
    check_fault(guest::BAD_LOOP, "/", StatusCode::GATEWAY_TIMEOUT).await;
}

#[tokio::test]
async fn bad_loop_http() {
    check_fault(guest::BAD_LOOP_HTTP, "/", StatusCode::GATEWAY_TIMEOUT).await;
    check_cut(guest::BAD_LOOP_HTTP, "/late").await;
}

#[tokio::test]
async fn bad_never() {
    check_fault(guest::BAD_NEVER, "/", StatusCode::GATEWAY_TIMEOUT).await;
    check_cut(guest::BAD_NEVER, "/late").await;
}

#[tokio::test]
async fn bad_http() {
    check_fault(guest::BAD_HTTP, "/status?code=101", StatusCode::BAD_GATEWAY).await;
    check_cut(guest::BAD_HTTP, "/trap-late").await;
}

#[tokio::test]
async fn bad_http03() {
    check_fault(guest::BAD_HTTP03, "/status?code=101", StatusCode::BAD_GATEWAY).await;
    check_cut(guest::BAD_HTTP03, "/trap-late").await;
}

#[tokio::test]
async fn bad_silent() {
    check_fault(guest::BAD_SILENT, "/", StatusCode::BAD_GATEWAY).await;
}

#[tokio::test]
async fn misdeed_http03() {
    let name = guest::MISDEED_HTTP03;
    check_fault(name, "/trap", StatusCode::BAD_GATEWAY).await;
    check_fault(name, "/exit", StatusCode::BAD_GATEWAY).await;
    check_fault(name, "/hoard", StatusCode::BAD_GATEWAY).await;
    check_fault(name, "/error", StatusCode::BAD_GATEWAY).await;
    check_fault(name, "/loop", StatusCode::GATEWAY_TIMEOUT).await;
    check_fault(name, "/never", StatusCode::GATEWAY_TIMEOUT).await;
    check_cut(name, "/late-loop").await;
    check_cut(name, "/silent").await;
    for path in ["/late-trap", "/no-end", "/short", "/long"] {
        check_cut_or_refused(name, path).await;
    }
    check_whole(name, "/after-trap").await;
    check_whole(name, "/after-loop").await;
}

#[tokio::test]
async fn bad_memory() {
    check_fault(guest::BAD_MEMORY, "/", StatusCode::BAD_GATEWAY).await;
}

#[tokio::test]
async fn bad_stack() {
    check_fault(guest::BAD_STACK, "/", StatusCode::BAD_GATEWAY).await;
}

#[tokio::test]
async fn bad_exit() {
    check_fault(guest::BAD_EXIT, "/", StatusCode::BAD_GATEWAY).await;
}

#[tokio::test]
async fn bad_big() {
    check_fault(guest::BAD_BIG, "/", StatusCode::BAD_GATEWAY).await;
}

#[tokio::test]
async fn bad_headers() {
    for path in ["/", "/?kind=split", "/?kind=name", "/?kind=status&code=101", "/?kind=status&code=999"] {
        check_fault(guest::BAD_HEADERS, path, StatusCode::BAD_GATEWAY).await;
    }
}

#[tokio::test]
async fn bad_log() {
    let host = host(guest::BAD_LOG).await;
    assert_eq!(host.get("/bad-log/").await.text(), "ok\n");
    assert_eq!(host.get("/bad-log/?kind=escape").await.text(), "ok\n");
}

async fn check_refused(name: &str, reason: &str) {
    let host = host(name).await;
    let why = host.until_state(name, guesthouse_deploy::status::AppState::Refused).await;
    assert!(why.contains(reason), "{name}: {why}");
    assert_eq!(host.get(&format!("/{name}/")).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn bad_start() {
    check_refused(guest::BAD_START, "trap").await;
}

#[tokio::test]
async fn bad_health() {
    check_refused(guest::BAD_HEALTH, "the database is asleep").await;
}

/// What these do with folders is told in `files.rs` and `hostile/files.rs`; without any they answer all the same.
async fn check_files(name: &str) {
    let host = host(name).await;
    let reply = host.get(&format!("/{name}/read/tmp/a")).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND, "{}", reply.text());
}

#[tokio::test]
async fn files() {
    check_files(guest::FILES).await;
}

#[tokio::test]
async fn files_http() {
    check_files(guest::FILES_HTTP).await;
}

#[tokio::test]
async fn files_http03() {
    check_files(guest::FILES_HTTP03).await;
}

#[tokio::test]
async fn bad_files() {
    let host = host(guest::BAD_FILES).await;
    assert_eq!(host.get("/bad-files/escape").await.text(), "/data is not there\n");
}
