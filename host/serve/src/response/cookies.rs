//! Cookies of apps that share an origin: each is kept to its own host and to its own mount.

use http::HeaderMap;
use http::HeaderValue;
use http::header::SET_COOKIE;

/// Confines what a guest sets. `Domain` goes, so that a cookie is for the app's own host alone. On a mount (`/shop`) a
/// `Path` outside of it, or none, becomes `/shop/`.
///
/// It reads an attribute as a browser does (RFC 6265 section 5.2): names without case, spaces around, the last one counts.
/// A `__Host-` cookie demands `Path=/`, which a mount cannot give: browsers drop it there.
pub fn confine(headers: &mut HeaderMap, mount: &str) {
    // Most responses set none, and then nothing is touched.
    if !headers.contains_key(SET_COOKIE) {
        return;
    }
    let confined: Vec<HeaderValue> =
        headers.get_all(SET_COOKIE).iter().filter_map(|cookie| confine_one(cookie.as_bytes(), mount)).collect();
    headers.remove(SET_COOKIE);
    for cookie in confined {
        headers.append(SET_COOKIE, cookie);
    }
}

fn confine_one(cookie: &[u8], mount: &str) -> Option<HeaderValue> {
    let mut parts = cookie.split(|byte| *byte == b';');
    let mut confined = parts.next()?.to_vec();
    let mut path = None;
    for attribute in parts {
        let (name, value) = name_and_value(attribute);
        if name.eq_ignore_ascii_case(b"domain") {
            continue;
        }
        if !mount.is_empty() && name.eq_ignore_ascii_case(b"path") {
            path = Some(value);
            continue;
        }
        confined.push(b';');
        confined.extend_from_slice(attribute);
    }
    if !mount.is_empty() {
        confined.extend_from_slice(b"; Path=");
        match path {
            Some(path) if is_inside(path, mount.as_bytes()) => confined.extend_from_slice(path),
            _ => {
                confined.extend_from_slice(mount.as_bytes());
                confined.push(b'/');
            }
        }
    }
    HeaderValue::from_bytes(&confined).ok()
}

fn name_and_value(attribute: &[u8]) -> (&[u8], &[u8]) {
    let equals = attribute.iter().position(|byte| *byte == b'=').unwrap_or(attribute.len());
    let value = attribute.get(equals + 1..).unwrap_or_default();
    (attribute[..equals].trim_ascii(), value.trim_ascii())
}

/// Whole segments only, and compared as a browser compares: byte by byte.
fn is_inside(path: &[u8], mount: &[u8]) -> bool {
    path.strip_prefix(mount).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mount: &str, cookie: &str, expected: &str) {
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, HeaderValue::from_str(cookie).unwrap());
        confine(&mut headers, mount);
        assert_eq!(headers[SET_COOKIE], expected, "{cookie}");
    }

    #[test]
    fn a_mount_keeps_its_cookies() {
        check("/shop", "a=b", "a=b; Path=/shop/");
        check("/shop", "a=b; Path=/", "a=b; Path=/shop/");
        check("/shop", "a=b; path = /shop/cart ; HttpOnly", "a=b; HttpOnly; Path=/shop/cart");
        check("/shop", "a=b; Path=/shop; Secure", "a=b; Secure; Path=/shop");
        check("/shop", "a=b; Path=/shops", "a=b; Path=/shop/");
        check("/shop", "a=b; Path=/shop/; PATH=/", "a=b; Path=/shop/");
        check("/shop", "a=b; Path=\"/shop/\"", "a=b; Path=/shop/");
        check("/shop", "a=b; Path", "a=b; Path=/shop/");
        check("/shop", "a=b=c;SameSite=Lax;Max-Age=1", "a=b=c;SameSite=Lax;Max-Age=1; Path=/shop/");
    }

    #[test]
    fn a_host_keeps_its_cookies() {
        check("", "a=b", "a=b");
        check("", "a=b; Path=/x; Domain=example.org; Secure", "a=b; Path=/x; Secure");
        check("", "a=b; domain =.localhost", "a=b");
        check("/shop", "a=b; Domain=localhost; Path=/", "a=b; Path=/shop/");
    }

    #[test]
    fn several_cookies_stay_several() {
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, HeaderValue::from_static("a=1"));
        headers.append(SET_COOKIE, HeaderValue::from_static("b=2; Path=/"));
        confine(&mut headers, "/shop");
        let found: Vec<&HeaderValue> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(found, ["a=1; Path=/shop/", "b=2; Path=/shop/"]);
    }
}
