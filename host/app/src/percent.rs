//! What `%41` stands for (RFC 3986 section 2.1): one reading, so that a path that was checked means what was checked.

/// The byte that two hexadecimal digits stand for, or `None` where they are none.
pub fn octet(digits: &[u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let [high, low] = *digits;
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_in_both_cases_and_nothing_else_is() {
        for byte in 0..=u8::MAX {
            for text in [format!("{byte:02x}"), format!("{byte:02X}")] {
                assert_eq!(octet(text.as_bytes().try_into().unwrap()), Some(byte), "{text}");
            }
        }
        for text in ["zz", "+1", "1 ", "g0", "0g", "%4"] {
            assert_eq!(octet(text.as_bytes().try_into().unwrap()), None, "{text}");
        }
    }
}
