//! In which language a component is most likely written, with what it was made, and what that means for its instances.
//!
//! Told from what tools leave behind, which anybody can write: it is shown to people, and nothing is decided by it.

use crate::inspect::toolchain::Tool;
use crate::inspect::toolchain::Toolchain;

/// Where a component comes from, as far as its traces tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Of its source.
    pub language: Option<&'static str>,
    /// What made a component of it.
    pub tool: Option<&'static str>,
    /// What is known of instances that answer more than one request.
    pub reuse: Reuse,
}

/// What is known of a tool's instances when they answer more than one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// The second request fails.
    Breaks,
    /// An interpreter starts in each instance: once is better than for each request.
    Pays,
    /// Nothing: it is the author's code that counts.
    Open,
}

const UNKNOWN: Origin = Origin { language: None, tool: None, reuse: Reuse::Open };

/// Reads the traces. `exports` are the component's.
pub fn origin(toolchain: &Toolchain, exports: &[String]) -> Origin {
    let has = |tools: &[Tool], part: &str| tools.iter().any(|tool| tool.name.starts_with(part));
    let (languages, tools) = (toolchain.languages.as_slice(), toolchain.processed_by.as_slice());
    // An engine is itself written in other languages, which are named as well: the most telling trace first.
    if has(tools, "ComponentizeJS") {
        return Origin {
            language: Some("JavaScript"),
            tool: Some("componentize-js, on StarlingMonkey"),
            reuse: Reuse::Breaks,
        };
    }
    if has(tools, "componentize-qjs") {
        return Origin { language: Some("JavaScript"), tool: Some("componentize-qjs, on QuickJS"), reuse: Reuse::Pays };
    }
    // It leaves the function by which it was initialised.
    if has(tools, "component-init") && exports.iter().any(|export| export == "exports") {
        return Origin { language: Some("Python"), tool: Some("componentize-py, on CPython"), reuse: Reuse::Pays };
    }
    let language = match () {
        () if has(languages, "JavaScript") => Some("JavaScript"),
        () if has(languages, "Python") => Some("Python"),
        () if has(tools, "TinyGo") || has(languages, "Go") => Some("Go"),
        () if has(languages, "Rust") || has(tools, "rustc") || has(tools, "wit-bindgen-rust") => Some("Rust"),
        () if has(languages, "C_plus_plus") => Some("C++"),
        () if languages.iter().any(is_c) || has(tools, "wit-bindgen-c") => Some("C"),
        () => None,
    };
    Origin { language, ..UNKNOWN }
}

/// `C`, `C11`, `C99`.
fn is_c(language: &Tool) -> bool {
    language.name.strip_prefix('C').is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(languages: &[&str], tools: &[&str], exports: &[&str], language: Option<&str>, reuse: Reuse) {
        let named = |names: &[&str]| {
            let tool = |name: &&str| Tool { name: (*name).to_owned(), version: String::new() };
            names.iter().map(tool).collect::<Vec<_>>()
        };
        let toolchain = Toolchain { languages: named(languages), processed_by: named(tools), ..Toolchain::default() };
        let exports: Vec<String> = exports.iter().map(|name| (*name).to_owned()).collect();
        let found = origin(&toolchain, &exports);
        assert_eq!((found.language, found.reuse), (language, reuse), "{languages:?} {tools:?}");
    }

    #[test]
    fn the_most_telling_trace_counts() {
        let js = ["clang", "rustc", "wit-component", "ComponentizeJS"];
        check(&["C11", "Rust", "JavaScript"], &js, &[], Some("JavaScript"), Reuse::Breaks);
        let py = ["rustc", "wit-component", "component-init-transform"];
        check(&["Rust"], &py, &["wasi:http/incoming-handler@0.2.0", "exports"], Some("Python"), Reuse::Pays);
        check(&["Rust"], &py, &[], Some("Rust"), Reuse::Open);
        check(&[], &["wit-component", "wit-bindgen-rust", "wit-bindgen-c"], &[], Some("Rust"), Reuse::Open);
        check(&["Go"], &["TinyGo"], &[], Some("Go"), Reuse::Open);
        check(&["C11"], &["clang"], &[], Some("C"), Reuse::Open);
        check(&["C_plus_plus_14", "C11"], &["clang"], &[], Some("C++"), Reuse::Open);
        check(&[], &["wit-component"], &[], None, Reuse::Open);
    }
}
