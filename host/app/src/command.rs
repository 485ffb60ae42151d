//! One command of an app's own, from its arguments to its exit code: what it prints comes as frames.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use guesthouse_sandbox::console::Command;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;
use tokio_util::sync::PollSender;

use crate::app::App;
use crate::app::InFlight;

/// Frames that wait for whoever reads them; the command waits when there are so many.
const FRAMES_MAX: usize = 16;

/// What a command says, piece by piece. The last is `Exit` or `Failed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Bytes that it printed.
    Stdout(Bytes),
    /// Bytes that it complained with.
    Stderr(Bytes),
    /// It ended, with this exit code.
    Exit(u8),
    /// It could not be run to its end, and why.
    Failed(String),
}

/// What is typed, and where.
pub struct Typed {
    /// The words: `["manage.py", "migrate"]`.
    pub arguments: Vec<String>,
    /// What it reads.
    pub stdin: Box<dyn AsyncRead + Send + Sync + Unpin>,
    /// Whether a person sits there.
    pub is_terminal: bool,
}

/// The work, which is to be polled to its end, and the frames that come of it. The work ends, and the guest with it, when
/// nobody reads frames any more.
pub fn execute(
    app: Arc<App>,
    in_flight: InFlight,
    typed: Typed,
) -> (impl Future<Output = ()> + Send, mpsc::Receiver<Frame>) {
    let (sender, frames) = mpsc::channel(FRAMES_MAX);
    let output = |kind: fn(Bytes) -> Frame| Box::new(Output { kind, frames: PollSender::new(sender.clone()) });
    let Typed { arguments, stdin, is_terminal } = typed;
    let (stdout, stderr) = (output(Frame::Stdout), output(Frame::Stderr));
    let command = Command { arguments, stdin, stdout, stderr, is_terminal };
    let work = async move {
        let ended = tokio::select! {
            ended = app.run(in_flight, command) => ended,
            () = sender.closed() => return,
        };
        let last = match ended {
            Ok(code) => Frame::Exit(code),
            Err(error) => Frame::Failed(error.to_string()),
        };
        // Whoever left meanwhile does not want to know.
        let _ = sender.send(last).await;
    };
    (work, frames)
}

/// One of a command's two outputs.
struct Output {
    kind: fn(Bytes) -> Frame,
    frames: PollSender<Frame>,
}

impl AsyncWrite for Output {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let gone = |_| io::ErrorKind::BrokenPipe;
        std::task::ready!(self.frames.poll_reserve(context)).map_err(gone)?;
        let frame = (self.kind)(Bytes::copy_from_slice(bytes));
        self.frames.send_item(frame).map_err(gone)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
