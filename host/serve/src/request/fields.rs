//! Which header fields may pass: not those of one connection, and not those that only a proxy of ours may set.

use guesthouse_app::headers::is_of_connection;
use guesthouse_app::headers::list;
use http::HeaderMap;
use http::HeaderName;
use http::header::CONNECTION;
use http::header::HOST;

/// Takes out of a request what a guest must not see or believe. `Host` goes as well: the request's authority says it, for
/// every protocol alike.
pub fn clean_request(headers: &mut HeaderMap) {
    headers.remove(HOST);
    strip(headers, |name| is_of_connection(name) || is_of_request_only(name) || is_forged(name));
}

/// Takes out of a response what only the connection's owner may say. `Trailer` stays: it announces what a body's end brings.
pub fn clean_response(headers: &mut HeaderMap) {
    strip(headers, is_of_connection);
}

fn strip(headers: &mut HeaderMap, is_doomed: impl Fn(&str) -> bool) {
    // Usually nothing is doomed, or one name, and an empty `Vec` costs nothing.
    let mut doomed: Vec<HeaderName> = headers.keys().filter(|name| is_doomed(name.as_str())).cloned().collect();
    if headers.contains_key(CONNECTION) {
        doomed.extend(named_by_connection(headers));
    }
    for name in &doomed {
        headers.remove(name);
    }
}

/// RFC 9110 section 7.6.1: a field named there is meant for the next hop alone.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    list(headers, CONNECTION).filter_map(|name| HeaderName::from_bytes(name).ok()).collect()
}

/// `expect` was answered by us; trailers of a request are not handed on.
fn is_of_request_only(name: &str) -> bool {
    matches!(name, "expect" | "trailer" | "proxy-authorization")
}

/// What a guest would take for the word of a proxy, and anything that turns into such a name where `-` and `_` are the same
/// (as in CGI's environment).
fn is_forged(name: &str) -> bool {
    matches!(name, "forwarded" | "x-real-ip" | "x-request-id" | "proxy")
        || name.starts_with("x-forwarded-")
        || name.starts_with("x-guesthouse-")
        || name.contains('_')
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(clean: fn(&mut HeaderMap), sent: &[(&str, &str)], expected: &[&str]) {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        clean(&mut headers);
        let mut found: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{sent:?}");
    }

    #[test]
    fn fields_of_the_connection_go() {
        let sent = [
            ("connection", "close, X-Mine"),
            ("connection", "x-other"),
            ("x-mine", "1"),
            ("x-other", "1"),
            ("accept", "*/*"),
            ("keep-alive", "5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("trailer", "x"),
        ];
        check(clean_request, &sent, &["accept"]);
        check(clean_response, &sent, &["accept", "trailer"]);
    }

    #[test]
    fn fields_of_a_proxy_go() {
        let forged =
            ["forwarded", "x-forwarded-for", "x-forwarded-anything", "x-real-ip", "x-request-id", "proxy", "host"];
        for name in forged.into_iter().chain(["x_forwarded_for", "content_length", "x_anything"]) {
            check(clean_request, &[(name, "1"), ("cookie", "a=b")], &["cookie"]);
        }
        check(clean_request, &[("x-forward", "1"), ("content-length", "3")], &["content-length", "x-forward"]);
    }
}
