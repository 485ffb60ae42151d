//! The task that sees to it that every wanted name has a certificate.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use instant_acme::Account;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::acme::folder::Folder;
use crate::acme::order::OrderError;
use crate::acme::order::account;
use crate::acme::order::order;
use crate::acme::pace::Next;
use crate::acme::pace::Pace;
use crate::acme::places::Held;
use crate::acme::places::NAMES_MAX;
use crate::acme::places::Places;
use crate::acme::places::Wish;
use crate::acme::settings::AcmeSettings;
use crate::certificate::Certificate;
use crate::certificates::Certificates;

/// How often it is looked whether a certificate is to be renewed.
const LOOK: Duration = Duration::from_secs(60 * 60);

/// For one whole order, with everything that an authority may take.
const ORDER: Duration = Duration::from_secs(300);

/// One authority.
struct Authority {
    settings: AcmeSettings,
    folder: Folder,
    certificates: Arc<Certificates>,
    account: Option<Account>,
    pace: Pace,
    places: Places,
    /// Those that were said to get none.
    left_out: Vec<String>,
}

/// Orders a certificate for every name in `wanted` that has none, one at a time, and renews those in the last third of
/// their time. What is kept in the folder is used at once. Never ends.
pub async fn tend(
    settings: AcmeSettings,
    certificates: Arc<Certificates>,
    mut wanted: watch::Receiver<BTreeSet<String>>,
) -> Infallible {
    let folder = loop {
        match Folder::open(&settings.folder, &settings.directory) {
            Ok(folder) => break folder,
            Err(error) => {
                error!(
                    target: "guesthouse::tls",
                    "no certificates can be ordered, `{}` cannot be used: {error}",
                    settings.folder.display()
                );
                tokio::time::sleep(LOOK).await;
            }
        }
    };
    let mut authority = Authority::new(settings, folder, certificates);
    loop {
        let names = wanted.borrow_and_update().clone();
        let needy = authority.needy(&names);
        match authority.pace.next(&needy, Instant::now()) {
            Next::Order(name) => authority.provide(&name).await,
            Next::At(moment) => changed_before(&mut wanted, moment).await,
            Next::Nothing => changed_before(&mut wanted, Instant::now() + LOOK).await,
        }
    }
}

/// Waits for another set of names, and not beyond `moment`.
async fn changed_before(wanted: &mut watch::Receiver<BTreeSet<String>>, moment: Instant) {
    if let Ok(Err(_)) = tokio::time::timeout_at(moment, wanted.changed()).await {
        // Nobody will ever want anything else.
        tokio::time::sleep_until(moment).await;
    }
}

impl Authority {
    fn new(settings: AcmeSettings, folder: Folder, certificates: Arc<Certificates>) -> Authority {
        let (pace, places) = (Pace::default(), Places::default());
        Authority { settings, folder, certificates, account: None, pace, places, left_out: Vec::new() }
    }

    /// Those without a certificate that still holds for a while, the most urgent first.
    fn needy(&mut self, names: &BTreeSet<String>) -> Vec<String> {
        // An operator's own certificate is as good.
        let wishing = names.iter().filter(|name| !self.certificates.cover_by_files(name));
        let wishes: Vec<Wish> = wishing.map(|name| Wish { name: name.clone(), held: self.held(name) }).collect();
        let taken = self.places.take(&wishes);
        if taken.left_out != self.left_out && !taken.left_out.is_empty() {
            let (first, count) = (&taken.left_out[0], taken.left_out.len());
            warn!(
                target: "guesthouse::tls",
                host = first,
                "{count} host names get no certificate, `{first}` first of all: {NAMES_MAX} others have one or are before them"
            );
        }
        self.left_out = taken.left_out;
        taken.needy
    }

    /// The certificate that `name` has. What is kept on disk is taken on the way.
    fn held(&self, name: &str) -> Option<Held> {
        let issued = self.certificates.issued(name);
        let certificate = issued.or_else(|| {
            let kept = Arc::new(self.folder.certificate(name)?);
            (!kept.left().is_zero()).then(|| self.certificates.set_issued(name, kept.clone()))?;
            Some(kept)
        })?;
        let left = certificate.left();
        (!left.is_zero()).then(|| Held { left, is_old: is_old(&certificate) })
    }

