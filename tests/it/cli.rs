//! The program as an operator sees it: output, exit codes, signals, health.

use std::net::SocketAddr;
use std::path::Path;

use guesthouse_test_guests as guest;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::UnixStream;

use crate::harness::client::Client;
use crate::harness::client::get;
use crate::harness::folder::AppsFolder;
use crate::harness::process::Process;
use crate::harness::process::run;
use crate::harness::within;

fn home_with(apps: &[(&str, &str)]) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let folder = AppsFolder::create(home.path().join("apps"));
    for (name, component) in apps {
        folder.rename_in(&format!("{name}.wasm"), guest::bytes(component));
    }
    home
}

const SERVE: &[&str] = &["serve", "--listen", "127.0.0.1:0", "--state", "state"];

async fn serve(home: &Path, more: &[&str]) -> (Process, SocketAddr) {
    let mut host = Process::start(&[SERVE, more].concat(), home);
    let line = host.says("listening on http://").await;
    let address = line.trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
    (host, address)
}

#[tokio::test]
async fn help_and_version_are_for_people() {
    let home = tempfile::tempdir().unwrap();
    let help = run(&["--help"], home.path()).await;
    assert!(help.status.success());
    for word in ["serve", "dev", "build", "Examples:", "Exit codes:"] {
        assert!(help.stdout.contains(word), "no `{word}` in\n{}", help.stdout);
    }
    assert!(!help.stdout.contains("compile "), "the compile child is nobody's command:\n{}", help.stdout);
    let serve = run(&["serve", "--help"], home.path()).await.stdout;
    for flag in [
        "--listen",
        "--state",
        "--domain",
        "--host",
        "--path-routes",
        "--config",
        "--watch",
        "--admin-listen",
        "--log-format",
        "--trace-wire",
    ] {
        let variable = format!("GUESTHOUSE_{}", flag.trim_start_matches("--").replace('-', "_").to_uppercase());
        assert!(serve.contains(flag) && serve.contains(&variable), "no `{flag}` with `{variable}` in\n{serve}");
    }
    assert!(run(&["--version"], home.path()).await.stdout.starts_with("guesthouse 0."));
}

#[tokio::test]
async fn wrong_usage_ends_with_2_and_a_suggestion() {
    let home = tempfile::tempdir().unwrap();
    let ended = run(&["serve", "--listn", "127.0.0.1:1"], home.path()).await;
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.stderr.contains("--listen"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_failure_ends_with_1_and_says_what_to_do() {
    let home = home_with(&[]);
    let missing = run(&["serve", "nowhere", "--listen", "127.0.0.1:0", "--state", "state"], home.path()).await;
    assert_eq!(missing.status.code(), Some(1));
    assert!(missing.stderr.starts_with("error: ") && missing.stderr.contains("nowhere"), "{}", missing.stderr);

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = run(&["serve", "--listen", &address, "--state", "state"], home.path()).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains(&address) && ended.stderr.contains("--listen"), "{}", ended.stderr);

    std::fs::write(home.path().join("g.toml"), "[serve]\nlisten = [\"127.0.0.1:0\"]\n\n[polcy]\n").unwrap();
    let ended = run(&["serve", "--config", "g.toml"], home.path()).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("g.toml:4") && ended.stderr.contains("policy"), "{}", ended.stderr);
}

