//! The whole request path over real sockets, with a table that has no live app.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use guesthouse_app::app::AppBody;
use guesthouse_app::routes::Entry;
use guesthouse_app::routes::Origins;
use guesthouse_app::routes::RouteTable;
use guesthouse_app::routes::RouteWriter;
use guesthouse_app::routes::Target;
use guesthouse_app::routes::routes;
use guesthouse_types::name::AppName;
use http::HeaderMap;
use http::Method;
use http::Response;
use http::StatusCode;
use http::request::Parts;
use http::uri::Authority;
use http::uri::PathAndQuery;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing_subscriber::fmt::MakeWriter;

use crate::Ended;
use crate::compress::encoder::Encoders;
use crate::dev_pages::DevPage;
use crate::dev_pages::DevPages;
use crate::dev_pages::DevRequest;
use crate::dev_pages::OverlaidBody;
use crate::dev_pages::Overlay;
use crate::dev_pages::OverlayTarget;
use crate::listen::listener::Endpoint;
use crate::listen::listener::Listener;
use crate::pages::Page;
use crate::run;
use crate::settings::ServeSettings;
use crate::settings::WireTrace;

struct Host {
    address: SocketAddr,
    stop: CancellationToken,
    ended: JoinHandle<Ended>,
    _writer: RouteWriter,
}

fn settings() -> ServeSettings {
    ServeSettings { head_bytes_max: 16 << 10, ..ServeSettings::default() }
}

fn host(settings: ServeSettings) -> Host {
    let origins = Origins { domain: "localhost".to_owned(), hosts: Vec::new(), path_routes: true };
    let (mut writer, reader) = routes(origins.clone());
    let waiting = |name: &str| Entry {
        name: AppName::parse(name).unwrap(),
        target: Target::Waiting("<compiling>".to_owned()),
        declared: Vec::new(),
    };
    writer.publish(RouteTable::build(vec![waiting("shop")], origins));
    let listener = Listener::bind(Endpoint::http("127.0.0.1:0".parse().unwrap())).unwrap();
    let (address, stop) = (listener.endpoint().tcp().unwrap(), CancellationToken::new());
    let ended = TaskTracker::new().spawn(run(vec![listener], settings, None, reader, Encoders::new(1), stop.clone()));
    Host { address, stop, ended, _writer: writer }
}

impl Host {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads until the host closes.
    async fn send(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        rest(&mut stream).await
    }

    async fn stop(self) -> Ended {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), self.ended).await.unwrap().unwrap()
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut read)).await.expect("closed in time").unwrap();
    String::from_utf8(read).unwrap()
}

async fn response(stream: &mut TcpStream) -> String {
    let mut read = vec![0; 16 << 10];
    let length = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut read)).await.unwrap().unwrap();
    String::from_utf8_lossy(&read[..length]).into_owned()
}

fn status(response: &str) -> &str {
    response.get(9..12).unwrap_or("none")
}

async fn check(host: &Host, request: &str, expected: &str) {
    let response = host.send(request.as_bytes()).await;
    let shown: String = request.chars().take(100).collect();
    assert_eq!(status(&response), expected, "{shown:?} → {response}");
}

#[tokio::test]
async fn heads_are_answered_by_their_kind() {
    let host = host(settings());
    let get = |target: &str, name: &str| format!("GET {target} HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n");
    check(&host, &get("/", "localhost"), "404").await;
    check(&host, &get("/", "nobody.localhost"), "404").await;
    check(&host, &get("/", "evil.example"), "421").await;
    check(&host, &get("/shop", "127.0.0.1"), "308").await;
    check(&host, &get("/shop/", "127.0.0.1"), "503").await;
    check(&host, &get("/", "shop.localhost:1"), "503").await;
    check(&host, &get("http://shop.localhost/", "shop.localhost"), "503").await;
    check(&host, &get("/a/../b", "localhost"), "400").await;
    check(&host, &get("*", "localhost"), "400").await;
    check(&host, &get("localhost:80", "localhost"), "400").await;
    check(&host, &get(&format!("/{}", "a".repeat(7_999)), "localhost"), "404").await;
    check(&host, &get(&format!("/{}", "a".repeat(8_000)), "localhost"), "414").await;
    host.stop().await;
}

