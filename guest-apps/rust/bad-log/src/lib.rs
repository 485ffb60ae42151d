//! Floods the log: `?lines=100000`, or `?kind=escape` for output that would mislead whoever reads it raw.

use std::io::Write;

use guesthouse::Request;
use guesthouse::RequestExt;
use guesthouse::Response;
use guesthouse::ResponseExt;

const LINE_BYTES: usize = 1024 * 1024;

guesthouse::app!(handle);

fn handle(request: Request) -> std::io::Result<Response> {
    let mut stdout = std::io::stdout().lock();
    match request.query_value("kind").as_deref() {
        Some("escape") => stdout.write_all(&misleading())?,
        _ => {
            let lines = request.query_value("lines").and_then(|lines| lines.parse().ok()).unwrap_or(100_000_u32);
            for line in 0..lines {
                writeln!(stdout, "line {line}: all work and no play makes a dull guest")?;
            }
        }
    }
    stdout.flush()?;
    Ok(Response::text("ok\n"))
}

/// Colours, a cleared screen, a bell, a line that looks like the host's own, marks that break lines or turn text
/// around, bytes that are no text, and at the end a
/// MiB without a line's end.
fn misleading() -> Vec<u8> {
    let mut output = b"\x1b[31mred\x1b[0m \x1b[2J\x1b]0;title\x07 \x07bell \x9b31m \xff\xfe\r\n".to_vec();
    output.extend(b"{\"level\":\"ERROR\",\"message\":\"forged by the guest\"}\n");
    output.extend("\u{61c}\u{200f}\u{2028}\u{2029}\u{202e}\u{2066}\u{feff}06:00:00 ERROR forged\n".as_bytes());
    output.resize(output.len() + LINE_BYTES, b'x');
    output
}
