//! Header fields that several places read alike: lists, fields of a connection, and whether a page is wanted.

use http::HeaderMap;
use http::HeaderName;
use http::header::ACCEPT;

/// The items of a field's value that is a list (RFC 9110 section 5.6.1), without the space around them. A comma within
/// quotes separates as well: none of the lists that are read here may have one, or it does no harm there.
pub fn items(value: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// The items of all fields of one name, which are one list.
pub fn list(headers: &HeaderMap, name: HeaderName) -> impl DoubleEndedIterator<Item = &[u8]> {
    headers.get_all(name).iter().flat_map(|value| items(value.as_bytes()))
}

/// Whether a field is for one connection and no further (RFC 9110 section 7.6.1), whatever `Connection` names besides.
pub fn is_of_connection(name: &str) -> bool {
    matches!(
        name,
        "connection" | "keep-alive" | "proxy-connection" | "te" | "transfer-encoding" | "upgrade" | "http2-settings"
    )
}

/// Whether `Accept` names HTML: a browser does, a program that takes anything does not.
pub fn accepts_html(headers: &HeaderMap) -> bool {
    list(headers, ACCEPT).map(weighted).any(|(range, weight)| range.eq_ignore_ascii_case(b"text/html") && weight > 0)
}

/// An item and its weight, in thousandths (RFC 9110 section 12.4.2). One that cannot be read counts as a refusal.
pub fn weighted(item: &[u8]) -> (&[u8], u16) {
    let mut parts = item.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let name = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| part.strip_prefix(b"q=").or(part.strip_prefix(b"Q=")));
    (name, weight.map_or(1000, |weight| thousandths(weight).unwrap_or(0)))
}

/// Reads `1`, `0.5` or `0.333`, with three digits after the point at most (RFC 9110 section 12.4.2).
fn thousandths(weight: &[u8]) -> Option<u16> {
    let (whole, rest) = weight.split_first()?;
    let decimals = match rest {
        [] => rest,
        [b'.', decimals @ ..] if decimals.len() <= 3 => decimals,
        _ => return None,
    };
    let mut value = match whole {
        b'0' => 0,
        b'1' => 1000,
        _ => return None,
    };
    for (decimal, worth) in decimals.iter().zip([100, 10, 1]) {
        value += char::from(*decimal).to_digit(10).and_then(|digit| u16::try_from(digit).ok())? * worth;
    }
    (value <= 1000).then_some(value)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::CONNECTION;

    use super::*;

    #[test]
    fn several_fields_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(CONNECTION, HeaderValue::from_static("close ,  x-one"));
        headers.append(CONNECTION, HeaderValue::from_static("x-two"));
        let found: Vec<_> = list(&headers, CONNECTION).collect();
        assert_eq!(found, [b"close".as_slice(), b"x-one", b"x-two"]);
        assert_eq!(list(&headers, ACCEPT).count(), 0);
    }

    #[test]
    fn a_weight_has_three_digits_after_the_point_at_most() {
        for weight in ["", "2", "1.001", "0.1234", "0,5", "x", "-1", ".5"] {
            assert_eq!(thousandths(weight.as_bytes()), None, "{weight}");
            assert_eq!(weighted(format!("gzip; q={weight}").as_bytes()), (b"gzip".as_slice(), 0), "{weight}");
        }
        for (weight, expected) in [("1.", 1000), ("0.5", 500), ("0.333", 333), ("0", 0)] {
            assert_eq!(thousandths(weight.as_bytes()), Some(expected), "{weight}");
        }
    }

    #[test]
    fn who_names_html_gets_html() {
        for (accept, expected) in [
            ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", true),
            ("application/json, Text/HTML;q=0.1", true),
            ("text/html;level=1", true),
            ("text/html;q=0", false),
            ("text/html; q=0.000", false),
            ("*/*", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(accepts_html(&headers), expected, "{accept}");
        }
        assert!(!accepts_html(&HeaderMap::new()));
    }
}
