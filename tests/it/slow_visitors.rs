//! Visitors who send or read slowly, beside others who want to be served: whoever is slow holds no place that is wanted.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;

use bytes::Bytes;
use guesthouse_test_guests as guest;
use http::Request;
use http::StatusCode;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;

use crate::harness::client::get;
use crate::harness::client::post;
use crate::harness::frames::Frame;
use crate::harness::frames::HEADERS;
use crate::harness::frames::SETTINGS;
use crate::harness::frames::Wire;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::visitor::Visitor;
use crate::harness::within;

/// Places for four, and a queue in which a newcomer waits for as long as it takes.
const FEW: &str = "[limits]\nconcurrency = 4\nqueue_wait = \"10s\"\nhead = \"60s\"\nbody_idle = \"60s\"\n";

/// The status of one GET from another address than all else in a test comes from.
async fn from_elsewhere(host: &Running, path: &str) -> StatusCode {
    let asked = async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), 0)).unwrap();
        let stream = socket.connect(host.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::task::spawn(connection);
        let mut request = get(path);
        request.headers_mut().insert("host", "localhost".parse().unwrap());
        let status = sender.send_request(request).await.unwrap().status();
        connection.abort();
        status
    };
    within("an answer from elsewhere", asked).await
}

/// An upload of which one byte comes.
async fn begun(host: &Running, path: &str) -> Visitor {
    let mut visitor = Visitor::connect(host.address).await;
    visitor.send(format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\nx")).await;
    visitor
}

async fn until_in_flight(host: &Running, app: &str, count: usize) {
    let reached = async {
        while host.in_flight(app) != count {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    within(&format!("{count} requests in flight"), reached).await;
}

#[tokio::test]
async fn an_upload_to_an_app_with_state_keeps_nobody_from_it() {
    for lane in [guest::FLOW, guest::FLOW_HTTP03] {
        let allowed = toml::from_str("state = true").unwrap();
        let host = TestHost::new().app("flow", guest::bytes(lane)).manifest("flow", "[state]\n");
        let host = host.config(|config| config.deploy.policy = allowed).run().await;
        let mut slow = begun(&host, "/flow/read-slow?ms=1").await;
        until_in_flight(&host, "flow", 1).await;
        for _ in 0..10 {
            assert_eq!(host.get("/flow/drop-body").await.status, StatusCode::OK);
        }
        // It is not forgotten: what comes late is answered too, whole.
        slow.send(vec![b'x'; 999_999]).await;
        let answer = slow.read_until("read ").await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("read 1000000"), "{answer}");
    }
}

#[tokio::test]
async fn an_app_that_asks_for_whole_requests_is_called_when_they_are_there() {
    for lane in [guest::FLOW, guest::FLOW_HTTP03] {
        let manifest = format!("{FEW}[request]\nbuffer = true\n");
        let host = TestHost::new().app("flow", guest::bytes(lane)).manifest("flow", &manifest).run().await;
        let mut slow = Vec::new();
        for _ in 0..8 {
            slow.push(begun(&host, "/flow/read-slow?ms=1").await);
        }
        until_in_flight(&host, "flow", 8).await;
        // Twice as many as there are places, of the same visitor: nobody has to give way.
        assert_eq!(host.get("/flow/drop-body").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_body_that_finds_no_room_is_refused_by_the_name_of_its_bound() {
    let manifest = "[request]\nbuffer = true\n";
    let host = TestHost::new().app("flow", guest::bytes(guest::FLOW)).manifest("flow", manifest);
    let host = host.config(|config| config.deploy.upload_bytes_max = 1 << 20).run().await;
    let long = host.send(post("/flow/read-slow?ms=0", vec![b'x'; 300_000])).await;
    assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(long.text().contains("longer than the 262144 bytes that one visitor may have waiting"), "{}", long.text());
    // Without a length it is found out on the way.
    let mut first = Visitor::connect(host.address).await;
    let chunk = format!(
        "POST /flow/read-slow?ms=0 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n493E0\r\n{}\r\n",
        "x".repeat(300_000)
    );
    first.send(chunk).await;
    let answer = first.read_until("\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let whole = host.send(post("/flow/read-slow?ms=0", vec![b'x'; 200_000])).await;
    assert_eq!((whole.status, whole.text().as_str()), (StatusCode::OK, "read 200000\n"));
    assert_eq!(std::fs::read_dir(host.state().join("buffers")).unwrap().count(), 0);
}

#[tokio::test]
async fn slow_uploads_give_their_place_to_another_visitor() {
    for lane in [guest::FLOW, guest::FLOW_HTTP03] {
        let host = TestHost::new().app("flow", guest::bytes(lane)).manifest("flow", FEW).run().await;
        let mut slow = Vec::new();
        for _ in 0..4 {
            slow.push(begun(&host, "/flow/read-slow").await);
        }
        until_in_flight(&host, "flow", 4).await;
        assert_eq!(from_elsewhere(&host, "/flow/empty").await, StatusCode::NO_CONTENT);
        until_in_flight(&host, "flow", 3).await;
        // Whoever was slowest is told; the others go on.
        let ended = futures_util::future::select_all(slow.iter_mut().map(|slow| Box::pin(slow.read_until("\r\n\r\n"))));
        let (answer, _, _) = ended.await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}

/// Streams of HTTP/2 without a window, or a small one, each of which asks for `path`, once their heads have come.
async fn unread(host: &Running, path: &str, count: u32) -> Wire {
    unread_within(host, path, count, 0).await
}

async fn unread_within(host: &Running, path: &str, count: u32, window: u32) -> Wire {
    /// SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 section 6.5.2).
    const INITIAL_WINDOW: [u8; 2] = [0, 4];
    let mut wire = Wire::connect(host.address).await;
    let fields = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", path)];
    let mut frames = vec![Frame::new(SETTINGS, 0, 0, [&INITIAL_WINDOW[..], &window.to_be_bytes()].concat())];
    frames.extend((0..count).map(|at| Frame::request(2 * at + 1, &fields)));
    wire.send(&frames).await.unwrap();
    let mut heads = 0;
    while heads < count {
        let frame = within("a head", wire.read.next()).await.expect("the host goes on");
        heads += u32::from(frame.kind == HEADERS);
    }
    wire
}

#[tokio::test]
async fn a_response_that_fits_into_its_buffer_holds_no_place() {
    for lane in [guest::FLOW, guest::FLOW_HTTP03] {
        let host = TestHost::new().app("flow", guest::bytes(lane)).manifest("flow", FEW).run().await;
        // More streams than places, of the same visitor: nobody has to give way.
        let _unread = unread(&host, "/flow/flood?bytes=200000", 12).await;
        until_in_flight(&host, "flow", 0).await;
        assert_eq!(host.get("/flow/empty").await.status, StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn responses_that_nobody_reads_give_their_place_to_another_visitor() {
    for lane in [guest::FLOW, guest::FLOW_HTTP03] {
        let host = TestHost::new().app("flow", guest::bytes(lane)).manifest("flow", FEW).run().await;
        let _unread = unread(&host, "/flow/flood?bytes=100000000", 4).await;
        until_in_flight(&host, "flow", 4).await;
        for _ in 0..3 {
            assert_eq!(from_elsewhere(&host, "/flow/empty").await, StatusCode::NO_CONTENT);
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_read_is_not_slow_however_quiet_its_guest() {
    let host = TestHost::new().app("flow", guest::bytes(guest::FLOW_HTTP03)).manifest("flow", FEW).run().await;
    let mut readers = Vec::new();
    for _ in 0..4 {
        let mut reader = Visitor::connect(host.address).await;
        reader.send("GET /flow/drip?n=3&ms=4000 HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        readers.push(reader);
    }
    until_in_flight(&host, "flow", 4).await;
    // It waits for as long as they take, for nobody is slow.
    assert_eq!(from_elsewhere(&host, "/flow/empty").await, StatusCode::SERVICE_UNAVAILABLE);
    for reader in &mut readers {
        let body = reader.read_body(|_, ended| ended).await;
        assert_eq!(String::from_utf8_lossy(&body), "line 1\nline 2\nline 3\n");
    }
}

#[tokio::test]
async fn files_that_nobody_reads_give_their_room_to_another_visitor() {
    // Whole in memory, with more to come, and where some of it was handed over already.
    for (bytes, window) in [(64 << 10, 0), (1 << 20, 0), (1 << 20, 1000)] {
        let host = TestHost::new()
            .app("site", guest::bytes(guest::FIELDS))
            .manifest("site", "[[static]]\nfolder = \"_site\"\n")
            .config(|config| config.deploy.files_max = 4);
        host.apps.rename_in("_site/page.bin", vec![b'.'; bytes]);
        let host = host.run().await;
        let _unread = unread_within(&host, "/site/page.bin", 4, window).await;
        for _ in 0..3 {
            assert_eq!(from_elsewhere(&host, "/site/page.bin").await, StatusCode::OK, "{bytes} bytes, window {window}");
        }
    }
}

#[tokio::test]
async fn what_waits_for_its_visitor_arrives_whole_and_in_order() {
    // In memory, and in a file.
    for bytes in [200_000, 3_000_000] {
        for lane in [guest::ECHO, guest::ECHO_HTTP03] {
            let host = TestHost::new().app("echo", guest::bytes(lane)).run().await;
            let sent: Vec<u8> = (0..bytes).map(|at: u32| (at % 251) as u8).collect();
            let stream = TcpStream::connect(host.address).await.unwrap();
            let mut http2 = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
            http2.initial_stream_window_size(1000);
            let (mut sender, connection) = http2.handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await.unwrap();
            let connection = tokio::task::spawn(connection);
            let request = Request::post("http://localhost/echo/").body(Full::from(sent.clone())).unwrap();
            let response = within("a head", sender.send_request(request)).await.unwrap();
            // Its guest has ended, and nothing of it was read.
            until_in_flight(&host, "echo", 0).await;
            let read = within("the rest", response.into_body().collect()).await.unwrap().to_bytes();
            assert!(read == sent, "{lane}: {} of {bytes} bytes", read.len());
            connection.abort();
        }
    }
}
