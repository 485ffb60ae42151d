//! Durations and sizes as an operator writes them: `30s`, `500ms`, `64MiB`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::Visitor;

/// A length of time, written with its unit: `500ms`, `30s`, `5m`, `2h`, `1d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A number of bytes, written with its unit: `512B`, `64KiB`, `128MiB`, `1GiB`, or the decimal `kB`, `MB`, `GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// Why a text is not a duration or a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a number with one of the units of time.
    #[error("`{0}` is not a duration: write a number and a unit, such as `500ms`, `30s`, `5m` or `2h`")]
    Span(String),
    /// Not a number with one of the units of size.
    #[error("`{0}` is not a size: write a number and a unit, such as `64KiB`, `128MiB` or `1GiB`")]
    Size(String),
    /// More than can be counted.
    #[error("`{0}` is too large")]
    Large(String),
}

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Span, UnitError> {
        let wrong = || UnitError::Span(text.to_owned());
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60 * 1000,
            "h" => 60 * 60 * 1000,
            "d" => 24 * 60 * 60 * 1000,
            _ => return Err(wrong()),
        };
        let millis = number.and_then(|number| number.checked_mul(millis));
        millis.map(|millis| Span(Duration::from_millis(millis))).ok_or_else(|| UnitError::Large(text.to_owned()))
    }
}

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Size, UnitError> {
        let wrong = || UnitError::Size(text.to_owned());
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let bytes = match unit {
            "B" => 1,
            "kB" | "KB" => 1000,
            "MB" => 1000 * 1000,
            "GB" => 1000 * 1000 * 1000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(wrong()),
        };
        let bytes = number.and_then(|number| number.checked_mul(bytes));
        bytes.map(Size).ok_or_else(|| UnitError::Large(text.to_owned()))
    }
}

/// The number (`None` when it is too large to count) and the unit; a space may stand between them.
fn split(text: &str) -> Option<(Option<u64>, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit())?;
    let (digits, unit) = text.split_at(end);
    (!digits.is_empty()).then(|| (digits.parse().ok(), unit.strip_prefix(' ').unwrap_or(unit)))
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        match millis {
            0 => formatter.write_str("0s"),
            _ if millis % 86_400_000 == 0 => write!(formatter, "{}d", millis / 86_400_000),
            _ if millis % 3_600_000 == 0 => write!(formatter, "{}h", millis / 3_600_000),
            _ if millis % 60_000 == 0 => write!(formatter, "{}m", millis / 60_000),
            _ if millis % 1000 == 0 => write!(formatter, "{}s", millis / 1000),
            _ => write!(formatter, "{millis}ms"),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => formatter.write_str("0B"),
            bytes if bytes % (1 << 30) == 0 => write!(formatter, "{}GiB", bytes >> 30),
            bytes if bytes % (1 << 20) == 0 => write!(formatter, "{}MiB", bytes >> 20),
            bytes if bytes % (1 << 10) == 0 => write!(formatter, "{}KiB", bytes >> 10),
            bytes => write!(formatter, "{bytes}B"),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        deserializer.deserialize_any(Written { example: "a duration in quotes, such as \"30s\"", read: Span::from_str })
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
        deserializer.deserialize_any(Written { example: "a size in quotes, such as \"64MiB\"", read: Size::from_str })
    }
}

/// Reads a text; anything else (a bare number has no unit) is an error that shows the example.
struct Written<T> {
    example: &'static str,
    read: fn(&str) -> Result<T, UnitError>,
}

impl<T> Visitor<'_> for Written<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.example)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_span(text: &str, expected: Result<u64, &str>) {
        let found = text.parse::<Span>().map(|Span(span)| span.as_millis() as u64).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    }

    fn check_size(text: &str, expected: Result<u64, &str>) {
        let found = text.parse::<Size>().map(|Size(size)| size).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn durations() {
        check_span("500ms", Ok(500));
        check_span("30s", Ok(30_000));
        check_span("0s", Ok(0));
        check_span("5 m", Ok(300_000));
        check_span("2h", Ok(7_200_000));
        check_span("1d", Ok(86_400_000));
        let rule = "is not a duration: write a number and a unit, such as `500ms`, `30s`, `5m` or `2h`";
        for wrong in ["", "30", "s", "-1s", "1.5s", "30sec", " 30s", "30  s"] {
            check_span(wrong, Err(&format!("`{wrong}` {rule}")));
        }
        check_span("99999999999999999999s", Err("`99999999999999999999s` is too large"));
        check_span("999999999999999999d", Err("`999999999999999999d` is too large"));
    }

    #[test]
    fn sizes() {
        check_size("512B", Ok(512));
        check_size("64KiB", Ok(65_536));
        check_size("16 MiB", Ok(16 << 20));
        check_size("1GiB", Ok(1 << 30));
        check_size("10MB", Ok(10_000_000));
        let rule = "is not a size: write a number and a unit, such as `64KiB`, `128MiB` or `1GiB`";
        for wrong in ["", "64", "64M", "64mib", "MiB"] {
            check_size(wrong, Err(&format!("`{wrong}` {rule}")));
        }
        check_size("99999999999GiB", Err("`99999999999GiB` is too large"));
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for text in ["0s", "1ms", "1500ms", "30s", "5m", "36h", "2d"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        for text in ["0B", "1000B", "64KiB", "16MiB", "3GiB"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_bare_number_in_a_file_is_an_error_with_an_example() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only its error is looked at")]
        struct File {
            grace: Span,
        }
        let error = toml::from_str::<File>("grace = 10").unwrap_err();
        assert_eq!(error.message(), "invalid type: integer `10`, expected a duration in quotes, such as \"30s\"");
    }
}
