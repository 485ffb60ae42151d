//! What a capability offers: interfaces, the versions of them that are linked, and what stands behind each.

use guesthouse_component::interface::Interface;
use guesthouse_component::interface::Track;

/// What becomes of one import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It works; in a few words, how.
    Granted(&'static str),
    /// It links, so that any component starts, and there is nothing behind it; in a few words, what comes of using it.
    Empty(&'static str),
    /// The host has the interface, but not this version of it.
    OtherVersion,
    /// The host has no such interface.
    Unknown,
}

impl Offer {
    /// It works, and there is no more to say.
    pub(crate) const PLAIN: Offer = Offer::Granted("granted");
    /// Nothing that could be called.
    pub(crate) const SHAPES: Offer = Offer::Granted("types only");
}

/// The versions that are linked, which are called by every component of the same `0.x`. A function that came later is missing.
pub(crate) const VERSION_02: &str = "0.2.12";
pub(crate) const VERSION_03: &str = "0.3.0";

/// WASI 0.2 alone, 0.3 alone, and both.
pub(crate) const IN_02: &[&str] = &[VERSION_02];
pub(crate) const IN_03: &[&str] = &[VERSION_03];
pub(crate) const IN_BOTH: &[&str] = &[VERSION_02, VERSION_03];

/// One interface that is linked.
pub(crate) struct Offered {
    pub(crate) package: &'static str,
    pub(crate) name: &'static str,
    pub(crate) offer: Offer,
    /// Those that are linked. 0.3 only for components that speak it.
    pub(crate) versions: &'static [&'static str],
}

/// One line of a capability's list.
pub(crate) const fn offered(
    package: &'static str,
    name: &'static str,
    offer: Offer,
    versions: &'static [&'static str],
) -> Offered {
    Offered { package, name, offer, versions }
}

impl Offered {
    /// Whether `interface`, which has this name, can be called. A release is called like any other of its `0.x`, and a draft
    /// like nothing but itself.
    pub(crate) fn has_version_of(&self, interface: &Interface<'_>) -> bool {
        self.versions.iter().any(|version| {
            let linked = Interface { version: Some(version), ..*interface };
            match linked.track() {
                Track::Minor(_) => linked.track() == interface.track(),
                Track::Draft | Track::Other => linked.version == interface.version,
            }
        })
    }
}
