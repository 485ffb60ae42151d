//! HTTP/2 without TLS, by prior knowledge.

use bytes::Bytes;
use guesthouse_test_guests as guest;
use http::Request;
use http::StatusCode;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::client::conn::http2::SendRequest;

use crate::harness::client::http2;
use crate::harness::host::TestHost;
use crate::harness::within;

async fn get(sender: &mut SendRequest<Full<Bytes>>, path: &str) -> (StatusCode, Result<Bytes, hyper::Error>) {
    let request = Request::get(format!("http://localhost{path}")).body(Full::default()).unwrap();
    let response = within("a head", sender.send_request(request)).await.unwrap();
    let status = response.status();
    (status, within("a body", response.into_body().collect()).await.map(|body| body.to_bytes()))
}

#[tokio::test]
async fn requests_and_swaps_share_one_connection() {
    let host = TestHost::new().app("revision", guest::revision(1)).run().await;
    let mut sender = http2(host.address).await;
    for number in 1..4 {
        let (status, body) = get(&mut sender, "/revision/").await;
        assert_eq!((status, body.unwrap().as_ref()), (StatusCode::OK, guest::revision_text(number).as_bytes()));
        host.drop_in("revision", guest::revision(number + 1)).await;
    }
}

#[tokio::test]
async fn a_fault_within_a_body_resets_its_stream_and_no_other() {
    let host = TestHost::new()
        .app("bad-loop-http", guest::bytes(guest::BAD_LOOP_HTTP))
        .app("hello", guest::bytes(guest::HELLO))
        .manifest("bad-loop-http", "[limits]\ncpu = \"300ms\"\n")
        .run()
        .await;
    let mut sender = http2(host.address).await;
    let mut other = sender.clone();
    let (cut, whole) = tokio::join!(get(&mut sender, "/bad-loop-http/late"), get(&mut other, "/hello/"));
    assert_eq!(cut.0, StatusCode::OK);
    assert!(cut.1.is_err(), "{cut:?}");
    assert!(whole.1.unwrap().ends_with(b"</h1>"));
    assert_eq!(get(&mut sender, "/hello/").await.0, StatusCode::OK);
}

#[tokio::test]
async fn files_and_compressed_bodies_arrive_whole() {
    let host =
        TestHost::new().app("echo", guest::bytes(guest::ECHO)).manifest("echo", "[[static]]\nfolder = \"_files\"\n");
    let text = "a line of text\n".repeat(200_000);
    host.apps.rename_in("_files/text.txt", &text);
    let host = host.run().await;
    let mut sender = http2(host.address).await;
    let (status, file) = get(&mut sender, "/echo/text.txt").await;
    assert_eq!(status, StatusCode::OK);
    assert!(file.unwrap() == text.as_bytes());
    let request = Request::post("http://localhost/echo/").header("content-type", "text/plain");
    let request = request.header("accept-encoding", "zstd").body(Full::from(text.clone())).unwrap();
    let response = within("a head", sender.send_request(request)).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "zstd");
    let body = within("a body", response.into_body().collect()).await.unwrap().to_bytes();
    assert!(zstd::stream::decode_all(&body[..]).unwrap() == text.as_bytes());
}
