//! The answers that an author gives most often.

use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use http::header;

use crate::Response;

/// What `http::Response` has no constructor for.
pub trait ResponseExt: Sized {
    /// A page, in UTF-8.
    fn html(page: impl Into<String>) -> Self {
        Self::content("text/html; charset=utf-8", page.into())
    }

    /// Plain text, in UTF-8.
    fn text(text: impl Into<String>) -> Self {
        Self::content("text/plain; charset=utf-8", text.into())
    }

    /// Anything, with its media type.
    fn content(media_type: &'static str, body: impl Into<Vec<u8>>) -> Self;

    /// 204: done, and there is nothing to show.
    fn no_content() -> Self;

    /// 303: look there, with a GET. The answer to a form, so that reloading does not send it again.
    ///
    /// Bytes that a header cannot hold are percent-encoded: a location made from a visitor's words stays one line.
    fn see_other(location: impl AsRef<str>) -> Self;

    /// 404, with a line of text.
    fn not_found() -> Self {
        Self::text("404: there is no such page here\n").with_status(StatusCode::NOT_FOUND)
    }

    /// 405, with the methods that would do, such as `GET, POST`.
    fn method_not_allowed(allowed: &'static str) -> Self {
        Self::text(format!("405: this page takes {allowed}\n"))
            .with_status(StatusCode::METHOD_NOT_ALLOWED)
            .with_header(header::ALLOW, HeaderValue::from_static(allowed))
    }

    /// The same answer with another status.
    fn with_status(self, status: StatusCode) -> Self;

    /// The same answer with one more header; others of the same name stay.
    fn with_header(self, name: HeaderName, value: HeaderValue) -> Self;
}

impl ResponseExt for Response {
    fn content(media_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Response::new(body.into()).with_header(header::CONTENT_TYPE, HeaderValue::from_static(media_type))
    }

    fn no_content() -> Self {
        Response::new(Vec::new()).with_status(StatusCode::NO_CONTENT)
    }

    fn see_other(location: impl AsRef<str>) -> Self {
        Response::new(Vec::new())
            .with_status(StatusCode::SEE_OTHER)
            .with_header(header::LOCATION, location_value(location.as_ref()))
    }

    fn with_status(mut self, status: StatusCode) -> Self {
        *self.status_mut() = status;
        self
    }

    fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers_mut().append(name, value);
        self
    }
}

fn location_value(location: &str) -> HeaderValue {
    let mut text = String::with_capacity(location.len());
    for byte in location.bytes() {
        match byte {
            b'!'..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    HeaderValue::try_from(text).expect("visible ASCII is a header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_that_it_is_utf8() {
        let page = Response::html("<p>ü");
        assert_eq!(page.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(page.body(), "<p>ü".as_bytes());
    }

    #[test]
    fn a_location_stays_one_line_of_ascii() {
        let answer = Response::see_other("/a b?x=ü\r\nset-cookie: evil");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(answer.headers()[header::LOCATION], "/a%20b?x=%C3%BC%0D%0Aset-cookie:%20evil");
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let answer = Response::method_not_allowed("GET, POST");
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers()[header::ALLOW], "GET, POST");
    }
}
