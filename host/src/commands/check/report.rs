//! What `check` found, as a page for a terminal: the verdict first, then what there is to know.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::commands::check::checked::Asked;
use crate::commands::check::checked::Called;
use crate::commands::check::checked::Checked;
use crate::commands::check::checked::Component;
use crate::commands::check::checked::Given;
use crate::commands::check::checked::Verdict;
use crate::commands::check::checked::Version;
use guesthouse_types::escape::Escaped;
use guesthouse_types::escape::lines;
use guesthouse_types::units::Size;

use crate::commands::check::imports;

/// Tools that are named on a line; all of them stand in the JSON.
const TOOLS_SHOWN_MAX: usize = 6;

/// One file's lines, without a newline at the end.
pub fn text(checked: &Checked) -> String {
    let mut page = Page(String::new());
    page.0.push_str(&plain(&format!("{}  {}", checked.file, verdict(checked))).to_string());
    if let Some(component) = &checked.component {
        page.line("lane", &format!("{}, world {}", component.lane, component.world));
        if let Some(made_by) = made_by(component) {
            page.line("made by", &made_by);
        }
        page.line("size", &size(checked, component));
        page.line("memory", &memory(component, checked.given.as_ref()));
        page.line("tables", &tables(component));
        page.line("engine", &engine(checked, component));
        page.lines("imports", &imports::lines(&component.imports));
    } else if let Some(bytes) = checked.bytes {
        page.line("size", &Size(bytes).rough());
    }
    if let (Some(manifest), Some(asked)) = (&checked.manifest, &checked.asked) {
        page.line("manifest", &format!("{manifest} asks for {}", listed(asked)));
    }
    if let Some(given) = &checked.given {
        page.lines("given", &granted(given));
    }
    if let Some(calls) = &checked.calls {
        page.lines("calls", &called(calls));
    }
    page.lines("note", &checked.hints);
    page.0
}

/// One line for several files.
pub fn summary(all: &[Checked]) -> String {
    let taken = all.iter().filter(|checked| checked.verdict == Verdict::Taken).count();
    match all.len() - taken {
        0 => format!("all {taken} would be accepted"),
        rest => format!("{taken} of {} would be accepted, {rest} would not", all.len()),
    }
}

/// Lines with a label before them, indented below the file's own.
struct Page(String);

impl Page {
    fn line(&mut self, label: &str, text: &str) {
        // Writing to a String does not fail.
        let _ = write!(self.0, "\n  {label:<9} {}", plain(text));
    }

    fn lines(&mut self, label: &str, texts: &[String]) {
        for (at, text) in texts.iter().enumerate() {
            self.line(if at == 0 { label } else { "" }, text);
        }
    }
}

fn verdict(checked: &Checked) -> String {
    let why = checked.why.as_deref().unwrap_or_default();
    let app = checked.app.as_ref().map(|app| format!(" as `{app}`")).unwrap_or_default();
    match checked.verdict {
        Verdict::Taken => {
            let routes = checked.given.as_ref().map(|given| given.routes.join(", ")).unwrap_or_default();
            let but = if checked.has_violations() { ", but does not keep to its interface (see `calls`)" } else { "" };
            format!("would be accepted{app}: {routes}{but}")
        }
        Verdict::Pending => format!("not complete yet: {why}"),
        Verdict::Refused => format!("would be refused: {why}"),
    }
}

