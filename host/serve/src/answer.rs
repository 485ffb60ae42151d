//! A guest's response, made fit for the visitor: what is not the guest's to say is taken out.

use bytes::Bytes;
use guesthouse_app::app::AppBody;
use guesthouse_app::coding::Accepted;
use guesthouse_app::coding::Coding;
use guesthouse_app::routes::Place;
use guesthouse_sandbox::fault::Fault;
use http::HeaderMap;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use http::response::Parts;
use http_body::Body as _;

use crate::compress::Length;
use crate::compress::negotiate;
use crate::cookies::confine;
use crate::encoded::Encoded;
use crate::encoder::Encoders;
use crate::encoder::Permit;
use crate::fields::clean_response;
use crate::logged_body::Source;
use crate::noted::Noted;
use crate::noted::is_page;
use crate::noted::not_kept;
use crate::promise::Promise;
use crate::reach::keep_to_itself;

/// A response that is fit to be sent.
pub struct Answer {
    /// Its head.
    pub head: Parts,
    /// Its body.
    pub source: Source,
    /// The length that the head promises where the body does not know it.
    pub promise: Promise,
}

/// What the visitor is to get of a response.
pub struct Ways {
    /// The head alone.
    pub is_head: bool,
    /// The body may be compressed with this, if it may be.
    pub accepted: Option<Accepted>,
    /// What the visitor has of it already: the values of `If-None-Match`.
    pub held: Vec<HeaderValue>,
    /// What stands at the end if it is a page.
    pub note: Option<Bytes>,
}

/// Makes a response of the app at `place` fit for its visitor. One of `encoders` may compress it.
pub fn answer(response: Response<AppBody>, place: &Place, ways: Ways, encoders: &Encoders) -> Result<Answer, Fault> {
    let Ways { is_head, accepted, held, note } = ways;
    let (mut head, body) = response.into_parts();
    // hyper would take 101 for a change of protocol, and other 1xx for the last word.
    if !(200..=599).contains(&head.status.as_u16()) {
        return Err(Fault::BadResponse(format!("its status is {}", head.status.as_u16())));
    }
    clean_response(&mut head.headers);
    confine(&mut head.headers, &place.mount);
    if place.shares_origin {
        keep_to_itself(&mut head.headers);
    }
    let exact = body.size_hint().exact();
    let has_no_body = is_head || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let promised = settle_length(&mut head.headers, exact, is_head, has_no_body);
    if let Some(note) = note.filter(|_| !has_no_body && is_page(&head.headers)) {
        return Ok(noted(head, body, promised, note));
    }
    let coding = accepted.and_then(|accepted| {
        let length = match (promised.or(exact), is_head) {
            (Some(0), true) if promised.is_none() => Length::Untold,
            (Some(bytes), _) => Length::Known(bytes),
            (None, _) => Length::Open,
        };
        negotiate(&mut head, length, accepted, &held, || encoders.permit())
    });
    // Where no body may follow, the guest's is dropped, and with it a guest that is still writing.
    if has_no_body {
        return Ok(Answer { head, source: Source::Page(None), promise: Promise::new(None) });
    }
    let promise = Promise::new(promised);
    match coding {
        None => Ok(Answer { head, source: Source::App(body), promise }),
        Some((coding, permit)) => encoded(head, body, promise, coding, permit),
    }
}

fn encoded(head: Parts, body: AppBody, promise: Promise, coding: Coding, permit: Permit) -> Result<Answer, Fault> {
    let body = Encoded::new(body, promise, coding, permit);
    let body = body.map_err(|error| Fault::BadResponse(format!("it could not be compressed: {error}")))?;
    Ok(Answer { head, source: Source::Encoded(Box::new(body)), promise: Promise::new(None) })
}

/// Nobody compresses it: the visitor sits at this machine.
fn noted(mut head: Parts, body: AppBody, promised: Option<u64>, note: Bytes) -> Answer {
    not_kept(&mut head.headers);
    let promised = promised.map(|length| length + note.len() as u64);
    if let Some(length) = promised {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Answer { head, source: Source::Noted(Box::new(Noted::new(body, note))), promise: Promise::new(promised) }
}

/// Leaves a `Content-Length` only where the guest's word is needed and plausible: for a streamed body, whose length is
/// then watched over, and for HEAD. In all other cases hyper writes the real one.
fn settle_length(headers: &mut HeaderMap, exact: Option<u64>, is_head: bool, has_no_body: bool) -> Option<u64> {
    let declared = declared_length(headers);
    headers.remove(CONTENT_LENGTH);
    let length = match (is_head, has_no_body, exact) {
        (true, _, Some(exact)) if exact > 0 => Some(exact),
        (true, _, _) => declared,
        (false, false, None) => declared,
        (false, _, _) => None,
    };
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    length
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    let mut declared = headers.get_all(CONTENT_LENGTH).iter();
    let (first, second) = (declared.next()?, declared.next());
    let digits = first.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|_| second.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(declared: &[&'static str], exact: Option<u64>, is_head: bool, has_no_body: bool, expected: Option<u64>) {
        let mut headers = HeaderMap::new();
        for value in declared {
            headers.append(CONTENT_LENGTH, HeaderValue::from_static(value));
        }
        let found = settle_length(&mut headers, exact, is_head, has_no_body);
        assert_eq!(found, expected, "{declared:?} {exact:?}");
        assert_eq!(declared_length(&headers), expected);
    }

    #[test]
    fn lengths() {
        check(&["5"], None, false, false, Some(5));
        check(&["5"], Some(7), false, false, None);
        check(&["5", "6"], None, false, false, None);
        check(&["+5"], None, false, false, None);
        check(&["x"], None, false, false, None);
        check(&[], None, false, false, None);
        check(&["5"], Some(0), true, true, Some(5));
        check(&["5"], Some(7), true, true, Some(7));
        check(&["5"], None, true, true, Some(5));
        check(&["5"], None, false, true, None);
    }
}
