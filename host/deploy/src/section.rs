//! The section `guesthouse` in a component: what its builder knows about it, in the manifest's grammar.

use guesthouse_component::inspect::SETTINGS_SECTION;
use guesthouse_types::explain::explain;
use guesthouse_types::units::Size;
use serde::Deserialize;

use crate::instances::InstanceTable;
use crate::state::StateTable;

/// What a component asks for by itself. Its manifest wins over it, key by key.
///
/// It says nothing about the place where it runs: routes, environment and the rest are for the manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// How long its instances serve.
    pub instances: InstanceTable,
    /// Linear memory of one instance.
    pub memory: Option<Size>,
    /// A folder `/tmp` for each instance.
    pub tmp: Option<Size>,
    /// A folder of its own that stays.
    pub state: Option<StateTable>,
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    instances: InstanceTable,
    #[serde(default)]
    limits: WrittenLimits,
    state: Option<StateTable>,
}

/// The limits that a builder can know.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLimits {
    memory: Option<Size>,
    tmp: Option<Size>,
}

impl Section {
    /// Reads a section. The error names the section, the line, what is wrong and what was meant.
    pub fn parse(bytes: &[u8]) -> Result<Section, String> {
        let file = format!("its section `{SETTINGS_SECTION}`");
        let text = std::str::from_utf8(bytes).map_err(|_| format!("{file}: not UTF-8 text"))?;
        let Written { instances, limits, state } =
            toml::from_str(text).map_err(|error| explain(&file, text, &error))?;
        instances.check().map_err(|what| format!("{file}: {what}"))?;
        if limits.memory == Some(Size(0)) {
            return Err(format!("{file}: `limits`: `memory` is zero: the app could never answer"));
        }
        let state = state.map(|state| state.check().map(|()| state)).transpose();
        let state = state.map_err(|what| format!("{file}: {what}"))?;
        Ok(Section { instances, memory: limits.memory, tmp: limits.tmp, state })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, expected: &str) {
        assert_eq!(Section::parse(text.as_bytes()).unwrap_err(), expected);
    }

    #[test]
    fn a_section_is_read() {
        let section = Section::parse(b"[instances]\nreuse = 1000\n[limits]\nmemory = \"1GiB\"\n").unwrap();
        assert_eq!(section.instances, InstanceTable { reuse: Some(1000), ..InstanceTable::default() });
        assert_eq!(section.memory, Some(Size(1 << 30)));
        assert_eq!(Section::parse(b""), Ok(Section::default()));
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
            "its section `guesthouse`:1: unknown key `routes` (known here: instances, limits, state)",
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
        assert_eq!(Section::parse(b"\xff"), Err("its section `guesthouse`: not UTF-8 text".to_owned()));
    }
}
