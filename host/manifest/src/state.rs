//! The table `[state]` as it is written down: a folder of an app's own that outlives its instances and revisions.

use std::collections::BTreeMap;

use guesthouse_types::escape::one_line;
use guesthouse_types::units::Size;
use serde::Deserialize;

/// Where every app sees its folder.
pub const DATA: &str = "/data";

/// Where every app sees what goes with its instance.
pub const TMP: &str = "/tmp";

/// What a folder may hold whose size nobody says.
const SIZE: Size = Size(64 << 20);

/// Each is a descriptor in every instance.
const MOUNTS_MAX: usize = 4;

/// As long as a path on this host may be, less what it is put below.
const MOUNT_BYTES_MAX: usize = 255;

/// A folder that stays, as it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StateTable {
    /// What may be in it.
    pub size: Option<Size>,
    /// Where it is seen beside `/data`.
    pub mounts: Option<Vec<String>>,
    /// Whether several requests work on it at once.
    pub share: Option<bool>,
}

/// A folder that stays, as it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateTerms {
    /// What may be in it, in bytes.
    pub bytes_max: u64,
    /// Where it is seen beside `/data`.
    pub mounts: Vec<String>,
    /// Whether several requests work on it at once.
    pub is_shared: bool,
}

impl StateTable {
    /// What a manifest asks for over what its component asks for, key by key. Nothing when neither asks.
    pub fn overlaid(section: Option<&StateTable>, manifest: Option<&StateTable>) -> Option<StateTable> {
        let (under, over) = match (section, manifest) {
            (None, None) => return None,
            (under, over) => (under.cloned().unwrap_or_default(), over.cloned().unwrap_or_default()),
        };
        Some(StateTable {
            size: over.size.or(under.size),
            mounts: over.mounts.or(under.mounts),
            share: over.share.or(under.share),
        })
    }

    /// Says what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if self.size == Some(Size(0)) {
            return Err("`state`: `size` is zero: nothing could be written (leave `[state]` out)".to_owned());
        }
        let mounts = self.mounts.as_deref().unwrap_or_default();
        if mounts.len() > MOUNTS_MAX {
            return Err(format!("`state`: `mounts`: {} paths; at most {MOUNTS_MAX} are taken", mounts.len()));
        }
        for (at, mount) in mounts.iter().enumerate() {
            let wrong = check_mount(mount).or(mounts[..at].contains(mount).then_some("it stands there twice"));
            if let Some(why) = wrong {
                return Err(format!("`state`: `mounts`: `{}`: {why}", one_line(mount)));
            }
        }
        Ok(())
    }

    /// What it means.
    pub fn terms(&self) -> StateTerms {
        StateTerms {
            bytes_max: self.size.unwrap_or(SIZE).0,
            mounts: self.mounts.clone().unwrap_or_default(),
            is_shared: self.share.unwrap_or(false),
        }
    }

    /// How one would ask for `terms`.
    pub fn of(terms: &StateTerms) -> StateTable {
        let StateTerms { bytes_max, mounts, is_shared } = terms;
        let mounts = Some(mounts.clone()).filter(|mounts| !mounts.is_empty());
        StateTable { size: Some(Size(*bytes_max)), mounts, share: Some(*is_shared) }
    }

    /// What it names, for people and for scripts.
    pub fn named(&self) -> BTreeMap<&'static str, String> {
        let StateTable { size, mounts, share } = self;
        let all = [
            ("size", size.map(|size| size.to_string())),
            ("mounts", mounts.as_ref().map(|mounts| mounts.join(" "))),
            ("share", share.map(|share| share.to_string())),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

impl StateTerms {
    /// What is too much under this ceiling.
    pub fn above(&self, ceiling: Option<Size>) -> Option<String> {
        let (size, most) = (Size(self.bytes_max), ceiling?);
        let text = || format!("`size = {size}` in `[state]` (at most {most}, `state_size` in `[policy]`)");
        (size > most).then(text)
    }
}

fn check_mount(mount: &str) -> Option<&'static str> {
    let Some(path) = mount.strip_prefix('/') else {
        return Some("not an absolute path, such as `/srv`");
    };
    if mount == DATA || mount == TMP {
        return Some("it is there already");
    }
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(char::is_control);
    if mount.len() > MOUNT_BYTES_MAX || !path.split('/').all(is_plain) {
        return Some("not a path of plain names, such as `/srv`");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(), &str>) {
        let table: StateTable = toml::from_str(text).unwrap();
        assert_eq!(table.check(), expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn what_is_asked_for_must_make_sense() {
        check("", Ok(()));
        check("size = \"1GiB\"\nmounts = [\"/0\", \"/srv/db\"]\nshare = true", Ok(()));
        check("size = 0", Err("`state`: `size` is zero: nothing could be written (leave `[state]` out)"));
        check("mounts = [\"0\"]", Err("`state`: `mounts`: `0`: not an absolute path, such as `/srv`"));
        check("mounts = [\"/data\"]", Err("`state`: `mounts`: `/data`: it is there already"));
        check("mounts = [\"/a\", \"/a\"]", Err("`state`: `mounts`: `/a`: it stands there twice"));
        for odd in ["/", "//", "/a/../b", "/a/", "/a\\u0000"] {
            let table: StateTable = toml::from_str(&format!("mounts = [\"{odd}\"]")).unwrap();
            assert!(table.check().unwrap_err().ends_with("not a path of plain names, such as `/srv`"), "{odd}");
        }
        check(
            "mounts = [\"/1\", \"/2\", \"/3\", \"/4\", \"/5\"]",
            Err("`state`: `mounts`: 5 paths; at most 4 are taken"),
        );
    }
}
