//! One case: what is sent on a connection of its own, what must be answered, and what the guest must have seen.

use std::net::SocketAddr;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::conformance::answers::Answer;
use crate::conformance::answers::answers;
use crate::harness::within;

/// Sent after each case, in the same write.
const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// What becomes of the connection after the case's own answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// The next request is answered.
    Kept,
    /// The next request was sent, and is not answered.
    Closed,
    /// Nothing more was sent, and our side was shut.
    Left,
}

/// A case and its claim.
pub struct Case {
    pub name: String,
    sends: Vec<u8>,
    is_in_single_bytes: bool,
    statuses: &'static [u16],
    after: After,
    sees: Vec<(usize, String)>,
    hides: Vec<String>,
    /// Where we do something else than what the RFC recommends: a key in `docs/conformance.md`.
    pub deviation: Option<&'static str>,
}

/// A case that is answered with 200, after which the connection is kept.
pub fn case(name: impl Into<String>, sends: impl AsRef<[u8]>) -> Case {
    Case {
        name: name.into(),
        sends: sends.as_ref().to_vec(),
        is_in_single_bytes: false,
        statuses: &[200],
        after: After::Kept,
        sees: Vec::new(),
        hides: Vec::new(),
        deviation: None,
    }
}

/// A GET of `/` with these fields beside `host`, each with its line's end.
pub fn get(fields: &str) -> String {
    format!("GET / HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n")
}

/// A POST to `/` with these fields beside `host`, and whatever follows its head.
pub fn post(fields: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n{body}")
}

impl Case {
    /// Answered so, and the connection goes on.
    pub fn kept(self, statuses: &'static [u16]) -> Case {
        Case { statuses, after: After::Kept, ..self }
    }

    /// Answered so, and nothing that follows on the connection.
    pub fn closed(self, statuses: &'static [u16]) -> Case {
        Case { statuses, after: After::Closed, ..self }
    }

    /// Nothing follows: our side is shut, and what comes until the host closes is this.
    pub fn left(self, statuses: &'static [u16]) -> Case {
        Case { statuses, after: After::Left, ..self }
    }

    /// Sent byte by byte.
    pub fn in_single_bytes(self) -> Case {
        Case { is_in_single_bytes: true, ..self }
    }

    /// The first answer has this text in its body.
    pub fn sees(self, text: impl Into<String>) -> Case {
        self.sees_at(0, text)
    }

    /// The answer at this place has this text in its body.
    pub fn sees_at(mut self, at: usize, text: impl Into<String>) -> Case {
        self.sees.push((at, text.into()));
        self
    }

    /// No answer of the case's own has this text in its body.
    pub fn hides(mut self, text: impl Into<String>) -> Case {
        self.hides.push(text.into());
        self
    }

    /// We deviate, and say why.
    pub fn deviates(self, key: &'static str) -> Case {
        Case { deviation: Some(key), ..self }
    }

    async fn run(&self, address: SocketAddr) -> Result<(), String> {
        let read = within(&self.name, self.exchange(address)).await;
        let is_head = self.sends.starts_with(b"HEAD ");
        let answers = answers(&read, is_head).map_err(|why| format!("{why}; {}", read.escape_ascii()))?;
        self.judge(&answers).map_err(|why| format!("{why}; {}", read.escape_ascii()))
    }

    /// Everything that the host says until it closes.
    async fn exchange(&self, address: SocketAddr) -> Vec<u8> {
        let (mut read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
        let next = if self.after == After::Left { &[] } else { NEXT };
        let sends = [&self.sends, next].concat();
        // The host may close while we send, which is for the answers to tell.
        let send = async {
            for piece in sends.chunks(if self.is_in_single_bytes { 1 } else { sends.len().max(1) }) {
                if write.write_all(piece).await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
            if self.after == After::Left {
                let _ = write.shutdown().await;
            }
        };
        let mut received = Vec::new();
        let receive = read.read_to_end(&mut received);
        let (_, ended) = tokio::join!(send, receive);
        if let Err(error) = ended {
            received.extend_from_slice(format!("<{error}>").as_bytes());
        }
        received
    }

    fn judge(&self, answers: &[Answer]) -> Result<(), String> {
        let mut expected = self.statuses.to_vec();
        if self.after == After::Kept {
            expected.push(200);
        }
        let found: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        if found != expected {
            return Err(format!("{found:?} instead of {expected:?}"));
        }
        for answer in answers.iter().filter(|answer| !answer.is_interim()) {
            fits_all(answer)?;
        }
        if self.after == After::Kept && !text(answers.last()).contains("path: /next\n") {
            return Err("the next request is not what was answered last".to_owned());
        }
        let says_close = answers.last().is_none_or(|answer| answer.value("connection") == Some("close"));
        if self.after == After::Closed && !says_close && !self.sends.windows(8).any(|window| window == b"HTTP/1.0") {
            return Err("the last answer does not say that the connection closes".to_owned());
        }
        for (at, wanted) in &self.sees {
            if !text(answers.get(*at)).contains(wanted) {
                return Err(format!("answer {at} does not show {wanted:?}"));
            }
        }
        let own = &answers[..self.statuses.len()];
        let hidden = self.hides.iter().find(|hidden| own.iter().any(|answer| text(Some(answer)).contains(*hidden)));
        hidden.map_or(Ok(()), |hidden| Err(format!("{hidden:?} came through")))
    }
}

/// What every final answer has: exactly one date (RFC 9110 section 6.6.1), and nothing where no body may be
/// (RFC 9112 section 6.1).
fn fits_all(answer: &Answer) -> Result<(), String> {
    let date = answer.value("date").ok_or_else(|| format!("{} has not one date", answer.status))?;
    httpdate::parse_http_date(date).map_err(|_| format!("`{date}` is not a date"))?;
    let framing = answer.values("content-length").len() + answer.values("transfer-encoding").len();
    if answer.status == 204 && framing > 0 {
        return Err("204 with a length".to_owned());
    }
    Ok(())
}

fn text(answer: Option<&Answer>) -> String {
    answer.map(|answer| String::from_utf8_lossy(&answer.body).into_owned()).unwrap_or_default()
}

/// Goes through a table, and prints each verdict.
pub async fn check(table: &str, address: SocketAddr, cases: Vec<Case>) {
    let mut failed = Vec::new();
    for case in &cases {
        let verdict = case.run(address).await;
        let (word, statuses) = (if verdict.is_ok() { "passed" } else { "FAILED" }, case.statuses);
        let after = match case.after {
            After::Kept => "kept",
            After::Closed => "closed",
            After::Left => "left",
        };
        println!("conformance {word} {table:<10} {} → {statuses:?} {after}", case.name);
        failed.extend(verdict.err().map(|why| format!("{}: {why}", case.name)));
    }
    assert!(failed.is_empty(), "{table}: {} of {} failed:\n{}", failed.len(), cases.len(), failed.join("\n"));
}