/// The preface, and empty settings.
const HTTP2_BEGIN: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[tokio::test]
async fn http2_is_spoken_by_prior_knowledge() {
    let host = host(settings());
    let mut stream = host.connect().await;
    // GET, http, `/`, and the authority as a literal (RFC 7541 appendix A); ends both fields and stream.
    let fields = b"\x82\x86\x84\x41\x09localhost";
    let mut sent = HTTP2_BEGIN.to_vec();
    sent.extend_from_slice(&[0, 0, fields.len() as u8, 1, 5, 0, 0, 0, 1]);
    sent.extend_from_slice(fields);
    // In pieces, as the protocol must be recognised however it is cut.
    for piece in sent.chunks(7) {
        stream.write_all(piece).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    let answered = async {
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await.unwrap();
            let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
            stream.read_exact(&mut payload).await.unwrap();
            if head[3] == 1 {
                return payload;
            }
        }
    };
    let fields = tokio::time::timeout(Duration::from_secs(5), answered).await.unwrap();
    assert_eq!(fields[0], 0x8d, "`:status: 404`, indexed");
    host.stop().await;
}

/// None of these says `connection: close`: the host closes.
#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused_and_closes() {
    let host = host(settings());
    let with = |fields: &str| format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n");
    check(&host, &with("x: y"), "400").await;
    check(&host, &with("host: a\r\nhost: a"), "400").await;
    check(&host, &with("host:"), "400").await;
    check(&host, &with("host: a b"), "400").await;
    check(&host, "GET / HTTP/1.0\r\n\r\n", "400").await;
    check(&host, &with("host: localhost\r\ntransfer-encoding: chunked, chunked"), "400").await;
    check(&host, &with("host: localhost\r\ntransfer-encoding: identity, chunked"), "400").await;
    check(&host, &with("host: localhost\r\ntransfer-encoding: gzip, chunked"), "400").await;
    check(&host, &with("host: localhost\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked"), "400").await;
    check(&host, &with("host: localhost\r\ntransfer-encoding: gzip"), "400").await;
    check(&host, &with("host: localhost\r\ncontent-length: 1\r\ncontent-length: 2"), "400").await;
    check(&host, &format!("{} / HTTP/1.1\r\nhost: localhost\r\n\r\n", "X".repeat(33)), "501").await;
    check(&host, "CONNECT localhost:80 HTTP/1.1\r\nhost: localhost:80\r\n\r\n", "405").await;
    check(&host, "nonsense\r\n\r\n", "400").await;
    host.stop().await;
}

