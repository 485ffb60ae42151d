//! A certificate that nobody has signed but we: for work on one's own machine.

use std::time::Duration;
use std::time::SystemTime;

use rcgen::CertificateParams;
use rcgen::DistinguishedName;
use rcgen::DnType;
use rcgen::KeyPair;

/// Browsers take no certificate that holds for longer than 398 days; a new one is made at every start.
const HOLDS: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// For clocks that differ.
const BEFORE_NOW: Duration = Duration::from_secs(60 * 60);

/// A chain of one and its key, as PEM.
pub struct SelfSigned {
    /// The certificate.
    pub chain: String,
    /// The key.
    pub key: String,
}

/// Makes a certificate for these host names and addresses.
pub fn self_signed(names: &[String]) -> Result<SelfSigned, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, "guesthouse, self-signed");
    params.distinguished_name = subject;
    let now = SystemTime::now();
    params.not_before = (now - BEFORE_NOW).into();
    params.not_after = (now + HOLDS).into();
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(SelfSigned { chain: certificate.pem(), key: key.serialize_pem() })
}
