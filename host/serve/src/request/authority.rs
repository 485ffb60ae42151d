//! Whom a request is for: exactly one host, in valid spelling (RFC 9112 section 3.2).

use std::net::Ipv6Addr;

use http::HeaderMap;
use http::Uri;
use http::Version;
use http::header::HOST;
use http::uri::Authority;
use http::uri::Scheme;

use crate::request::refused::Refused;

/// The authority of a request, without an empty port.
pub fn authority_of(version: Version, uri: &Uri, headers: &HeaderMap) -> Result<Authority, Refused> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().map(|host| host.as_bytes());
    if hosts.next().is_some() {
        return Err(Refused::bad("the request has more than one Host field"));
    }
    let in_target = uri.authority().map(|authority| authority.as_str().as_bytes());
    match (host, in_target) {
        (Some(host), None) => parse(host),
        (Some(host), Some(in_target)) => {
            let authority = parse(host)?;
            let default_port = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
            if !same(&authority, &parse(in_target)?, default_port) {
                return Err(Refused::bad("the request names two different hosts"));
            }
            Ok(authority)
        }
        // HTTP/2 has `:authority` instead (RFC 9113 section 8.3.1).
        (None, Some(in_target)) if version == Version::HTTP_2 => parse(in_target),
        (None, _) => Err(Refused::bad("the request has no Host field")),
    }
}

fn parse(text: &[u8]) -> Result<Authority, Refused> {
    const MALFORMED: Refused = Refused::bad("the request's host is not spelled as a host");
    let (host, port) = split(text).ok_or(MALFORMED)?;
    let port_is_valid = match port {
        None | Some(b"") => true,
        Some(digits) => {
            digits.iter().all(u8::is_ascii_digit)
                && str::from_utf8(digits).is_ok_and(|digits| digits.parse::<u16>().is_ok())
        }
    };
    if !port_is_valid {
        return Err(MALFORMED);
    }
    let text = if port == Some(b"") { host } else { text };
    Authority::try_from(text).map_err(|_| MALFORMED)
}

/// Splits host and port, and checks the host: an IPv6 address in brackets, or letters, digits and `-._~`. The grammar
/// (RFC 3986 section 3.2.2) allows more, which no name in use has.
fn split(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let end = match text {
        [b'[', ..] => text.iter().position(|byte| *byte == b']')? + 1,
        _ => text.iter().position(|byte| *byte == b':').unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at(end);
    let is_valid = match host {
        [b'[', address @ .., b']'] => str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        _ => !host.is_empty() && host.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte)),
    };
    let port = match rest {
        [] => None,
        [b':', port @ ..] => Some(port),
        _ => return None,
    };
    is_valid.then_some((host, port))
}

/// Whether two authorities are the same for a scheme whose default port may be left out.
fn same(one: &Authority, other: &Authority, default_port: u16) -> bool {
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default_port);
    one.host().eq_ignore_ascii_case(other.host()) && port(one) == port(other)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(hosts: &[&str], target: &str, expected: Result<&str, &str>) {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_bytes(host.as_bytes()).unwrap());
        }
        let found = authority_of(Version::HTTP_11, &target.parse().unwrap(), &headers);
        let found = found.map(|authority| authority.to_string()).map_err(|refused| refused.reason.into_owned());
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(found, expected, "{hosts:?} {target}");
    }

    #[test]
    fn one_host_in_valid_spelling() {
        const NONE: Result<&str, &str> = Err("the request has no Host field");
        const TWO: Result<&str, &str> = Err("the request has more than one Host field");
        const MALFORMED: Result<&str, &str> = Err("the request's host is not spelled as a host");
        for host in ["localhost", "shop.localhost:8080", "127.0.0.1", "[::1]:80", "a_b.c"] {
            check(&[host], "/", Ok(host));
        }
        check(&["localhost:"], "/", Ok("localhost"));
        check(&[], "/", NONE);
        check(&[], "http://a/", NONE);
        check(&["a", "a"], "/", TWO);
        check(&["a", "b"], "/", TWO);
        for host in [
            "",
            " ",
            "a b",
            "a,b",
            "a/b",
            "a@b",
            "u:p@b",
            "a:b",
            "a:99999",
            "a:1:2",
            "[::1",
            "[x]",
            "[::1]x",
            ":80",
            "a?b",
            "a#b",
            "%61",
            "ä",
            "a:+1",
            "[::1%25eth0]",
        ] {
            check(&[host], "/", MALFORMED);
        }
    }

    #[test]
    fn the_target_names_the_same_host() {
        const OTHER: Result<&str, &str> = Err("the request names two different hosts");
        check(&["a"], "http://a/x", Ok("a"));
        check(&["A"], "http://a:80/x", Ok("A"));
        check(&["a"], "https://a:443/x", Ok("a"));
        check(&["a"], "https://a:80/x", OTHER);
        check(&["a"], "http://b/x", OTHER);
        check(&["a"], "http://a:81/x", OTHER);
        check(&["a"], "http://u@a/x", Err("the request's host is not spelled as a host"));
    }
}
