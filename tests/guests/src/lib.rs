//! The guest apps as tests use them: their names, and their components, built when first asked for.
//!
//! ```
//! # use guesthouse_test_guests::{self as guest, foreach_guest};
//! macro_rules! assert_test_exists {
//!     ($name:ident) => {
//!         // Does not compile for a guest app that no test is named after.
//!         #[allow(unused_imports)]
//!         use tests::$name as _;
//!     };
//! }
//! # macro_rules! some_test { ($name:ident) => { pub fn $name() {} }; }
//! # mod tests { guesthouse_test_guests::foreach_guest!(some_test); }
//! foreach_guest!(assert_test_exists);
//! assert!(guest::ALL.contains(&guest::BAD_TRAP));
//! ```

mod build;
mod patch;

use std::path::Path;
use std::path::PathBuf;

include!(concat!(env!("OUT_DIR"), "/guests.rs"));

/// Builds every guest app, once in this process, and returns the folder that holds the components.
///
/// # Panics
///
/// With what Cargo said, when it cannot build them.
pub fn build_all() -> &'static Path {
    build::once()
}

/// The built component of a guest app, such as [`HELLO`].
///
/// # Panics
///
/// When there is no such guest app, or it cannot be built.
pub fn component(name: &str) -> PathBuf {
    assert!(ALL.contains(&name), "there is no guest app `{name}`; there are: {}", ALL.join(", "));
    let path = build_all().join(format!("{}.wasm", name.replace('-', "_")));
    assert!(path.is_file(), "the guest app `{name}` was built, but `{}` is not there", path.display());
    path
}

/// The bytes of the built component of a guest app.
///
/// # Panics
///
/// As [`component`] does.
pub fn bytes(name: &str) -> Vec<u8> {
    let path = component(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("cannot read `{}`: {error}", path.display()))
}

/// The guest app `revision` with a number of its own: a new revision without a new build. It answers with
/// [`revision_text`].
pub fn revision(number: u32) -> Vec<u8> {
    patch::number(bytes(REVISION), number)
}

/// The same in the 0.2 lane.
pub fn revision_http(number: u32) -> Vec<u8> {
    patch::number(bytes(REVISION_HTTP), number)
}

/// The same in the 0.3 lane.
pub fn revision_http03(number: u32) -> Vec<u8> {
    patch::number(bytes(REVISION_HTTP03), number)
}

/// What a revision of this number answers: its number in ten digits.
pub fn revision_text(number: u32) -> String {
    format!("{number:010}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guest_app_is_a_component() {
        for name in ALL {
            // The fifth byte is a module's version, the seventh tells a component (1) from a core module (0).
            assert_eq!(&bytes(name)[..8], b"\0asm\x0d\0\x01\0", "{name}");
        }
    }

    #[test]
    fn revisions_differ_in_their_number_alone() {
        for make in [revision, revision_http, revision_http03] {
            let (one, other) = (make(1), make(2));
            assert_eq!(one.iter().zip(&other).filter(|(one, other)| one != other).count(), 1);
            assert!(
                one.windows(30).any(|bytes| bytes == format!("GUESTHOUSE-REVISION-{}", revision_text(1)).as_bytes())
            );
        }
    }

    #[test]
    fn settings_stand_in_a_section_of_the_built_component() {
        let section = b"\x0aguesthouse[instances]\nreuse = 1000\n";
        assert_eq!(bytes(TALLY).windows(section.len()).filter(|bytes| bytes == section).count(), 1);
    }

    #[test]
    fn every_guest_app_can_be_called_by_a_macro() {
        let mut count = 0;
        macro_rules! count {
            ($name:ident) => {
                count += 1;
                assert_eq!(stringify!($name), ALL[count - 1].replace('-', "_"));
            };
        }
        foreach_guest!(count);
        assert_eq!(count, ALL.len());
    }
}
