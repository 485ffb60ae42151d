//! Progress, on stderr.

use std::fmt;
use std::time::Duration;

use crate::telemetry;

/// Prints one line.
pub fn say(line: fmt::Arguments<'_>) {
    telemetry::print(&format!("{line}\n"));
}

/// `12.3 s`
pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// `74 KB`, `1.2 MB`
pub fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} KB", bytes / 1000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// `1 app`, `7 apps`
pub fn apps(number: usize) -> String {
    format!("{number} app{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!((size(999).as_str(), size(74_311).as_str(), size(1_249_000).as_str()), ("999 B", "74 KB", "1.2 MB"));
        assert_eq!(seconds(Duration::from_millis(12_345)), "12.3 s");
        assert_eq!((apps(1).as_str(), apps(7).as_str()), ("1 app", "7 apps"));
    }
}
