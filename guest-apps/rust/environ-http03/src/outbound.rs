//! A request to somewhere else, to see what the host says to that.

use wasip3::http::client;
use wasip3::http::types::ErrorCode;
use wasip3::http::types::Fields;
use wasip3::http::types::Method;
use wasip3::http::types::Request;
use wasip3::http::types::Response;
use wasip3::http::types::Scheme;
use wasip3::wit_bindgen::spawn_local;
use wasip3::wit_future;
use wasip3::wit_stream;

/// Fields that go with each request: the first one may, the others are not a guest's to say.
const FIELDS: [(&str, &str); 4] = [
    ("x-kept", "yes"),
    ("x-forwarded-for", "6.6.6.6"),
    ("proxy-authorization", "Basic eA=="),
    ("x-guesthouse-caller", "admin"),
];

/// The status that came back and the length and beginning of the body, or the error code.
pub async fn attempt(url: &str, body: Option<&str>) -> String {
    match answer(url, body).await {
        Ok(answer) => format!("status {}\n{}", answer.get_status_code(), told(answer).await),
        Err(error) => format!("{error:?}"),
    }
}

async fn answer(url: &str, sent: Option<&str>) -> Result<Response, ErrorCode> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some((_, rest)) => (Scheme::Http, rest),
        None => (Scheme::Http, url),
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };

    let fields = Fields::new();
    for (name, value) in FIELDS {
        // Some are refused here already.
        let _ = fields.append(name, value.as_bytes());
    }
    let (_, trailers) = wit_future::new(|| Ok(None));
    let contents = sent.map(|sent| {
        let (mut writer, contents) = wit_stream::new();
        let sent = sent.as_bytes().to_vec();
        // Whoever refuses the request does not read it.
        spawn_local(async move { _ = writer.write_all(sent).await });
        contents
    });
    let (request, _sent) = Request::new(fields, contents, trailers, None);
    let invalid = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&scheme)).map_err(invalid)?;
    request.set_authority(Some(authority)).map_err(invalid)?;
    request.set_path_with_query(Some(path)).map_err(invalid)?;
    if sent.is_some() {
        request.set_method(&Method::Post).map_err(invalid)?;
    }
    client::send(request).await
}

/// `body 5: hello`, or how it broke off.
async fn told(answer: Response) -> String {
    let (_, read) = wit_future::new(|| Ok(()));
    let (stream, end) = Response::consume_body(answer, read);
    let read = stream.collect().await;
    let beginning = String::from_utf8_lossy(&read[..read.len().min(2000)]).into_owned();
    match end.await {
        Ok(_) => format!("body {}: {beginning}", read.len()),
        Err(error) => format!("broken after {}: {error:?}", read.len()),
    }
}
