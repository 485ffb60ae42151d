//! A command run by the host that serves its app, over the admin socket.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use anyhow::bail;
use bytes::Bytes;
use bytes::BytesMut;
use futures_util::TryStreamExt as _;
use guesthouse_serve::admin::frames::decode;
use guesthouse_serve::admin::run::target;
use http::Method;
use http::Request;
use http::header::HOST;
use http_body::Frame;
use http_body_util::BodyExt as _;
use http_body_util::StreamBody;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio_util::io::ReaderStream;

use crate::commands::run::show::show;
use crate::commands::run::wanted::Wanted;
use crate::commands::run::wanted::is_terminal;

/// A host that listens at `socket`, if there is one.
pub async fn reach(socket: &Path) -> Option<UnixStream> {
    UnixStream::connect(socket).await.ok()
}

/// Has it run what is wanted, and shows what comes of it.
pub async fn run(host: UnixStream, wanted: &Wanted) -> anyhow::Result<ExitCode> {
    let stdin = ReaderStream::new(tokio::io::stdin()).map_ok(Frame::data);
    let request = Request::builder()
        .method(Method::POST)
        .uri(target(&wanted.app, &wanted.arguments, is_terminal()))
        .header(HOST, "localhost")
        .body(StreamBody::new(stdin))
        .context("the app's name cannot be part of a request")?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(host)).await.context("the host does not answer")?;
    let asked = async {
        let response = sender.send_request(request).await.context("the host does not answer")?;
        let (head, body) = response.into_parts();
        if !head.status.is_success() {
            let said = body.collect().await.context("the host does not answer")?.to_bytes();
            bail!("{}", String::from_utf8_lossy(&said).trim_end());
        }
        follow(body).await
    };
    tokio::select! {
        ended = asked => ended,
        // It ends with the last answer, and with the host.
        never = async { let _ = connection.await; std::future::pending::<Infallible>().await } => match never {},
    }
}

async fn follow(mut body: Incoming) -> anyhow::Result<ExitCode> {
    let mut arrived = BytesMut::new();
    loop {
        while let Some(frame) = decode(&mut arrived)? {
            if let Some(code) = show(frame).await? {
                return Ok(code);
            }
        }
        let ended = "the host ended before the command did";
        match body.frame().await {
            Some(Ok(frame)) => arrived.extend_from_slice(&frame.into_data().unwrap_or_else(|_| Bytes::new())),
            Some(Err(error)) => return Err(io::Error::other(error)).context(ended),
            None => bail!("{ended}"),
        }
    }
}
