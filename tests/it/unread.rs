//! Static files that are asked for and not read: what they may hold, and what is left for others.

use std::fs;
use std::fs::File;

use guesthouse_test_guests as guest;
use http::HeaderName;
use http::Method;
use http::StatusCode;

use crate::harness::client::Client;
use crate::harness::client::Reply;
use crate::harness::client::get;
use crate::harness::frames::Frame;
use crate::harness::frames::HEADERS;
use crate::harness::frames::SETTINGS;
use crate::harness::frames::WINDOW_UPDATE;
use crate::harness::frames::Wire;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::process::command;
use crate::harness::process::command_behind;
use crate::harness::serving::SERVE;
use crate::harness::serving::Serving;
use crate::harness::serving::until;
use crate::harness::visitor::Visitor;

/// The guest `fields` as `site`, with these files beside it, and one of a gibibyte.
fn site(files: &[(&str, &str)]) -> TestHost {
    let manifest = "[[static]]\nfolder = \"_site\"\nfallback = \"shell.html\"\n";
    let host = TestHost::new().app("site", guest::bytes(guest::FIELDS)).manifest("site", manifest);
    for (name, content) in files {
        host.apps.rename_in(&format!("_site/{name}"), content);
    }
    host.apps.rename_in("_site/long.bin", "");
    File::options().write(true).open(host.apps.file("_site/long.bin")).unwrap().set_len(1 << 30).unwrap();
    host
}

async fn ask(host: &Running, path: &str, fields: &[(&'static str, &str)]) -> Reply {
    let mut request = get(path);
    for (name, value) in fields {
        request.headers_mut().insert(HeaderName::from_static(name), value.parse().unwrap());
    }
    host.send(request).await
}

fn is_of_guest(reply: &Reply) -> bool {
    reply.text().starts_with("the guest: ")
}

#[tokio::test]
async fn without_room_for_another_file_all_else_is_answered() {
    let files = [("a.txt", "a"), ("empty", ""), ("shell.html", "shell")];
    let host = site(&files).config(|config| config.deploy.files_max = 1).run().await;
    let tag = host.get("/site/a.txt").await.header("etag").to_owned();
    let mut idle = Visitor::connect(host.address).await;
    idle.send("GET /site/long.bin HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(idle.read_until("\r\n\r\n").await.starts_with("HTTP/1.1 200"));

    let page: &[(&'static str, &str)] = &[("accept", "text/html")];
    for (path, fields) in [("/site/a.txt", &[][..]), ("/site/a/page?status=404", page)] {
        let reply = ask(&host, path, fields).await;
        assert_eq!((reply.status, reply.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"), "{path}");
        assert!(reply.text().contains("is busy"), "{path}: {}", reply.text());
    }
    let mut head = get("/site/a.txt");
    *head.method_mut() = Method::HEAD;
    assert_eq!(host.send(head).await.status, StatusCode::OK);
    assert_eq!(ask(&host, "/site/a.txt", &[("if-none-match", &tag)]).await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(host.get("/site/empty").await.status, StatusCode::OK);
    assert!(is_of_guest(&host.get("/site/other").await));
    drop(idle);
    let again = async || host.get("/site/a.txt").await.status;
    until("room again", again, |status| *status == StatusCode::OK, |status| assert_eq!(*status, 503)).await;
}

/// A visitor who has asked a hundred times at once. `window` is what each answer's body may have.
async fn hundredfold(serving: &Serving, path: &str, window: u32) -> Wire {
    /// SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 section 6.5.2).
    const INITIAL_WINDOW: [u8; 2] = [0, 4];
    /// What a connection has from the start (section 6.9.2), and the most that there can be.
    const OF_THE_CONNECTION: u32 = 65_535;
    const MOST: u32 = (1 << 31) - 1;
    let mut wire = Wire::connect(serving.address).await;
    let fields = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", path)];
    let mut frames = vec![
        Frame::new(SETTINGS, 0, 0, [&INITIAL_WINDOW[..], &window.to_be_bytes()].concat()),
        Frame::new(WINDOW_UPDATE, 0, 0, (MOST - OF_THE_CONNECTION).to_be_bytes()),
    ];
    frames.extend((0..100).map(|at| Frame::request(2 * at + 1, &fields)));
    wire.send(&frames).await.unwrap();
    wire
}

/// The same without any window: the statuses, and the connection, on which nothing moves any more.
async fn without_window(serving: &Serving, path: &str) -> (Vec<u16>, Wire) {
    let mut wire = hundredfold(serving, path, 0).await;
    let mut statuses = Vec::new();
    while statuses.len() < 100 {
        let frame = wire.read.next().await.expect("the host goes on");
        if frame.kind == HEADERS {
            statuses.push(frame.status().expect("a status comes first"));
        }
    }
    (statuses, wire)
}

/// How often the host has this file open.
fn open(serving: &Serving, name: &str) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{}/fd", serving.host.pid())).unwrap();
    let links = descriptors.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    links.filter(|link| link.ends_with(name)).count()
}

#[tokio::test]
async fn files_that_nobody_reads_leave_descriptors_and_memory_for_others() {
    let host = site(&[("small.txt", &"line\n".repeat(200))]);
    let limited = ["sh", "-euc", "ulimit -n 256; exec \"$0\" \"$@\""];
    let mut serving = Serving::begin(&mut command_behind(&limited, SERVE, host.home())).await;
    serving.host.logs("`site` is live").await;
    // Those that are in memory as a whole are not kept open.
    let (statuses, small) = without_window(&serving, "/site/small.txt").await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(open(&serving, "small.txt"), 0);
    drop(small);

    // An eighth of the descriptors. What was taken before comes back when the host has seen that its visitor left.
    let (mut statuses, mut long) = without_window(&serving, "/site/long.bin").await;
    while statuses.iter().filter(|status| **status == 200).count() < 32 {
        drop(long);
        (statuses, long) = without_window(&serving, "/site/long.bin").await;
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 32, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert_eq!(open(&serving, "long.bin"), 32);
    assert!(is_of_guest(&Client::new(serving.address).get("/site/other").await));
    assert_eq!(serving.count("was not sent"), 0, "{}", serving.host.log());
}

/// The most memory that a process ever had, in KiB.
fn peak_kibibytes(serving: &Serving) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", serving.host.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn windows_that_are_wide_open_take_no_more_of_files_than_the_socket_does() {
    const STREAMS: usize = 500;
    /// Two pieces of each, and what an idle host grows by on the side.
    const GROWTH_KIB_MAX: usize = STREAMS * 128 + (48 << 10);
    let host = site(&[]);
    let mut serving = Serving::begin(&mut command(SERVE, host.home())).await;
    serving.host.logs("`site` is live").await;
    Client::new(serving.address).get("/site/other").await;
    let before = peak_kibibytes(&serving);
    let mut wires = Vec::new();
    for _ in 0..STREAMS / 100 {
        wires.push(hundredfold(&serving, "/site/long.bin", (1 << 31) - 1).await);
    }
    // None of them is read from; the host sends until the sockets are full.
    until("all of them", async || open(&serving, "long.bin"), |count| *count == STREAMS, |_| {}).await;
    for _ in 0..50 {
        assert!(is_of_guest(&Client::new(serving.address).get("/site/other").await));
    }
    let growth = peak_kibibytes(&serving) - before;
    println!("{STREAMS} streams that nobody reads: {growth} KiB more");
    assert!(growth < GROWTH_KIB_MAX, "{growth} KiB more");
}
