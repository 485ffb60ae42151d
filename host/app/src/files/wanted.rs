//! Which file a path means: decoded, within the folder, and nothing that is hidden there.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use crate::percent::octet;

/// What is looked for in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Relative, of plain names only; empty for the folder itself.
    pub path: PathBuf,
    /// The path ends in a slash.
    pub is_folder: bool,
}

/// Whether `path` lies at or below `prefix`, which is empty or begins with a slash and does not end with one.
pub fn is_below(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Reads a raw path. `None` when it means nothing in a folder that stands under `prefix`; `show` names what is served
/// although it is hidden.
pub fn wanted(prefix: &str, path: &str, show: &[String]) -> Option<Wanted> {
    if !is_below(prefix, path) {
        return None;
    }
    let rest = path.strip_prefix(prefix)?;
    let Some(rest) = rest.strip_prefix('/') else {
        return Some(Wanted { path: PathBuf::new(), is_folder: false });
    };
    let (names, is_folder) = match rest.strip_suffix('/') {
        Some(names) => (Some(names), true),
        None if rest.is_empty() => (None, true),
        None => (Some(rest), false),
    };
    let mut found = PathBuf::new();
    for segment in names.into_iter().flat_map(|names| names.split('/')) {
        let name = decoded(segment)?;
        // `//` is an empty name in between, which no file has.
        let is_plain = !matches!(name.as_slice(), b"" | b"." | b"..") && !name.contains(&b'/') && !name.contains(&0);
        let is_hidden = name.starts_with(b".") || name.starts_with(b"_");
        if !is_plain || (is_hidden && !show.iter().any(|shown| shown.as_bytes() == name)) {
            return None;
        }
        found.push(OsStr::from_bytes(&name));
    }
    Some(Wanted { path: found, is_folder })
}

fn decoded(segment: &str) -> Option<Vec<u8>> {
    let mut found = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        found.push(match byte {
            b'%' => octet(&[bytes.next()?, bytes.next()?])?,
            _ => byte,
        });
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use proptest::collection::vec;
    use proptest::prelude::Strategy;
    use proptest::proptest;
    use proptest::sample::select;

    use super::*;

    fn check(prefix: &str, path: &str, expected: Option<(&str, bool)>) {
        let found = wanted(prefix, path, &["_app".to_owned(), ".well-known".to_owned()]);
        let expected = expected.map(|(path, is_folder)| Wanted { path: PathBuf::from(path), is_folder });
        assert_eq!(found, expected, "{prefix} {path}");
    }

    #[test]
    fn a_path_means_one_file_or_none() {
        check("", "/", Some(("", true)));
        check("", "/a.js", Some(("a.js", false)));
        check("", "/a/b%20c/", Some(("a/b c", true)));
        check("", "/%C3%A4", Some(("ä", false)));
        check("/static", "/static", Some(("", false)));
        check("/static", "/static/", Some(("", true)));
        check("/static", "/static/x", Some(("x", false)));
        check("/static", "/statics", None);
        check("/static", "/", None);
        check("", "/a..b/...x", None);
        check("", "/a..b/x..", Some(("a..b/x..", false)));
        // Decoded once: these are names, if strange ones.
        check("", "/a%252fb", Some(("a%2fb", false)));
        check("", "/a%5cb", Some(("a\\b", false)));
        check("", "/%252e%252e%252fb", Some(("%2e%2e%2fb", false)));
    }

    #[test]
    fn what_leads_out_or_is_hidden_means_nothing() {
        for path in [
            "//",
            "//a",
            "/a//b",
            "/a//",
            "/..",
            "/a/../b",
            "/%2e%2e/x",
            "/.%2E",
            "/.",
            "/a%2fb",
            "/a%2Fb/c",
            "/%2f",
            "/..%2fa",
            "/%2e%2e%2Fa",
            "/a/..%2f..%2fb",
            "/%00",
            "/%",
            "/%zz",
            "/.git/config",
            "/%2egit/config",
            "/_secret",
            "/%5Fsecret",
            "/a/_b",
            "/a/.b/",
            "/a/_app_",
            "///etc/passwd",
        ] {
            check("", path, None);
        }
        check("", "/_app/x.js", Some(("_app/x.js", false)));
        check("", "/.well-known/security.txt", Some((".well-known/security.txt", false)));
    }

    proptest! {
        #[test]
        fn whatever_is_asked_stays_in_the_folder(path in odd_path()) {
            let Some(Wanted { path: found, .. }) = wanted("", &path, &[]) else { return Ok(()) };
            for component in found.components() {
                let Component::Normal(name) = component else { panic!("{path:?} means {found:?}") };
                assert!(!name.as_bytes().starts_with(b".") && !name.as_bytes().starts_with(b"_"), "{path:?}");
                assert!(!name.as_bytes().contains(&0), "{path:?}");
            }
        }
    }

    /// Pieces of what attacks are made of, in any order.
    fn odd_path() -> impl Strategy<Value = String> {
        const PIECES: &[&str] = &[
            "/", "/", "/", ".", "..", "%2e", "%2E", "%2f", "%5c", "\\", "%00", "%", "%c0%af", "%252e", "_", "%5f", "a",
            "ä", "~", ":", " ", "%2F", "%252f", "%255c", "%25",
        ];
        vec(select(PIECES), 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
    }
}
