//! Questions an author asks a request.

use std::net::IpAddr;

use http::header;

use crate::Environ;
use crate::Request;
use crate::form;

/// What `http::Request` cannot say by itself.
pub trait RequestExt {
    /// All that the host knows besides method, path, headers and body.
    fn environ(&self) -> &Environ;

    /// A link to a page of this app: `/x` becomes `/shop/x` where the app is mounted at `/shop`.
    ///
    /// The result has exactly one slash after the mount, so that a path which a visitor supplied cannot become
    /// `//elsewhere.example`, which a browser takes for another site.
    fn link(&self, path: &str) -> String {
        format!("{}/{}", self.mount(), path.trim_start_matches(['/', '\\']))
    }

    /// The query's names and values, decoded, in order.
    fn query(&self) -> Vec<(String, String)>;

    /// The first value of a name in the query, decoded.
    fn query_value(&self, name: &str) -> Option<String> {
        form::first(self.query(), name)
    }

    /// The names and values of a form that was sent as the body, decoded, in order. Empty if the body is something
    /// else than `application/x-www-form-urlencoded`.
    fn form(&self) -> Vec<(String, String)>;

    /// The first value of a name in the form, decoded.
    fn form_value(&self, name: &str) -> Option<String> {
        form::first(self.form(), name)
    }

    /// The cookies' names and values, as they are, in order (RFC 6265 section 4.2).
    fn cookies(&self) -> Vec<(&str, &str)>;

    /// The first cookie of a name.
    fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies().into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// `http` or `https`.
    fn scheme(&self) -> &str {
        &self.environ().scheme
    }

    /// Host name and optional port.
    fn authority(&self) -> &str {
        &self.environ().authority
    }

    /// The prefix under which the app answers, or the empty string.
    fn mount(&self) -> &str {
        &self.environ().mount
    }

    /// The visitor's address, when the host knows it.
    fn peer(&self) -> Option<IpAddr> {
        self.environ().peer
    }

    /// The request's id.
    fn id(&self) -> &str {
        &self.environ().id
    }
}

impl RequestExt for Request {
    fn environ(&self) -> &Environ {
        static UNKNOWN: Environ = Environ::UNKNOWN;
        self.extensions().get().unwrap_or(&UNKNOWN)
    }

    fn query(&self) -> Vec<(String, String)> {
        form::pairs(self.uri().query().unwrap_or_default().as_bytes())
    }

    fn form(&self) -> Vec<(String, String)> {
        let kind = self.headers().get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if !kind.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            return Vec::new();
        }
        form::pairs(self.body())
    }

    fn cookies(&self) -> Vec<(&str, &str)> {
        let lines = self.headers().get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('=')).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn mounted_at(mount: &str) -> Request {
        let mut request = Request::new(Vec::new());
        request.extensions_mut().insert(Environ { mount: mount.into(), ..Environ::UNKNOWN });
        request
    }

    #[test]
    fn a_link_begins_with_the_mount() {
        let check = |mount, path, link| assert_eq!(mounted_at(mount).link(path), link);
        check("", "/", "/");
        check("", "/x", "/x");
        check("/shop", "/", "/shop/");
        check("/shop", "x", "/shop/x");
        check("/api/users", "/x?y", "/api/users/x?y");
        check("", "//elsewhere.example", "/elsewhere.example");
        check("", "/\\elsewhere.example", "/elsewhere.example");
    }

    #[test]
    fn a_request_without_a_host_has_an_empty_environ() {
        assert_eq!((Request::new(Vec::new()).link("/x"), Request::new(Vec::new()).id()), ("/x".into(), ""));
    }

    #[test]
    fn a_form_is_read_when_it_says_that_it_is_one() {
        let mut request = Request::new(b"text=two+words&ok=%3F".to_vec());
        assert_eq!(request.form_value("text"), None);

        let kind = HeaderValue::from_static("Application/X-WWW-Form-Urlencoded ; charset=utf-8");
        request.headers_mut().insert(header::CONTENT_TYPE, kind);
        assert_eq!(request.form_value("text").as_deref(), Some("two words"));
        assert_eq!(request.form_value("ok").as_deref(), Some("?"));
    }

    #[test]
    fn cookies_come_from_every_cookie_line() {
        let mut request = Request::new(Vec::new());
        request.headers_mut().append(header::COOKIE, HeaderValue::from_static("a=1; b=x=y"));
        request.headers_mut().append(header::COOKIE, HeaderValue::from_static("c=3;odd"));
        assert_eq!(request.cookies(), [("a", "1"), ("b", "x=y"), ("c", "3")]);
        assert_eq!(request.cookie("b"), Some("x=y"));
    }
}
