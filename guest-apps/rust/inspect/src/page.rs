//! The page, section by section. Everything that came from the visitor goes through `escape::html`.

use guesthouse::Request;
use guesthouse::RequestExt;
use guesthouse::escape;
use guesthouse::form;

use crate::dump;

/// The whole page for a request.
pub fn of(request: &Request) -> String {
    let query = request.query();
    let form = request.form();
    let cookies = request.cookies();
    let sections = [
        section("What the host knows besides", &table(known(request))),
        section("Headers", &table(headers(request))),
        section("Cookies", &table(cookies.iter().map(|(name, value)| (*name, form::decode(value.as_bytes()))))),
        section("Query", &table(query.iter().map(|(name, value)| (name, value)))),
        section("Form", &table(form.iter().map(|(name, value)| (name, value)))),
        section(&format!("Body, {} bytes", request.body().len()), &body(request.body())),
    ];
    format!(
        include_str!("page.html"),
        style = include_str!("page.css"),
        line = escape::html(&line(request)),
        action = escape::html(&request.link("/play?from=the+form")),
        sections = sections.concat(),
    )
}

/// The request line, as the app sees it: below its mount.
fn line(request: &Request) -> String {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    format!("{} {target}", request.method())
}

fn known(request: &Request) -> Vec<(&'static str, String)> {
    vec![
        ("scheme", request.scheme().to_owned()),
        ("authority", request.authority().to_owned()),
        ("mount", request.mount().to_owned()),
        ("peer", request.peer().map_or_else(|| "not told".to_owned(), |peer| peer.to_string())),
        ("request id", request.id().to_owned()),
    ]
}

fn headers(request: &Request) -> impl Iterator<Item = (&str, String)> {
    let headers = request.headers().iter();
    headers.map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
}

fn body(body: &[u8]) -> String {
    if body.is_empty() {
        return NOTHING.to_owned();
    }
    let shown = &body[..body.len().min(dump::BYTES_MAX)];
    let rest = match body.len() - shown.len() {
        0 => String::new(),
        rest => format!("<p class=none>and {rest} bytes more</p>"),
    };
    format!(
        "<h3>as text</h3><pre>{}</pre><h3>as bytes</h3><pre>{}</pre>{rest}",
        escape::html(&String::from_utf8_lossy(shown)),
        escape::html(&dump::hex(body)),
    )
}

const NOTHING: &str = "<p class=none>none</p>";

fn section(title: &str, content: &str) -> String {
    format!("<section><h2>{title}</h2>{content}</section>\n")
}

fn table<N: AsRef<str>, V: AsRef<str>>(rows: impl IntoIterator<Item = (N, V)>) -> String {
    let rows: String = rows
        .into_iter()
        .map(|(name, value)| {
            format!(
                "<tr><th scope=row>{}</th><td>{}</td></tr>",
                escape::html(name.as_ref()),
                escape::html(value.as_ref())
            )
        })
        .collect();
    match rows.is_empty() {
        true => NOTHING.to_owned(),
        false => format!("<table>{rows}</table>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_visitor_becomes_markup() {
        let evil = "<script>alert(1)</script>";
        let mut request = Request::new(evil.as_bytes().to_vec());
        *request.uri_mut() = "/?q=%3Cscript%3E".parse().unwrap();
        request.headers_mut().insert("x-evil", evil.parse().unwrap());
        request.headers_mut().insert("cookie", format!("evil={evil}").parse().unwrap());

        let page = of(&request);
        assert!(!page.contains("<script>"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;alert(1)").count(), 5, "{page}");
    }
}
