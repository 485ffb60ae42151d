//! Between the WIT's plain records and the types of the `http` crate.

use std::fmt;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Uri;

use crate::Environ;
use crate::Request;
use crate::Response;
use crate::bindings::types;

/// Why a request could not be told in the types of the `http` crate.
///
/// The host has checked all of this before; a host of another make may not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// Not a method name (RFC 9110 section 9.1).
    Method(String),
    /// Not a path and query that `http::Uri` takes.
    Path(String),
    /// Not a header name, or a value with bytes that a value may not have.
    Header(String),
    /// More headers than an `http::HeaderMap` holds.
    HeaderCount(usize),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method(method) => write!(f, "the method `{method}` is not one that the `http` crate takes"),
            Self::Path(path) => write!(f, "the path `{path}` is not one that the `http` crate takes"),
            Self::Header(name) => write!(f, "the header `{name}` is not one that the `http` crate takes"),
            Self::HeaderCount(count) => write!(f, "{count} headers are more than the `http` crate takes"),
        }
    }
}

impl std::error::Error for Unfit {}

/// The request as the author sees it. What `http::Request` has no field for is an [`Environ`] among its extensions.
pub fn request(wit: types::Request) -> Result<Request, Unfit> {
    let method = Method::from_bytes(wit.method.as_bytes()).map_err(|_| Unfit::Method(wit.method))?;
    let target = match wit.query {
        Some(query) => format!("{}?{query}", wit.path),
        None => wit.path,
    };
    // `Uri` would read `example.com:80` as an authority; a path is all that is meant here.
    let uri = match target.starts_with('/') {
        true => Uri::try_from(&target).map_err(|_| Unfit::Path(target))?,
        false => return Err(Unfit::Path(target)),
    };

    let mut request = Request::new(wit.body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers(wit.headers)?;
    request.extensions_mut().insert(Environ {
        scheme: wit.scheme,
        authority: wit.authority,
        mount: wit.mount,
        peer: wit.peer.and_then(|peer| peer.parse().ok()),
        id: wit.id,
    });
    Ok(request)
}

/// The response as the host takes it. The order of headers of the same name is kept.
pub fn response(response: Response) -> types::Response {
    let (head, body) = response.into_parts();
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    types::Response { status: head.status.as_u16(), headers, body }
}

fn headers(list: Vec<types::Header>) -> Result<HeaderMap, Unfit> {
    let count = list.len();
    let mut map = HeaderMap::try_with_capacity(count).map_err(|_| Unfit::HeaderCount(count))?;
    for (name, value) in list {
        let key = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_maybe_shared(value);
        let (Ok(key), Ok(value)) = (key, value) else { return Err(Unfit::Header(name)) };
        map.try_append(key, value).map_err(|_| Unfit::HeaderCount(count))?;
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RequestExt;
    use crate::ResponseExt;

    fn wit() -> types::Request {
        types::Request {
            method: "POST".into(),
            scheme: "https".into(),
            authority: "shop.example:8443".into(),
            mount: "/shop".into(),
            path: "/a%2Fb".into(),
            query: Some("q=1&q=2".into()),
            headers: vec![
                ("cookie".into(), b"a=1".to_vec()),
                ("x-twice".into(), b"one".to_vec()),
                ("x-twice".into(), b"tw\xf6".to_vec()),
            ],
            body: b"body".to_vec(),
            peer: Some("2001:db8::1".into()),
            id: "id-1".into(),
        }
    }

    #[test]
    fn every_field_of_a_request_arrives() {
        let request = request(wit()).unwrap();

        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.uri().path(), "/a%2Fb");
        assert_eq!(request.uri().query(), Some("q=1&q=2"));
        let twice: Vec<_> = request.headers().get_all("x-twice").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(twice, [b"one", &b"tw\xf6"[..]]);
        assert_eq!(request.body(), b"body");
        assert_eq!(request.scheme(), "https");
        assert_eq!(request.authority(), "shop.example:8443");
        assert_eq!(request.mount(), "/shop");
        assert_eq!(request.peer(), Some("2001:db8::1".parse().unwrap()));
        assert_eq!(request.id(), "id-1");
    }

    #[test]
    fn an_empty_query_is_not_the_same_as_none() {
        let query = |query: Option<&str>| {
            request(types::Request { query: query.map(str::to_owned), ..wit() })
                .unwrap()
                .uri()
                .query()
                .map(str::to_owned)
        };
        assert_eq!(query(Some("")).as_deref(), Some(""));
        assert_eq!(query(None), None);
    }

    #[test]
    fn what_http_cannot_hold_is_named() {
        let check = |wit, unfit| assert_eq!(request(wit).unwrap_err(), unfit);
        check(types::Request { method: "GE T".into(), ..wit() }, Unfit::Method("GE T".into()));
        check(
            types::Request { path: "example.com:80".into(), query: None, ..wit() },
            Unfit::Path("example.com:80".into()),
        );
        let headers = vec![("x".into(), b"a\r\nb".to_vec())];
        check(types::Request { headers, ..wit() }, Unfit::Header("x".into()));
        let headers = vec![("x".into(), Vec::new()); 40_000];
        check(types::Request { headers, ..wit() }, Unfit::HeaderCount(40_000));
    }

    #[test]
    fn every_field_of_a_response_leaves() {
        let mut answer = Response::html("<p>").with_status(http::StatusCode::CREATED);
        answer.headers_mut().append("set-cookie", HeaderValue::from_static("a=1"));
        answer.headers_mut().append("set-cookie", HeaderValue::from_static("b=2"));
        let wit = response(answer);

        assert_eq!(wit.status, 201);
        assert_eq!(wit.body, b"<p>");
        assert_eq!(wit.headers[0], ("content-type".into(), b"text/html; charset=utf-8".to_vec()));
        assert_eq!(wit.headers[1..], [("set-cookie".into(), b"a=1".to_vec()), ("set-cookie".into(), b"b=2".to_vec())]);
    }
}
