//! Where the host comes in: `wasi:http` 0.3. Functions are asynchronous, bodies are streams, and one instance answers
//! many requests at once.

use wasip3::clocks::monotonic_clock;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::ErrorCode;
use wasip3::http::types::Fields;
use wasip3::http::types::Method;
use wasip3::http::types::Request;
use wasip3::http::types::Response;
use wasip3::http::types::Trailers;
use wasip3::wit_bindgen::FutureReader;
use wasip3::wit_bindgen::StreamReader;
use wasip3::wit_bindgen::spawn_local;
use wasip3::wit_future;
use wasip3::wit_stream;

use crate::page;
use crate::page::Answer;

const PAUSE_NS: u64 = 200_000_000;

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// What the app asks of the host, as a section of the component: instances that are used again, by several at once.
/// Whatever is kept in memory is then seen by the next visitor: keep nothing of one that another may not see.
#[used]
#[unsafe(link_section = "guesthouse")]
static SETTINGS: [u8; 41] = *b"[instances]\nreuse = 1000\nconcurrent = 16\n";

struct App;

wasip3::http::service::export!(App);

impl Guest for App {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let target = request.get_path_with_query().unwrap_or_default();
        Ok(
            match page::answer(&method(&request), &target, &mount(&request)) {
                Answer::Page(page) => whole(200, &[("content-type", HTML)], page),
                Answer::Lines(count) => lines(count),
                Answer::Echo => echo(request),
                Answer::NotFound => whole(
                    404,
                    &[("content-type", TEXT)],
                    "404: there is no such page here\n".to_owned(),
                ),
                Answer::WrongMethod(allowed) => {
                    let fields = [("content-type", TEXT), ("allow", allowed)];
                    whole(405, &fields, format!("405: this page takes {allowed}\n"))
                }
            },
        )
    }
}

/// A body that is there already. The host reads it when it has the response, so that a task of its own writes it.
fn whole(status: u16, fields: &[(&str, &str)], body: String) -> Response {
    let (mut stream, contents) = wit_stream::new();
    let (_, ended) = wit_future::new(|| Ok(None));
    let response = response(status, fields, contents, ended);
    spawn_local(async move {
        // What comes back is what a visitor who has gone did not read.
        let _unread = stream.write_all(body.into_bytes()).await;
    });
    response
}

/// A body that is written piece by piece. One that is not said to be complete counts as broken.
fn lines(count: u32) -> Response {
    let (mut stream, contents) = wit_stream::new();
    let (end, ended) = wit_future::new(|| Err(ErrorCode::HttpResponseIncomplete));
    let response = response(200, &[("content-type", TEXT)], contents, ended);
    spawn_local(async move {
        for number in 1..=count {
            monotonic_clock::wait_for(PAUSE_NS).await;
            if !stream
                .write_all(page::line(number).into_bytes())
                .await
                .is_empty()
            {
                return;
            }
        }
        drop(stream);
        let _ = end.write(Ok(None)).await;
    });
    response
}

/// The request's body is handed on as the response's: no byte of it enters the app.
fn echo(request: Request) -> Response {
    let (_, read) = wit_future::new(|| Ok(()));
    let (contents, ended) = Request::consume_body(request, read);
    response(200, &[("content-type", TEXT)], contents, ended)
}

fn response(
    status: u16,
    fields: &[(&str, &str)],
    contents: StreamReader<u8>,
    ended: FutureReader<Result<Option<Trailers>, ErrorCode>>,
) -> Response {
    let head = Fields::new();
    for (name, value) in fields {
        head.append(name, value.as_bytes())
            .expect("the names and values are plain");
    }
    let (response, _sent) = Response::new(head, Some(contents), ended);
    response
        .set_status_code(status)
        .expect("the status is one of HTTP's");
    response
}

fn method(request: &Request) -> String {
    match request.get_method() {
        Method::Get => "GET".to_owned(),
        Method::Head => "HEAD".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Put => "PUT".to_owned(),
        Method::Delete => "DELETE".to_owned(),
        Method::Connect => "CONNECT".to_owned(),
        Method::Options => "OPTIONS".to_owned(),
        Method::Trace => "TRACE".to_owned(),
        Method::Patch => "PATCH".to_owned(),
        Method::Other(name) => name,
    }
}

/// The prefix under which the app lies: the host says it in a field, and takes out what visitors send by that name.
fn mount(request: &Request) -> String {
    let values = request.get_headers().get("x-forwarded-prefix");
    values
        .into_iter()
        .next()
        .and_then(|value| String::from_utf8(value).ok())
        .unwrap_or_default()
}
