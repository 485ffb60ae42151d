//! Names and values as forms and queries write them: `application/x-www-form-urlencoded`.

/// The names and values, decoded, in order. Never fails, as the form's own standard (URL, section 5.1) has it: a `%`
/// that is no escape stays, and bytes that are no UTF-8 are replaced.
pub fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    let parts = encoded.split(|byte| *byte == b'&').filter(|part| !part.is_empty());
    parts
        .map(|part| match part.iter().position(|byte| *byte == b'=') {
            Some(at) => (decode(&part[..at]), decode(&part[at + 1..])),
            None => (decode(part), String::new()),
        })
        .collect()
}

/// One name or value, decoded.
pub fn decode(encoded: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [first, tail @ ..] = rest {
        let (byte, tail) = match (first, tail) {
            (b'+', _) => (b' ', tail),
            (b'%', [high, low, tail @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, tail),
                _ => (b'%', &rest[1..]),
            },
            _ => (*first, tail),
        };
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One name or value, encoded so that it may stand in a query, a form or a cookie.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

pub(crate) fn first(pairs: Vec<(String, String)>, name: &str) -> Option<String> {
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_in_order() {
        let check = |encoded: &str, expected: &[(&str, &str)]| {
            let pairs = pairs(encoded.as_bytes());
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(pairs, expected, "{encoded}");
        };
        check("", &[]);
        check("a=1&b=2&a=3", &[("a", "1"), ("b", "2"), ("a", "3")]);
        check("a&&=b&c=d=e", &[("a", ""), ("", "b"), ("c", "d=e")]);
        check("x+y=%C3%BC%26", &[("x y", "ü&")]);
        check("a=%&b=%4&c=%zz&d=%41", &[("a", "%"), ("b", "%4"), ("c", "%zz"), ("d", "A")]);
        check("a=%FF", &[("a", "\u{fffd}")]);
    }

    #[test]
    fn what_is_encoded_comes_back() {
        let text = "a b+c&d=e;f,\u{fc}\r\n\"%";
        assert_eq!(encode("a b;"), "a%20b%3B");
        assert_eq!(decode(encode(text).as_bytes()), text);
    }
}