fn made_by(component: &Component) -> Option<String> {
    let toolchain = &component.toolchain;
    let tools: Vec<&Version> = toolchain.sdks.iter().chain(&toolchain.processed_by).collect();
    let mut parts: Vec<String> = toolchain.languages.iter().map(version).collect();
    // Of an interpreter, its own languages would mislead; of what names none, the other traces tell.
    if let Some(language) = component.language.as_ref().filter(|_| parts.is_empty() || component.made_with.is_some()) {
        let with = component.made_with.as_ref().map(|tool| format!(" with {tool}")).unwrap_or_default();
        parts = vec![format!("{language}{with}")];
    }
    parts.extend(tools.iter().take(TOOLS_SHOWN_MAX).map(|tool| version(tool)));
    let more = tools.len().saturating_sub(TOOLS_SHOWN_MAX);
    if more > 0 {
        parts.push(format!("{more} more"));
    }
    parts.extend(toolchain.name.iter().map(|name| format!("named `{name}`")));
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn version(tool: &Version) -> String {
    // `1.95.0 (59807616e 2026-04-14)`: the number is enough here.
    let number = tool.version.split_whitespace().next().unwrap_or_default();
    if number.is_empty() { tool.name.clone() } else { format!("{} {number}", tool.name) }
}

fn size(checked: &Checked, component: &Component) -> String {
    let bytes = Size(checked.bytes.unwrap_or_default()).rough();
    let modules = match component.core_modules {
        1 => "1 core module".to_owned(),
        count => format!("{count} core modules"),
    };
    match &checked.compiled {
        Some(compiled) => {
            format!(
                "{bytes} in {modules}, compiled to {} in {}",
                Size(compiled.bytes).rough(),
                duration(compiled.ms * 1000)
            )
        }
        None => format!("{bytes} in {modules}"),
    }
}

fn memory(component: &Component, given: Option<&Given>) -> String {
    let start = Size(component.memory_bytes_min).rough();
    let own = match component.memory_bytes_max {
        Some(bytes) => format!("{} at most by itself", Size(bytes).rough()),
        None => "no maximum of its own".to_owned(),
    };
    let limit = given.and_then(|given| given.limits.get("memory")).map(|limit| format!(", limited to {limit} here"));
    format!("{start} at start, {own}{}", limit.unwrap_or_default())
}

fn engine(checked: &Checked, component: &Component) -> String {
    let engine = format!("{}: {}", component.engine, component.engine_why);
    match checked.first_instance_us {
        Some(us) => format!("{engine}; the first instance took {}", duration(us)),
        None => engine,
    }
}

fn tables(component: &Component) -> String {
    let entries = component.table_elements_max;
    match component.tables {
        0 => "none".to_owned(),
        1 => format!("1, with {entries} entries"),
        count => format!("{count}, the largest with {entries} entries"),
    }
}

/// One line for each request, and below it what is wrong.
fn called(calls: &[Called]) -> Vec<String> {
    let width = calls.iter().map(|call| call.request.chars().count()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for call in calls {
        let status = call.status.map_or("no answer".to_owned(), |status| status.to_string());
        lines.push(format!("{:<width$}  {status} in {}", call.request, duration(call.us)));
        lines.extend(call.violations.iter().map(|wrong| format!("  wrong: {wrong}")));
        lines.extend(call.remarks.iter().map(|remark| format!("  {remark}")));
    }
    lines
}

fn duration(us: u128) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..10_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

fn listed(asked: &Asked) -> String {
    let variable = |(name, secret): (&String, &Option<String>)| match secret {
        Some(secret) => format!("`{name}` (the secret `{secret}`)"),
        None => format!("`{name}`"),
    };
    let parts: Vec<String> = asked
        .limits
        .iter()
        .chain(&asked.instances)
        .map(|(name, value)| format!("{name} {value}"))
        .chain(asked.environment.iter().map(variable))
        .chain(asked.env_file.iter().map(|file| format!("the variables in the secret `{file}`")))
        .chain(asked.routes.iter().cloned())
        .chain(asked.statics.iter().map(|found| format!("the files of `{}` at {}", found.folder, found.path)))
        .chain(asked.state.iter().map(|state| format!("state{}", keys(state))))
        .chain(asked.outbound.iter().map(|place| format!("the outside at {place}")))
        .chain(asked.compress.map(|compress| format!("compress {compress}")))
        .collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

fn granted(given: &Given) -> Vec<String> {
    let limit = |name: &str| given.limits.get(name).map(|value| format!("{name} {value}"));
    let limits: Vec<String> = ["memory", "cpu", "head", "concurrency"].into_iter().filter_map(limit).collect();
    let instances = match (given.requests_per_instance, given.concurrent_per_instance) {
        (1, _) => "a fresh instance for each request".to_owned(),
        (many, 1) => format!("an instance for {many} requests"),
        (many, at_once) => format!("an instance for {many} requests, {at_once} at once"),
    };
    let mut variables = match given.environment.as_slice() {
        [] => "no variables".to_owned(),
        names => format!("variables {}", names.join(" ")),
    };
    if let Some(file) = &given.env_file {
        variables.push_str(&format!(" beside those in the secret `{file}`"));
    }
    let mut lines = vec![format!("{}, {instances}, {variables}", limits.join(", "))];
    if let Some(tmp) = given.limits.get("tmp") {
        lines.push(format!("a folder `/tmp` for each instance, {tmp} together"));
    }
    if let Some(state) = &given.state {
        lines.push(format!("a folder `/data` that stays{}", keys(state)));
    }
    if !given.outbound.is_empty() {
        lines.push(format!("the outside: {}", given.outbound.join(", ")));
    }
    if !given.lowered.is_empty() {
        lines.push(format!("less than the component asks for by itself: {}", given.lowered.join(", ")));
    }
    lines
}

fn keys(state: &BTreeMap<&'static str, String>) -> String {
    let keys: Vec<String> = state.iter().map(|(name, value)| format!("{name} {value}")).collect();
    if keys.is_empty() { String::new() } else { format!(" ({})", keys.join(", ")) }
}

/// What a component or a manifest says of itself may act on a terminal: nothing of it does.
fn plain(text: &str) -> Escaped<'_> {
    lines(text, "\n            ")
}