    async fn provide(&mut self, name: &str) {
        self.pace.ordered(Instant::now());
        let provided = tokio::time::timeout(ORDER, self.try_to_provide(name)).await;
        let why = match provided {
            Ok(Ok(certificate)) => {
                let days = certificate.left().as_secs() / (24 * 60 * 60);
                info!(
                    target: "guesthouse::tls",
                    host = name,
                    "a certificate for `{name}` was issued, and holds for {days} days"
                );
                self.certificates.set_issued(name, Arc::new(certificate));
                return self.pace.succeeded(name);
            }
            Ok(Err(error)) => with_causes(&error),
            Err(_) => format!("it took longer than {ORDER:?}"),
        };
        // Perhaps it is the account that is no good any more.
        self.account = None;
        let wait = self.pace.failed(name, Instant::now());
        let left = self.certificates.issued(name).map(|certificate| certificate.left());
        let meanwhile = match left {
            Some(left) => format!("the one in use holds for {} days", left.as_secs() / (24 * 60 * 60)),
            None => "until then it has none".to_owned(),
        };
        warn!(
            target: "guesthouse::tls",
            host = name,
            "no certificate for `{name}`, next try in {wait:?}; {meanwhile}: {why}"
        );
    }

    async fn try_to_provide(&mut self, name: &str) -> Result<Certificate, OrderError> {
        let account = match &self.account {
            Some(account) => account,
            None => self.account.insert(account(&self.settings, &self.folder).await?),
        };
        let issued = order(account, name, self.settings.challenge, &self.certificates).await?;
        let certificate = Certificate::parse(issued.chain.as_bytes(), issued.key.as_bytes())?;
        self.folder.keep_certificate(name, &issued.key, &issued.chain)?;
        Ok(certificate)
    }
}

/// What is wrong, and why: a client's own words are only the outermost ones.
fn with_causes(error: &OrderError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        // Some errors say what their cause says.
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = inner.source();
    }
    text
}

/// In the last third of its time.
fn is_old(certificate: &Certificate) -> bool {
    let whole = certificate.expires.duration_since(certificate.begins).unwrap_or_default();
    certificate.left() < whole / 3
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use rcgen::CertificateParams;
    use rcgen::KeyPair;

    use super::*;
    use crate::acme::settings::Challenge;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// A certificate that has held for some days, and holds for some more.
    fn certificate(days_held: u32, days_left: u32) -> Certificate {
        let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
        params.not_before = (SystemTime::now() - DAY * days_held).into();
        params.not_after = (SystemTime::now() + DAY * days_left).into();
        let key = KeyPair::generate().unwrap();
        let chain = params.self_signed(&key).unwrap().pem();
        Certificate::parse(chain.as_bytes(), key.serialize_pem().as_bytes()).unwrap()
    }

    #[tokio::test]
    async fn a_certificate_is_renewed_in_the_last_third_of_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let settings = AcmeSettings {
            directory: "https://authority.example/".to_owned(),
            contact: Vec::new(),
            root: None,
            challenge: Challenge::default(),
            folder: folder.path().to_owned(),
        };
        let kept = Folder::open(folder.path(), &settings.directory).unwrap();
        let mut authority = Authority::new(settings, kept, Arc::default());
        let names = BTreeSet::from(["a.example".to_owned()]);
        let mut is_needy = |certificate: Option<Certificate>| {
            certificate.into_iter().for_each(|it| authority.certificates.set_issued("a.example", Arc::new(it)));
            !authority.needy(&names).is_empty()
        };
        assert!(is_needy(None));
        assert!(!is_needy(Some(certificate(0, 90))));
        assert!(!is_needy(Some(certificate(59, 31))));
        assert!(is_needy(Some(certificate(61, 29))));
        assert!(is_needy(Some(certificate(90, 0))));
        // The operator's own is as good, and holds for as long as it does.
        authority.certificates.set_files(vec![Arc::new(certificate(0, 90))]);
        let other = BTreeSet::from(["b.example".to_owned()]);
        assert!(!authority.needy(&other).is_empty());
    }
}
