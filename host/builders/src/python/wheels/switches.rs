//! Packages whose native code is left out when a variable says so.

/// Each with the variables that its own build reads. Builds of other packages read none of them.
const SWITCHES: &[(&str, &[(&str, &str)])] = &[
    ("aiohttp", &[("AIOHTTP_NO_EXTENSIONS", "1")]),
    ("cython", &[("NO_CYTHON_COMPILE", "true")]),
    ("frozenlist", &[("FROZENLIST_NO_EXTENSIONS", "1")]),
    ("msgpack", &[("MSGPACK_PUREPYTHON", "1")]),
    ("multidict", &[("MULTIDICT_NO_EXTENSIONS", "1")]),
    ("propcache", &[("PROPCACHE_NO_EXTENSIONS", "1")]),
    ("pyyaml", &[("PYYAML_FORCE_LIBYAML", "0")]),
    ("sqlalchemy", &[("DISABLE_SQLALCHEMY_CEXT", "1")]),
    ("websockets", &[("BUILD_EXTENSION", "no")]),
    ("wrapt", &[("WRAPT_INSTALL_EXTENSIONS", "false")]),
    ("yarl", &[("YARL_NO_EXTENSIONS", "1")]),
    ("zeroconf", &[("SKIP_CYTHON", "1")]),
];

/// Those that several packages read: Poetry's build scripts, mypyc's users.
const FOR_ALL: &[(&str, &str)] =
    &[("SKIP_CYTHON", "1"), ("CYTHON_SKIP", "1"), ("NO_EXTENSIONS", "1"), ("PURE_PYTHON", "1")];

/// What the build of `name` (as an index has it) is told.
pub fn of(name: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let own = SWITCHES.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, switches)| *switches);
    FOR_ALL.iter().chain(own).copied()
}

/// All of them, for telling whether something changed.
pub fn text() -> String {
    format!("{SWITCHES:?} {FOR_ALL:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::index::native::normalized;

    #[test]
    fn the_table_is_in_order_and_in_the_indexs_spelling() {
        assert!(SWITCHES.is_sorted_by_key(|(name, _)| *name));
        assert!(SWITCHES.iter().all(|(name, _)| normalized(name) == *name));
        assert!(of("multidict").any(|switch| switch == ("MULTIDICT_NO_EXTENSIONS", "1")));
        assert!(!of("flask").any(|(name, _)| name == "MULTIDICT_NO_EXTENSIONS"));
    }
}
