//! Where the operator asks: a listener of its own, so that no visitor and no app is in the way.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use http::Method;
use http::Request;
use http::Response;
use http::StatusCode;
use hyper::body::Incoming;
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

use crate::admin::run;
use crate::admin::run::AdminBody;
use crate::admin::run::text;
use crate::admin::status;
use crate::admin::status::Watched;
use crate::listen::listener::Accepting;
use crate::listen::listener::BindAddress;
use crate::listen::listener::Endpoint;
use crate::listen::listener::ListenError;
use crate::listen::listener::Listener;
use crate::listen::listener::ListenerProtocol;
use crate::listen::stream::Plain;

/// Questions answered at once.
const QUESTIONS_MAX: usize = 16;

/// From accept to the end of an answer: whoever asks for health is a program near by.
const QUESTION_TIME: Duration = Duration::from_secs(5);

/// Commands of apps that run at once.
const COMMANDS_MAX: usize = 8;

/// The state directory is ours alone (0700); this is for a socket elsewhere.
const SOCKET_MODE: u32 = 0o600;

/// After an error of `accept`.
const PAUSE: Duration = Duration::from_millis(100);

/// What is asked about.
pub struct Asked {
    /// Whether all apps are decided on.
    pub ready: watch::Receiver<bool>,
    /// How full everything is.
    pub watched: Watched,
}

/// Shared by all answers.
struct Admin {
    asked: Asked,
    /// Commands go on here, while somebody reads what they say.
    commands: TaskTracker,
}

/// Binds the admin listener; a stale Unix socket is replaced.
pub fn bind(place: BindAddress) -> Result<Listener, ListenError> {
    Listener::bind_as(Endpoint { place, protocol: ListenerProtocol::Http }, SOCKET_MODE, "--admin-listen")
}

/// Answers until `stop`: `/.well-known/guesthouse/live` and `/ready` (503 while `ready` is false), and, over a Unix socket,
/// commands of apps.
pub async fn run(listener: Listener, asked: Asked, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    let admin = Arc::new(Admin { asked, commands: TaskTracker::new() });
    let answering = async {
        match listener.into_tokio() {
            Ok(listener) => answer_all(&listener, &admin, &stop, &tracker).await,
            Err(error) => error!(target: "guesthouse::serve", "cannot answer for health: {error}"),
        }
    };
    tokio::select! {
        () = answering => {}
        () = stop.cancelled() => {}
    }
    tracker.close();
    tracker.wait().await;
    // Nobody reads them any more.
    admin.commands.close();
    admin.commands.wait().await;
}

async fn answer_all(listener: &Accepting, admin: &Arc<Admin>, stop: &CancellationToken, tracker: &TaskTracker) {
    let permits = Arc::new(Semaphore::new(QUESTIONS_MAX));
    loop {
        let permit = permits.clone().acquire_owned().await.expect("nobody closes this semaphore");
        match listener.accept().await {
            Ok((stream, _)) => {
                tracker.spawn(answer(stream, admin.clone(), stop.clone(), permit));
            }
            Err(error) => {
                warn!(target: "guesthouse::serve", "cannot accept a question for health: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn answer(stream: Plain, admin: Arc<Admin>, stop: CancellationToken, permit: OwnedSemaphorePermit) {
    // Whoever can reach the socket is the operator; an address, others can reach.
    let is_private = matches!(stream, Plain::Unix(_));
    // A command takes as long as it takes, and keeps nobody from asking for health.
    let running = Mutex::new(Some(permit));
    let service = service_fn(|request: Request<Incoming>| {
        let is_run = run::app_of(request.uri().path()).is_some();
        if is_run {
            drop(running.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
        let response = respond(request, &admin, is_private);
        async { Ok::<_, Infallible>(response) }
    });
    let mut http1 = http1::Builder::new();
    http1.keep_alive(false).header_read_timeout(None);
    let mut serving = pin!(http1.serve_connection(TokioIo::new(stream), service));
    // What goes wrong here is the asker's loss.
    if tokio::time::timeout(QUESTION_TIME, serving.as_mut()).await.is_err()
        && running.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    {
        tokio::select! {
            _ = serving => {}
            () = stop.cancelled() => {}
        }
    }
}

fn respond(request: Request<Incoming>, admin: &Admin, is_private: bool) -> Response<AdminBody> {
    let Some(app) = run::app_of(request.uri().path()) else {
        let path = request.uri().path();
        if path == status::PATH {
            return status::status(&admin.asked.watched);
        }
        let (status, said) = health(path, *admin.asked.ready.borrow());
        return text(status, said.to_owned());
    };
    let refusal = if !is_private {
        Some((StatusCode::FORBIDDEN, "commands are run over the Unix socket only".to_owned()))
    } else if request.method() != Method::POST {
        Some((StatusCode::METHOD_NOT_ALLOWED, "a command is run by POST".to_owned()))
    } else if admin.commands.len() >= COMMANDS_MAX {
        let why = format!("{COMMANDS_MAX} commands are running: wait for one to end");
        Some((StatusCode::SERVICE_UNAVAILABLE, why))
    } else {
        None
    };
    if let Some((status, why)) = refusal {
        return run::refused(status, why, request.into_body(), &admin.commands);
    }
    run::run(request, &app, &admin.asked.watched.routes, &admin.commands)
}

fn health(path: &str, ready: bool) -> (StatusCode, &'static str) {
    match path {
        "/.well-known/guesthouse/live" => (StatusCode::OK, "live\n"),
        "/.well-known/guesthouse/ready" if ready => (StatusCode::OK, "ready\n"),
        "/.well-known/guesthouse/ready" => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
        _ => (
            StatusCode::NOT_FOUND,
            "ask for /.well-known/guesthouse/live, /.well-known/guesthouse/ready or /v1/status\n",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use guesthouse_app::bounds::Bounds;
    use guesthouse_app::routes::Origins;
    use guesthouse_app::routes::routes;
    use tokio::io::AsyncReadExt as _;
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::compress::encoder::Encoders;

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
        let listener = bind(BindAddress::Unix(path.clone())).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let taken = bind(BindAddress::Unix(path.clone())).unwrap_err().to_string();
        assert!(taken.ends_with("address in use (another guesthouse? choose another with --admin-listen)"), "{taken}");

        let (ready, is_ready) = watch::channel(false);
        let stop = CancellationToken::new();
        let asking = async {
            assert_eq!(ask(&path, "/.well-known/guesthouse/live").await, "200 live");
            assert_eq!(ask(&path, "/.well-known/guesthouse/ready").await, "503 not ready");
            ready.send(true).unwrap();
            assert_eq!(ask(&path, "/.well-known/guesthouse/ready").await, "200 ready");
            assert!(ask(&path, "/").await.starts_with("404 "));
            assert!(ask(&path, "/v1/status").await.starts_with("200 {"));
            assert!(ask(&path, "/v1/apps/till/run?arguments=x").await.starts_with("405 "));
            stop.cancel();
        };
        let (_, routes) = routes(Origins { domain: "localhost".to_owned(), hosts: vec![], path_routes: true });
        let (bounds, encoders) = (Bounds::none(), Encoders::new(1));
        let watched = Watched { routes, bounds, encoders };
        tokio::join!(run(listener, Asked { ready: is_ready, watched }, stop.clone()), asking);
        assert!(!path.exists());
    }
}
