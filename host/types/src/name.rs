//! The names that everything else speaks of: an app's name, a content's digest, a revision.

use std::fmt;
use std::fmt::Write as _;
use std::path::Component;
use std::path::Path;

use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;

use crate::escape::one_line;

/// The name of an app, from its path in the apps folder: `shop.wasm` is `shop`, `api/users.wasm` is `api/users`.
///
/// Every segment matches `[a-z0-9][a-z0-9-]*`, so that a name can stand in a host name and in a path unescaped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct AppName(String);

/// Why a text is not an app's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A segment has no characters, as in `a//b`.
    #[error("an app's name has no empty part")]
    Empty,
    /// A segment holds something else than `[a-z0-9-]`, or begins with `-`.
    #[error("`{}` is not an app's name: use a-z, 0-9 and `-`, beginning with a letter or a digit{}", one_line(.segment), hint(.segment))]
    Characters {
        /// The segment that does not fit.
        segment: String,
    },
    /// A segment is longer than a DNS label may be (63 bytes, RFC 1035 section 2.3.4).
    #[error("`{}` is longer than 63 characters", one_line(.segment))]
    Long {
        /// The segment that does not fit.
        segment: String,
    },
}

impl AppName {
    /// Reads a name such as `shop` or `api/users`.
    pub fn parse(text: &str) -> Result<AppName, NameError> {
        for segment in text.split('/') {
            check_segment(segment)?;
        }
        Ok(AppName(text.to_owned()))
    }

    /// The name of the app in the file at `path`, relative to the apps folder and without its extension.
    pub fn from_path(path: &Path) -> Result<AppName, NameError> {
        let stem = path.with_extension("");
        let segments: Vec<String> = stem
            .components()
            .filter_map(|component| match component {
                Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
                _ => None,
            })
            .collect();
        AppName::parse(&segments.join("/"))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the app that answers at `/`.
    pub fn is_index(&self) -> bool {
        self.0 == "index"
    }

    /// The prefix under which the app answers on a shared host: `/shop`, and the empty text for `index`.
    pub fn mount(&self) -> String {
        if self.is_index() { String::new() } else { format!("/{}", self.0) }
    }

    /// The label of the app's own host (`shop` in `shop.localhost`); an app in a sub-folder, and `index`, have none.
    pub fn host_label(&self) -> Option<&str> {
        (!self.0.contains('/') && !self.is_index()).then_some(self.0.as_str())
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn check_segment(segment: &str) -> Result<(), NameError> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if segment.is_empty() {
        return Err(NameError::Empty);
    }
    if !segment.bytes().all(legal) || segment.starts_with('-') {
        return Err(NameError::Characters { segment: segment.to_owned() });
    }
    if segment.len() > 63 {
        return Err(NameError::Long { segment: segment.to_owned() });
    }
    Ok(())
}

fn hint(segment: &str) -> String {
    let mended = segment.to_ascii_lowercase().replace(['_', ' ', '.'], "-");
    match check_segment(&mended) {
        Ok(()) => format!(" (rename it to `{mended}`?)"),
        Err(_) => String::new(),
    }
}

/// The SHA-256 of some content (FIPS 180-4): its identity, whatever its name and its times.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// Reads 64 hexadecimal digits, either case.
    pub fn parse(text: &str) -> Option<Digest> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
        }
        Some(Digest(bytes))
    }

    /// The first twelve hexadecimal digits: enough to tell revisions apart in a log.
    pub fn short(&self) -> Short<'_> {
        Short(&self.0[..6])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Short(&self.0).fmt(formatter)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.short(), formatter)
    }
}

/// Some bytes of a digest, to be shown in hexadecimal digits.
pub struct Short<'digest>(&'digest [u8]);

impl fmt::Display for Short<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |bits: u8| char::from(b"0123456789abcdef"[usize::from(bits)]);
        self.0.iter().try_for_each(|byte| {
            formatter.write_char(digit(byte >> 4))?;
            formatter.write_char(digit(byte & 15))
        })
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One content of an app: its code and its manifest together. A change of either is another revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Revision {
    /// The digest of the component's bytes.
    pub code: Digest,
    /// The digest of the manifest's bytes, if there is a manifest.
    pub manifest: Option<Digest>,
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.short().fmt(formatter)?;
        match &self.manifest {
            Some(manifest) => write!(formatter, "+{}", Short(&manifest.0[..3])),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(), &str>) {
        let found = AppName::parse(text).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn names() {
        const RULE: &str = "use a-z, 0-9 and `-`, beginning with a letter or a digit";
        check("shop", Ok(()));
        check("api/users", Ok(()));
        check("2048", Ok(()));
        check("", Err("an app's name has no empty part"));
        check("a//b", Err("an app's name has no empty part"));
        check("My_Shop", Err(&format!("`My_Shop` is not an app's name: {RULE} (rename it to `my-shop`?)")));
        check("-x", Err(&format!("`-x` is not an app's name: {RULE}")));
        check("a\n\x1b[2J", Err(&format!("`a\\n\\u{{1b}}[2J` is not an app's name: {RULE}")));
        check("käse", Err(&format!("`käse` is not an app's name: {RULE}")));
    }

    #[test]
    fn an_app_has_a_mount_and_sometimes_a_host() {
        let users = AppName::from_path(Path::new("api/users.wasm")).unwrap();
        assert_eq!((users.mount().as_str(), users.host_label()), ("/api/users", None));
        let index = AppName::from_path(Path::new("index.wasm")).unwrap();
        assert_eq!((index.mount().as_str(), index.host_label()), ("", None));
        let shop = AppName::from_path(Path::new("shop.wasm")).unwrap();
        assert_eq!((shop.mount().as_str(), shop.host_label()), ("/shop", Some("shop")));
    }

    #[test]
    fn a_digest_survives_being_written_down() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        assert_eq!(Digest::parse("ba78"), None);
    }
}
