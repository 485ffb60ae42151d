//! The hashes by which a policy admits a script or a style that stands in a page (CSP level 3, section 2.3.1).

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest as _;
use sha2::Sha256;

use crate::dev::pages::note;
use crate::dev::pages::reload;

/// Of the script that loads a page again.
pub static RELOAD: LazyLock<String> = LazyLock::new(|| source_of(reload::SCRIPT));

/// Of the script that closes the note.
pub static NOTE: LazyLock<String> = LazyLock::new(|| source_of(note::SCRIPT));

/// Of the note's style.
pub static NOTE_STYLE: LazyLock<String> = LazyLock::new(|| source_of(note::STYLE));

fn source_of(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification (section 6.7.2.4 has the algorithm; MDN has this value).
    #[test]
    fn a_hash_is_as_browsers_compute_it() {
        assert_eq!(source_of("doSomething();"), "'sha256-RFWPLDbv2BY+rCkDzsE+0fr8ylGr2R2faWMhq4lfEQc='");
    }
}
