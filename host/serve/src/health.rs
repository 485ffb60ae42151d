//! Where health is asked for: a listener of its own, so that no visitor and no app is in the way.

use std::convert::Infallible;
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
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;
use tracing::warn;

use crate::listen::Accepting;
use crate::listen::Endpoint;
use crate::listen::ListenError;
use crate::listen::Listener;
use crate::listen::Place;
use crate::listen::Speech;
use crate::stream::Plain;

/// Questions answered at once.
const QUESTIONS_MAX: usize = 16;

/// From accept to the end: whoever asks for health is a program near by.
const QUESTION_TIME: Duration = Duration::from_secs(5);

/// The state directory is ours alone (0700); this is for a socket elsewhere.
const SOCKET_MODE: u32 = 0o600;

/// After an error of `accept`.
const PAUSE: Duration = Duration::from_millis(100);

/// Binds the health listener; a stale Unix socket is replaced.
pub fn bind(place: Place) -> Result<Listener, ListenError> {
    Listener::bind_as(Endpoint { place, speech: Speech::Http }, SOCKET_MODE, "--admin-listen")
}

/// Answers `/.well-known/guesthouse/live` and `/ready` until `stop`. The `/ready` one says 503 while `ready` is false.
pub async fn run(listener: Listener, ready: watch::Receiver<bool>, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    let answering = async {
        match listener.into_tokio() {
            Ok(listener) => answer_all(&listener, &ready, &tracker).await,
            Err(error) => error!(target: "guesthouse::serve", "cannot answer for health: {error}"),
        }
    };
    tokio::select! {
        () = answering => {}
        () = stop.cancelled() => {}
    }
    tracker.close();
    tracker.wait().await;
}

async fn answer_all(listener: &Accepting, ready: &watch::Receiver<bool>, tracker: &TaskTracker) {
    let permits = Arc::new(Semaphore::new(QUESTIONS_MAX));
    loop {
        let permit = permits.clone().acquire_owned().await.expect("nobody closes this semaphore");
        match listener.accept().await {
            Ok((stream, _)) => {
                tracker.spawn(answer(stream, ready.clone(), permit));
            }
            Err(error) => {
                warn!(target: "guesthouse::serve", "cannot accept a question for health: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn answer(stream: Plain, ready: watch::Receiver<bool>, _permit: OwnedSemaphorePermit) {
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
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixListener;
    use std::path::Path;

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
        let listener = bind(Place::Unix(path.clone())).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let taken = bind(Place::Unix(path.clone())).unwrap_err().to_string();
        assert!(taken.ends_with("address in use (another guesthouse? choose another with --admin-listen)"), "{taken}");

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
