//! The app as visitors meet it: built and served by the program `guesthouse`.

use std::env;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

/// A host with the app in it. It ends when this is dropped.
pub struct Serving {
    host: Child,
    address: String,
}

/// Builds the app of this folder and serves it. `None` where there is no guesthouse: install it, or say with the
/// variable `GUESTHOUSE` where it is.
pub fn serve() -> Option<Serving> {
    let program = env::var_os("GUESTHOUSE").unwrap_or_else(|| "guesthouse".into());
    if Command::new(&program).arg("--version").output().is_err() {
        // Not `eprintln!`, of which `cargo test` shows nothing where a test passes.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: there is no `{}` here; say with GUESTHOUSE where it is",
            program.display()
        );
        return None;
    }
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(env!("CARGO_PKG_NAME"));
    let _ = fs::remove_dir_all(&home);
    let (apps, state) = (home.join("apps"), home.join("state"));
    let mut build = Command::new(&program);
    build
        .args(["build", env!("CARGO_MANIFEST_DIR"), "--apps"])
        .arg(&apps);
    assert!(
        build.status().unwrap().success(),
        "`guesthouse build` failed"
    );

    let mut serve = Command::new(&program);
    serve
        .arg("serve")
        .arg(&apps)
        .args(["--listen", "127.0.0.1:0", "--state"])
        .arg(&state);
    let mut host = serve.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(host.stdout.take().unwrap()).lines();
    let mut address = None;
    // First it says where it listens; then, of each app, that it is there.
    for line in lines.by_ref().map(Result::unwrap) {
        if let Some(url) = line.strip_prefix("listening on http://") {
            address = Some(url.trim_end_matches('/').to_owned());
        }
        if line.starts_with(env!("CARGO_PKG_NAME")) {
            break;
        }
    }
    let address = address.expect("the host ended before it served");
    Some(Serving { host, address })
}

impl Serving {
    /// Sends a request, and returns the response: head and body, as they came.
    pub fn send(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let (name, length) = (env!("CARGO_PKG_NAME"), body.len());
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {name}.localhost\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).unwrap();
        String::from_utf8_lossy(&response).into_owned()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.host.kill();
        let _ = self.host.wait();
    }
}
