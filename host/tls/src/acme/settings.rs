//! What is asked of which authority.

use std::path::PathBuf;

/// Let's Encrypt's.
pub const DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// Which authority issues certificates, and how it is convinced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeSettings {
    /// The URL of the authority's directory.
    pub directory: String,
    /// Where the authority may write to, as in `mailto:me@example.org`.
    pub contact: Vec<String>,
    /// The certificate (PEM) that the authority's own server is trusted by; the system's are taken without it.
    pub root: Option<PathBuf>,
    /// How we prove that a name is ours.
    pub challenge: Challenge,
    /// The folder for the account and the certificates.
    pub folder: PathBuf,
}

/// How we prove that a name is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize)]
pub enum Challenge {
    /// By a handshake on port 443 (RFC 8737).
    #[default]
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
    /// By an answer on port 80 (RFC 8555 section 8.3).
    #[serde(rename = "http-01")]
    Http01,
}
