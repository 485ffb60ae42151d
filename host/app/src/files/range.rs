//! The part of a file that is asked for (RFC 9110 section 14).

use std::ops::Range;

/// What a `Range` field asks of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it: the field asks for several parts, or in another unit, or makes no sense.
    Whole,
    /// These bytes.
    Bytes(Range<u64>),
    /// Nothing that the file has.
    Unsatisfiable,
}

/// Reads a field's value, for a file of `length` bytes.
pub fn part(value: &[u8], length: u64) -> Part {
    asked(value).map_or(Part::Whole, |(first, last)| match (first, last) {
        (Some(first), last) if first < length => Part::Bytes(first..last.map_or(length, |last| length.min(last + 1))),
        (None, Some(suffix)) if suffix > 0 && length > 0 => Part::Bytes(length.saturating_sub(suffix)..length),
        _ => Part::Unsatisfiable,
    })
}

/// `bytes=1-2`, `bytes=1-` or `bytes=-2`, and nothing else. Numbers beyond what any file has stand for its end.
fn asked(value: &[u8]) -> Option<(Option<u64>, Option<u64>)> {
    let text = std::str::from_utf8(value).ok()?;
    let (unit, range) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    let is_sensible = match (first, last) {
        (None, None) => false,
        (Some(first), Some(last)) => first <= last,
        _ => true,
    };
    is_sensible.then_some((first, last))
}

fn number(digits: &str) -> Option<Option<u64>> {
    if digits.is_empty() {
        return Some(None);
    }
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    // One less than the most, so that one can be added.
    is_number.then(|| Some(digits.parse().unwrap_or(u64::MAX).min(u64::MAX - 1)))
}

#[cfg(test)]
mod tests {
    use proptest::proptest;

    use super::*;

    fn check(value: &str, length: u64, expected: Part) {
        assert_eq!(part(value.as_bytes(), length), expected, "{value} of {length}");
    }

    #[test]
    fn one_range_is_understood() {
        check("bytes=0-0", 10, Part::Bytes(0..1));
        check("bytes=2-5", 10, Part::Bytes(2..6));
        check("Bytes = 2-5", 10, Part::Bytes(2..6));
        check("bytes=2-", 10, Part::Bytes(2..10));
        check("bytes=9-99999999999999999999999", 10, Part::Bytes(9..10));
        check("bytes=-3", 10, Part::Bytes(7..10));
        check("bytes=-30", 10, Part::Bytes(0..10));
    }

    #[test]
    fn what_the_file_has_not_is_unsatisfiable() {
        check("bytes=10-", 10, Part::Unsatisfiable);
        check("bytes=99999999999999999999999-", 10, Part::Unsatisfiable);
        check("bytes=-0", 10, Part::Unsatisfiable);
        check("bytes=0-", 0, Part::Unsatisfiable);
        check("bytes=-1", 0, Part::Unsatisfiable);
    }

    #[test]
    fn anything_else_is_the_whole() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=0-1,3-4",
            "bytes=x-",
            "bytes=+1-2",
            "lines=1-2",
            "bytes=1-2-3",
            "bytes= 1 - 2",
        ] {
            check(value, 10, Part::Whole);
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_in_the_file(value in "(bytes=)?[0-9]{0,25}-?[0-9]{0,25}.{0,2}", length: u64) {
            if let Part::Bytes(bytes) = part(value.as_bytes(), length) {
                assert!(bytes.start < bytes.end && bytes.end <= length, "{value} of {length}: {bytes:?}");
            }
        }
    }
}
