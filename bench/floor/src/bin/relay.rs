//! The least that a Rust server which asks another one can do: hyper's client behind hyper, one GET for each visitor.
//!
//! `relay ADDRESS URL [--anew]`: over a connection of its own for each request, in place of those that it keeps.
//! `/still` is answered without asking.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::Empty;
use http_body_util::Full;
use hyper::Request;
use hyper::Response;
use hyper::StatusCode;
use hyper::Uri;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

type Asking = Client<HttpConnector, Empty<Bytes>>;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (address, url, kept) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [address, url] => (address, url, usize::MAX),
        [address, url, "--anew"] => (address, url, 0),
        _ => panic!("usage: relay ADDRESS URL [--anew]"),
    };
    let url: Uri = url.parse().expect("the second argument is a URL");
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Asking = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(kept).build(connector);

    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (client, url) = (client.clone(), url.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request, &client, &url).await) });
            let _ = http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, client: &Asking, url: &Uri) -> Response<Full<Bytes>> {
    let told = match request.uri().path() {
        "/still" => Ok(Bytes::from_static(b"<h1>hello</h1>")),
        _ => ask(client, url.clone()).await,
    };
    let mut response = Response::new(Full::default());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    match told {
        Ok(body) => *response.body_mut() = Full::new(body),
        Err(_) => *response.status_mut() = StatusCode::BAD_GATEWAY,
    }
    response
}

async fn ask(client: &Asking, url: Uri) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    Ok(client.get(url).await?.into_body().collect().await?.to_bytes())
}
