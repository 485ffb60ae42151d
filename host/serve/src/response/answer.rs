//! A guest's response, made fit for the visitor: what is not the guest's to say is taken out.

use std::sync::Arc;

use guesthouse_app::app::AppBody;
use guesthouse_app::coding::Accepted;
use guesthouse_app::coding::Coding;
use guesthouse_app::places::pace::Pace;
use guesthouse_app::routes::RouteMatch;
use guesthouse_sandbox::fault::Fault;
use http::HeaderMap;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use http::response::Parts;
use http_body::Body as _;

use crate::compress::encoder::Encoders;
use crate::compress::encoder::Permit;
use crate::compress::negotiate::Length;
use crate::compress::negotiate::negotiate;
use crate::dev_pages::DevPages;
use crate::dev_pages::DevRequest;
use crate::dev_pages::OverlaidBody;
use crate::dev_pages::Overlay;
use crate::dev_pages::OverlayTarget;
use crate::request::fields::clean_response;
use crate::response::cookies::confine;
use crate::response::declared_length::DeclaredLength;
use crate::response::encoded::Encoded;
use crate::response::reach::keep_to_itself;
use crate::response::tracked_body::Source;

/// A response that is fit to be sent.
pub struct Answer {
    /// Its head.
    pub head: Parts,
    /// Its body.
    pub source: Source,
    /// The length that the head promises where the body does not know it.
    pub declared_length: DeclaredLength,
}

/// What the visitor is to get of a response.
pub struct AnswerOptions<'a> {
    /// The head alone.
    pub is_head: bool,
    /// The body may be compressed with this, if it may be.
    pub accepted: Option<Accepted>,
    /// What the visitor has of it already: the values of `If-None-Match`.
    pub held: Vec<HeaderValue>,
    /// How fast the visitor reads.
    pub pace: Option<&'a Arc<Pace>>,
    /// Who may put something over it, and which app's it is.
    pub overlay: Option<(&'a dyn DevPages, &'a DevRequest, OverlayTarget<'a>)>,
}

/// Makes a response of the app at `place` fit for its visitor. One of `encoders` may compress it.
pub fn answer(
    response: Response<AppBody>,
    place: &RouteMatch,
    options: AnswerOptions<'_>,
    encoders: &Encoders,
) -> Result<Answer, Fault> {
    let AnswerOptions { is_head, accepted, held, pace, overlay } = options;
    let (mut head, mut body) = response.into_parts();
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
    if let Some((pages, request, to)) = overlay.filter(|_| !has_no_body) {
        match pages.overlay(request, to, &mut head.headers, body) {
            Overlay::None(same) => body = same,
            Overlay::Over { body, added } => return Ok(overlaid(head, body, promised, added)),
            Overlay::Instead(body) => return Ok(overlaid(head, body, None, 0)),
        }
    }
    let coding = accepted.and_then(|accepted| {
        let length = match (promised.or(exact), is_head) {
            (Some(0), true) if promised.is_none() => Length::Untold,
            (Some(bytes), _) => Length::Known(bytes),
            (None, _) => Length::Open,
        };
        negotiate(&mut head, length, accepted, &held, || encoders.permit(pace?))
    });
    // Where no body may follow, the guest's is dropped, and with it a guest that is still writing.
    if has_no_body {
        return Ok(Answer { head, source: Source::Page(None), declared_length: DeclaredLength::new(None) });
    }
    let declared_length = DeclaredLength::new(promised);
    match coding {
        None => Ok(Answer { head, source: Source::App(body), declared_length }),
        Some((coding, permit)) => encoded(head, body, declared_length, coding, permit),
    }
}

fn encoded(
    head: Parts,
    body: AppBody,
    declared_length: DeclaredLength,
    coding: Coding,
    permit: Permit,
) -> Result<Answer, Fault> {
    let body = Encoded::new(body, declared_length, coding, permit);
    let body = body.map_err(|error| Fault::BadResponse(format!("it could not be compressed: {error}")))?;
    Ok(Answer { head, source: Source::Encoded(Box::new(body)), declared_length: DeclaredLength::new(None) })
}

/// Nobody compresses it: the visitor sits at this machine.
fn overlaid(mut head: Parts, body: OverlaidBody, promised: Option<u64>, added: u64) -> Answer {
    let promised = promised.map(|length| length + added);
    if let Some(length) = promised {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Answer { head, source: Source::Overlaid(body), declared_length: DeclaredLength::new(promised) }
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
