//! Answers with the status, the fields and as much text as the query asks for: `?status=200&bytes=9&fields=a:1|b:2`.

use guesthouse::Request;
use guesthouse::RequestExt;
use guesthouse::Response;
use guesthouse::ResponseExt;

guesthouse::app!(handle);

fn handle(request: Request) -> Result<Response, String> {
    let number = |name: &str| request.query_value(name).and_then(|value| value.parse::<usize>().ok());
    let mut text = format!("the guest: {} {}\n", request.method(), request.uri().path());
    while text.len() < number("bytes").unwrap_or_default() {
        let line = format!("line {}\n", text.len());
        text.push_str(&line);
    }
    if let Some(bytes) = number("bytes") {
        text.truncate(bytes);
    }
    let mut response = Response::text(text);
    let status = number("status").and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
    *response.status_mut() = status.try_into().map_err(|_| format!("`{status}` is no status"))?;
    for field in request.query_value("fields").unwrap_or_default().split('|').filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once(':').ok_or_else(|| format!("`{field}` has no `:`"))?;
        let name: guesthouse::http::HeaderName = name.parse().map_err(|_| format!("`{name}` is no name"))?;
        let value = value.parse().map_err(|_| format!("`{value}` is no value"))?;
        if name == "content-type" {
            response.headers_mut().insert(name, value);
        } else {
            response.headers_mut().append(name, value);
        }
    }
    Ok(response)
}
