//! Progress, on stderr.

use std::fmt;
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What prints for us, where somebody else writes to stderr as well.
static PRINTER: OnceLock<fn(&str)> = OnceLock::new();

/// Whether nothing is said.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on nothing is said. Why something failed is in what a build gives.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether nothing is said.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Has all that is said from now on printed by `printer`: the program puts it behind the lines of its log.
pub fn print_with(printer: fn(&str)) {
    // It is the same one whenever somebody asks again.
    let _ = PRINTER.set(printer);
}

/// Prints `text` as it is.
pub fn print(text: &str) {
    if is_quiet() {
        return;
    }
    match PRINTER.get() {
        Some(printer) => printer(text),
        // Nobody may be reading any more.
        None => _ = std::io::stderr().write_all(text.as_bytes()),
    }
}

/// Prints one line.
pub fn say(line: fmt::Arguments<'_>) {
    print(&format!("{line}\n"));
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
