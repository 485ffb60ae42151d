//! One certificate, ready for handshakes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::sign::CertifiedKey;
use rustls::sign::SingleCertAndKey;
use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::X509Certificate;

use crate::names::Names;

/// The protocols that are offered, the better one first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A certificate with its chain and key.
pub struct Certificate {
    /// What it covers.
    pub names: Names,
    /// Until when it holds.
    pub expires: SystemTime,
    /// From when it holds.
    pub begins: SystemTime,
    /// What a handshake needs.
    pub config: Arc<ServerConfig>,
    certified: Arc<CertifiedKey>,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The chain is not what it should be.
    #[error("{0}: expected one or more `-----BEGIN CERTIFICATE-----` blocks, the host's own first")]
    Chain(String),
    /// The key is not.
    #[error("{0}: expected one `-----BEGIN PRIVATE KEY-----` block (PKCS#8, PKCS#1 or SEC1), without a passphrase")]
    Key(String),
    /// They do not belong together.
    #[error("the key does not belong to the certificate")]
    Mismatch,
    /// It covers nothing.
    #[error("the certificate has no subject alternative name, and clients do not read anything else")]
    NoNames,
    /// rustls refuses it.
    #[error("{0}")]
    Refused(String),
}

/// What all certificates are used with.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

impl Certificate {
    /// Reads a chain and a key, both as PEM.
    pub fn parse(chain: &[u8], key: &[u8]) -> Result<Certificate, CertificateError> {
        let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| CertificateError::Chain(error.to_string()))?;
        if chain.is_empty() {
            return Err(CertificateError::Chain("no certificate in it".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| CertificateError::Key(error.to_string()))?;
        let certificate = Certificate::new(chain, key, &PROTOCOLS)?;
        certificate.certified.keys_match().map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => CertificateError::Mismatch,
            other => CertificateError::Refused(other.to_string()),
        })?;
        Ok(certificate)
    }

    /// Puts a chain and a key together, for these protocols. Whether they belong together is not looked at: what proves a
    /// name to an authority has an extension that rustls does not let pass.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        protocols: &[&[u8]],
    ) -> Result<Certificate, CertificateError> {
        let own = chain.first().ok_or_else(|| CertificateError::Chain("no certificate in it".to_owned()))?;
        let (_, parsed) = X509Certificate::from_der(own).map_err(|error| CertificateError::Chain(error.to_string()))?;
        let names = Names::of(&parsed);
        if names == Names::default() {
            return Err(CertificateError::NoNames);
        }
        let (begins, expires) =
            (moment(parsed.validity().not_before.timestamp()), moment(parsed.validity().not_after.timestamp()));
        let key = provider().key_provider.load_private_key(key);
        let key = key.map_err(|error| CertificateError::Refused(error.to_string()))?;
        let certified = Arc::new(CertifiedKey::new(chain, key));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| CertificateError::Refused(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified.clone())));
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Certificate { names, expires, begins, certified, config: Arc::new(config) })
    }

    /// How long it still holds.
    pub fn left(&self) -> Duration {
        self.expires.duration_since(SystemTime::now()).unwrap_or_default()
    }
}

fn moment(unix_seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(unix_seconds).unwrap_or(0))
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Certificate").field("names", &self.names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::self_signed::self_signed;

    #[test]
    fn what_cannot_be_used_is_told_apart() {
        let (one, other) =
            (self_signed(&["a.example".to_owned()]).unwrap(), self_signed(&["b.example".to_owned()]).unwrap());
        let good = Certificate::parse(one.chain.as_bytes(), one.key.as_bytes()).unwrap();
        assert!(good.names.cover("a.example") && !good.names.cover("b.example"));
        let told = |chain: &str, key: &str| Certificate::parse(chain.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(matches!(told(&one.chain, &other.key), CertificateError::Mismatch));
        assert!(matches!(told(&one.key, &one.key), CertificateError::Chain(_)));
        assert!(matches!(told(&one.chain, &one.chain), CertificateError::Key(_)));
        assert!(matches!(told("", ""), CertificateError::Chain(_)));
    }
}
