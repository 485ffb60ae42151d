//! Certificates in files: read at the start, and again whenever a file changes.

use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tracing::error;
use tracing::info;

use crate::certificate::Certificate;
use crate::certificate::CertificateError;
use crate::certificates::Certificates;

/// How often the files are looked at. Whoever renews certificates does so days before the old ones end.
const LOOK: Duration = Duration::from_secs(5);

/// A certificate chain and its key, each a PEM file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, the host's own certificate first.
    pub chain: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// Why the certificates cannot be taken from their files.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A file cannot be read.
    #[error("cannot read `{0}`: {1}")]
    Read(PathBuf, std::io::Error),
    /// What is in them cannot be used.
    #[error("cannot use the certificate in `{0}` with the key in `{1}`: {2}")]
    Unusable(PathBuf, PathBuf, CertificateError),
}

/// What tells that a file is another one: its size, inode, and times of change in nanoseconds.
type Mark = Option<(u64, u64, i64, i64, i64)>;

/// Reads all of them.
pub fn read(files: &[CertificateFiles]) -> Result<Vec<Arc<Certificate>>, FilesError> {
    files.iter().map(read_one).collect()
}

fn read_one(files: &CertificateFiles) -> Result<Arc<Certificate>, FilesError> {
    let bytes = |path: &Path| fs::read(path).map_err(|error| FilesError::Read(path.to_owned(), error));
    let certificate = Certificate::parse(&bytes(&files.chain)?, &bytes(&files.key)?);
    let unusable = |error| FilesError::Unusable(files.chain.clone(), files.key.clone(), error);
    certificate.map(Arc::new).map_err(unusable)
}

/// Reads the files again whenever one of them has changed, or `hint` says so. With a mistake in them, what was read before
/// goes on being used. Never ends.
pub async fn tend(files: Vec<CertificateFiles>, certificates: Arc<Certificates>, hint: Arc<Notify>) -> Infallible {
    let mut seen = marks(&files);
    loop {
        let hinted = tokio::time::timeout(LOOK, hint.notified()).await.is_ok();
        let (files, known) = (files.clone(), (!hinted).then(|| seen.clone()));
        // Off the threads that serve: a disk may take its time.
        let looked = tokio::task::spawn_blocking(move || look(&files, known.as_deref()));
        let Ok(Some(looked)) = looked.await else { continue };
        seen = looked.marks;
        match looked.read {
            Ok(read) => {
                info!(target: "guesthouse::tls", "read {} certificates again", read.len());
                certificates.set_files(read);
            }
            Err(error) => error!(target: "guesthouse::tls", "the certificates stay as they were: {error}"),
        }
    }
}

/// What a look found that was another one.
struct Looked {
    marks: Vec<Mark>,
    read: Result<Vec<Arc<Certificate>>, FilesError>,
}

/// Reads the files, unless their marks are `known`. Blocks.
fn look(files: &[CertificateFiles], known: Option<&[Mark]>) -> Option<Looked> {
    let marks = marks(files);
    if known.is_some_and(|known| known == marks) {
        return None;
    }
    // Between the two, a file may change once more: then the next look finds it.
    Some(Looked { marks, read: read(files) })
}

fn marks(files: &[CertificateFiles]) -> Vec<Mark> {
    let mark = |path: &PathBuf| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.len(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.ctime_nsec()))
    };
    files.iter().flat_map(|files| [mark(&files.chain), mark(&files.key)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::self_signed::self_signed;

    #[test]
    fn files_are_read_only_when_one_of_them_has_changed_or_somebody_asks_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let own = CertificateFiles { chain: folder.path().join("own.pem"), key: folder.path().join("own.key") };
        let write = || {
            let new = self_signed(&["a.example".to_owned()]).unwrap();
            fs::write(&own.chain, new.chain).unwrap();
            fs::write(&own.key, new.key).unwrap();
        };
        write();
        let files = [own.clone()];
        let first = look(&files, None).unwrap();
        assert_eq!(first.read.unwrap().len(), 1);
        assert!(look(&files, Some(&first.marks)).is_none());
        assert!(look(&files, None).is_some());
        fs::remove_file(&own.key).unwrap();
        let gone = look(&files, Some(&first.marks)).unwrap();
        assert!(matches!(gone.read, Err(FilesError::Read(path, _)) if path == own.key));
        assert!(look(&files, Some(&gone.marks)).is_none(), "a mistake is told once");
        write();
        assert!(look(&files, Some(&gone.marks)).unwrap().read.is_ok());
    }
}
