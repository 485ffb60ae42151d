//! What a trusted proxy says about a request: who sent it, over which scheme, and under which id.
//!
//! Only the `X-Forwarded-*` fields are read. `Forwarded` (RFC 7239) says the same in other words, and of two words one
//! would have to be the wrong one.

use std::net::IpAddr;
use std::sync::Arc;

use guesthouse_app::headers::items;
use http::HeaderMap;
use http::uri::Scheme;

use crate::trusted::Trusted;

const ID_BYTES_MAX: usize = 64;

/// The visitor behind the proxies: reading `X-Forwarded-For` from its end, the first address that is not one of theirs.
/// `None` when it says nothing, or nothing that can be read.
pub fn visitor(headers: &HeaderMap, trusted: &Trusted) -> Option<IpAddr> {
    let values: Vec<&str> =
        headers.get_all("x-forwarded-for").iter().map(|value| value.to_str()).collect::<Result<_, _>>().ok()?;
    let mut last = None;
    for item in values.iter().flat_map(|value| items(value.as_bytes())).rev() {
        // What stands before something unreadable was not written by a proxy of ours.
        let Some(address) = str::from_utf8(item).ok().and_then(address) else { break };
        last = Some(address);
        if !trusted.is(last) {
            break;
        }
    }
    last
}

/// The scheme that the visitor used, by the nearest proxy's word.
pub fn scheme(headers: &HeaderMap) -> Option<Scheme> {
    let last = headers.get_all("x-forwarded-proto").iter().next_back()?;
    match items(last.as_bytes()).next_back()? {
        b"https" => Some(Scheme::HTTPS),
        b"http" => Some(Scheme::HTTP),
        _ => None,
    }
}

/// The id that the proxy has given the request, if it is `[A-Za-z0-9-]{1,64}`.
pub fn id(headers: &HeaderMap) -> Option<Arc<str>> {
    let mut ids = headers.get_all("x-request-id").iter();
    let (id, second) = (ids.next()?.to_str().ok()?, ids.next());
    let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (second.is_none() && is_plain && (1..=ID_BYTES_MAX).contains(&id.len())).then(|| id.into())
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().map(|address| address.ip()).ok();
    let address = text.parse::<IpAddr>().ok().or_else(bare).or_else(with_port)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        values.iter().for_each(|value| _ = headers.append(name, HeaderValue::from_str(value).unwrap()));
        headers
    }

    fn check_visitor(values: &[&str], expected: Option<&str>) {
        let trusted = Trusted { networks: vec!["10.0.0.0/8".parse().unwrap()], unix: false };
        let found = visitor(&headers("x-forwarded-for", values), &trusted);
        assert_eq!(found, expected.map(|address| address.parse().unwrap()), "{values:?}");
    }

    #[test]
    fn the_visitor_is_whom_the_last_stranger_was_seen_as() {
        check_visitor(&[], None);
        check_visitor(&["192.0.2.1"], Some("192.0.2.1"));
        check_visitor(&["192.0.2.9, 192.0.2.1"], Some("192.0.2.1"));
        check_visitor(&["192.0.2.9, 192.0.2.1, 10.0.0.7"], Some("192.0.2.1"));
        check_visitor(&["192.0.2.9", "192.0.2.1", "10.0.0.7,10.1.1.1"], Some("192.0.2.1"));
        check_visitor(&["10.0.0.7"], Some("10.0.0.7"));
        check_visitor(&["192.0.2.1:4711"], Some("192.0.2.1"));
        check_visitor(&["[2001:db8::1]:80"], Some("2001:db8::1"));
        check_visitor(&["::ffff:192.0.2.1"], Some("192.0.2.1"));
        check_visitor(&["unknown"], None);
        check_visitor(&["evil, 10.0.0.7"], Some("10.0.0.7"));
    }

    #[test]
    fn the_nearest_proxy_says_the_scheme() {
        let found = |values: &[&str]| scheme(&headers("x-forwarded-proto", values));
        assert_eq!(found(&["https"]), Some(Scheme::HTTPS));
        assert_eq!(found(&["https, http"]), Some(Scheme::HTTP));
        assert_eq!(found(&["http", "https"]), Some(Scheme::HTTPS));
        assert_eq!(found(&["gopher"]), None);
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn an_id_is_taken_when_it_is_plain() {
        let found = |values: &[&str]| id(&headers("x-request-id", values));
        assert_eq!(found(&["Ab-9"]).as_deref(), Some("Ab-9"));
        for bad in [&["a b"][..], &["a", "b"], &[""], &["a\"b"], &[&"a".repeat(65)]] {
            assert_eq!(found(bad), None, "{bad:?}");
        }
    }
}
