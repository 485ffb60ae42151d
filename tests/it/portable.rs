//! `guesthouse build --portable`: a gateway app with the adapter before it answers as it does in its own lane, here and on
//! another host of `wasi:http`.

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;

use bytes::Bytes;
use guesthouse_component::inspect::Lane;
use guesthouse_component::inspect::inspect;
use guesthouse_test_guests as guest;
use http::Request;
use http_body_util::Full;
use tempfile::TempDir;
use tokio::process::Command;

use crate::harness::client::Client;
use crate::harness::client::Reply;
use crate::harness::client::get;
use crate::harness::client::post;
use crate::harness::host::TestHost;
use crate::harness::process::Process;
use crate::harness::process::command;
use crate::harness::visitor::Visitor;
use crate::harness::within;

/// Gateway apps, and one of a standard lane.
const APPS: &[&str] = &["hello", "environ", "echo-whole", "fields", "todo", "echo"];

/// A folder with the portable components of [`APPS`].
async fn built() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("guest-apps/rust");
    let mut build = command(&["build", "--portable", "--apps", "apps"], home.path());
    build.args(APPS.iter().map(|app| root.join(app)));
    // Kept between runs, as an author's are: the adapter is made once.
    build.env("GUESTHOUSE_TOOLS", concat!(env!("CARGO_TARGET_TMPDIR"), "/tools"));
    let target = guest::build_all().ancestors().nth(2).unwrap();
    let ended = within("the build", build.env("CARGO_TARGET_DIR", target).output()).await.unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    assert!(said.contains("portable as it is: echo (") && said.contains("portable: hello ("), "{said}");
    home
}

fn bytes_of(home: &TempDir, app: &str) -> Vec<u8> {
    std::fs::read(home.path().join(format!("apps/{app}.wasm"))).unwrap()
}

