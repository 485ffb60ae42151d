//! What this host offers to components, interface by interface, and what stands behind each.
//!
//! The linker is what counts (`capability`); this is how it is told to people. A test holds the one against the other.

use guesthouse_component::interface::Interface;
use guesthouse_component::interface::Track;

use crate::capability;
use crate::capability::offered::Offer;

/// What becomes of the import `name`.
pub fn offer(name: &str) -> Offer {
    let Some(interface) = Interface::parse(name) else { return Offer::Unknown };
    if interface.is("guesthouse:gateway", "types") {
        return if interface.track() == Track::Minor(1) { Offer::SHAPES } else { Offer::OtherVersion };
    }
    let mut known = capability::offers().filter(|offered| interface.is(offered.package, offered.name));
    let Some(offered) = known.next() else { return Offer::Unknown };
    if offered.has_version_of(&interface) { offered.offer } else { Offer::OtherVersion }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use guesthouse_component::inspect::Class;
    use wasmtime::Engine;
    use wasmtime::component::Linker;

    use super::*;
    use crate::capability::offered::Offered;
    use crate::capability::offered::VERSION_02;
    use crate::capability::offered::VERSION_03;
    use crate::engine::target::Target;
    use crate::instances::store::State;

    #[test]
    fn what_is_told_is_what_the_linker_has() {
        let engine = Engine::new(&Target { class: Class::Concurrent, roomy: true }.config()).unwrap();
        let mut linker: Linker<State> = Linker::new(&engine);
        capability::link(&mut linker, Class::Concurrent).unwrap();
        // What is there cannot be defined again, and as something else.
        let mut has = |name: &str| linker.root().func_wrap(name, |_, (): ()| Ok(())).is_err();
        let mut told = BTreeSet::new();
        for Offered { package, name, offer, versions } in capability::offers() {
            assert!(told.insert((package, name)), "{package}/{name} is offered twice");
            // Types have nothing that could be linked.
            if *offer == Offer::SHAPES {
                continue;
            }
            for version in [VERSION_02, VERSION_03].iter().chain(*versions) {
                let is_told = versions.contains(version);
                assert_eq!(has(&format!("{package}/{name}@{version}")), is_told, "{package}/{name} in {version}");
            }
        }
        assert!(told.len() >= 34, "{told:?}");
    }

    #[test]
    fn a_release_is_offered_and_a_draft_or_another_version_is_not() {
        assert_eq!(offer("wasi:http/types@0.2.0"), Offer::PLAIN);
        assert_eq!(offer("wasi:http/types@0.2.99"), Offer::PLAIN);
        assert_eq!(
            offer("wasi:http/outgoing-handler@0.2.4"),
            Offer::Empty("requests go where `[outbound]` asks for, and the operator allows it")
        );
        assert_eq!(offer("wasi:http/outgoing-handler@0.3.0"), Offer::OtherVersion);
        assert_eq!(offer("wasi:cli/environment@0.4.0"), Offer::OtherVersion);
        assert_eq!(offer("wasi:cli/environment@0.3.0-rc-2026-01-06"), Offer::OtherVersion);
        assert_eq!(offer("wasi:cli/environment"), Offer::OtherVersion);
        assert_eq!(offer("wasi:keyvalue/store@0.2.0"), Offer::Unknown);
        assert_eq!(offer("log"), Offer::Unknown);
    }
}
