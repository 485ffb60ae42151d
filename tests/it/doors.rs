//! The other ways in: Unix sockets, sockets that were passed on, and proxies that speak for others.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use guesthouse::host::HostEnd;
use guesthouse_serve::listen::listener::BindAddress;
use guesthouse_serve::listen::listener::Endpoint;
use guesthouse_serve::listen::listener::ListenerProtocol;
use guesthouse_serve::trusted::Trusted;
use guesthouse_test_guests as guest;
use http::StatusCode;
use ppp::v2::Builder;
use ppp::v2::Command;
use ppp::v2::Protocol;
use ppp::v2::Version;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::UnixStream;

use crate::harness::client::get;
use crate::harness::host::TestHost;
use crate::harness::within;

const REQUEST: &[u8] = b"GET /environ/ HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 192.0.2.9, 192.0.2.1\r\n\
    x-forwarded-proto: https\r\nx-request-id: from-outside\r\nconnection: close\r\n\r\n";

fn host() -> TestHost {
    TestHost::new().app("environ", guest::bytes(guest::ENVIRON))
}

fn trust(network: &str) -> Trusted {
    Trusted { networks: vec![network.parse().unwrap()], unix: false }
}

async fn ask(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin, bytes: &[u8]) -> String {
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // Whoever is sent away may be so by a reset.
    let _ = within("an answer", stream.read_to_end(&mut answer)).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn the_word_of_a_stranger_is_not_taken() {
    let host = host().run().await;
    let answer = ask(TcpStream::connect(host.address).await.unwrap(), REQUEST).await;
    for said in ["peer: 127.0.0.1\n", "scheme: http\n"] {
        assert!(answer.contains(said), "no `{said}` in {answer}");
    }
    assert!(!answer.contains("from-outside") && !answer.contains("192.0.2."), "{answer}");
}

#[tokio::test]
async fn the_word_of_a_trusted_proxy_is() {
    let host = host().config(|config| config.serve.trusted = trust("127.0.0.0/8")).run().await;
    let answer = ask(TcpStream::connect(host.address).await.unwrap(), REQUEST).await;
    for said in ["peer: 192.0.2.1\n", "scheme: https\n", "id: from-outside\n", "x-request-id: from-outside\r\n"] {
        assert!(answer.contains(said), "no `{said}` in {answer}");
    }
    // Nothing but what the host makes of it reaches the guest.
    assert!(!answer.contains("header x-") && !answer.contains("192.0.2.9"), "{answer}");
}

#[tokio::test]
async fn a_proxy_header_is_taken_from_trusted_proxies_only() {
    let addresses = (
        "192.0.2.7:1".parse::<std::net::SocketAddr>().unwrap(),
        "192.0.2.2:2".parse::<std::net::SocketAddr>().unwrap(),
    );
    let header = Builder::with_addresses(Version::Two | Command::Proxy, Protocol::Stream, addresses).build().unwrap();
    let with_header = [&header, REQUEST].concat();
    for (trusted, bytes, status, said) in [
        ("127.0.0.0/8", &with_header[..], "200", "peer: 192.0.2.7\n"),
        // It is trusted, and does not say for whom it speaks.
        ("127.0.0.0/8", REQUEST, "", ""),
        ("192.0.2.0/24", REQUEST, "200", "peer: 127.0.0.1\n"),
        ("192.0.2.0/24", &with_header, "400", ""),
    ] {
        let host = host().config(|config| {
            config.serve.trusted = trust(trusted);
            config.serve.proxy_protocol = true;
        });
        let host = host.run().await;
        let answer = ask(TcpStream::connect(host.address).await.unwrap(), bytes).await;
        assert_eq!(answer.get(9..12).unwrap_or(""), status, "{trusted}: {answer}");
        assert!(answer.contains(said), "no `{said}` in {answer}");
    }
}

/// What a request says of its visitor is believed where the header names one.
#[tokio::test]
async fn a_proxy_that_names_nobody_is_not_believed_about_anybody() {
    let host = host().config(|config| {
        config.serve.trusted = trust("127.0.0.0/8");
        config.serve.proxy_protocol = true;
    });
    let host = host.run().await;
    // Version and command, family, length (section 2.2 of the protocol's text).
    let header = |command: u8, family: u8, addresses: &[u8]| {
        let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
        [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, addresses].concat()
    };
    let four = [192, 0, 2, 7, 192, 0, 2, 2, 0, 1, 0, 2];
    for (what, header) in [
        ("LOCAL", header(0x20, 0x00, &[])),
        ("LOCAL with addresses", header(0x20, 0x11, &four)),
        ("UNSPEC", header(0x21, 0x00, &[])),
        ("UNSPEC with something", header(0x21, 0x00, &four)),
        ("a Unix socket", header(0x21, 0x31, &[b'a'; 216])),
    ] {
        let answer = ask(TcpStream::connect(host.address).await.unwrap(), &[&header, REQUEST].concat()).await;
        for said in ["HTTP/1.1 200", "peer: 127.0.0.1\n", "scheme: http\n"] {
            assert!(answer.contains(said), "{what}: no `{said}` in {answer}");
        }
        assert!(!answer.contains("192.0.2.") && !answer.contains("from-outside"), "{what}: {answer}");
    }
    // A proxy behind another one, which is named, is believed.
    let named = header(0x21, 0x11, &[127, 0, 0, 9, 192, 0, 2, 2, 0, 1, 0, 2]);
    let answer = ask(TcpStream::connect(host.address).await.unwrap(), &[&named, REQUEST].concat()).await;
    assert!(answer.contains("peer: 192.0.2.1\n") && answer.contains("scheme: https\n"), "{answer}");
}

#[tokio::test]
async fn a_stop_waits_for_no_proxy_header() {
    let host = host().config(|config| {
        config.serve.trusted = trust("127.0.0.0/8");
        config.serve.proxy_protocol = true;
        config.serve.grace = std::time::Duration::from_secs(3600);
    });
    let host = host.run().await;
    let mut half = TcpStream::connect(host.address).await.unwrap();
    half.write_all(b"\r\n\r\n\0\r\nQUI").await.unwrap();
    let (_, end) = host.stop().await;
    assert_eq!(end, HostEnd::Stopped { cut: 0 });
    assert_eq!(within("the host to close", half.read(&mut [0])).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_unix_socket_is_a_door_like_any_other() {
    let host = host();
    let path = host.home().join("http.sock");
    let place = BindAddress::Unix(path.clone());
    let host =
        host.config(|config| config.listen.push(Endpoint { place, protocol: ListenerProtocol::Http })).run().await;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let answer = ask(UnixStream::connect(&path).await.unwrap(), REQUEST).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(!answer.contains("peer:"), "{answer}");
    assert_eq!(host.get("/environ/").await.status, StatusCode::OK);
    host.stop().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn one_address_cannot_take_all_connections() {
    let host = host().config(|config| config.serve.connections_per_address_max = 2).run().await;
    let mut first = host.client();
    assert_eq!(first.get("/environ/").await.status, StatusCode::OK);
    let mut second = host.client();
    assert_eq!(second.get("/environ/").await.status, StatusCode::OK);
    assert!(host.client().try_send(get("/environ/")).await.is_err());
    assert_eq!(first.get("/environ/").await.status, StatusCode::OK);
    drop(second);
    let address = host.address;
    let again = async || crate::harness::client::Client::new(address).try_send(get("/environ/")).await.is_ok();
    crate::harness::serving::until("a place again", again, |is_answered| *is_answered, |_| {}).await;
}
