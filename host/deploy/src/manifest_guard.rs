//! What the last manifest of an app kept back: while that manifest is away, nothing of it is taken for granted.
//!
//! A file that is not there says nothing: an editor may be saving it, a copy may be under way. An empty one says that
//! nothing is asked for.

use guesthouse_manifest::asked::Manifest;
use serde::Deserialize;
use serde::Serialize;

/// What is known of the manifest that lay beside an app's component last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Guard {
    /// There was none, or the app may be published without it.
    #[default]
    Nothing,
    /// There was one that nobody has read, or could read: it may have kept anything back.
    Unread,
    /// It had these keys, each of which keeps something back.
    Keys(Vec<String>),
}

impl Guard {
    /// What would be open, or larger, without this manifest.
    pub fn of(manifest: &Manifest) -> Guard {
        // Every field by its name: a new one is decided about here.
        let Manifest {
            code,
            routes: _,
            environment,
            env_file,
            limits,
            instances,
            before,
            compress,
            statics: _,
            outbound: _,
            internal: _,
            state,
            request: _,
        } = manifest;
        let keys = [
            // A password, a filter.
            ("before", !before.is_empty()),
            // No other code than this.
            ("sha256", code.is_some()),
            // They may be below what an app has that says nothing, or below what its component says.
            ("limits", *limits != Default::default()),
            ("instances", *instances != Default::default()),
            // Apps have guards of their own, and read them here: `ALLOWED_HOSTS`, the hash of a password.
            ("environment", !environment.is_empty()),
            ("env_file", env_file.is_some()),
            // Without what it has stored, an app begins anew, and offers its first visitor to become its administrator.
            ("state", state.is_some()),
            // Beside what visitors send, a compressed body can tell its secrets by its length.
            ("compress", *compress == Some(false)),
        ];
        // Routes, static folders, the way out and callers only give: without them, less is reached.
        match keys.iter().filter(|(_, is_kept)| *is_kept).map(|(key, _)| (*key).to_owned()).collect::<Vec<_>>() {
            none if none.is_empty() => Guard::Nothing,
            keys => Guard::Keys(keys),
        }
    }

    /// Why the app is not published without its manifest, which lay at `file`, if it is not.
    pub fn missed(&self, file: &str) -> Option<String> {
        let had = match self {
            Guard::Nothing => return None,
            Guard::Unread => "nobody has read what it asked for".to_owned(),
            Guard::Keys(keys) => {
                let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
                format!("it had {}", keys.join(", "))
            }
        };
        Some(format!(
            "its manifest `{file}` is gone, and {had}: waits until it is back (if the app is to serve without it, leave an \
             empty one: `touch {file}`)"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let guard = Guard::of(&Manifest::parse("shop.toml", text.as_bytes()).unwrap());
        let keys: Vec<String> = expected.iter().map(|key| (*key).to_owned()).collect();
        let expected = if keys.is_empty() { Guard::Nothing } else { Guard::Keys(keys) };
        assert_eq!(guard, expected, "{text}");
    }

    #[test]
    fn what_would_be_open_without_a_manifest_is_told_from_what_would_be_gone() {
        check("", &[]);
        check("manifest_version = 1\nroutes = [\"shop.example\"]\ncompress = true", &[]);
        check("[[static]]\nfolder = \"_shop\"", &[]);
        check("[limits]\n[instances]\n[environment]", &[]);
        check("before = [\"_auth.wasm\"]", &["before"]);
        check(&format!("sha256 = \"{}\"", "0".repeat(64)), &["sha256"]);
        check("[limits]\nmemory = \"1MiB\"", &["limits"]);
        check("[instances]\nreuse = 1", &["instances"]);
        check("[environment]\nALLOWED_HOSTS = \"shop.example\"", &["environment"]);
        check("env_file = \"shop.env\"", &["env_file"]);
        check("[state]", &["state"]);
        check("compress = false\nbefore = [\"_auth.wasm\"]", &["before", "compress"]);
    }

    #[test]
    fn whoever_misses_a_manifest_is_told_what_to_type() {
        let missed = |guard: Guard| guard.missed("apps/shop.toml");
        assert_eq!(missed(Guard::Nothing), None);
        assert_eq!(
            missed(Guard::Keys(vec!["before".to_owned(), "limits".to_owned()])).unwrap(),
            "its manifest `apps/shop.toml` is gone, and it had `before`, `limits`: waits until it is back (if the app is to \
             serve without it, leave an empty one: `touch apps/shop.toml`)"
        );
        assert!(missed(Guard::Unread).unwrap().contains("nobody has read what it asked for"));
    }
}
