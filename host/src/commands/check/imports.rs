//! A component's imports, as `check` shows them: grouped by what stands behind them here.

use crate::commands::check::checked::Import;

/// Groups, in the order in which they are shown, with what they are called.
const GROUPS: &[(&[&str], &str)] = &[
    (&["unknown", "other_version"], "not offered here, so that it would be refused:"),
    (&["granted"], "granted:"),
    (&["empty"], "stubbed (it links, and does nothing):"),
];

/// One line for each group, and below it one for each package and what stands behind its interfaces.
pub fn lines(imports: &[Import]) -> Vec<String> {
    let width = imports.iter().map(|import| package(&import.name).0.chars().count()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (offers, title) in GROUPS {
        let group: Vec<&Import> = imports.iter().filter(|import| offers.contains(&import.offer)).collect();
        if !group.is_empty() {
            lines.push((*title).to_owned());
            lines.extend(packages(&group, width));
        }
    }
    lines
}

fn packages(imports: &[&Import], width: usize) -> Vec<String> {
    let mut groups: Vec<(String, &str, Vec<&str>)> = Vec::new();
    for import in imports {
        let (package, interface) = package(&import.name);
        match groups.iter_mut().find(|(known, note, _)| *known == package && *note == import.note) {
            Some((_, _, names)) => names.push(interface),
            None => groups.push((package, import.note, vec![interface])),
        }
    }
    groups.sort();
    let mut before = "";
    let mut lines = Vec::new();
    for (package, note, names) in &groups {
        // Once for all of its lines.
        let shown = if package == before { "" } else { package };
        let names = names.join(" ");
        let gap = if names.is_empty() { "" } else { ": " };
        // The group's title has said it.
        let said = if *note == "granted" { names } else { format!("{names}{gap}{note}") };
        lines.push(format!("  {shown:<width$}  {said}"));
        before = package;
    }
    lines
}

/// `wasi:http@0.2.12` and `types`.
fn package(name: &str) -> (String, &str) {
    let (path, version) = name.split_once('@').unwrap_or((name, ""));
    let (package, interface) = path.split_once('/').unwrap_or((path, ""));
    match version {
        "" => (package.to_owned(), interface),
        version => (format!("{package}@{version}"), interface),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_grouped_by_what_stands_behind_them() {
        let import = |name: &str, offer, note| Import { name: name.to_owned(), offer, note };
        let imports = [
            import("wasi:http/types@0.2.0", "granted", "granted"),
            import("wasi:cli/stdout@0.2.0", "granted", "goes to the log"),
            import("wasi:cli/stderr@0.2.0", "granted", "goes to the log"),
            import("wasi:filesystem/types@0.2.0", "empty", "there are no files"),
            import("my:shop/stock", "unknown", "not offered"),
            import("log", "unknown", "not offered"),
        ];
        let expected = "not offered here, so that it would be refused:\n\
                        \x20 log                    not offered\n\
                        \x20 my:shop                stock: not offered\n\
                        granted:\n\
                        \x20 wasi:cli@0.2.0         stdout stderr: goes to the log\n\
                        \x20 wasi:http@0.2.0        types\n\
                        stubbed (it links, and does nothing):\n\
                        \x20 wasi:filesystem@0.2.0  types: there are no files";
        assert_eq!(lines(&imports).join("\n"), expected);
    }
}
