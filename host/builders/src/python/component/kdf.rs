//! The extension module with which a guest hashes passwords: it is built where it is first needed, if Rust is there.

use std::env;
use std::path::PathBuf;

use include_dir::Dir;
use include_dir::include_dir;

use crate::cache::tools::Cache;
use crate::own_crate::OwnCrate;
use crate::progress::say;

static SOURCE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/kdf/src");

/// What Python looks for.
pub const FILE: &str = "_guesthouse_kdf.cpython-314-wasm32-wasi.so";

const EXTENSION: OwnCrate = OwnCrate {
    kind: "kdf",
    what: "the extension that hashes passwords",
    source: &SOURCE,
    files: &[
        (".cargo/config.toml", include_bytes!("../../../../../sdk/kdf/.cargo/config.toml")),
        ("Cargo.lock", include_bytes!("../../../../../sdk/kdf/Cargo.lock")),
        ("Cargo.toml", include_bytes!("../../../../../sdk/kdf/Cargo.toml")),
        ("pyo3.cfg", include_bytes!("../../../../../sdk/kdf/pyo3.cfg")),
        // An archive without members: the linker finds a libc, and takes nothing of it.
        ("empty/libc.a", b"!<arch>\n"),
    ],
    library: "guesthouse_kdf",
    file: FILE,
};

/// Who hashes passwords in a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kdf {
    /// The extension, in this file.
    Extension(PathBuf),
    /// Python itself, slowly.
    Python,
    /// It is not known before it was tried.
    Unknown,
}

impl Kdf {
    /// What a component depends on.
    pub fn stamp(&self) -> String {
        match self {
            Kdf::Extension(_) => EXTENSION.version(),
            Kdf::Python => "python".to_owned(),
            Kdf::Unknown => "unknown".to_owned(),
        }
    }

    /// What is there now.
    pub fn known(cache: &Cache) -> Kdf {
        match EXTENSION.there(cache) {
            Some(file) => Kdf::Extension(file),
            None if has_cargo() => Kdf::Unknown,
            None => Kdf::Python,
        }
    }

    /// The extension, made now if it is not there; where that cannot be, it is said, and what it costs.
    pub async fn ready(cache: &Cache) -> Kdf {
        let why = if has_cargo() {
            match EXTENSION.ready(cache).await {
                Ok(file) => return Kdf::Extension(file),
                Err(error) => format!("{error:#}"),
            }
        } else {
            "Rust is not installed (https://rustup.rs installs it)".to_owned()
        };
        say(format_args!(
            "  warning: passwords are hashed in Python, which takes some hundred times as long as elsewhere (`hashlib.scrypt`, \
             `hashlib.pbkdf2_hmac`): {why}"
        ));
        Kdf::Python
    }
}

fn has_cargo() -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join("cargo").is_file()))
}
