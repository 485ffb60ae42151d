//! What `docs/conformance.md` says of the suite: how many cases each table has, and where we deviate.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::conformance::authority;
use crate::conformance::chunks;
use crate::conformance::connection;
use crate::conformance::fields;
use crate::conformance::framing;
use crate::conformance::http2_frames;
use crate::conformance::http2_messages;
use crate::conformance::replies;
use crate::conformance::smuggling;
use crate::conformance::target;

/// Each table's name, and of each of its cases the deviation that it shows.
fn tables() -> Vec<(&'static str, Vec<Option<&'static str>>)> {
    let http1 = [
        ("connection", connection::cases()),
        ("framing", framing::cases()),
        ("chunks", chunks::cases()),
        ("smuggling", smuggling::cases()),
        ("authority", authority::cases()),
        ("target", target::cases()),
        ("fields", fields::cases()),
        ("replies", replies::cases()),
    ];
    let http2 = [("http2_messages", http2_messages::cases()), ("http2_frames", http2_frames::cases())];
    let http1 = http1.into_iter().map(|(name, cases)| (name, cases.iter().map(|case| case.deviation).collect()));
    let http2 = http2.into_iter().map(|(name, cases)| (name, cases.iter().map(|case| case.deviation).collect()));
    http1.chain(http2).collect()
}

/// The rows of the document's tables, cell by cell.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = text.lines().filter(|line| line.starts_with('|'));
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

#[test]
fn the_record_has_the_real_figures_and_every_deviation() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/conformance.md");
    let text = fs::read_to_string(path).unwrap();
    let recorded: BTreeMap<&str, Vec<&str>> =
        rows(&text).filter_map(|cells| Some((cells[0].strip_prefix('`')?.strip_suffix('`')?, cells))).collect();
    let tables = tables();
    for (name, cases) in &tables {
        let found = recorded.get(name).map_or("no row", |cells| cells[1]);
        assert_eq!(found, cases.len().to_string(), "docs/conformance.md: cases of `{name}`");
    }
    let total: usize = tables.iter().map(|(_, cases)| cases.len()).sum();
    assert!(text.contains(&format!("{total} cases")), "docs/conformance.md: there are {total} cases");

    let names: BTreeSet<&str> = tables.iter().map(|(name, _)| *name).collect();
    let shown: BTreeSet<&str> = tables.iter().flat_map(|(_, cases)| cases.iter().flatten().copied()).collect();
    let argued: BTreeSet<&str> = recorded.keys().copied().filter(|key| !names.contains(key)).collect();
    assert_eq!(argued, shown, "docs/conformance.md: the deviations that are argued, and those that cases show");
}
