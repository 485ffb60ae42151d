//! A command of the app's own, as it is typed: its words, and what stands at its ends in place of the log.

use std::sync::Arc;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::cli::AsyncStdinStream;
use wasmtime_wasi::cli::AsyncStdoutStream;
use wasmtime_wasi::cli::IsTerminal;
use wasmtime_wasi::cli::StdinStream;
use wasmtime_wasi::cli::StdoutStream;
use wasmtime_wasi::p2::InputStream;
use wasmtime_wasi::p2::OutputStream;

/// What a command may have written that nobody has taken: then it waits.
const OUTPUT_BYTES_MAX: usize = 64 << 10;

/// What is to be run, and with what before it.
pub struct Command {
    /// What was typed: `["manage.py", "createsuperuser"]`.
    pub arguments: Vec<String>,
    /// What the command reads.
    pub stdin: Box<dyn AsyncRead + Send + Sync + Unpin>,
    /// Where its output goes.
    pub stdout: Box<dyn AsyncWrite + Send + Sync + Unpin>,
    /// Where it complains.
    pub stderr: Box<dyn AsyncWrite + Send + Sync + Unpin>,
    /// Whether a person is at the other end of all three.
    pub is_terminal: bool,
}

/// A command's arguments and streams, as an instance's WASI context takes them.
pub(crate) struct Console {
    arguments: Vec<String>,
    stdin: Stream<AsyncStdinStream>,
    stdout: Stream<AsyncStdoutStream>,
    stderr: Stream<AsyncStdoutStream>,
}

/// One of them; clones are the same stream.
struct Stream<T> {
    inner: Arc<T>,
    is_terminal: bool,
}

impl Console {
    pub(crate) fn of(command: Command) -> Console {
        let Command { arguments, stdin, stdout, stderr, is_terminal } = command;
        let out = |writer| Stream { inner: Arc::new(AsyncStdoutStream::new(OUTPUT_BYTES_MAX, writer)), is_terminal };
        let stdin = Stream { inner: Arc::new(AsyncStdinStream::new(stdin)), is_terminal };
        Console { arguments, stdin, stdout: out(stdout), stderr: out(stderr) }
    }

    pub(crate) fn configure(&self, wasi: &mut WasiCtxBuilder) {
        let Console { arguments, stdin, stdout, stderr } = self;
        wasi.args(arguments).stdin(stdin.clone()).stdout(stdout.clone()).stderr(stderr.clone());
    }
}

impl<T> Clone for Stream<T> {
    fn clone(&self) -> Stream<T> {
        Stream { inner: self.inner.clone(), is_terminal: self.is_terminal }
    }
}

impl<T> IsTerminal for Stream<T> {
    fn is_terminal(&self) -> bool {
        self.is_terminal
    }
}

impl StdinStream for Stream<AsyncStdinStream> {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        self.inner.async_stream()
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        self.inner.p2_stream()
    }
}

impl StdoutStream for Stream<AsyncStdoutStream> {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        self.inner.async_stream()
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        self.inner.p2_stream()
    }
}
