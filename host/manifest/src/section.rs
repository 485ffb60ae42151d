//! The section `guesthouse` in a component: what its builder knows about it, in the manifest's grammar.

use guesthouse_types::toml_error::explain;
use guesthouse_types::units::Size;
use serde::Deserialize;
use serde::Deserializer;

use crate::instances::InstanceTable;
use crate::limits::LimitTable;
use crate::request::RequestTable;
use crate::state::StateTable;

/// The tables that a section may have.
pub const TABLES: [&str; 4] = ["instances", "limits", "state", "request"];

/// What a component asks for by itself. Its manifest wins over it, key by key.
///
/// It says nothing about the place where it runs: routes, environment and the rest are for the manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Section {
    /// How long its instances serve.
    pub instances: InstanceTable,
    /// Limits other than the defaults.
    #[serde(deserialize_with = "known_to_builders")]
    pub limits: LimitTable,
    /// A folder of its own that stays.
    pub state: Option<StateTable>,
    /// How requests reach it.
    pub request: RequestTable,
}

impl Section {
    /// Reads a section. The error names `place`, the line, what is wrong and what was meant.
    pub fn parse(place: &str, bytes: &[u8]) -> Result<Section, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| format!("{place}: not UTF-8 text"))?;
        let section: Section = toml::from_str(text).map_err(|error| explain(place, text, &error))?;
        section.check().map_err(|what| format!("{place}: {what}"))?;
        Ok(section)
    }

    fn check(&self) -> Result<(), String> {
        self.instances.check()?;
        self.limits.check()?;
        self.state.as_ref().map_or(Ok(()), StateTable::check)
    }
}

/// The limits that a builder can know.
fn known_to_builders<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LimitTable, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Known {
        memory: Option<Size>,
        tmp: Option<Size>,
    }

    let Known { memory, tmp } = Known::deserialize(deserializer)?;
    Ok(LimitTable { memory, tmp, ..LimitTable::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Section, String> {
        Section::parse("its section `guesthouse`", bytes)
    }

    fn refused(text: &str, expected: &str) {
        assert_eq!(parse(text.as_bytes()).unwrap_err(), expected);
    }

    #[test]
    fn a_section_is_read() {
        let section = parse(b"[instances]\nreuse = 1000\n[limits]\nmemory = \"1GiB\"\n").unwrap();
        assert_eq!(section.instances, InstanceTable { reuse: Some(1000), ..InstanceTable::default() });
        assert_eq!(section.limits.memory, Some(Size(1 << 30)));
        assert_eq!(parse(b""), Ok(Section::default()));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        refused(
            "[instances]\nreus = 3",
            "its section `guesthouse`:2: unknown key `reus` in [instances] (did you mean `reuse`?)",
        );
        refused(
            "[limits]\ncpu = \"1s\"",
            "its section `guesthouse`:2: unknown key `cpu` in [limits] (known here: memory, tmp)",
        );
        refused(
            "routes = []",
            &format!("its section `guesthouse`:1: unknown key `routes` (known here: {})", TABLES.join(", ")),
        );
        refused(
            "[instances]\nconcurrent = 2",
            "its section `guesthouse`: `instances`: `concurrent = 2` with `reuse = 1`: an instance that answers one \
             request never has two at once (raise `reuse`, say to 1000, or leave `concurrent` out)",
        );
        refused(
            "[limits]\nmemory = 0",
            "its section `guesthouse`: `limits`: `memory` is zero: the app could never answer",
        );
        assert_eq!(parse(b"\xff"), Err("its section `guesthouse`: not UTF-8 text".to_owned()));
    }
}
