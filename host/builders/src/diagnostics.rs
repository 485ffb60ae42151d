//! What compilers say of a source in Rust: passed on to the terminal, and kept for who asks why an app did not build.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::progress::print;

/// What is kept of one package's errors.
const KEPT_BYTES_MAX: usize = 64 << 10;

/// A compiler's message, as cargo hands it on.
#[derive(Deserialize)]
pub struct Diagnostic {
    level: String,
    /// As for a terminal, with colours.
    rendered: Option<String>,
}

/// The errors of one run of cargo.
#[derive(Debug, Default)]
pub struct Errors {
    /// Package → its errors, without colours.
    by_package: BTreeMap<String, String>,
}

impl Errors {
    /// Prints `diagnostic`, which is about `package`, on stderr: with colours where these can be seen.
    pub fn pass(&mut self, package: String, diagnostic: &Diagnostic) {
        let Some(rendered) = &diagnostic.rendered else { return };
        // Cargo's progress stands in the line where the message begins.
        let colourful = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
        match colourful {
            true => print(&format!("\x1b[K{rendered}")),
            false => print(&anstream::adapter::strip_str(rendered).to_string()),
        }
        // Warnings keep no app from being built.
        if diagnostic.level.starts_with("error") {
            let kept = self.by_package.entry(package).or_default();
            if kept.len() + rendered.len() <= KEPT_BYTES_MAX {
                kept.push_str(&anstream::adapter::strip_str(rendered).to_string());
            }
        }
    }

    /// Why `package` did not build: its own errors, or those of others, of which one may be used by it.
    pub fn about(&self, package: &str) -> Option<String> {
        let own = self.by_package.get(package).cloned();
        let any = || self.by_package.values().map(String::as_str).collect::<String>();
        Some(own.unwrap_or_else(any)).filter(|errors| !errors.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_kept_by_package_and_warnings_are_not() {
        let mut errors = Errors::default();
        let diagnostic = |level: &str, text: &str| Diagnostic {
            level: level.to_owned(),
            rendered: Some(format!("\x1b[1m{level}\x1b[0m: {text}\n")),
        };
        errors.pass("one".to_owned(), &diagnostic("warning", "unused"));
        assert_eq!(errors.about("one"), None);
        errors.pass("other".to_owned(), &diagnostic("error", "expected `;`"));
        assert_eq!(errors.about("one").as_deref(), Some("error: expected `;`\n"), "it may use the other one");
        errors.pass("one".to_owned(), &diagnostic("error", "no such name"));
        assert_eq!(errors.about("one").as_deref(), Some("error: no such name\n"));
    }
}