#[tokio::test]
async fn serving_says_where_and_logs_one_line_a_request() {
    let home = home_with(&[("hello", guest::HELLO)]);
    let (mut host, address) = serve(home.path(), &["--log-format", "json"]).await;
    let port = address.port();
    let line = host.says("http://hello.localhost:").await;
    assert!(line.contains(&format!("http://localhost:{port}/hello/")), "{line}");
    assert_eq!(Client::new(address).get("/hello/?q=1").await.status, 200);
    let line = host.logs("/hello/").await;
    let record: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let text = record.to_string();
    for word in ["\"GET\"", "200", "hello", "request.id"] {
        assert!(text.contains(word), "no {word} in {text}");
    }
    host.signal(Signal::TERM);
    let ended = host.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn a_stop_lets_requests_finish_and_a_second_one_does_not_wait() {
    let home = home_with(&[("flow", guest::FLOW)]);
    let (mut host, address) = serve(home.path(), &[]).await;
    host.logs("`flow` is live").await;
    let mut visitor = TcpStream::connect(address).await.unwrap();
    let head = b"POST /flow/early HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n";
    visitor.write_all(head).await.unwrap();
    let mut seen = vec![0; 4096];
    let read = within("the head", visitor.read(&mut seen)).await.unwrap();
    assert!(seen[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&seen[..read]));
    host.signal(Signal::TERM);
    host.logs("letting requests finish").await;
    visitor.write_all(b"0\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    within("the end", visitor.read_to_end(&mut rest)).await.unwrap();
    let rest = String::from_utf8_lossy(&rest).into_owned();
    assert!(rest.contains("last\n") && rest.ends_with("0\r\n\r\n"), "{rest}");
    let ended = host.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("gracefully"), "{}", ended.stderr);

    let home = home_with(&[("bad-never", guest::BAD_NEVER)]);
    let (mut host, address) = serve(home.path(), &[]).await;
    host.logs("`bad-never` is live").await;
    let mut visitor = TcpStream::connect(address).await.unwrap();
    visitor.write_all(b"GET /bad-never/late HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    within("the head", visitor.read(&mut seen)).await.unwrap();
    host.signal(Signal::INT);
    host.logs("letting requests finish").await;
    host.signal(Signal::INT);
    assert_eq!(host.ended().await.status.code(), Some(130));
}

#[tokio::test]
async fn health_has_a_listener_of_its_own() {
    let home = home_with(&[("hello", guest::HELLO)]);
    let socket = home.path().join("health.sock");
    let (mut host, address) = serve(home.path(), &["--admin-listen", &format!("unix:{}", socket.display())]).await;
    host.logs("`hello` is live").await;
    // Ready comes after the publish; it is asked for until it is there.
    let ask = async |path: &str| {
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    assert!(ask("/.well-known/guesthouse/live").await.starts_with("HTTP/1.1 200"));
    within("ready", async {
        while !ask("/.well-known/guesthouse/ready").await.starts_with("HTTP/1.1 200") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let outside = Client::new(address).get("/.well-known/guesthouse/live").await;
    assert_eq!(outside.status, 404, "health is not for visitors");
}

#[tokio::test]
async fn a_hangup_reads_the_policy_again() {
    let home = home_with(&[("environ", guest::ENVIRON)]);
    let apps = AppsFolder::create(home.path().join("apps"));
    apps.rename_in("environ.toml", "[limits]\ncpu = \"50s\"\n");
    let config = home.path().join("g.toml");
    std::fs::write(&config, "[policy.limits]\ncpu = \"10s\"\n").unwrap();
    let (mut host, address) = serve(home.path(), &["--config", "g.toml"]).await;
    host.logs("refused").await;
    assert_eq!(Client::new(address).get("/environ/").await.status, 503);
    std::fs::write(&config, "[policy.limits]\ncpu = \"1m\"\n").unwrap();
    host.signal(Signal::HUP);
    host.logs("`environ` is live").await;
    assert_eq!(Client::new(address).get("/environ/").await.status, 200);
}

#[tokio::test]
async fn a_wire_trace_shows_bytes_and_text_and_hides_secrets() {
    let home = home_with(&[("hello", guest::HELLO)]);
    let (mut host, address) = serve(home.path(), &["--trace-wire"]).await;
    host.logs("`hello` is live").await;
    let mut request = get("/hello/");
    request.headers_mut().insert("cookie", "session=s3cret".parse().unwrap());
    request.headers_mut().insert("authorization", "Bearer t0ken".parse().unwrap());
    request.headers_mut().insert("x-shown", "plainly".parse().unwrap());
    Client::new(address).send(request).await;
    host.logs("x-shown: plainly").await;
    let log = host.log();
    assert!(log.contains("47 45 54 20"), "no bytes of `GET ` in\n{log}");
    assert!(!log.contains("s3cret") && !log.contains("t0ken"), "{log}");
    assert!(!log.contains("73 33 63 72 65 74"), "the secret stands there as bytes:\n{log}");
}

#[tokio::test]
async fn a_build_puts_a_component_into_the_folder() {
    let home = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let source = root.join("guest-apps/rust/hello");
    let built = run(&["build", source.to_str().unwrap(), "--apps", "apps"], home.path()).await;
    assert!(built.status.success(), "{}\n{}", built.stdout, built.stderr);
    let component = std::fs::read(home.path().join("apps/hello.wasm")).unwrap();
    assert_eq!(&component[..4], b"\0asm");
    let nothing = run(&["build", "."], home.path()).await;
    assert_eq!(nothing.status.code(), Some(1));
    assert!(nothing.stderr.contains("Cargo.toml"), "{}", nothing.stderr);
}

#[tokio::test]
async fn the_doctor_says_what_is_in_the_way_of_serving() {
    let home = home_with(&[("hello", guest::HELLO)]);
    let fine = run(&["doctor", "--listen", "127.0.0.1:0", "--state", "state"], home.path()).await;
    assert_eq!(fine.status.code(), Some(0), "{}{}", fine.stdout, fine.stderr);
    assert!(
        fine.stdout.contains("ok    apps folder") && fine.stdout.contains(", 1 of `.wasm` in it"),
        "{}",
        fine.stdout
    );
    assert!(fine.stdout.contains("building\n") && fine.stdout.contains("with wasm32-wasip2"), "{}", fine.stdout);
    assert!(!home.path().join("state").exists(), "it changes nothing");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let arguments = ["doctor", "nowhere", "--listen", &address, "--state", "state", "--format", "json"];
    let ended = run(&arguments, home.path()).await;
    assert_eq!(ended.status.code(), Some(1), "{}{}", ended.stdout, ended.stderr);
    let findings: Value = serde_json::from_str(&ended.stdout).unwrap();
    let failed: Vec<&Value> = findings.as_array().unwrap().iter().filter(|one| one["state"] == "fail").collect();
    let texts: Vec<&str> = failed.iter().map(|one| one["text"].as_str().unwrap()).collect();
    assert!(texts.len() == 2 && texts[0].contains("mkdir -p ") && texts[1].contains(&address), "{texts:?}");

    std::fs::write(home.path().join("g.toml"), "[serve]\nlisten = \"nothing\"\n").unwrap();
    let ended = run(&["doctor", "--config", "g.toml"], home.path()).await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains("FAIL  configuration") && ended.stdout.contains("g.toml:2"), "{}", ended.stdout);
}
