//! Versions that were pinned before Python 3.14 and cannot run on it: the newest of the same series is taken instead.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::python::index::native::normalized;
use crate::python::index::resolve::Chosen;

/// In the index's spelling: the series, and its first release that runs on Python 3.14. Only what fails without is here, and
/// only series within which their authors promise to break nothing.
const RAISED: &[(&str, &str, &str)] = &[
    // Before: `TypingOnly` finds `__firstlineno__` (3.13), and annotations are not where they were (3.14).
    ("sqlalchemy", "2.0", "2.0.41"),
    // Its core before that is written for PyO3 0.25 and older, which knows no 3.14.
    ("pydantic", "2", "2.12"),
    ("pydantic-core", "2", "2.41"),
    ("orjson", "3", "3.11.4"),
    ("pyyaml", "6", "6.0.1"),
    ("rpds-py", "0", "0.27"),
    // What pydantic 2.12 asks for.
    ("typing-extensions", "4", "4.14.1"),
    ("typing-inspection", "0", "0.4.2"),
];

/// What our part of pip is told: `{"sqlalchemy": ["2.0", "2.0.41"]}`.
pub fn job() -> Value {
    RAISED.iter().map(|(name, series, first)| ((*name).to_owned(), json!([series, first]))).collect()
}

/// All of them, for telling whether something changed.
pub fn text() -> String {
    format!("{RAISED:?}")
}

/// Marks the ones whose pins were raised, by what our part of pip has left in the folder `files`.
pub fn mark(files: &Path, chosen: &mut [Chosen]) {
    let said = fs::read(files.join("raised.json")).unwrap_or_default();
    let raised: BTreeSet<(String, String)> = serde_json::from_slice(&said).unwrap_or_default();
    for (name, pin) in raised {
        if let Some(one) = chosen.iter_mut().find(|one| normalized(&one.name) == name) {
            one.raised_from = Some(pin);
        }
    }
}

/// What there is to say of `one`, if its pin was raised.
pub fn note(one: &Chosen) -> Option<String> {
    let Chosen { name, version, raised_from, .. } = one;
    let pin = raised_from.as_ref()?;
    Some(format!(
        "warning: `{name}{pin}` cannot run on Python 3.14, which a guest has: {version} is taken, of the same series"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_indexs_spelling_and_within_its_series() {
        for (name, series, first) in RAISED {
            assert_eq!(normalized(name), *name);
            assert!(first.starts_with(&format!("{series}.")), "{first}");
        }
        assert_eq!(job()["sqlalchemy"], json!(["2.0", "2.0.41"]));
    }
}
