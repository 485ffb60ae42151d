//! Whose certificates are trusted: those that the operator names, or the system's.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Why nothing is trusted.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TrustError {
    /// The operator's file.
    #[error("cannot use the certificates in `{}` (`[outbound] roots`): {why}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The system's.
    #[error("this system has no certificates to trust ({0}): install `ca-certificates`, or set `[outbound] roots`")]
    System(String),
}

/// What is trusted: the certificates in the file `path`, as PEM, or else the system's. Blocks.
pub fn roots(path: Option<&Path>) -> Result<RootCertStore, TrustError> {
    match path {
        Some(path) => of_file(path).map_err(|why| TrustError::File { path: path.to_owned(), why }),
        None => of_system(),
    }
}

/// How TLS is spoken by whoever trusts `roots`.
pub(crate) fn trusting(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    versions.expect("ring has what TLS 1.2 and 1.3 need").with_root_certificates(roots).with_no_client_auth()
}

fn of_file(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("it has none".to_owned()) } else { Ok(roots) }
}

fn of_system() -> Result<RootCertStore, TrustError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(TrustError::System(if why.is_empty() { "none found".to_owned() } else { why.join("; ") }));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_cannot_be_used_are_named() {
        let error = roots(Some(Path::new("/nowhere/roots.pem"))).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot use the certificates in `/nowhere/roots.pem` (`[outbound] roots`): "),
            "{error}"
        );
    }
}