#[tokio::test]
async fn a_head_is_bounded() {
    let host = host(settings());
    let fields: String = (0..101).map(|at| format!("x-{at}: 1\r\n")).collect();
    check(&host, &format!("GET / HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n"), "431").await;
    let large = "a".repeat(64 << 10);
    check(&host, &format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {large}\r\n\r\n"), "431").await;
    host.stop().await;
}

/// The host has much unread when it answers and closes; its answer must not be lost in a reset.
#[tokio::test]
async fn an_unread_body_does_not_swallow_the_answer() {
    let host = host(settings());
    let body = "x".repeat(4 << 20);
    for _ in 0..5 {
        let mut stream = host.connect().await;
        let head = format!("POST /nothing HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut read, mut write) = stream.split();
        let mut answer = String::new();
        let (read, _) = tokio::join!(read.read_to_string(&mut answer), write.write_all(body.as_bytes()));
        read.unwrap();
        assert_eq!(status(&answer), "404");
    }
    host.stop().await;
}

#[tokio::test]
async fn a_connection_serves_again_and_again() {
    let host = host(settings());
    let mut stream = host.connect().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let response = response(&mut stream).await;
        assert_eq!(status(&response), "404");
        ids.extend(response.lines().filter(|line| line.starts_with("x-request-id: ")).map(str::to_owned));
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
    // An idle connection does not hold the exit.
    assert_eq!(host.stop().await, Ended { cut: 0 });
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_page_says_what_to_do_and_hides_what_is_inner() {
    let outside = host(settings());
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
    let page = outside.send(get("/shop/?q").as_bytes()).await;
    assert!(page.contains("retry-after: 2\r\n") && page.contains("`shop` is not ready yet.\nTry again"), "{page}");
    assert!(!page.contains("compiling"), "{page}");
    let page = outside.send(get("/shop?q=1").as_bytes()).await;
    assert!(page.contains("location: /shop/?q=1\r\n"), "{page}");
    let foreign = b"GET / HTTP/1.1\r\nhost: Box.example:1\r\nconnection: close\r\n\r\n";
    let page = outside.send(foreign).await;
    assert!(page.contains("answer for the host `box.example`") && !page.contains("--host"), "{page}");
    let page = outside.send(b"HEAD / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(page.ends_with("\r\n\r\n") && page.contains("content-length: "), "{page}");
    outside.stop().await;

    let inside = host(ServeSettings { inner_details: true, ..settings() });
    let page = inside.send(get("/shop/").as_bytes()).await;
    assert!(page.contains("<compiling>"), "{page}");
    let page = inside.send(foreign).await;
    assert!(page.contains("`--host box.example`"), "{page}");
    inside.stop().await;
}

/// Has a page for whatever path begins with `/dev`, and for the app `shop`.
#[derive(Debug)]
struct Stub;

impl DevPages for Stub {
    fn instead_of_404(&self, _: &RouteTable, authority: &Authority, path: &str) -> Option<DevPage> {
        let page = Page::about(StatusCode::OK, format!("the page of `{authority}{path}`"));
        let page = DevPage { status: StatusCode::OK, page, app: None, is_refreshed: false };
        path.starts_with("/dev").then_some(page)
    }

    fn instead_of_503(&self, name: &AppName) -> Option<DevPage> {
        let page = Page::about(StatusCode::SERVICE_UNAVAILABLE, format!("`{name}` does not build"));
        Some(DevPage { status: StatusCode::SERVICE_UNAVAILABLE, page, app: Some(name.clone()), is_refreshed: true })
    }

    fn begin(&self, head: &Parts) -> DevRequest {
        let is_navigation = head.method == Method::GET;
        DevRequest { since: 7, is_navigation, is_repeatable: is_navigation }
    }

    fn own(&self, asked: &PathAndQuery, stop: &CancellationToken) -> Option<Response<OverlaidBody>> {
        let stop = stop.clone().cancelled_owned().map(|()| Ok(Frame::data(Bytes::from_static(b"stopped"))));
        (asked.path() == "/own").then(|| Response::new(Box::pin(StreamBody::new(stop.into_stream())) as OverlaidBody))
    }

    fn overlay(&self, _: &DevRequest, _: OverlayTarget<'_>, _: &mut HeaderMap, body: AppBody) -> Overlay {
        Overlay::None(body)
    }

    fn end_of_page(&self, request: &DevRequest, name: Option<&str>, headers: &mut HeaderMap) -> String {
        headers.remove("refresh");
        format!("since {} of {name:?}", request.since)
    }
}

#[tokio::test]
async fn pages_of_dev_stand_where_the_host_has_none() {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost:81\r\nconnection: close\r\n\r\n");
    let host = host(ServeSettings { dev_pages: Some(Arc::new(Stub)), ..settings() });
    let page = host.send(get("/dev/a").as_bytes()).await;
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("the page of `localhost:81/dev/a`"), "{page}");
    let page = host.send(get("/shop/").as_bytes()).await;
    assert!(page.starts_with("HTTP/1.1 503 ") && page.contains("`shop` does not build"), "{page}");
    assert!(page.contains("retry-after: 2\r\n") && page.contains("refresh: 2\r\n"), "{page}");
    let page = host.send(get("/other/").as_bytes()).await;
    assert!(page.starts_with("HTTP/1.1 404 "), "{page}");
    host.stop().await;
}

#[tokio::test]
async fn dev_answers_what_is_its_own_and_adds_to_the_pages_of_the_host() {
    let host = host(ServeSettings { dev_pages: Some(Arc::new(Stub)), grace: Duration::from_secs(3600), ..settings() });
    let get = |path: &str, host: &str| format!("GET {path} HTTP/1.1\r\nhost: {host}\r\naccept: text/html\r\n\r\n");
    let mut stream = host.connect().await;
    stream.write_all(get("/shop/", "localhost").as_bytes()).await.unwrap();
    let page = response(&mut stream).await;
    assert!(page.ends_with("since 7 of Some(\"shop\")") && !page.contains("refresh: "), "{page}");
    stream.write_all(get("/other/", "localhost").as_bytes()).await.unwrap();
    let page = response(&mut stream).await;
    assert!(page.ends_with("since 7 of None"), "{page}");
    stream.write_all(get("/own", "elsewhere.example").as_bytes()).await.unwrap();
    assert_eq!(status(&response(&mut stream).await), "421");

    // What would have no end ends with the host, which waits for it.
    let mut own = host.connect().await;
    own.write_all(get("/own", "localhost").as_bytes()).await.unwrap();
    let mut begun = [0; 15];
    own.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200 OK");
    host.stop().await;
    let all = rest(&mut own).await;
    assert!(all.contains("\r\n7\r\nstopped\r\n0\r\n\r\n"), "{all}");
}

#[tokio::test]
async fn silence_is_ended_in_every_phase() {
    let short = Duration::from_millis(100);
    let host =
        host(ServeSettings { head_timeout: short, keep_alive_idle: short * 3, write_idle: short * 3, ..settings() });
    for words in ["", "P", "PRI * HT", "GET / HT", "GET / HTTP/1.1\r\nhost: localhost\r\n"] {
        assert_eq!(host.send(words.as_bytes()).await, "", "{words:?}");
    }
    let idle = host.send(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(status(&idle), "404");
    let mut stream = host.connect().await;
    stream.write_all(HTTP2_BEGIN).await.unwrap();
    let mut read = Vec::new();
    // GOAWAY, and the end when our silence goes on.
    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut read)).await.unwrap();
    host.stop().await;
}

#[tokio::test]
async fn a_full_house_closes_the_oldest_idle_connection() {
    // Two places, of which the door holds one.
    let host = host(ServeSettings { connections_max: 2, ..settings() });
    let mut first = host.connect().await;
    first.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert_eq!(status(&response(&mut first).await), "404");
    let mut silent = host.connect().await;
    for _ in 0..3 {
        let mut next = host.connect().await;
        next.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        assert_eq!(status(&response(&mut next).await), "404");
    }
    assert_eq!(rest(&mut first).await, "");
    assert_eq!(rest(&mut silent).await, "");
    host.stop().await;
}

/// Nothing that is no request yet is still there when the grace is over: here it would end in an hour, and the test before.
#[tokio::test]
async fn a_stop_waits_for_nothing_that_has_not_become_a_request() {
    const SECOND_HALF: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\nGET / HTTP/1.1\r\nhost: loc";
    // A head that goes on in CONTINUATION (RFC 9113 section 6.10), which does not come.
    let half_a_block = [HTTP2_BEGIN, &[0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82]].concat();
    for sent in [&b""[..], b"G", b"PRI * HT", b"GET / HTTP/1.1\r\n", SECOND_HALF, HTTP2_BEGIN, &half_a_block] {
        let host = host(ServeSettings { grace: Duration::from_secs(3600), ..settings() });
        let mut stream = host.connect().await;
        stream.write_all(sent).await.unwrap();
        // Until the host has read it.
        let mut other = host.connect().await;
        other.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        response(&mut other).await;
        assert_eq!(host.stop().await, Ended { cut: 0 }, "{}", sent.escape_ascii());
    }
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn begin() -> (Log, tracing::subscriber::DefaultGuard) {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).without_time().with_writer(log.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'log> MakeWriter<'log> for Log {
    type Writer = Log;

    fn make_writer(&'log self) -> Log {
        self.clone()
    }
}

#[tokio::test]
async fn every_request_has_one_line_in_the_log() {
    let (log, _guard) = Log::begin();
    let host = host(settings());
    host.send(b"GET /a?token=1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    host.send(b"GET /shop/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    host.stop().await;
    let text = log.text();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("guesthouse::access")).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].contains(r#"GET /a 404"#) && lines[0].contains(r#"app.name="-" method="GET" path=/a status=404"#),
        "{text}"
    );
    assert!(lines[1].contains(r#"app.name="shop" method="GET" path=/shop/ status=503"#), "{text}");
    assert!(lines.iter().all(|line| line.ends_with(r#"outcome="whole""#)), "{text}");
    assert!(!text.contains("token"), "{text}");
}

#[tokio::test]
async fn the_wire_is_shown_without_its_secrets() {
    let (log, _guard) = Log::begin();
    let host = host(ServeSettings { trace_wire: Some(WireTrace::Masked), ..settings() });
    host.send(b"GET / HTTP/1.1\r\nhost: localhost\r\nCookie: secret\r\nconnection: close\r\n\r\n").await;
    host.stop().await;
    let text = log.text();
    assert!(text.contains("  000000  47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a\n"), "{text}");
    assert!(text.contains("  | GET / HTTP/1.1\\r\\n\n  | host: localhost\\r\\n\n  | Cookie:*******\\r\\n\n"), "{text}");
    assert!(!text.contains("secret") && !text.contains("73 65 63"), "{text}");
}
