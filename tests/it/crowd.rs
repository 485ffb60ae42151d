//! A thousand visitors who say nothing, and a thousand who say it slowly: everybody else is served.

use std::net::SocketAddr;
use std::time::Duration;

use guesthouse_test_guests as guest;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::getrlimit;
use rustix::process::setrlimit;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::harness::client::Client;
use crate::harness::host::TestHost;
use crate::harness::within;

const CROWD: usize = 1_000;

/// Two descriptors for each connection are in this process: ours, and the host's.
fn make_room() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

async fn connected(address: SocketAddr, words: &[u8]) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..CROWD {
        let mut stream = within("a connection", TcpStream::connect(address)).await.unwrap();
        stream.write_all(words).await.unwrap();
        streams.push(stream);
    }
    streams
}

async fn check_service(address: SocketAddr) {
    for _ in 0..50 {
        let reply = Client::new(address).get("/hello/").await;
        assert_eq!(reply.status.as_u16(), 200);
    }
}

/// Returns when the host has closed all of them, and how many of them had an answer first.
async fn until_closed(streams: Vec<TcpStream>) -> usize {
    let mut answered = 0;
    for mut stream in streams {
        let mut read = Vec::new();
        // A reset is an end as well.
        let _ = within("the host closes", stream.read_to_end(&mut read)).await;
        answered += usize::from(!read.is_empty());
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_silent_and_a_thousand_slow_visitors_keep_nobody_out() {
    make_room();
    let (head, idle) = (Duration::from_secs(3), Duration::from_secs(4));
    let host = TestHost::new()
        .app("hello", guest::bytes(guest::HELLO))
        .config(move |config| {
            (config.serve.head_timeout, config.serve.keep_alive_idle) = (head, idle);
            // All come from one address here.
            config.serve.connections_per_address_max = 4 * CROWD;
        })
        .run()
        .await;
    let whole = b"GET /hello/ HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let idle = connected(host.address, whole).await;
    let mut slow = connected(host.address, &whole[..20]).await;
    check_service(host.address).await;
    // They drip, which does not make a head whole, nor its time longer.
    for byte in &whole[20..30] {
        for stream in &mut slow {
            let _ = stream.write_all(&[*byte]).await;
        }
        check_service(host.address).await;
    }
    assert_eq!(until_closed(slow).await, 0, "half a head was answered");
    assert_eq!(until_closed(idle).await, CROWD, "a whole head was not answered");
    check_service(host.address).await;
}

/// More than there is room for: those who wait longest without a word make room (`connections_max`).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_over_the_cap_keeps_nobody_out() {
    make_room();
    let host = TestHost::new()
        .app("hello", guest::bytes(guest::HELLO))
        .config(|config| {
            config.serve.connections_max = 100;
            config.serve.connections_per_address_max = 4 * CROWD;
        })
        .run()
        .await;
    let silent = connected(host.address, b"").await;
    check_service(host.address).await;
    let slow = connected(host.address, b"GET / HT").await;
    check_service(host.address).await;
    drop((silent, slow));
}
