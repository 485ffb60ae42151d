//! What a proxy, or the host itself, says of a request in fields: the prefix, the visitor, the scheme, the id.
//!
//! A visitor can write these fields as well: whoever serves the app without a proxy before it takes them out, as guesthouse
//! does, or has an app that believes its visitors.

use std::net::IpAddr;
use std::net::SocketAddr;

use crate::fields::Field;

const PREFIX_BYTES_MAX: usize = 255;
const ID_BYTES_MAX: usize = 64;

/// The prefix under which the app lies: `/shop`, or nothing. One that could make a link lead elsewhere does not count.
pub fn mount(fields: &[Field]) -> String {
    let prefix = only(fields, "x-forwarded-prefix").unwrap_or_default().trim_end_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%".contains(&byte);
    let is_path = prefix.starts_with('/') && !prefix.contains("//") && prefix.bytes().all(is_plain);
    if is_path && prefix.len() <= PREFIX_BYTES_MAX { prefix.to_owned() } else { String::new() }
}

/// The visitor, as the nearest proxy has seen it: what stands last.
pub fn peer(fields: &[Field]) -> Option<String> {
    address(last(fields, "x-forwarded-for")?).map(|address| address.to_string())
}

/// The scheme that the visitor used.
pub fn scheme(fields: &[Field]) -> Option<String> {
    let scheme = last(fields, "x-forwarded-proto")?;
    matches!(scheme, "http" | "https").then(|| scheme.to_owned())
}

/// The id, if it is `[A-Za-z0-9-]{1,64}`.
pub fn id(fields: &[Field]) -> Option<String> {
    let id = only(fields, "x-request-id")?;
    let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_plain && (1..=ID_BYTES_MAX).contains(&id.len())).then(|| id.to_owned())
}

/// Host and port where the request has no authority of its own.
pub fn host(fields: &[Field]) -> Option<String> {
    only(fields, "host").map(str::to_owned)
}

fn values<'f>(fields: &'f [Field], name: &str) -> impl DoubleEndedIterator<Item = &'f str> {
    let named = fields.iter().filter(move |(found, _)| found.eq_ignore_ascii_case(name));
    named.filter_map(|(_, value)| std::str::from_utf8(value).ok())
}

fn only<'f>(fields: &'f [Field], name: &str) -> Option<&'f str> {
    let mut values = values(fields, name);
    values.next().filter(|_| values.next().is_none())
}

fn last<'f>(fields: &'f [Field], name: &str) -> Option<&'f str> {
    values(fields, name).next_back()?.rsplit(',').next().map(str::trim)
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip()).ok();
    Some(text.parse::<IpAddr>().ok().or_else(bare).or_else(with_port)?.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said<T>(read: fn(&[Field]) -> T, name: &str, values: &[&str]) -> T {
        let fields: Vec<Field> = values.iter().map(|value| (name.to_owned(), value.as_bytes().to_vec())).collect();
        read(&fields)
    }

    #[test]
    fn a_prefix_must_be_one_that_links_may_begin_with() {
        let check = |values: &[&str], expected: &str| assert_eq!(said(mount, "X-Forwarded-Prefix", values), expected);
        check(&["/shop"], "/shop");
        check(&["/a/b/"], "/a/b");
        check(&["/"], "");
        check(&["//elsewhere.example"], "");
        check(&["https://elsewhere.example"], "");
        check(&["/a\"onclick=\"x"], "");
        check(&["/a", "/b"], "");
    }

    #[test]
    fn the_nearest_proxy_is_believed() {
        let check = |values: &[&str], expected: Option<&str>| {
            assert_eq!(said(peer, "x-forwarded-for", values).as_deref(), expected);
        };
        check(&["192.0.2.1"], Some("192.0.2.1"));
        check(&["6.6.6.6, 192.0.2.1:80", "[2001:db8::1]:9"], Some("2001:db8::1"));
        check(&["unknown"], None);
        check(&[], None);
        assert_eq!(said(scheme, "x-forwarded-proto", &["http, https"]).as_deref(), Some("https"));
        assert_eq!(said(scheme, "x-forwarded-proto", &["gopher"]), None);
    }

    #[test]
    fn an_id_is_plain() {
        assert_eq!(said(id, "x-request-id", &["a-1"]).as_deref(), Some("a-1"));
        assert_eq!(said(id, "x-request-id", &["a 1"]), None);
        assert_eq!(said(id, "x-request-id", &[&"a".repeat(65)]), None);
    }
}
