//! Requests that no guest ever sees.

use std::net::SocketAddr;
use std::time::Duration;

use guesthouse_test_guests as guest;
use http::StatusCode;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::client::get;
use crate::harness::client::post;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::within;

async fn host() -> Running {
    TestHost::new()
        .app("environ", guest::bytes(guest::ENVIRON))
        .app("echo", guest::bytes(guest::ECHO))
        .manifest("environ", "[limits]\nrequest_body = \"1KiB\"\n")
        .manifest("echo", "[limits]\nrequest_body = \"1KiB\"\n")
        .config(|config| config.serve.body_silence = Duration::from_millis(300))
        .run()
        .await
}

/// The first line of the answer to these bytes.
async fn answer(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = within("an answer", stream.read(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer[..read]).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn what_is_ambiguous_is_refused() {
    let host = host().await;
    for (request, status) in [
        ("GET /environ/ HTTP/1.1\r\n\r\n", "400"),
        ("GET /environ/ HTTP/1.0\r\n\r\n", "400"),
        ("GET /environ/ HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", "400"),
        ("GET /environ/ HTTP/1.1\r\nhost: a b\r\n\r\n", "400"),
        ("GET http://evil.example/environ/ HTTP/1.1\r\nhost: localhost\r\n\r\n", "400"),
        ("GET /environ/../x HTTP/1.1\r\nhost: localhost\r\n\r\n", "400"),
        ("GET /environ/%2e%2E/x HTTP/1.1\r\nhost: localhost\r\n\r\n", "400"),
        ("GET /environ/%2e%2e%2fx HTTP/1.1\r\nhost: localhost\r\n\r\n", "400"),
        ("GET /environ%2fx HTTP/1.1\r\nhost: localhost\r\n\r\n", "400"),
        ("GET /environ/a%2fb HTTP/1.1\r\nhost: localhost\r\n\r\n", "200"),
        ("GET /environ/a%5Cb HTTP/1.1\r\nhost: localhost\r\n\r\n", "400"),
        ("GET /environ/a%00b HTTP/1.1\r\nhost: localhost\r\n\r\n", "400"),
        ("GET * HTTP/1.1\r\nhost: localhost\r\n\r\n", "400"),
        ("CONNECT localhost:80 HTTP/1.1\r\nhost: localhost:80\r\n\r\n", "405"),
        ("POST /environ/ HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "400"),
        ("GET /environ/ HTTP/1.1\r\nhost: evil.example\r\n\r\n", "421"),
        ("GET /environ/ HTTP/1.1\r\nhost: localhost\r\n\r\n", "200"),
    ] {
        let line = answer(host.address, request).await;
        assert!(line.contains(status), "{request:?} gave `{line}`, not {status}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_by_its_own_status() {
    let host = host().await;
    let target = format!("/environ/{}", "x".repeat(8_000));
    assert_eq!(host.get(&target).await.status, StatusCode::URI_TOO_LONG);
    let mut many = get("/environ/");
    for number in 0..150 {
        many.headers_mut().insert(http::HeaderName::try_from(format!("x-{number}")).unwrap(), "1".parse().unwrap());
    }
    assert_eq!(host.send(many).await.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    for app in ["environ", "echo"] {
        let declared = host.send(post(&format!("/{app}/"), vec![b'x'; 2000])).await;
        assert_eq!(declared.status, StatusCode::PAYLOAD_TOO_LARGE, "{app}");
        assert_eq!(host.send(post(&format!("/{app}/"), vec![b'x'; 1000])).await.status, StatusCode::OK, "{app}");
    }
    // Without a length, it is found out on the way.
    let chunk = "x".repeat(2000);
    let chunked = format!(
        "POST /environ/ HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n{chunk}\r\n0\r\n\r\n"
    );
    let line = answer(host.address, &chunked).await;
    assert!(line.contains("413"), "{line}");
}

#[tokio::test]
async fn a_body_that_falls_silent_is_given_up() {
    let host = host().await;
    let silent = "POST /environ/ HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhalf";
    let line = answer(host.address, silent).await;
    assert!(line.contains("408"), "{line}");
}

#[tokio::test]
async fn a_slow_upload_takes_no_ones_place() {
    let host = TestHost::new()
        .app("environ", guest::bytes(guest::ENVIRON))
        .manifest("environ", "[limits]\nconcurrency = 1\nqueue = 0\n")
        .run()
        .await;
    let mut slow = TcpStream::connect(host.address).await.unwrap();
    slow.write_all(b"POST /environ/ HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\nha").await.unwrap();
    // Whether or not the slow one has been looked at yet: the app's only permit is free.
    for _ in 0..20 {
        assert_eq!(host.get("/environ/").await.status, StatusCode::OK);
    }
    slow.write_all(b"lf").await.unwrap();
    let mut answer = vec![0; 4096];
    let read = within("an answer", slow.read(&mut answer)).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..read]));
}
