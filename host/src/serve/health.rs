//! Where health is asked for: a listener of its own, so that no visitor and no app is in the way.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use http::StatusCode;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;
use tracing::warn;

use crate::serve::listen::ListenError;
use crate::serve::listen::Listener;

/// Questions answered at once.
const QUESTIONS_MAX: usize = 16;

/// From accept to the end: whoever asks for health is a program near by.
const QUESTION_TIME: Duration = Duration::from_secs(5);

/// After an error of `accept`.
const PAUSE: Duration = Duration::from_millis(100);

/// Where the health listener is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthAddress {
    /// A Unix socket at this path.
    Unix(PathBuf),
    /// A TCP address.
    Tcp(SocketAddr),
}

/// A bound health listener. A Unix socket's file is removed when it is dropped.
#[derive(Debug)]
pub enum HealthListener {
    /// On a Unix socket.
    Unix(UnixListener, SocketFile),
    /// On a TCP address.
    Tcp(Listener),
}

/// The file of a Unix socket that we made.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    inode: u64,
}

/// Binds the health listener; a stale Unix socket is replaced.
pub fn bind(address: &HealthAddress) -> Result<HealthListener, ListenError> {
    match address {
        HealthAddress::Tcp(address) => Ok(HealthListener::Tcp(Listener::bind(*address)?)),
        HealthAddress::Unix(path) => bind_unix(path)
            .map_err(|error| ListenError { address: path.display().to_string(), cause: error.to_string() }),
    }
}

fn bind_unix(path: &Path) -> io::Result<HealthListener> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(io::Error::other("there is a file that is not a socket"));
        }
        Ok(_) if UnixStream::connect(path).is_ok() => {
            return Err(io::Error::other("in use (another guesthouse? choose another with --admin-listen)"));
        }
        // Left behind by a host that was killed.
        Ok(_) => fs::remove_file(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    // The state directory is ours alone (0700); this is for a socket elsewhere.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    let inode = fs::symlink_metadata(path)?.ino();
    Ok(HealthListener::Unix(listener, SocketFile { path: path.to_owned(), inode }))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Not one that another host has put there since.
        if fs::symlink_metadata(&self.path).is_ok_and(|metadata| metadata.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Answers `/.well-known/guesthouse/live` and `/ready` until `stop`. The `/ready` one says 503 while `ready` is false.
pub async fn run(listener: HealthListener, ready: watch::Receiver<bool>, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    let answering = async {
        match listener {
            HealthListener::Tcp(listener) => match listener.into_tokio() {
                Ok(listener) => answer_all(|| listener.accept(), &ready, &tracker).await,
                Err(error) => error!("cannot answer for health: {error}"),
            },
            HealthListener::Unix(listener, _file) => match tokio::net::UnixListener::from_std(listener) {
                Ok(listener) => answer_all(|| listener.accept(), &ready, &tracker).await,
                Err(error) => error!("cannot answer for health: {error}"),
            },
        }
    };
    tokio::select! {
        () = answering => {}
        () = stop.cancelled() => {}
    }
    tracker.close();
    tracker.wait().await;
}

async fn answer_all<S, A, F>(accept: impl Fn() -> F, ready: &watch::Receiver<bool>, tracker: &TaskTracker)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = io::Result<(S, A)>>,
{
    let permits = Arc::new(Semaphore::new(QUESTIONS_MAX));
    loop {
        let permit = permits.clone().acquire_owned().await.expect("nobody closes this semaphore");
        match accept().await {
            Ok((stream, _)) => {
                tracker.spawn(answer(stream, ready.clone(), permit));
            }
            Err(error) => {
                warn!("cannot accept a question for health: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn answer<S>(stream: S, ready: watch::Receiver<bool>, _permit: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let (status, text) = health(request.uri().path(), *ready.borrow());
        let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
        *response.status_mut() = status;
        async { Ok::<_, Infallible>(response) }
    });
    let mut http1 = http1::Builder::new();
    http1.keep_alive(false).header_read_timeout(None);
    // What goes wrong here is the asker's loss.
    let _ = tokio::time::timeout(QUESTION_TIME, http1.serve_connection(TokioIo::new(stream), service)).await;
}

fn health(path: &str, ready: bool) -> (StatusCode, &'static str) {
    match path {
        "/.well-known/guesthouse/live" => (StatusCode::OK, "live\n"),
        "/.well-known/guesthouse/ready" if ready => (StatusCode::OK, "ready\n"),
        "/.well-known/guesthouse/ready" => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
        _ => (StatusCode::NOT_FOUND, "ask for /.well-known/guesthouse/live or /.well-known/guesthouse/ready\n"),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn ask(path: &Path, question: &str) -> String {
        let mut stream = tokio::net::UnixStream::connect(path).await.unwrap();
        stream.write_all(format!("GET {question} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        format!("{} {}", &answer[9..12], answer.rsplit("\r\n").next().unwrap().trim())
    }

    #[tokio::test]
    async fn health_is_answered_on_a_socket_that_goes_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("health");
        // Stale: bound once, and nobody listens any more.
        drop(UnixListener::bind(&path).unwrap());
        let listener = bind(&HealthAddress::Unix(path.clone())).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let taken = bind(&HealthAddress::Unix(path.clone())).unwrap_err().to_string();
        assert!(taken.ends_with("in use (another guesthouse? choose another with --admin-listen)"), "{taken}");

        let (ready, is_ready) = watch::channel(false);
        let stop = CancellationToken::new();
        let asking = async {
            assert_eq!(ask(&path, "/.well-known/guesthouse/live").await, "200 live");
            assert_eq!(ask(&path, "/.well-known/guesthouse/ready").await, "503 not ready");
            ready.send(true).unwrap();
            assert_eq!(ask(&path, "/.well-known/guesthouse/ready").await, "200 ready");
            assert!(ask(&path, "/").await.starts_with("404 "));
            stop.cancel();
        };
        tokio::join!(run(listener, is_ready, stop.clone()), asking);
        assert!(!path.exists());
    }
}
