//! What wasmtime says of imports that cannot be linked, turned into a cause and a way out.

use std::collections::BTreeSet;

use guesthouse_component::interface::Interface;
use guesthouse_component::interface::Track;

use crate::capability;
use crate::capability::offered::IN_BOTH;
use crate::capability::offered::Offer;
use crate::capability::offered::Offered;
use crate::capability::offered::VERSION_02;
use crate::capability::offered::VERSION_03;
use crate::offer::offer;

/// Why a component with these imports was not linked. wasmtime names the first import that it misses; the others are told
/// as well, so that nobody has to mend them one by one.
pub(crate) fn link_advice(error: &wasmtime::Error, imports: &[String]) -> String {
    let cause = format!("{error:#}");
    let Some(name) = cause.strip_prefix("component imports ").and_then(|rest| rest.split('`').nth(1)) else {
        // Everything that is imported was there: what is left are its exports.
        return format!(
            "its exports do not fit the interface that they are named after ({cause}): build it against the interface as it \
             was published"
        );
    };
    let why = match offer(name) {
        Offer::Granted(_) | Offer::Empty(_) => return part_advice(name, &cause),
        Offer::OtherVersion => other_version(name),
        Offer::Unknown => unknown(name),
    };
    let is_missing =
        |import: &&String| matches!(offer(import), Offer::OtherVersion | Offer::Unknown) && *import != name;
    let others: Vec<String> = imports.iter().filter(is_missing).map(|import| format!("`{import}`")).collect();
    match others.as_slice() {
        [] => why,
        others => format!("{why} (nor does it offer {})", others.join(", ")),
    }
}

fn other_version(name: &str) -> String {
    let track = Interface::parse(name).map(|interface| interface.track());
    let kind = match track {
        Some(Track::Draft) => "a draft, which fits nothing but itself",
        _ => "in a version that this host does not offer",
    };
    format!("imports `{name}`, {kind}: {}", rebuild(name))
}

fn unknown(name: &str) -> String {
    if Interface::parse(name).is_none() {
        return format!(
            "imports `{name}`, which is no interface of WASI: this host offers WASI and its HTTP alone; build it without"
        );
    }
    format!(
        "imports `{name}`, which this host does not offer: it has WASI {VERSION_02} and {VERSION_03} with their HTTP, and \
         {} beyond; build it without, or compose it with a component that exports this",
        beyond()
    )
}

/// What there is that no release of WASI has.
fn beyond() -> String {
    let in_wasi = |offered: &&Offered| offered.versions.iter().any(|version| IN_BOTH.contains(version));
    let packages = capability::offers().filter(|offered| !in_wasi(offered)).map(|offered| offered.package);
    let packages: BTreeSet<String> = packages.map(|package| format!("`{package}`")).collect();
    if packages.is_empty() { "nothing".to_owned() } else { Vec::from_iter(packages).join(", ") }
}

/// The interface is there, but something in it is not, or is something else.
fn part_advice(name: &str, cause: &str) -> String {
    let part = cause.split('`').nth(3).unwrap_or("something");
    if cause.contains("implementation is missing") {
        return format!("imports `{part}` of `{name}`, which this host does not have: {}", rebuild(name));
    }
    let reason = cause.rsplit(": ").next().unwrap_or(cause);
    format!("imports `{part}` of `{name}`, which is something else in this host ({reason}): {}", rebuild(name))
}

const OR_NEWER: &str = "or ask the operator for a newer guesthouse";

fn rebuild(name: &str) -> String {
    match Interface::parse(name).map(|interface| interface.track()) {
        Some(Track::Minor(2)) => format!("build it against WASI {VERSION_02} or an earlier 0.2, {OR_NEWER}"),
        Some(Track::Minor(3)) => format!("build it against WASI {VERSION_03} or an earlier 0.3, {OR_NEWER}"),
        _ => format!(
            "build it against a release of WASI 0.2 or 0.3 ({VERSION_02} and {VERSION_03} are here), {OR_NEWER}"
        ),
    }
}
