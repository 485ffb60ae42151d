//! Which responses are compressed, and what their heads say then (RFC 9110 sections 8.4 and 12.5.3).

use std::io::Write as _;

use guesthouse_app::coding::Accepted;
use guesthouse_app::coding::Coding;
use guesthouse_app::coding::is_compressible;
use guesthouse_app::headers::items;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use http::header::ACCEPT_ENCODING;
use http::header::ACCEPT_RANGES;
use http::header::CACHE_CONTROL;
use http::header::CONTENT_ENCODING;
use http::header::CONTENT_LENGTH;
use http::header::CONTENT_RANGE;
use http::header::CONTENT_TYPE;
use http::header::ETAG;
use http::header::VARY;
use http::response::Parts;

/// A body that is known to be shorter fits into one packet with its head: nothing is won.
const BYTES_MIN: u64 = 1024;

/// What says something about a body that would no longer be true.
const ABOUT_THE_BODY: [HeaderName; 5] = [
    CONTENT_ENCODING,
    CONTENT_RANGE,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
];

/// Whether a body is there, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many bytes.
    Known(u64),
    /// It is known when it has ended.
    Open,
    /// HEAD, and the guest did not say what GET would bring.
    Untold,
}

/// Chooses a coding for a response, and makes its head say so. A response that would be compressed for another visitor, or
/// at another time, says that it varies. `held` is what the visitor has (`If-None-Match`). `permit` is asked for the right
/// to compress when everything else speaks for it.
pub fn negotiate<P>(
    head: &mut Parts,
    length: Length,
    accepted: Accepted,
    held: &[HeaderValue],
    permit: impl FnOnce() -> Option<P>,
) -> Option<(Coding, P)> {
    if head.status == StatusCode::NOT_MODIFIED {
        // It speaks of what the visitor has, and names it as the visitor does: weak where it was compressed (RFC 9110
        // section 15.4.5).
        if accepted.best().is_some()
            && let Some(tag) = head.headers.get(ETAG)
        {
            if is_held_as_weak(tag.as_bytes(), held) {
                weaken_tag(&mut head.headers);
            }
            vary(&mut head.headers);
        }
        return None;
    }
    if matches!(length, Length::Known(bytes) if bytes < BYTES_MIN) {
        return None;
    }
    if matches!(head.status, StatusCode::NO_CONTENT | StatusCode::PARTIAL_CONTENT) || !may_change(&head.headers) {
        return None;
    }
    vary(&mut head.headers);
    let coding = accepted.best().filter(|_| length != Length::Untold)?;
    let permit = permit()?;
    head.headers.insert(CONTENT_ENCODING, coding.value());
    head.headers.remove(CONTENT_LENGTH);
    // Ranges would be of another body than the one that is sent now.
    head.headers.remove(ACCEPT_RANGES);
    weaken_tag(&mut head.headers);
    Some((coding, permit))
}

fn may_change(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type.is_some_and(is_compressible)
        && !ABOUT_THE_BODY.iter().any(|name| headers.contains_key(name))
        && !headers.get_all(CACHE_CONTROL).iter().any(|value| names(value, "no-transform"))
}

