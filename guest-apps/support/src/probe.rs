//! What a guest was given, as `key: value` lines, and what it gets when it reaches for more.

use std::fmt::Display;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpStream;

/// A text of one `key: value` line after the other.
#[derive(Default)]
pub struct Lines(String);

impl Lines {
    /// One line. What would break it is written as an escape.
    pub fn add(&mut self, key: impl Display, value: &[u8]) {
        self.0.push_str(&format!("{key}: "));
        for c in String::from_utf8_lossy(value).chars() {
            match c.is_control() || c == '\\' {
                true => self.0.extend(c.escape_default()),
                false => self.0.push(c),
            }
        }
        self.0.push('\n');
    }

    /// One line, or none where there is no value.
    pub fn add_some(&mut self, key: &str, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            self.add(key, value.as_ref());
        }
    }

    /// What the sandbox gives without being asked, and what it says when asked for more: the environment, a file, a
    /// folder and the network.
    pub fn add_reach(&mut self) {
        for (name, value) in std::env::vars_os() {
            let line = [name.as_encoded_bytes(), b"=", value.as_encoded_bytes()].concat();
            self.0.push_str(&format!("env {}\n", String::from_utf8_lossy(&line)));
        }
        self.add("args", std::env::args().collect::<Vec<_>>().join(" ").as_bytes());
        self.add("file", outcome(std::fs::read("/etc/passwd").map(|bytes| bytes.len())).as_bytes());
        self.add("folder", outcome(std::fs::read_dir("/").map(Iterator::count)).as_bytes());
        let somewhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
        self.add("net", outcome(TcpStream::connect(somewhere).map(|_| 0)).as_bytes());
    }

    /// The whole text.
    pub fn into_text(self) -> String {
        self.0
    }
}

fn outcome(result: std::io::Result<usize>) -> String {
    match result {
        Ok(count) => format!("allowed ({count})"),
        Err(error) => error.to_string(),
    }
}
