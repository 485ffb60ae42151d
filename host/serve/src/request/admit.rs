//! What we take: a request's head is checked and normalised before anybody acts on it.

use http::HeaderMap;
use http::Method;
use http::StatusCode;
use http::Version;
use http::header::CONTENT_LENGTH;
use http::header::TRANSFER_ENCODING;
use http::request::Parts;
use http::uri::Authority;
use http::uri::PathAndQuery;

use crate::request::authority::authority_of;
use crate::request::fields::clean_request;
use crate::request::path::check_path;
use crate::request::refused::Refused;

/// The longest method that anybody has registered is `UPDATEREDIRECTREF` (17).
const METHOD_BYTES_MAX: usize = 32;

/// The bounds of a head.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// Header fields.
    pub fields_max: usize,
    /// The request target, in bytes.
    pub target_bytes_max: usize,
}

/// A request's head that everybody reads alike.
#[derive(Debug)]
pub struct Admitted {
    /// Neither CONNECT nor TRACE.
    pub method: Method,
    /// As it was sent.
    pub authority: Authority,
    /// Raw; begins with `/`.
    pub path_and_query: PathAndQuery,
    /// What a guest may see.
    pub headers: HeaderMap,
}

/// Checks and normalises a head. What hyper refuses by itself (a malformed line or field, two lengths, a head over its
/// bounds) never comes here: hyper answers 400, 414 or 431 without a body and closes.
pub fn admit(head: Parts, bounds: HeadLimits) -> Result<Admitted, Refused> {
    let Parts { method, uri, version, mut headers, .. } = head;
    check_method(&method)?;
    if headers.len() > bounds.fields_max {
        return Err(Refused::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the request has too many header fields",
        ));
    }
    check_framing(version, &headers)?;
    // Without a scheme, a target is a path, `*`, or what is meant for CONNECT.
    if !uri.path().starts_with('/') || (uri.scheme().is_none() && uri.authority().is_some()) {
        return Err(Refused::bad("the request's target is not a path"));
    }
    if !matches!(uri.scheme_str(), None | Some("http" | "https")) {
        return Err(Refused::bad("the request's target is neither `http` nor `https`"));
    }
    let authority = authority_of(version, &uri, &headers)?;
    let path_and_query = path_and_query(uri.into_parts().path_and_query)?;
    if path_and_query.as_str().len() > bounds.target_bytes_max {
        return Err(Refused::new(StatusCode::URI_TOO_LONG, "the request's target is too long"));
    }
    check_path(path_and_query.path()).map_err(Refused::bad)?;
    clean_request(&mut headers);
    Ok(Admitted { method, authority, path_and_query, headers })
}

/// CONNECT asks for a tunnel, and TRACE shows a visitor's secrets to scripts: neither is for a guest.
fn check_method(method: &Method) -> Result<(), Refused> {
    if method.as_str().len() > METHOD_BYTES_MAX {
        return Err(Refused::new(StatusCode::NOT_IMPLEMENTED, "the request's method is too long to be one"));
    }
    if matches!(*method, Method::CONNECT | Method::TRACE) {
        return Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, "this host does not take the request's method"));
    }
    Ok(())
}

/// A request whose end two readers could see in two places is how one visitor's bytes become another's request
/// (RFC 9112 sections 6.1 and 11.2). hyper takes any list that ends in `chunked`; we take `chunked` alone.
///
/// Of several lengths in HTTP/1, hyper leaves one, or refuses; in HTTP/2 it hands on those that are equal.
fn check_framing(version: Version, headers: &HeaderMap) -> Result<(), Refused> {
    if headers.get_all(CONTENT_LENGTH).iter().nth(1).is_some() {
        return Err(Refused::bad("the request has more than one Content-Length field"));
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if version == Version::HTTP_11 && coding.as_bytes().eq_ignore_ascii_case(b"chunked") => {
            Ok(())
        }
        _ => Err(Refused::bad("the request has another Transfer-Encoding than `chunked`")),
    }
}

