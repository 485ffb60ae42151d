//! The floor: the least that a Rust HTTP server can do, hyper answering a constant, or handing a body back as it comes.
//! Every other figure is a multiple of what this costs in the same run.
//!
//! `floor ADDRESS [--spin THREADS]`: with so many threads beside it that never stop computing.
//! `/count` says how many connections it took so far, and how many requests it was asked at `/asked`.

use std::convert::Infallible;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::Either;
use http_body_util::Full;
use hyper::Request;
use hyper::Response;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

static LARGE: [u8; 64 << 10] = [b'.'; 64 << 10];

static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
static ASKED: AtomicU64 = AtomicU64::new(0);

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let spinning = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => 0,
        (Some("--spin"), Some(threads)) => threads.parse().expect("`--spin` takes a number of threads"),
        _ => panic!("usage: floor ADDRESS [--spin THREADS]"),
    };
    for _ in 0..spinning {
        std::thread::spawn(|| {
            loop {
                std::hint::spin_loop();
            }
        });
    }

    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        CONNECTIONS.fetch_add(1, Relaxed);
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request)) });
            let _ = http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer(request: Request<Incoming>) -> Response<Either<Full<Bytes>, Incoming>> {
    // A slower server meets a load that sleeps between its answers, and pays for waking it: `/busy/8` computes for 8 µs,
    // so that its time without those is what that costs.
    if let Some(micros) = request.uri().path().strip_prefix("/busy/") {
        let end = Instant::now() + Duration::from_micros(micros.parse().unwrap_or(0));
        while Instant::now() < end {}
    }
    let (body, media_type) = match request.uri().path() {
        "/64k" => (Either::Left(Full::new(Bytes::from_static(&LARGE))), "application/octet-stream"),
        "/count" => {
            let text = format!("{} {}", CONNECTIONS.load(Relaxed), ASKED.load(Relaxed));
            (Either::Left(Full::new(Bytes::from(text))), "text/plain")
        }
        "/echo" => (Either::Right(request.into_body()), "application/octet-stream"),
        path => {
            if path == "/asked" {
                ASKED.fetch_add(1, Relaxed);
            }
            (Either::Left(Full::new(Bytes::from_static(b"<h1>hello</h1>"))), "text/html; charset=utf-8")
        }
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
