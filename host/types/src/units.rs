//! Sizes and times as people write them: `64MiB`, `500ms`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::Deserializer;
use serde::de;

/// A number of bytes: `65536`, `64KiB`, `10MB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

/// A length of time: `500ms`, `30s`, `2m`, `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

/// From large to small, so that the first that divides is the one to print.
const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

const SPANS: [(&str, u64); 5] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1), ("d", 86_400_000)];

/// Why a text is not a size or a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a size.
    #[error("`{0}` is not a size: write it as `65536`, `64KiB`, `10MB` or `1GiB`")]
    Size(String),
    /// Not a time.
    #[error("`{0}` is not a time: write it as `500ms`, `30s`, `2m` or `1h`")]
    Span(String),
}

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Size, UnitError> {
        let (number, unit) = split(text);
        let factor = match unit {
            "" => Some(1),
            _ => SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, factor)| *factor),
        };
        factor.and_then(|factor| scaled(number, factor)).map(Size).ok_or_else(|| UnitError::Size(text.to_owned()))
    }
}

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Span, UnitError> {
        let (number, unit) = split(text);
        let millis = SPANS.iter().find(|(name, _)| *name == unit).and_then(|(_, factor)| scaled(number, *factor));
        // A bare `0` needs no unit.
        let millis = if text.trim() == "0" { Some(0) } else { millis };
        millis.map(|millis| Span(Duration::from_millis(millis))).ok_or_else(|| UnitError::Span(text.to_owned()))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) =
            SIZES.iter().find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor)).unwrap_or(&("B", 1));
        write!(formatter, "{}{unit}", self.0 / factor)
    }
}

impl Size {
    /// About how much it is, for people: `98 KiB`, `1.2 MiB`.
    pub fn rough(self) -> String {
        let (unit, factor) = match self.0 {
            0..1024 => return format!("{} B", self.0),
            1024..0x10_0000 => ("KiB", 1 << 10),
            0x10_0000..0x4000_0000 => ("MiB", 1 << 20),
            _ => ("GiB", 1_u128 << 30),
        };
        let tenths = u128::from(self.0) * 10 / factor;
        match tenths {
            0..100 if !tenths.is_multiple_of(10) => format!("{}.{} {unit}", tenths / 10, tenths % 10),
            _ => format!("{} {unit}", tenths / 10),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        match SPANS[..3].iter().find(|(_, factor)| millis > 0 && millis.is_multiple_of(u128::from(*factor))) {
            Some((unit, factor)) => write!(formatter, "{}{unit}", millis / u128::from(*factor)),
            None => write!(formatter, "{millis}ms"),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Size;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a size such as \"64MiB\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Size, E> {
                u64::try_from(number).map(Size).map_err(|_| E::custom(UnitError::Size(number.to_string())))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Span;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a time with its unit, such as \"30s\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// `number` times `factor`, exactly: a decimal point is fine as long as the result is whole.
fn scaled(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > 6 || (number.contains('.') && fraction.is_empty()) {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    if fraction.is_empty() {
        return Some(whole);
    }
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    let part = fraction.parse::<u64>().ok()?.checked_mul(factor)?;
    if part % scale == 0 { whole.checked_add(part / scale) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(text: &str, expected: Option<u64>) {
        assert_eq!(text.parse::<Size>().ok(), expected.map(Size), "{text}");
    }

    fn span(text: &str, expected: Option<u64>) {
        assert_eq!(text.parse::<Span>().ok(), expected.map(Duration::from_millis).map(Span), "{text}");
    }

    #[test]
    fn about_how_much_is_short() {
        let sizes = [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1500, "1.4 KiB"), (102_582, "100 KiB")];
        let larger =
            [(1_200_000, "1.1 MiB"), (134_217_728, "128 MiB"), (3 << 30, "3 GiB"), (u64::MAX, "17179869183 GiB")];
        for (bytes, expected) in sizes.into_iter().chain(larger) {
            assert_eq!(Size(bytes).rough(), expected);
        }
    }

    #[test]
    fn sizes() {
        size("65536", Some(65536));
        size("64KiB", Some(65536));
        size("64 kib", Some(65536));
        size("10MB", Some(10_000_000));
        size("1.5GiB", Some(3 << 29));
        size("64M", None);
        size("MiB", None);
        size("-1", None);
        size("", None);
        size("1.3B", None);
        size("99999999999GiB", None);
    }

    #[test]
    fn spans() {
        span("500ms", Some(500));
        span("30s", Some(30_000));
        span("1.5s", Some(1500));
        span("2m", Some(120_000));
        span("1h", Some(3_600_000));
        span("0", Some(0));
        span("30", None);
        span("s", None);
        span("5 years", None);
    }

    #[test]
    fn what_is_printed_can_be_read_again() {
        for text in ["0B", "1B", "1000B", "64KiB", "10MB", "128MiB", "1GiB"] {
            let size: Size = text.parse().unwrap();
            assert_eq!(size.to_string().parse(), Ok(size), "{text}");
        }
        assert_eq!(Size(128 << 20).to_string(), "128MiB");
        for text in ["0ms", "500ms", "30s", "2m", "1h"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
    }
}
