//! Environment variables for a guest, with the secrets among them looked up.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::io::Read as _;
use std::path::Path;

use guesthouse_manifest::asked::Value;
use guesthouse_types::env_file::EnvFile;
use rustix::fs::Mode;
use rustix::fs::OFlags;

/// A key or a certificate, not a data set.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// Why a secret is not there. It may come: the app waits for it.
#[derive(Debug)]
pub struct MissingSecret {
    name: String,
    why: String,
}

impl fmt::Display for MissingSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "waits for the secret `{}`: {}", self.name, self.why)
    }
}

/// The environment of an app: what its `env_file` in the secrets directory `folder` says, and over it `environment`. Blocks.
/// Values are never logged.
pub fn resolve(
    environment: &BTreeMap<String, Value>,
    env_file: Option<&str>,
    folder: Option<&Path>,
) -> Result<BTreeMap<String, String>, MissingSecret> {
    let mut found = match env_file {
        Some(name) => variables(name, folder)?,
        None => BTreeMap::new(),
    };
    for (variable, value) in environment {
        let value = match value {
            Value::Plain(text) => text.clone(),
            Value::Secret(name) => look_up(name, folder)?,
        };
        found.insert(variable.clone(), value);
    }
    Ok(found)
}

/// A line that cannot be read may be the one that guards something: nothing is taken of such a file.
fn variables(name: &str, folder: Option<&Path>) -> Result<BTreeMap<String, String>, MissingSecret> {
    let EnvFile { variables, unread } = EnvFile::parse(&look_up(name, folder)?);
    match unread.first() {
        Some(line) => Err(MissingSecret {
            name: name.to_owned(),
            why: format!("its line {line} is not `NAME=value` or a comment"),
        }),
        None => Ok(variables),
    }
}

fn look_up(name: &str, folder: Option<&Path>) -> Result<String, MissingSecret> {
    let missing = |why| MissingSecret { name: name.to_owned(), why };
    let folder = folder.ok_or_else(|| missing("this host has no secrets directory".to_owned()))?;
    read(&folder.join(name)).map_err(|error| missing(error.to_string()))
}

/// One line break at the end is the editor's, not the secret's.
fn read(path: &Path) -> io::Result<String> {
    // Links may lead out of the operator's own folder, as they do where secrets are mounted; a pipe is not waited for.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut text = String::new();
    file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > SECRET_BYTES_MAX || text.contains('\0') {
        return Err(io::Error::other(format!("not a text of at most {SECRET_BYTES_MAX} bytes")));
    }
    let length = text.strip_suffix("\r\n").or(text.strip_suffix('\n')).unwrap_or(&text).len();
    text.truncate(length);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::CWD;
    use rustix::fs::FileType;

    use super::*;

    #[test]
    fn secrets_are_looked_up_or_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let asked = BTreeMap::from([
            ("A".to_owned(), Value::Plain("a".to_owned())),
            ("B".to_owned(), Value::Secret("token".to_owned())),
        ]);
        let error = resolve(&asked, None, None).unwrap_err().to_string();
        assert_eq!(error, "waits for the secret `token`: this host has no secrets directory");
        assert!(resolve(&asked, None, Some(folder.path())).is_err());
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(CWD, folder.path().join("token"), FileType::Fifo, mode, 0).unwrap();
        let error = resolve(&asked, None, Some(folder.path())).unwrap_err().to_string();
        assert_eq!(error, "waits for the secret `token`: not a regular file");
        fs::remove_file(folder.path().join("token")).unwrap();
        fs::write(folder.path().join("token"), "secret\n").unwrap();
        let given = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(resolve(&asked, None, Some(folder.path())).unwrap(), given(&[("A", "a"), ("B", "secret")]));

        let with_file = || resolve(&asked, Some("shop.env"), Some(folder.path()));
        assert!(with_file().unwrap_err().to_string().starts_with("waits for the secret `shop.env`: "));
        fs::write(folder.path().join("shop.env"), "A=other\nC='3'\nwhat\n").unwrap();
        let error = with_file().unwrap_err().to_string();
        assert_eq!(error, "waits for the secret `shop.env`: its line 3 is not `NAME=value` or a comment");
        fs::write(folder.path().join("shop.env"), "A=other\nC='3'\n").unwrap();
        assert_eq!(with_file().unwrap(), given(&[("A", "a"), ("B", "secret"), ("C", "3")]));
    }
}
