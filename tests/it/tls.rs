//! HTTPS: handshakes, certificates that change, and who is sent elsewhere.

use std::fs;
use std::time::Duration;

use guesthouse::config::edge::TlsSettings;
use guesthouse_serve::listen::listener::BindAddress;
use guesthouse_serve::listen::listener::Endpoint;
use guesthouse_serve::listen::listener::ListenerProtocol;
use guesthouse_test_guests as guest;
use http::StatusCode;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::harness::client::Client;
use crate::harness::client::get;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::secure::Secure;
use crate::harness::secure::certificate;
use crate::harness::secure::write;
use crate::harness::serving::until;
use crate::harness::within;

const HTTP1: &[&str] = &["http/1.1"];
const BOTH: &[&str] = &["h2", "http/1.1"];

fn endpoint(protocol: ListenerProtocol) -> Endpoint {
    Endpoint { place: BindAddress::Tcp("127.0.0.1:0".parse().unwrap()), protocol }
}

/// A host with `environ` that listens for HTTPS only.
fn host(tls: TlsSettings) -> TestHost {
    TestHost::new().app("environ", guest::bytes(guest::ENVIRON)).config(|config| {
        config.listen = vec![endpoint(ListenerProtocol::Https)];
        config.tls = tls;
    })
}

async fn secure(host: &Running, name: &str, known: &[&guesthouse_tls::self_signed::SelfSigned]) -> Secure {
    Secure::connect(host.address, name, known, BOTH).await.unwrap()
}

#[tokio::test]
async fn both_protocols_are_spoken_below_tls_and_the_guest_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let own = certificate(&["environ.localhost"]);
    let files = vec![write(&own, folder.path(), "own")];
    let host = host(TlsSettings { files, ..TlsSettings::default() }).run().await;
    for (offered, agreed) in [(BOTH, "h2"), (HTTP1, "http/1.1"), (&[][..], "none")] {
        let secure = Secure::connect(host.address, "environ.localhost", &[&own], offered).await.unwrap();
        assert_eq!(secure.protocol(), agreed);
        let reply = secure.send(get("https://environ.localhost/x")).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        assert!(reply.text().contains("scheme: https\n"), "{}", reply.text());
        assert!(reply.header("strict-transport-security").is_empty());
    }
}

#[tokio::test]
async fn each_host_gets_its_own_certificate_and_no_other_host_is_answered_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (certificate(&["environ.localhost"]), certificate(&["localhost", "*.other.localhost"]));
    let files = vec![write(&one, folder.path(), "one"), write(&other, folder.path(), "other")];
    let host = host(TlsSettings { files, ..TlsSettings::default() }).run().await;
    let reply = secure(&host, "environ.localhost", &[&one]).await.send(get("https://environ.localhost/")).await;
    assert_eq!(reply.status, StatusCode::OK);
    let reply = secure(&host, "localhost", &[&other]).await.send(get("https://localhost/environ/")).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    for foreign in ["https://localhost/environ/", "https://127.0.0.1/environ/"] {
        let reply = secure(&host, "environ.localhost", &[&one]).await.send(get(foreign)).await;
        assert_eq!(reply.status, StatusCode::MISDIRECTED_REQUEST, "{foreign}");
        assert!(reply.text().contains("made for another host"), "{}", reply.text());
    }
    // A name that no certificate has: the first one is shown, and it is for the client to refuse it.
    assert!(Secure::connect(host.address, "nobody.example", &[&one, &other], BOTH).await.is_err());
}

#[tokio::test]
async fn a_changed_file_is_read_again_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (certificate(&["environ.localhost"]), certificate(&["environ.localhost"]));
    let files = write(&old, folder.path(), "own");
    let tls = TlsSettings { files: vec![files.clone()], ..TlsSettings::default() };
    let host = host(tls).run().await;
    let standing = secure(&host, "environ.localhost", &[&old]).await;

    fs::write(&files.chain, "no certificate").unwrap();
    host.reread.notify_one();
    secure(&host, "environ.localhost", &[&old]).await;

    write(&new, folder.path(), "own");
    let address = host.address;
    let shown = async || Secure::connect(address, "environ.localhost", &[&new], BOTH).await.is_ok();
    until("the new certificate", shown, |is_new| *is_new, |_| {}).await;
    // Who is connected already has nothing to do with it.
    assert_eq!(standing.send(get("https://environ.localhost/")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn http_is_sent_on_to_https_but_for_hosts_that_are_not_ours() {
    let host = TestHost::new()
        .app("environ", guest::bytes(guest::ENVIRON))
        .config(|config| {
            config.listen = vec![endpoint(ListenerProtocol::Redirect), endpoint(ListenerProtocol::Https)];
            config.tls.self_signed = true;
            config.serve.hsts = Some(Duration::from_secs(86_400));
            config.serve.https_port = Some(8443);
        })
        .run()
        .await;
    let mut client = Client::new(host.address);
    let reply = client.get("/environ/a%20b?c=d").await;
    assert_eq!(reply.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(reply.header("location"), "https://localhost:8443/environ/a%20b?c=d");
    let mut foreign = get("/");
    foreign.headers_mut().insert("host", "evil.example".parse().unwrap());
    assert_eq!(client.send(foreign).await.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn browsers_are_told_to_come_over_https_only_where_the_operator_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let own = certificate(&["environ.localhost", "localhost"]);
    let files = vec![write(&own, folder.path(), "own")];
    let tls = TlsSettings { files, ..TlsSettings::default() };
    let host = host(tls).config(|config| config.serve.hsts = Some(Duration::from_secs(86_400))).run().await;
    for url in ["https://environ.localhost/", "https://localhost/nothing"] {
        let reply = secure(&host, "environ.localhost", &[&own]).await.send(get(url)).await;
        assert_eq!(reply.header("strict-transport-security"), "max-age=86400", "{url}");
    }
}

#[tokio::test]
async fn whoever_falls_silent_within_a_handshake_is_cut_and_garbage_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let own = certificate(&["environ.localhost"]);
    let files = vec![write(&own, folder.path(), "own")];
    let tls = TlsSettings { files, ..TlsSettings::default() };
    let host = host(tls).config(|config| config.serve.head_timeout = Duration::from_millis(300)).run().await;
    let silent = TcpStream::connect(host.address).await.unwrap();
    let mut half = TcpStream::connect(host.address).await.unwrap();
    half.write_all(b"\x16\x03\x01\x02\0\x01").await.unwrap();
    let mut plain = TcpStream::connect(host.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    for mut stream in [silent, half, plain] {
        let mut read = Vec::new();
        // A reset is an end as well.
        let _ = within("the host to close", stream.read_to_end(&mut read)).await;
        assert!(!read.starts_with(b"HTTP/"), "{}", read.escape_ascii());
    }
    let reply = secure(&host, "environ.localhost", &[&own]).await.send(get("https://environ.localhost/")).await;
    assert_eq!(reply.status, StatusCode::OK);
}
