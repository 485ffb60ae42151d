//! The references in `docs/reference.md` and `docs/serving.md` have the keys that the host reads, with their defaults and ceilings.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use guesthouse_manifest::asked::Manifest;
use guesthouse_manifest::instances::InstanceTable;
use guesthouse_manifest::instances::Instances;
use guesthouse_manifest::limits::LimitTable;
use guesthouse_manifest::limits::Limits;
use guesthouse_manifest::policy::Policy;
use guesthouse_manifest::policy::Rules;
use guesthouse_manifest::state::StateTable;
use guesthouse_types::toml_error::explain;
use guesthouse_types::units::Size;
use guesthouse_types::units::Span;

/// A key that nobody knows, and that is not like any other.
const UNKNOWN: &str = "zzzzzzzzzzzzzzzz";

fn operating() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    ["docs/reference.md", "docs/serving.md"].map(|page| fs::read_to_string(root.join(page)).unwrap()).concat()
}

/// What stands under a heading.
fn under<'text>(text: &'text str, heading: &str) -> &'text str {
    let (_, rest) = text.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no `{heading}`"));
    rest.split("\n## ").next().unwrap()
}

/// The rows that follow the table's head `head`: by their key, the cells behind it.
fn rows<'text>(text: &'text str, head: &str) -> BTreeMap<&'text str, Vec<&'text str>> {
    let (_, table) = text.split_once(head).unwrap_or_else(|| panic!("no table `{head}`"));
    let lines = table.lines().skip(1).take_while(|line| line.starts_with('|')).filter(|line| !line.starts_with("|--"));
    let cells = lines.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>());
    cells.map(|cells| (cells[0].trim_matches('`'), cells[1..].to_vec())).collect()
}

/// The first block of TOML.
fn example(text: &str) -> toml::Table {
    let (_, rest) = text.split_once("```toml\n").expect("there is an example");
    rest.split("```").next().unwrap().parse().unwrap()
}

/// `64 MiB`, `1,000` or `none` of the document, and `64MiB` of the code, in one form.
fn amount(text: &str) -> String {
    let text = text.split(" (").next().unwrap().replace([' ', ','], "").replace("none", "0B");
    let span = text.parse().map(|span: Span| span.to_string());
    span.or_else(|_| text.parse().map(|size: Size| size.to_string())).unwrap_or(text)
}

/// The keys that an error names as known.
fn known(error: &str) -> BTreeSet<String> {
    let (_, keys) = error.split_once("(known here: ").unwrap_or_else(|| panic!("no keys in `{error}`"));
    keys.trim_end_matches(')').split(", ").map(str::to_owned).collect()
}

fn known_to_manifest(before: &str) -> BTreeSet<String> {
    known(&Manifest::parse("shop.toml", format!("{before}{UNKNOWN} = 1").as_bytes()).unwrap_err())
}

fn keys(table: &toml::Table) -> BTreeSet<String> {
    table.keys().cloned().collect()
}

/// Holds the table under `heading` against the definitions.
fn check_table(heading: &str, defaults: &BTreeMap<&'static str, String>, ceilings: &BTreeMap<&'static str, String>) {
    let text = operating();
    let documented = rows(under(&text, heading), "| key | default | ceiling | what it bounds |\n");
    let documented: BTreeMap<_, _> =
        documented.into_iter().map(|(key, cells)| (key, (amount(cells[0]), amount(cells[1])))).collect();
    let defined = defaults.iter().map(|(key, default)| (*key, (amount(default), amount(&ceilings[key]))));
    assert_eq!(documented, defined.collect(), "{heading}");
}

#[test]
fn limits_have_the_defaults_and_ceilings_that_are_documented() {
    let defaults = LimitTable::from(Limits::default()).named();
    check_table("Limits", &defaults, &LimitTable::ceilings().named());
}

#[test]
fn instances_have_the_defaults_and_ceilings_that_are_documented() {
    let defaults = InstanceTable::from(Instances::default()).named();
    check_table("Instances", &defaults, &InstanceTable::ceilings().named());
}

#[test]
fn the_folder_that_stays_has_the_default_and_the_ceiling_that_are_documented() {
    let text = operating();
    let documented = rows(under(&text, "Files"), "| key of `[state]` | default | ceiling | what it says |\n");
    let known = known_to_manifest("[state]\n");
    assert_eq!(documented.keys().map(|key| (*key).to_owned()).collect::<BTreeSet<_>>(), known);
    let default = Size(StateTable::default().terms().bytes_max).to_string();
    let ceiling = Rules::built_in().state_size.unwrap().to_string();
    let size = &documented["size"];
    assert_eq!((amount(size[0]), amount(size[1])), (amount(&default), amount(&ceiling)));
}

#[test]
fn what_may_not_be_zero_is_documented() {
    let zero = |key: &str| {
        let table = ["0", "\"0s\""].iter().find_map(|zero| toml::from_str(&format!("{key} = {zero}")).ok());
        table.unwrap_or_else(|| panic!("`{key}` takes no zero"))
    };
    let table: Vec<LimitTable> = LimitTable::ceilings().named().keys().map(|key| zero(key)).collect();
    let defined: BTreeSet<_> = table.iter().flat_map(LimitTable::zeros).map(str::to_owned).collect();
    let text = operating();
    let (sentence, _) = under(&text, "Limits").split_once(" is a mistake in a manifest").unwrap();
    let (_, named) = sentence.rsplit_once("Zero for ").unwrap();
    let documented: BTreeSet<_> = named.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(documented, defined);
}

#[test]
fn the_example_of_a_manifest_has_every_key() {
    let text = operating();
    let manifest = example(under(&text, "The manifest"));
    assert_eq!(keys(&manifest), known_to_manifest(""));
    assert_eq!(keys(manifest["state"].as_table().unwrap()), known_to_manifest("[state]\n"));
    let statics = example(under(&text, "Static files"));
    let statics = statics["static"].as_array().unwrap()[0].as_table().unwrap();
    assert_eq!(keys(statics), known_to_manifest("[[static]]\nfolder = \"_shop\"\n"));
}

#[test]
fn the_example_of_a_configuration_has_every_key_of_the_policy() {
    let policy = example(under(&operating(), "The configuration file"))["policy"].as_table().unwrap().clone();
    let unknown = format!("{UNKNOWN} = 1");
    let error = toml::from_str::<Policy>(&unknown).unwrap_err();
    assert_eq!(keys(&policy), known(&explain("policy", &unknown, &error)));
    policy.try_into::<Policy>().unwrap();
}
