//! The certificates that a host begins with.

use std::sync::Arc;

use anyhow::Context as _;

use crate::config::edge::TlsSettings;
use crate::routes::Origins;
use crate::tls::certificate::Certificate;
use crate::tls::certificates::Certificates;
use crate::tls::files;
use crate::tls::self_signed::self_signed;

/// Reads and makes what the settings ask for. `None` when nothing is spoken over TLS.
pub fn at_start(settings: &TlsSettings, origins: &Origins) -> anyhow::Result<Option<Arc<Certificates>>> {
    if *settings == TlsSettings::default() {
        return Ok(None);
    }
    let certificates = Certificates::default();
    certificates.set_files(files::read(&settings.files)?);
    if settings.self_signed {
        let made = self_signed(&names(origins)).context("cannot make a certificate")?;
        let made = Certificate::parse(made.chain.as_bytes(), made.key.as_bytes())?;
        certificates.set_self_signed(Arc::new(made));
    }
    Ok(Some(Arc::new(certificates)))
}

/// What is served on this machine.
fn names(origins: &Origins) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "*.localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    names.extend([origins.domain.clone(), format!("*.{}", origins.domain)]);
    names.extend(origins.hosts.iter().cloned());
    names.sort();
    names.dedup();
    names
}
