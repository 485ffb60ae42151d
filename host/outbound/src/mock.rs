//! Answers in place of the outside: an author works without it, and a test knows what comes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use guesthouse_types::pattern::fits;
use http::HeaderMap;
use http::Method;
use http::Response;
use http::StatusCode;
use http::Uri;
use http_body_util::BodyExt as _;
use http_body_util::Full;

use crate::internal::Body;

/// One answer.
#[derive(Clone, Debug)]
pub struct MockAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its fields.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// All answers. Clones share what was answered.
#[derive(Clone, Debug)]
pub struct Mock(Arc<BTreeMap<String, Answers>>);

/// What one request is answered with, time after time; the last one stays.
#[derive(Debug)]
struct Answers {
    all: Vec<MockAnswer>,
    given: AtomicUsize,
}

impl Mock {
    /// By requests as `GET https://api.example.com/rates`, with `*` for any text, each with one answer at least.
    pub fn new(answers: BTreeMap<String, Vec<MockAnswer>>) -> Mock {
        let answers = answers.into_iter().filter(|(_, all)| !all.is_empty());
        Mock(Arc::new(answers.map(|(asked, all)| (asked, Answers { all, given: AtomicUsize::new(0) })).collect()))
    }

    /// The answer, or the request that it has none for. What is written out goes before what has a `*`.
    pub(crate) fn answer(&self, method: &Method, uri: &Uri) -> Result<Response<Body>, String> {
        let asked = format!("{method} {uri}");
        let matching = || self.0.iter().find(|(pattern, _)| fits(pattern, &asked)).map(|(_, answers)| answers);
        let answers = self.0.get(&asked).or_else(matching).ok_or_else(|| asked.clone())?;
        let at = answers.given.fetch_add(1, Ordering::Relaxed).min(answers.all.len() - 1);
        let MockAnswer { status, headers, body } = answers.all[at].clone();
        let mut response = Response::new(Full::new(body).map_err(|never| match never {}).boxed_unsync());
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_answered_in_turn_and_the_last_answer_stays() {
        let answer = |status: u16| MockAnswer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        let mock = Mock::new(BTreeMap::from([
            ("GET https://api.example.com/rates".to_owned(), vec![answer(503), answer(200)]),
            ("GET https://api.example.com/*".to_owned(), vec![answer(404)]),
        ]));
        let asked = |method: &str, uri: &str| {
            let answered = mock.answer(&method.parse().unwrap(), &uri.parse().unwrap());
            answered.map(|response| response.status().as_u16())
        };
        for expected in [503, 200, 200] {
            assert_eq!(asked("GET", "https://api.example.com/rates"), Ok(expected));
        }
        assert_eq!(asked("GET", "https://api.example.com/rates?day=1"), Ok(404));
        assert_eq!(
            asked("POST", "https://api.example.com/rates"),
            Err("POST https://api.example.com/rates".to_owned())
        );
    }
}
