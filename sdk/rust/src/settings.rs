//! The macro that makes an app's wishes travel inside its component.

/// Writes what the app knows about itself into its component, in the grammar of the manifest.
///
/// The host reads it when the component is dropped. An operator's manifest beside the component counts more, and the
/// operator's policy most. Only `[instances]` (`reuse`, `concurrent`, `idle`, `growth`) and `memory` in `[limits]` are
/// an app's to say; anything else is refused.
///
/// ```no_run
/// guesthouse::settings!("[instances]\nreuse = 1000");
/// ```
///
/// The text is a literal or a constant, such as `include_str!("settings.toml")`. It stands in a custom section by the
/// name of `guesthouse`, inside the core module that the component wraps. An app has one such line: the texts of two
/// would follow each other, and a table that is there twice is refused.
#[macro_export]
macro_rules! settings {
    ($text:expr $(,)?) => {
        const _: () = {
            const TEXT: &str = $text;

            // Elsewhere the author's own unit tests are built, and the rules for names of sections are different ones.
            #[cfg_attr(target_family = "wasm", unsafe(link_section = "guesthouse"))]
            #[used]
            static SETTINGS: [u8; TEXT.len() + 1] = $crate::line(TEXT);
        };
    };
}

/// The text's bytes with the end of a line behind them, so that a second text does not continue the first one's last
/// line. Only for [`settings!`].
#[doc(hidden)]
pub const fn line<const BYTES: usize>(text: &str) -> [u8; BYTES] {
    let mut bytes = [b'\n'; BYTES];
    let (start, _) = bytes.split_at_mut(text.len());
    start.copy_from_slice(text.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_text_ends_its_line() {
        assert_eq!(line::<9>("[limits]"), *b"[limits]\n");
        assert_eq!(line::<1>(""), *b"\n");
    }

    // Builds for every target that authors run their tests on.
    crate::settings!("[instances]\nreuse = 1000");
}
