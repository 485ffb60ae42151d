//! All that a compiled wheel depends on besides its source.

use guesthouse_types::name::Digest;

use crate::python::toolchain::tools::guest;
use crate::python::wheels::native::c;
use crate::python::wheels::native::rust;

/// As a text.
pub fn recipe() -> String {
    format!("{}\n{}\n{}", guest(), rust::recipe(), c::recipe())
}

/// The same, short.
pub fn recipe_digest() -> Digest {
    Digest::of(recipe().as_bytes())
}
