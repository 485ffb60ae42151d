//! The section `guesthouse` of a component: what its app asks for is written into it.

use anyhow::anyhow;
use anyhow::bail;
use guesthouse_component::inspect::SETTINGS_SECTION;
use guesthouse_component::inspect::inspect;
use wasm_encoder::ComponentSection as _;
use wasm_encoder::CustomSection;
use wasmparser::Parser;
use wasmparser::Payload;

use crate::config::embedded::EmbeddedConfig;
use crate::config::embedded::check;

/// The name that an older section gets, of the same length, so that nothing else in the component moves.
const SUPERSEDED: &str = "superseded";

/// What the host reads of a section, at most.
const BYTES_MAX: usize = 4 << 10;

const _: () = assert!(SUPERSEDED.len() == SETTINGS_SECTION.len());

/// The component `bytes` with a section that asks for `known`, for what it asks for already, and for `over`: what is named
/// later counts more. One that needs no other section stays as it is.
pub fn label(bytes: Vec<u8>, known: &EmbeddedConfig, over: &EmbeddedConfig) -> anyhow::Result<Vec<u8>> {
    let inspection = inspect(&bytes).map_err(|error| anyhow!("it is not an app: {error}"))?;
    let own = inspection.settings.as_deref().map(EmbeddedConfig::read).unwrap_or_default();
    let asks = known.clone().overlaid(&own).overlaid(over);
    if asks == own {
        return Ok(bytes);
    }
    let text = asks.text();
    check(&text).map_err(|what| anyhow!("what it asks for together with guesthouse.toml is wrong{what}"))?;
    if text.len() > BYTES_MAX {
        bail!("it asks for more than fits into {BYTES_MAX} bytes");
    }
    let mut labelled = without(bytes)?;
    CustomSection { name: SETTINGS_SECTION.into(), data: text.as_bytes().into() }.append_to_component(&mut labelled);
    Ok(labelled)
}

/// The component in which no section is the one that the host reads. Those of components inside, which nobody reads, go as
/// well.
fn without(mut bytes: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(&bytes) {
        if let Payload::CustomSection(section) = payload?
            && section.name() == SETTINGS_SECTION
        {
            // The name stands right before the content.
            names.push(section.data_offset() - SETTINGS_SECTION.len()..section.data_offset());
        }
    }
    for name in names {
        bytes[name].copy_from_slice(SUPERSEDED.as_bytes());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use guesthouse_test_guests as guest;

    use super::*;

    fn asked_in(bytes: &[u8]) -> EmbeddedConfig {
        inspect(bytes).unwrap().settings.as_deref().map(EmbeddedConfig::read).unwrap_or_default()
    }

    #[test]
    fn a_section_is_added_and_replaced() {
        let (reuse, memory) =
            (EmbeddedConfig::read(b"[instances]\nreuse = 5"), EmbeddedConfig::read(b"[limits]\nmemory = \"1GiB\""));
        let bytes = guest::bytes(guest::HELLO_HTTP);
        let once = label(bytes.clone(), &memory, &reuse).unwrap();
        assert_eq!(asked_in(&once), memory.clone().overlaid(&reuse));
        assert_eq!(label(bytes.clone(), &memory, &reuse).unwrap(), once, "the same every time");

        let other = EmbeddedConfig::read(b"[instances]\nreuse = 6");
        let twice = label(once.clone(), &EmbeddedConfig::default(), &other).unwrap();
        assert_eq!(asked_in(&twice), memory.overlaid(&other));
        assert_eq!(
            label(once.clone(), &EmbeddedConfig::default(), &reuse).unwrap(),
            once,
            "nothing new: the same bytes"
        );
        assert_eq!(label(bytes.clone(), &EmbeddedConfig::default(), &EmbeddedConfig::default()).unwrap(), bytes);
    }

    #[test]
    fn what_the_code_says_counts_more_than_the_builder_and_less_than_the_file() {
        // Its SDK writes `reuse = 1000` and more into its core module.
        let bytes = guest::bytes(guest::TALLY);
        let own = asked_in(&bytes);
        let builder = EmbeddedConfig::read(b"[instances]\nreuse = 3\nidle = \"1m\"");
        let labelled = label(bytes.clone(), &builder, &EmbeddedConfig::default()).unwrap();
        assert_eq!(asked_in(&labelled), own.clone().overlaid(&EmbeddedConfig::read(b"[instances]\nidle = \"1m\"")));
        let file = EmbeddedConfig::read(b"[instances]\nreuse = 7");
        assert_eq!(asked_in(&label(bytes, &EmbeddedConfig::default(), &file).unwrap()), own.overlaid(&file));
    }

    #[test]
    fn what_is_no_app_or_asks_for_nonsense_together_is_refused() {
        let error = label(b"nothing".to_vec(), &EmbeddedConfig::default(), &EmbeddedConfig::default()).unwrap_err();
        assert!(error.to_string().starts_with("it is not an app: "), "{error}");
        let alone = EmbeddedConfig::read(b"[instances]\nconcurrent = 4\nreuse = 1");
        let error = label(guest::bytes(guest::TALLY), &EmbeddedConfig::default(), &alone).unwrap_err();
        assert!(error.to_string().contains("`concurrent = 4` with `reuse = 1`"), "{error}");
    }
}
