//! What a command says, on this process's own outputs. A terminal gets nothing raw from a guest that could act on it.

use std::borrow::Cow;
use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use bytes::Bytes;
use guesthouse_app::command::Frame;
use guesthouse_types::escape::acts;
use tokio::sync::mpsc;

/// Shows one frame; the last one says how the command ended.
pub async fn show(frame: Frame) -> anyhow::Result<Option<ExitCode>> {
    match frame {
        Frame::Stdout(bytes) => write(bytes, io::stdout).await?,
        Frame::Stderr(bytes) => write(bytes, io::stderr).await?,
        Frame::Exit(code) => return Ok(Some(ExitCode::from(code))),
        Frame::Failed(why) => bail!("{why}"),
    }
    Ok(None)
}

/// Shows frames until the last one.
pub async fn follow(mut frames: mpsc::Receiver<Frame>) -> anyhow::Result<ExitCode> {
    while let Some(frame) = frames.recv().await {
        if let Some(code) = show(frame).await? {
            return Ok(code);
        }
    }
    bail!("the host ended before the command did");
}

/// Waits elsewhere while nobody reads.
async fn write<W: Write + IsTerminal + 'static>(bytes: Bytes, to: fn() -> W) -> io::Result<()> {
    let writing = tokio::task::spawn_blocking(move || {
        let mut to = to();
        let safe = if to.is_terminal() { safe(&bytes) } else { Cow::Borrowed(&bytes[..]) };
        to.write_all(&safe)?;
        to.flush()
    });
    writing.await.map_err(io::Error::other)?
}

/// Text with its lines and its colours (ECMA-48, SGR), and nothing else that a terminal would obey. A character that is cut
/// in two by the end of `bytes` shows as two marks: programs write whole lines.
fn safe(bytes: &[u8]) -> Cow<'_, [u8]> {
    let text = String::from_utf8_lossy(bytes);
    let harmless = |character: char| matches!(character, '\n' | '\r' | '\t') || !acts(character);
    if text.chars().all(harmless) {
        return Cow::Borrowed(bytes);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(character) = rest.chars().next() {
        let (piece, after) = rest.split_at(colour(rest).unwrap_or(character.len_utf8()));
        rest = after;
        if piece.len() > 1 && piece.starts_with('\u{1b}') || harmless(character) {
            out.push_str(piece);
        } else {
            out.extend(character.escape_unicode());
        }
    }
    Cow::Owned(out.into_bytes())
}

/// The length of the sequence `ESC [ digits and semicolons m` that `text` begins with.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|character: char| !character.is_ascii_digit() && character != ';')?;
    parameters[end..].starts_with('m').then_some("\u{1b}[".len() + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(String::from_utf8(safe(bytes).into_owned()).unwrap(), expected);
    }

    #[test]
    fn nothing_that_a_guest_prints_acts_on_a_terminal_but_its_colours() {
        check("grüße\r\n\tx".as_bytes(), "grüße\r\n\tx");
        check(b"\x1b[1;32mOK\x1b[0m", "\x1b[1;32mOK\x1b[0m");
        check(b"\x1b]52;c;eA==\x07", "\\u{1b}]52;c;eA==\\u{7}");
        check(b"\x1b[2J\x1b[", "\\u{1b}[2J\\u{1b}[");
        check("\u{202e}x".as_bytes(), "\\u{202e}x");
    }
}