/// Requests of every kind that a gateway app meets.
fn requests() -> Vec<(&'static str, Request<Full<Bytes>>)> {
    let with = |mut request: Request<Full<Bytes>>, fields: &[(&'static str, &'static str)]| {
        for (name, value) in fields {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        request
    };
    let method = |method: &str, path: &str| Request::builder().method(method).uri(path).body(Full::default()).unwrap();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let forged = [("x-forwarded-for", "6.6.6.6"), ("x-request-id", "forged"), ("x_y", "1"), ("forwarded", "for=1")];
    vec![
        ("hello", get("/")),
        ("hello", method("HEAD", "/")),
        ("environ", get("/a%20b/c?x=%20&y")),
        ("environ", with(get("/"), &[("x-twice", "one"), ("x-twice", "two"), ("cookie", "a=1"), ("te", "trailers")])),
        ("environ", with(get("/"), &forged)),
        ("environ", method("BREW", "/pot")),
        ("environ", post("/", "a body")),
        ("echo-whole", post("/", vec![b'.'; 3 << 20])),
        ("echo-whole", post("/", "")),
        ("fields", get("/?status=204&bytes=0")),
        ("fields", get("/?status=304&bytes=9")),
        ("fields", get("/?status=404&bytes=100&fields=x-a:1|x-a:2|connection:x-b|x-b:3")),
        ("fields", method("HEAD", "/?status=200&bytes=100")),
        ("todo", get("/")),
        ("todo", with(post("/add", "text=Buy+milk"), &form)),
        ("todo", get("/nowhere")),
        ("echo", post("/", "streamed")),
    ]
}

/// What a reply says, without what differs from request to request.
fn told(reply: &Reply) -> (u16, Vec<String>, String) {
    let differs = ["date", "x-request-id", "server"];
    let fields = reply.headers.iter().filter(|(name, _)| !differs.contains(&name.as_str()));
    let mut fields: Vec<String> = fields.map(|(name, value)| format!("{name}: {value:?}")).collect();
    fields.sort();
    let body = reply.text().lines().filter(|line| !line.starts_with("id: ")).collect::<Vec<_>>().join("\n");
    (reply.status.as_u16(), fields, body)
}

/// The reply of `app`, which answers on a host of its own.
async fn ask(address: SocketAddr, app: &str, request: &Request<Full<Bytes>>) -> Reply {
    let mut request = request.clone();
    request.headers_mut().insert("host", format!("{app}.localhost").parse().unwrap());
    Client::new(address).send(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portable_app_answers_as_in_its_own_lane() {
    let home = built().await;
    let (mut plain, mut portable) = (TestHost::new(), TestHost::new());
    for app in APPS {
        let bytes = bytes_of(&home, app);
        let inspection = inspect(&bytes).unwrap();
        assert_eq!(inspection.lane, Lane::Http02, "{app}");
        // Who said whether it is well says so behind the adapter too.
        let lifecycle = "guesthouse:gateway/lifecycle@0.1.0".to_owned();
        assert_eq!(inspection.exports.contains(&lifecycle), *app == "todo", "{app}: {:?}", inspection.exports);
        plain = plain.app(app, guest::bytes(app));
        portable = portable.app(app, bytes);
    }
    let (plain, portable) = (plain.run().await, portable.run().await);
    for (app, request) in requests() {
        let what = format!("{} {} of {app}", request.method(), request.uri());
        let expected = ask(plain.address, app, &request).await;
        assert_eq!(told(&ask(portable.address, app, &request).await), told(&expected), "{what}");
    }
    // Below a mount too, where links begin with it.
    let paths = ["/todo/", "/environ/x", "/hello/"];
    for path in paths {
        let port = |reply: &Reply, address: SocketAddr| told(reply).2.replace(&address.port().to_string(), "PORT");
        let expected = plain.get(path).await;
        assert_eq!(port(&portable.get(path).await, portable.address), port(&expected, plain.address), "{path}");
    }
    // What cannot be answered is a 502, and nobody sees why.
    let bad = portable.get("/fields/?status=99").await;
    assert_eq!((bad.status.as_u16(), bad.text().contains("99")), (502, false), "{}", bad.text());
}

/// The other host, where it is installed.
fn wasmtime() -> Option<PathBuf> {
    let on_path =
        std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let in_home = std::env::home_dir().map(|home| home.join(".cargo/bin"));
    on_path.chain(in_home).map(|folder| folder.join("wasmtime")).find(|file| file.is_file())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_host_serves_a_portable_app() {
    let Some(wasmtime) = wasmtime() else {
        println!("not run: there is no wasmtime on PATH or in ~/.cargo/bin");
        return;
    };
    let home = built().await;
    for (app, path, expected) in [
        ("hello", "/", "<h1>hello</h1>"),
        ("environ", "/a%2Fb?x=1", "authority: environ.localhost\nmount: \npath: /a%2Fb\nquery: x=1\nid: "),
        ("todo", "/", "<form"),
        ("echo-whole", "/", ""),
    ] {
        let mut serve = Command::new(&wasmtime);
        serve.args(["serve", "-Scli", "--addr", "127.0.0.1:0"]).arg(home.path().join(format!("apps/{app}.wasm")));
        serve.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut host = Process::spawn(&mut serve);
        let line = host.logs("http://").await;
        let address = line.split("http://").nth(1).unwrap().trim_end_matches('/').parse().unwrap();
        let reply = ask(address, app, &get(path)).await;
        assert!(reply.status == 200 && reply.text().contains(expected), "{app}: {} {}", reply.status, reply.text());
        assert_eq!(reply.header("content-length"), reply.body.len().to_string(), "{app}");
        let head = Request::head(path).body(Full::default()).unwrap();
        let head = ask(address, app, &head).await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0), "{app}");
        if app == "echo-whole" {
            let large = vec![b'.'; 3 << 20];
            assert_eq!(ask(address, app, &post("/", large.clone())).await.body, large);
            // Longer than the adapter takes, which says so before it reads: whoever sends meanwhile may find nobody there.
            let mut visitor = Visitor::connect(address).await;
            let length = (16 << 20) + 1;
            visitor.send(format!("POST / HTTP/1.1\r\nhost: echo-whole\r\ncontent-length: {length}\r\n\r\n")).await;
            visitor.read_until("HTTP/1.1 413").await;
        }
    }
}