fn names(value: &HeaderValue, wanted: &str) -> bool {
    items(value.as_bytes()).any(|item| item.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// Adds `accept-encoding` to what the response varies by, in one field.
fn vary(headers: &mut HeaderMap) {
    let said = |value: &HeaderValue| names(value, "*") || names(value, ACCEPT_ENCODING.as_str());
    if headers.get_all(VARY).iter().any(said) {
        return;
    }
    let mut merged = Vec::new();
    for value in headers.get_all(VARY) {
        merged.extend_from_slice(value.as_bytes());
        merged.extend_from_slice(b", ");
    }
    if merged.is_empty() {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        return;
    }
    merged.extend_from_slice(b"accept-encoding");
    if let Ok(value) = HeaderValue::from_bytes(&merged) {
        headers.insert(VARY, value);
    }
}

/// Whether the visitor names a strong tag in its weak form, and not as it is.
fn is_held_as_weak(tag: &[u8], held: &[HeaderValue]) -> bool {
    let (mut as_weak, mut as_is) = (false, false);
    for value in held {
        let value = value.as_bytes();
        for at in (0..value.len()).filter(|at| !tag.is_empty() && value[*at..].starts_with(tag)) {
            match value[..at].ends_with(b"W/") {
                true => as_weak = true,
                false => as_is = true,
            }
        }
    }
    as_weak && !as_is
}

/// The compressed bytes are not those that the tag was made for, but say the same (RFC 9110 section 8.8.1).
fn weaken_tag(headers: &mut HeaderMap) {
    if let Some(tag) = headers.get(ETAG)
        && tag.as_bytes().starts_with(b"\"")
    {
        let mut weak = Vec::with_capacity(tag.len() + 2);
        // Writing to a Vec does not fail.
        let _ = weak.write_all(b"W/");
        let _ = weak.write_all(tag.as_bytes());
        match HeaderValue::from_bytes(&weak) {
            Ok(weak) => headers.insert(ETAG, weak),
            Err(_) => headers.remove(ETAG),
        };
    }
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    const JSON: (&str, &str) = ("content-type", "application/json");

    fn accepts(text: &'static str) -> Accepted {
        Accepted::asked_in(&HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(text))]))
    }

    fn check(status: u16, length: Length, accepted: &'static str, fields: &[(&str, &str)], expected: &str) {
        check_permitted(Some(()), status, length, accepted, &[], fields, expected);
    }

    /// The chosen coding, and the head afterwards, one field after the other.
    fn check_permitted(
        permit: Option<()>,
        status: u16,
        length: Length,
        accepted: &'static str,
        held: &[&'static str],
        fields: &[(&str, &str)],
        expected: &str,
    ) {
        let held: Vec<HeaderValue> = held.iter().map(|value| HeaderValue::from_static(value)).collect();
        let mut response = Response::builder().status(status);
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        let mut head = response.body(()).unwrap().into_parts().0;
        let coding =
            negotiate(&mut head, length, accepts(accepted), &held, || permit).map_or("-", |(coding, ())| coding.name());
        let mut found: Vec<String> = Vec::new();
        for (name, value) in &head.headers {
            if name != CONTENT_TYPE {
                found.push(format!("{name}: {}", value.to_str().unwrap()));
            }
        }
        found.sort();
        found.insert(0, coding.to_owned());
        assert_eq!(found.join(" | "), expected, "{status} {length:?} {accepted} {fields:?}");
    }

    #[test]
    fn what_is_worth_it_is_compressed_and_says_so() {
        let whole = "gzip | content-encoding: gzip | vary: accept-encoding";
        check(200, Length::Known(1024), "gzip", &[JSON], whole);
        check(404, Length::Open, "gzip", &[JSON], whole);
        check(200, Length::Known(1023), "gzip", &[JSON], "-");
        check(200, Length::Open, "identity", &[JSON], "- | vary: accept-encoding");
        check(200, Length::Untold, "gzip", &[JSON], "- | vary: accept-encoding");
        check(200, Length::Open, "gzip", &[], "-");
        check(200, Length::Open, "gzip", &[JSON, ("content-length", "5000"), ("accept-ranges", "bytes")], whole);
    }

    #[test]
    fn what_must_stay_as_it_is_stays() {
        for status in [204, 206] {
            check(status, Length::Open, "gzip", &[JSON], "-");
        }
        check(200, Length::Open, "gzip", &[JSON, ("content-encoding", "br")], "- | content-encoding: br");
        check(200, Length::Open, "gzip", &[JSON, ("content-range", "bytes 0-1/2")], "- | content-range: bytes 0-1/2");
        check(200, Length::Open, "gzip", &[JSON, ("content-digest", "x")], "- | content-digest: x");
        let transform = ("cache-control", "max-age=5, No-Transform");
        check(200, Length::Open, "gzip", &[JSON, transform], "- | cache-control: max-age=5, No-Transform");
    }

    #[test]
    fn a_304_names_what_the_visitor_has_as_the_visitor_does() {
        let strong = "- | etag: \"a\" | vary: accept-encoding";
        let weak = "- | etag: W/\"a\" | vary: accept-encoding";
        for (held, tag, expected) in [
            (&[][..], "\"a\"", strong),
            (&["\"a\""], "\"a\"", strong),
            (&["W/\"a\""], "\"a\"", weak),
            (&["\"b\", W/\"a\""], "\"a\"", weak),
            (&["\"b\"", "W/\"a\""], "\"a\"", weak),
            (&["W/\"b\", \"a\""], "\"a\"", strong),
            (&["W/\"a\", \"a\""], "\"a\"", strong),
            (&["*"], "\"a\"", strong),
            (&["W/\"a\""], "W/\"a\"", weak),
            (&["\"a\""], "W/\"a\"", weak),
        ] {
            check_permitted(None, 304, Length::Known(0), "gzip", held, &[("etag", tag)], expected);
        }
    }

    #[test]
    fn without_a_permit_a_body_goes_as_it_is() {
        let fields = [JSON, ("etag", "\"a\""), ("accept-ranges", "bytes"), ("content-length", "5000")];
        let plain = "- | accept-ranges: bytes | content-length: 5000 | etag: \"a\" | vary: accept-encoding";
        check_permitted(None, 200, Length::Known(5000), "gzip", &[], &fields, plain);
    }

    #[test]
    fn a_permit_is_asked_for_last() {
        let untouched = |length: Length, accepted: &'static str| {
            let response = Response::builder().header(JSON.0, JSON.1).body(()).unwrap();
            let never = || -> Option<()> { panic!("nothing is compressed here: {length:?} {accepted}") };
            assert!(negotiate(&mut response.into_parts().0, length, accepts(accepted), &[], never).is_none());
        };
        untouched(Length::Known(1023), "gzip");
        untouched(Length::Open, "identity");
        untouched(Length::Untold, "gzip");
    }

    #[test]
    fn tags_become_weak_and_what_it_varies_by_is_merged() {
        let weak = "gzip | content-encoding: gzip | etag: W/\"a\" | vary: accept-encoding";
        check(200, Length::Open, "gzip", &[JSON, ("etag", "\"a\"")], weak);
        check(200, Length::Open, "gzip", &[JSON, ("etag", "W/\"a\"")], weak);
        check(304, Length::Known(0), "identity", &[("etag", "\"a\"")], "- | etag: \"a\"");
        let merged = "gzip | content-encoding: gzip | vary: cookie, Origin, accept-encoding";
        check(200, Length::Open, "gzip", &[JSON, ("vary", "cookie"), ("vary", "Origin")], merged);
        let said = "gzip | content-encoding: gzip | vary: Origin, Accept-Encoding";
        check(200, Length::Open, "gzip", &[JSON, ("vary", "Origin, Accept-Encoding")], said);
        check(200, Length::Open, "gzip", &[JSON, ("vary", "*")], "gzip | content-encoding: gzip | vary: *");
    }
}
