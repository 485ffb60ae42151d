//! Under a service manager: what it is told, and sockets that outlive the host.

use std::net::SocketAddr;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use guesthouse_test_guests as guest;
use rustix::process::Signal;
use tokio::net::UnixDatagram;
use tokio::process::Command;

use crate::harness::client::Client;
use crate::harness::client::get;
use crate::harness::process::Process;
use crate::harness::process::command;
use crate::harness::process::command_behind;
use crate::harness::serving::SERVE;
use crate::harness::serving::home;
use crate::harness::within;

/// Receives until something holds `text`, and returns everything that came.
async fn told(socket: &UnixDatagram, text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let telling = async {
        let mut buffer = [0; 4096];
        loop {
            let length = socket.recv(&mut buffer).await.unwrap();
            all.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
            if all.last().is_some_and(|last| last.contains(text)) {
                break;
            }
        }
    };
    within(text, telling).await;
    all
}

#[tokio::test]
async fn the_service_manager_is_told_of_every_turn() {
    let (home, _apps) = home();
    let path = home.path().join("notify.sock");
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut serve = command(SERVE, home.path());
    serve.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    let mut host = Process::spawn(&mut serve);

    let before = told(&socket, "READY=1").await;
    assert!(before.iter().any(|message| message.contains("EXTEND_TIMEOUT_USEC=")), "{before:?}");
    host.logs("`revision` is live").await;
    told(&socket, "STATUS=1 live").await;
    // Again and again.
    told(&socket, "WATCHDOG=1").await;
    told(&socket, "WATCHDOG=1").await;

    host.signal(Signal::HUP);
    let reload = told(&socket, "RELOADING=1").await;
    assert!(reload.last().unwrap().contains("MONOTONIC_USEC="), "{reload:?}");
    told(&socket, "READY=1").await;

    host.signal(Signal::TERM);
    told(&socket, "STOPPING=1").await;
    assert_eq!(host.ended().await.status.code(), Some(0));
}

/// The program with `socket` as its only passed one, named `name`. A shell puts it where it belongs.
fn with_passed(socket: &TcpListener, name: &str, home: &Path) -> Command {
    const PASS: &str = "exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\"";
    let arguments = [&SERVE[..1], &SERVE[3..], &["--path-routes", "on"]].concat();
    let mut command = command_behind(&["sh", "-c", PASS], &arguments, home);
    command.env("LISTEN_FDNAMES", name).stdin(Stdio::from(OwnedFd::from(socket.try_clone().unwrap())));
    command
}

/// What came back.
#[derive(Default)]
struct Answers {
    right: AtomicUsize,
    wrong: Mutex<Vec<String>>,
}

/// Asks over and over, each time on a connection of its own, until `stop`. All answers must be right.
async fn ask_all_the_time(address: SocketAddr, answers: Arc<Answers>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let reply =
            Client::new(address).try_send(get("/revision/")).await.map(|reply| (reply.status.as_u16(), reply.text()));
        match reply {
            Ok((200, text)) if text == guest::revision_text(1) => _ = answers.right.fetch_add(1, Ordering::Relaxed),
            other => answers.wrong.lock().unwrap().push(format!("{other:?}")),
        }
    }
}

async fn until_more(answers: &Answers) {
    let before = answers.right.load(Ordering::Relaxed);
    let more = async || answers.right.load(Ordering::Relaxed);
    crate::harness::serving::until("more answers", more, |now| *now > before + 20, |_| {}).await;
}

#[tokio::test]
async fn a_restart_on_a_passed_socket_loses_no_connection() {
    let (home, _apps) = home();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let mut host = Process::spawn(&mut with_passed(&socket, "http", home.path()));
    let line = host.says("listening on").await;
    assert_eq!(line, format!("listening on http://{address}/"));
    host.logs("`revision` is live").await;

    let (answers, stop) = (Arc::new(Answers::default()), Arc::new(AtomicBool::new(false)));
    let askers: Vec<_> =
        (0..4).map(|_| tokio::task::spawn(ask_all_the_time(address, answers.clone(), stop.clone()))).collect();
    for _ in 0..3 {
        until_more(&answers).await;
        host.signal(Signal::TERM);
        let ended = host.ended().await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        host = Process::spawn(&mut with_passed(&socket, "http", home.path()));
    }
    until_more(&answers).await;
    stop.store(true, Ordering::Relaxed);
    for asker in askers {
        within("an asker", asker).await.unwrap();
    }
    assert_eq!(answers.wrong.lock().unwrap().as_slice(), &[] as &[String]);
}

#[tokio::test]
async fn a_passed_socket_speaks_what_its_name_says() {
    let (home, _apps) = home();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = with_passed(&socket, "https", home.path());
    command.env("GUESTHOUSE_TLS_SELF_SIGNED", "true");
    let mut host = Process::spawn(&mut command);
    let line = host.says("listening on").await;
    assert_eq!(line, format!("listening on https://{}/", socket.local_addr().unwrap()));
}
