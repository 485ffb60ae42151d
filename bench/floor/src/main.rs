//! The floor: the least that a Rust HTTP server can do, hyper answering a constant. Every other figure is a multiple of
//! what this costs in the same run.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let hello = service_fn(|_| async {
                let mut response = Response::new(Full::new(Bytes::from_static(b"<h1>hello</h1>")));
                let html = hyper::header::HeaderValue::from_static("text/html; charset=utf-8");
                response.headers_mut().insert(hyper::header::CONTENT_TYPE, html);
                Ok::<_, Infallible>(response)
            });
            let _ = http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), hello).await;
        });
    }
}
