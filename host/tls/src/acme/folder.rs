//! What is kept of an authority: the account, and each certificate in one file with its key.

use std::fs;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use guesthouse_types::name::Digest;
use instant_acme::AccountCredentials;

use crate::certificate::Certificate;

/// The folder for one authority, for us alone (0700).
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens the part of `root` that is for this authority; it is made where it is missing.
    pub fn open(root: &std::path::Path, directory: &str) -> io::Result<Folder> {
        let path = root.join(Digest::of(directory.as_bytes()).short().to_string());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        Ok(Folder { path })
    }

    /// The account, if there is one that can be read.
    pub fn account(&self) -> Option<AccountCredentials> {
        serde_json::from_slice(&fs::read(self.path.join("account.json")).ok()?).ok()
    }

    /// Keeps the account.
    pub fn keep_account(&self, account: &AccountCredentials) -> io::Result<()> {
        self.put("account.json", &serde_json::to_vec_pretty(account)?)
    }

    /// The certificate for `name`, if there is one that can be read.
    pub fn certificate(&self, name: &str) -> Option<Certificate> {
        let text = fs::read(self.path.join(format!("{name}.pem"))).ok()?;
        Certificate::parse(&text, &text).ok()
    }

    /// Keeps the certificate for `name`: its key and its chain, as PEM.
    pub fn keep_certificate(&self, name: &str, key: &str, chain: &str) -> io::Result<()> {
        self.put(&format!("{name}.pem"), format!("{key}\n{chain}").as_bytes())
    }

    /// By rename, so that nobody ever reads half a file. For us alone (0600).
    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.path)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(self.path.join(name))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::self_signed::self_signed;

    #[test]
    fn what_is_kept_is_found_again_and_nobody_else_can_read_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path(), "https://one.example/").unwrap();
        assert!(folder.account().is_none() && folder.certificate("a.example").is_none());
        let made = self_signed(&["a.example".to_owned()]).unwrap();
        folder.keep_certificate("a.example", &made.key, &made.chain).unwrap();
        let folder = Folder::open(root.path(), "https://one.example/").unwrap();
        assert!(folder.certificate("a.example").unwrap().names.cover("a.example"));
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.path.clone()), mode(folder.path.join("a.example.pem"))), (0o700, 0o600));
        let other = Folder::open(root.path(), "https://two.example/").unwrap();
        assert!(other.certificate("a.example").is_none());
    }
}
