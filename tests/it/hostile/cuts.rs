//! A body that was cut never looks whole: no last chunk on HTTP/1, a reset stream on HTTP/2.

use guesthouse_test_guests as guest;
use http_body_util::BodyExt;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::harness::beside::Beside;
use crate::harness::client::http2;
use crate::harness::within;

const TIGHT: &str = "cpu = \"1s\"\nbody_idle = \"1s\"\nmemory = \"16MiB\"";

const LATE: [&str; 6] = ["/spin-late", "/trap-late", "/exit-late", "/deep-late", "/hoard-late", "/hold?mib=4"];

#[tokio::test]
async fn on_http_1_no_last_chunk_comes() {
    for name in [guest::BAD_HTTP, guest::BAD_HTTP03] {
        let mut beside = Beside::guest(name, TIGHT).await;
        for path in LATE {
            let mut socket = TcpStream::connect(beside.host.address).await.unwrap();
            let request = format!("GET /{name}{path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            socket.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            // The connection ends, in whatever way.
            let _ = within("the end", socket.read_to_end(&mut answer)).await;
            let answer = String::from_utf8(answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\r\n6\r\nfirst\n"), "{path}: {answer}");
            assert!(answer.to_lowercase().contains("transfer-encoding: chunked"), "{path}: {answer}");
            assert!(!answer.contains("\r\n0\r\n"), "{name}{path} looks whole: {answer:?}");
            beside.check_good(path).await;
        }
    }
}

#[tokio::test]
async fn a_cut_body_does_not_look_whole_when_it_is_compressed() {
    for name in [guest::BAD_HTTP, guest::BAD_HTTP03] {
        let mut beside = Beside::guest(name, TIGHT).await;
        for (path, encoding) in
            [("/trap-late", "gzip"), ("/exit-late", "br"), ("/spin-late", "zstd"), ("/hold?mib=4", "gzip")]
        {
            let mut socket = TcpStream::connect(beside.host.address).await.unwrap();
            let request =
                format!("GET /{name}{path} HTTP/1.1\r\nhost: localhost\r\naccept-encoding: {encoding}\r\n\r\n");
            socket.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let _ = within("the end", socket.read_to_end(&mut answer)).await;
            let text = String::from_utf8_lossy(&answer).to_lowercase();
            assert!(text.starts_with("http/1.1 200"), "{path}: {text}");
            assert!(text.contains(&format!("content-encoding: {encoding}\r\n")), "{path}: {text}");
            assert!(!answer.ends_with(b"\r\n0\r\n\r\n"), "{name}{path} looks whole: {text:?}");
            beside.check_good(path).await;
        }
    }
}

#[tokio::test]
async fn on_http_2_the_stream_is_reset_and_the_connection_goes_on() {
    for name in [guest::BAD_HTTP, guest::BAD_HTTP03] {
        let mut beside = Beside::guest(name, TIGHT).await;
        let mut visitor = http2(beside.host.address).await;
        for path in LATE {
            let request = |path: String| http::Request::get(format!("http://localhost{path}"));
            let asked = request(format!("/{name}{path}")).body(http_body_util::Full::default()).unwrap();
            let response = within("a head", visitor.send_request(asked)).await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            let cut = within("the end", response.into_body().collect()).await.expect_err(path);
            let reason = std::error::Error::source(&cut).unwrap().to_string();
            assert!(reason.contains("reset") || reason.contains("stream error"), "{path}: {reason}");
            let asked = request("/hello/".to_owned()).body(http_body_util::Full::default()).unwrap();
            let good = within("a head", visitor.send_request(asked)).await.unwrap();
            assert_eq!(good.status(), 200, "after {path}");
            beside.check_good(path).await;
        }
    }
}
