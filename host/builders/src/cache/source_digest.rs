//! The source as a build has seen it: so that what is written beside it, by tools or by the app itself, is not taken for an
//! edit.

use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;

use guesthouse_types::name::Digest;

use crate::cache::fingerprint::Fingerprint;
use crate::config::settings::Build;
use crate::config::settings::FILE;
use crate::source::stage;

/// The digest of a source.
#[derive(Debug, Default)]
pub struct SourceDigest(Mutex<Option<Digest>>);

impl SourceDigest {
    /// Remembers the source `now`; nothing, if it cannot be read just now.
    pub fn set(&self, now: Option<Digest>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Whether the source `now` is another than the remembered one. What cannot be read counts as one.
    pub fn differs(&self, now: Option<Digest>) -> bool {
        let seen = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_none() || now != seen
    }
}

/// The source in `folder` with its settings, without what is never source, and without the file `output`.
pub fn source(folder: &Path, build: &Build, output: Option<&Path>) -> Option<Digest> {
    let staged = stage::files(folder, &build.exclude, &build.include).ok()?;
    let mut stamp = Fingerprint::default();
    stamp.files("source", folder, staged.files.iter().filter(|file| Some(file.as_path()) != output)).ok()?;
    // Ignore files hide it.
    stamp.files("settings", folder, folder.join(FILE).is_file().then_some(FILE)).ok()?;
    Some(stamp.digest())
}
