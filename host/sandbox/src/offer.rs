//! What this host offers to components, interface by interface, and what stands behind each.
//!
//! The linker is what counts (`capability`); this is how it is told to people. A test holds the one against the other.

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

/// The versions that are linked, which are called by every component of the same `0.x`. A function that came later is missing.
pub(crate) const VERSION_02: &str = "0.2.12";
pub(crate) const VERSION_03: &str = "0.3.0";

const FOLDERS: Offer = Offer::Empty("it sees the folders that it is given");
const NO_SOCKETS: Offer = Offer::Empty("every socket is refused");
const NO_TERMINAL: Offer = Offer::Empty("there is no terminal");
const NO_REQUESTS: Offer = Offer::Empty("every request is refused");
const ENVIRONMENT: Offer = Offer::Granted("the manifest's variables, no arguments");
const LOG: Offer = Offer::Granted("goes to the log");
const PLAIN: Offer = Offer::Granted("granted");
const SHAPES: Offer = Offer::Granted("types only");
const EXIT: Offer = Offer::Empty("an exit is a fault");
const NO_INPUT: Offer = Offer::Empty("is always at its end");

/// Package, interface, what stands behind it, and whether 0.2 and 0.3 have it.
const OFFERS: &[(&str, &str, Offer, bool, bool)] = &[
    ("wasi:cli", "environment", ENVIRONMENT, true, true),
    ("wasi:cli", "exit", EXIT, true, true),
    ("wasi:cli", "stderr", LOG, true, true),
    ("wasi:cli", "stdin", NO_INPUT, true, true),
    ("wasi:cli", "stdout", LOG, true, true),
    ("wasi:cli", "terminal-input", NO_TERMINAL, true, true),
    ("wasi:cli", "terminal-output", NO_TERMINAL, true, true),
    ("wasi:cli", "terminal-stderr", NO_TERMINAL, true, true),
    ("wasi:cli", "terminal-stdin", NO_TERMINAL, true, true),
    ("wasi:cli", "terminal-stdout", NO_TERMINAL, true, true),
    ("wasi:cli", "types", SHAPES, false, true),
    ("wasi:clocks", "monotonic-clock", PLAIN, true, true),
    ("wasi:clocks", "system-clock", PLAIN, false, true),
    ("wasi:clocks", "types", SHAPES, false, true),
    ("wasi:clocks", "wall-clock", PLAIN, true, false),
    ("wasi:filesystem", "preopens", FOLDERS, true, true),
    ("wasi:filesystem", "types", FOLDERS, true, true),
    ("wasi:http", "client", NO_REQUESTS, false, true),
    ("wasi:http", "outgoing-handler", NO_REQUESTS, true, false),
    ("wasi:http", "types", PLAIN, true, true),
    ("wasi:io", "error", PLAIN, true, false),
    ("wasi:io", "poll", PLAIN, true, false),
    ("wasi:io", "streams", PLAIN, true, false),
    ("wasi:random", "insecure", PLAIN, true, true),
    ("wasi:random", "insecure-seed", PLAIN, true, true),
    ("wasi:random", "random", PLAIN, true, true),
    ("wasi:sockets", "instance-network", NO_SOCKETS, true, false),
    ("wasi:sockets", "ip-name-lookup", NO_SOCKETS, true, true),
    ("wasi:sockets", "network", NO_SOCKETS, true, false),
    ("wasi:sockets", "tcp", NO_SOCKETS, true, false),
    ("wasi:sockets", "tcp-create-socket", NO_SOCKETS, true, false),
    ("wasi:sockets", "types", NO_SOCKETS, false, true),
    ("wasi:sockets", "udp", NO_SOCKETS, true, false),
    ("wasi:sockets", "udp-create-socket", NO_SOCKETS, true, false),
];

/// What becomes of the import `name`.
pub fn offer(name: &str) -> Offer {
    let Some(interface) = Interface::parse(name) else { return Offer::Unknown };
    if interface.is("guesthouse:gateway", "types") {
        return if interface.track() == Track::Minor(1) { SHAPES } else { Offer::OtherVersion };
    }
    let mut known = OFFERS.iter().filter(|(package, name, ..)| interface.is(package, name));
    let Some(&(_, _, offer, has_02, has_03)) = known.next() else { return Offer::Unknown };
    match interface.track() {
        Track::Minor(2) if has_02 => offer,
        Track::Minor(3) if has_03 => offer,
        _ => Offer::OtherVersion,
    }
}

#[cfg(test)]
mod tests {
    use guesthouse_component::inspect::Class;
    use wasmtime::Engine;
    use wasmtime::component::Linker;

    use super::*;
    use crate::capability;
    use crate::store::State;
    use crate::target::Target;

    #[test]
    fn what_is_told_is_what_the_linker_has() {
        let engine = Engine::new(&Target { class: Class::Concurrent, roomy: true }.config()).unwrap();
        let mut linker: Linker<State> = Linker::new(&engine);
        capability::link(&mut linker, Class::Concurrent).unwrap();
        // What is there cannot be defined again, and as something else.
        let mut has = |name: &str| linker.root().func_wrap(name, |_, (): ()| Ok(())).is_err();
        for (package, name, offer, in_02, in_03) in OFFERS {
            // Types have nothing that could be linked.
            if *offer != SHAPES {
                assert_eq!(has(&format!("{package}/{name}@{VERSION_02}")), *in_02, "{package}/{name} in 0.2");
                assert_eq!(has(&format!("{package}/{name}@{VERSION_03}")), *in_03, "{package}/{name} in 0.3");
            }
        }
    }

    #[test]
    fn a_release_is_offered_and_a_draft_or_another_version_is_not() {
        assert_eq!(offer("wasi:http/types@0.2.0"), PLAIN);
        assert_eq!(offer("wasi:http/types@0.2.99"), PLAIN);
        assert_eq!(offer("wasi:http/outgoing-handler@0.2.4"), NO_REQUESTS);
        assert_eq!(offer("wasi:http/outgoing-handler@0.3.0"), Offer::OtherVersion);
        assert_eq!(offer("wasi:cli/environment@0.4.0"), Offer::OtherVersion);
        assert_eq!(offer("wasi:cli/environment@0.3.0-rc-2026-01-06"), Offer::OtherVersion);
        assert_eq!(offer("wasi:cli/environment"), Offer::OtherVersion);
        assert_eq!(offer("wasi:keyvalue/store@0.2.0"), Offer::Unknown);
        assert_eq!(offer("log"), Offer::Unknown);
    }
}
