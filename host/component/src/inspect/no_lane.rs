//! A component that exports nothing which this host calls: what it does export, and what to do.

use crate::interface::Interface;
use crate::interface::Track;

const WANTED: &str = "this host calls `guesthouse:gateway/handler@0.1`, `wasi:http/handler@0.3` and \
                      `wasi:http/incoming-handler@0.2`";

/// Names that are shown of a component that exports many.
const SHOWN_MAX: usize = 6;

/// Why there is no lane for a component that exports `names`.
pub fn why(names: &[String]) -> String {
    let interfaces = || names.iter().filter_map(|name| Interface::parse(name));
    if let Some(run) = interfaces().find(|interface| interface.is("wasi:cli", "run")) {
        return format!(
            "it exports `{run}`: a command, which runs once and ends, where an app is called for each request; {WANTED} (in \
             Rust: `src/lib.rs` instead of `src/main.rs`, with `crate-type = [\"cdylib\"]` in Cargo.toml)"
        );
    }
    if let Some(handler) = interfaces().find(is_handler) {
        return format!("it exports `{handler}`, {}; {WANTED}", wrong_version(&handler));
    }
    if let Some(other) = interfaces().find(|interface| matches!(interface.package, "guesthouse:gateway" | "wasi:http"))
    {
        return format!("it exports `{other}`, which takes no requests; {WANTED}");
    }
    match names {
        [] => format!(
            "it exports nothing; {WANTED} (the macro that exports the handler is missing, or the linker dropped it: in Rust, \
             is `crate-type = [\"cdylib\"]` in Cargo.toml?)"
        ),
        names => format!("it exports {}; {WANTED}: build it for the world of one of these", listed(names)),
    }
}

fn is_handler(interface: &Interface<'_>) -> bool {
    interface.is("guesthouse:gateway", "handler")
        || interface.is("wasi:http", "handler")
        || interface.is("wasi:http", "incoming-handler")
}

fn wrong_version(handler: &Interface<'_>) -> String {
    let wanted = match (handler.package, handler.name) {
        ("guesthouse:gateway", _) => "0.1",
        (_, "handler") => "0.3",
        _ => "0.2",
    };
    match (handler.version, handler.track()) {
        (None, _) => format!("without a version: build it against the package in version {wanted}"),
        (_, Track::Draft) => {
            format!("a draft, which is called by nobody but its own tools: build it against a release of {wanted}")
        }
        _ => format!("a version that this host does not call: build it against {wanted}"),
    }
}

fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN_MAX).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(SHOWN_MAX);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}