/// `http://host?x` has an empty path, which means `/` (RFC 9110 section 4.2.3).
fn path_and_query(parsed: Option<PathAndQuery>) -> Result<PathAndQuery, Refused> {
    match parsed {
        Some(parsed) if parsed.as_str().starts_with('/') => Ok(parsed),
        parsed => {
            let query = parsed.as_ref().and_then(PathAndQuery::query);
            let text = query.map_or("/".to_owned(), |query| format!("/?{query}"));
            PathAndQuery::try_from(text).map_err(|_| Refused::bad("the request's target is not a path"))
        }
    }
}

#[cfg(test)]
mod tests {
    use guesthouse_app::routes::host_of;
    use http::Request;

    use super::*;

    fn check(method: &str, target: &str, fields: &[(&str, &str)], expected: Result<&str, u16>) {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let head = request.body(()).unwrap().into_parts().0;
        let found = admit(head, HeadLimits { fields_max: 5, target_bytes_max: 20 });
        let found = found.map(|it| format!("{} {} {}", it.method, host_of(&it.authority), it.path_and_query));
        let expected = expected.map(str::to_owned);
        assert_eq!(found.map_err(|refused| refused.status.as_u16()), expected, "{method} {target} {fields:?}");
    }

    const HOST: (&str, &str) = ("host", "Shop.localhost.:8080");

    #[test]
    fn methods() {
        check("GET", "/", &[HOST], Ok("GET shop.localhost /"));
        check("UPDATEREDIRECTREF", "/", &[HOST], Ok("UPDATEREDIRECTREF shop.localhost /"));
        check(&"X".repeat(33), "/", &[HOST], Err(501));
        check("TRACE", "/", &[HOST], Err(405));
        check("CONNECT", "shop.localhost:80", &[HOST], Err(405));
    }

    #[test]
    fn targets() {
        check("GET", "/a//b?c=%", &[HOST], Ok("GET shop.localhost /a//b?c=%"));
        check("OPTIONS", "*", &[HOST], Err(400));
        check("GET", "shop.localhost:80", &[HOST], Err(400));
        check("GET", "shop", &[HOST], Err(400));
        check("GET", "http://shop.localhost.:8080/x", &[HOST], Ok("GET shop.localhost /x"));
        check("GET", "http://shop.localhost.:8080", &[HOST], Ok("GET shop.localhost /"));
        check("GET", "http://shop.localhost.:8080?x", &[HOST], Ok("GET shop.localhost /?x"));
        check("GET", "http://other/", &[HOST], Err(400));
        check("GET", "ftp://shop.localhost.:8080/", &[HOST], Err(400));
        check("GET", "/45678901234567890", &[HOST], Ok("GET shop.localhost /45678901234567890"));
        check("GET", "/4567890123456789?12", &[HOST], Ok("GET shop.localhost /4567890123456789?12"));
        check("GET", "/4567890123456789?123", &[HOST], Err(414));
        check("GET", "/a/../b", &[HOST], Err(400));
    }

    #[test]
    fn framing() {
        let with = |value| [HOST, ("transfer-encoding", value)];
        check("POST", "/", &with("chunked"), Ok("POST shop.localhost /"));
        check("POST", "/", &with("Chunked"), Ok("POST shop.localhost /"));
        for coding in
            ["chunked, chunked", "identity, chunked", "gzip, chunked", "identity", "", "xchunked", "chunked;q=1"]
        {
            check("POST", "/", &with(coding), Err(400));
        }
        check("POST", "/", &[HOST, ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], Err(400));
        check("POST", "/", &[HOST, ("content-length", "5"), ("content-length", "5")], Err(400));
    }

    #[test]
    fn fields() {
        check("GET", "/", &[], Err(400));
        check("GET", "/", &[HOST, HOST], Err(400));
        check("GET", "/", &[HOST, ("a", "1"), ("a", "2"), ("a", "3"), ("a", "4")], Ok("GET shop.localhost /"));
        check("GET", "/", &[HOST, ("a", "1"), ("a", "2"), ("a", "3"), ("a", "4"), ("a", "5")], Err(431));
    }
}
