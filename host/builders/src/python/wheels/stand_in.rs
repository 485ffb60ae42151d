//! Packages that no guest can have, that apps require for a part of what they do: in their place is a module that can be
//! imported, and whose use fails with a sentence (`sdk/python/guesthouse/stood_in.py`).

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::python::index::native;
use crate::python::index::resolve::Chosen;

/// In the index's spelling, each with the modules that it installs. What an app computes with all the time (numpy) is not
/// among them: such an app is refused.
const STAND_INS: &[(&str, &[&str])] = &[
    ("argon2-cffi-bindings", &["_argon2_cffi_bindings"]),
    ("brotli", &["_brotli", "brotli"]),
    ("brotlicffi", &["brotlicffi"]),
    ("brotlipy", &["brotli"]),
    ("cffi", &["_cffi_backend", "cffi"]),
    ("cryptography", &["cryptography"]),
    ("lxml", &["lxml"]),
    ("pillow", &["PIL"]),
    ("pillow-heif", &["pillow_heif"]),
    ("pycurl", &["pycurl"]),
];

/// Whether there is something to put in the place of `name`.
pub fn is_there(name: &str) -> bool {
    !modules(name).is_empty()
}

/// All that there is, for telling whether something changed.
pub fn text() -> String {
    format!("{STAND_INS:?}")
}

/// What there is to say of `one`, for which something stands in.
pub fn note(one: &Chosen) -> String {
    let Chosen { name, version, .. } = one;
    format!(
        "warning: `{name}` {version} is not in the guest ({}): it can be imported, and what uses it fails with a sentence",
        why(name)
    )
}

/// Puts a stand-in of `one` among the packages in `site`.
pub fn put(one: &Chosen, site: &Path) -> anyhow::Result<()> {
    let Chosen { name, version, .. } = one;
    let text = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let sentence = text(&format!("{name} is not in this guest: {}", why(name)));
    let module =
        format!("from guesthouse.stood_in import stand_in\n\nstand_in(__name__, {}, {sentence})\n", text(version));
    // `importlib.metadata.version` is asked for the version that the module has.
    let about = format!("{}-{version}.dist-info", native::normalized(name).replace('-', "_"));
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    let modules = modules(name).iter().map(|name| (*name, "__init__.py", &module));
    for (folder, file, content) in modules.chain([(about.as_str(), "METADATA", &metadata)]) {
        let folder = site.join(folder);
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join(file), content))
            .context("cannot write to the cache")?;
    }
    Ok(())
}

fn modules(name: &str) -> &'static [&'static str] {
    let name = native::normalized(name);
    STAND_INS.iter().find(|(known, _)| *known == name).map_or(&[], |(_, modules)| *modules)
}

fn why(name: &str) -> &'static str {
    native::in_the_way(name).unwrap_or("its native code cannot be compiled for a guest here")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::python::index::resolve::Source;

    #[test]
    fn the_table_is_in_order_and_in_the_indexs_spelling() {
        assert!(STAND_INS.is_sorted_by_key(|(name, _)| *name));
        assert!(STAND_INS.iter().all(|(name, _)| native::normalized(name) == *name));
        assert!(is_there("Pillow") && !is_there("numpy") && !is_there("flask"));
    }

    #[test]
    fn a_stand_in_says_its_version_and_why_it_is_one() {
        let site = tempfile::tempdir().unwrap();
        let one = Chosen {
            name: "Pillow".to_owned(),
            version: "12.3".to_owned(),
            source: Source::StoodIn,
            needed_by: Vec::new(),
            url: String::new(),
            revision: String::new(),
            sha256: String::new(),
            kept: PathBuf::new(),
            raised_from: None,
        };
        put(&one, site.path()).unwrap();
        let module = fs::read_to_string(site.path().join("PIL/__init__.py")).unwrap();
        assert!(
            module.contains("stand_in(__name__, \"12.3\", \"Pillow is not in this guest: it needs libjpeg"),
            "{module}"
        );
        let about = fs::read_to_string(site.path().join("pillow-12.3.dist-info/METADATA")).unwrap();
        assert!(about.contains("Name: Pillow\nVersion: 12.3\n"), "{about}");
    }
}
