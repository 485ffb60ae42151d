//! The certificates of a host: those that it begins with, and how they are kept up to date.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use anyhow::Context as _;
use guesthouse_app::routes::Origins;
use guesthouse_deploy::status::Status;
use guesthouse_tls::acme::renew::tend;
use guesthouse_tls::certificate::Certificate;
use guesthouse_tls::certificates::Certificates;
use guesthouse_tls::files;
use guesthouse_tls::self_signed::self_signed;
use guesthouse_types::pattern::fits;
use tokio::sync::Notify;
use tokio::sync::watch;

use crate::config::edge::TlsSettings;

/// What a host needs for TLS.
pub struct Keeping {
    /// The certificates.
    pub certificates: Arc<Certificates>,
    settings: TlsSettings,
    origins: Origins,
}

impl Keeping {
    /// Reads and makes what the settings ask for. `None` when nothing is spoken over TLS.
    pub fn begin(settings: TlsSettings, origins: &Origins) -> anyhow::Result<Option<Keeping>> {
        if settings.is_empty() {
            return Ok(None);
        }
        let certificates = Certificates::default();
        certificates.set_files(files::read(&settings.files)?);
        if settings.self_signed {
            let made = self_signed(&local_names(origins)).context("cannot make a certificate")?;
            let made = Certificate::parse(made.chain.as_bytes(), made.key.as_bytes())?;
            certificates.set_self_signed(Arc::new(made));
        }
        Ok(Some(Keeping { certificates: Arc::new(certificates), settings, origins: origins.clone() }))
    }

    /// Reads files that change again, and orders what the apps need. `reread` has the files read in any case. Never ends.
    pub async fn tend(self, reread: Arc<Notify>, status: watch::Receiver<Arc<Status>>) -> Infallible {
        let Keeping { certificates, settings, origins } = self;
        let TlsSettings { files, acme, acme_names, .. } = settings;
        let reading = async {
            match files.is_empty() {
                true => std::future::pending().await,
                false => files::tend(files, certificates.clone(), reread).await,
            }
        };
        let Some(acme) = acme else { return reading.await };
        let (sender, wanted) = watch::channel(BTreeSet::new());
        tokio::select! {
            never = reading => never,
            never = tend(acme, certificates.clone(), wanted) => never,
            never = name_wanted(status, &origins, &acme_names, sender) => never,
        }
    }
}

/// Says again and again which hosts need a certificate.
async fn name_wanted(
    mut status: watch::Receiver<Arc<Status>>,
    origins: &Origins,
    patterns: &[String],
    sender: watch::Sender<BTreeSet<String>>,
) -> Infallible {
    loop {
        let wanted = wanted(&status.borrow_and_update(), origins, patterns);
        sender.send_if_modified(|known| {
            let is_new = *known != wanted;
            *known = wanted;
            is_new
        });
        if status.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The hosts that the operator has named, and those of live apps that lie below the domain or fit one of `patterns`.
/// Nobody who may only drop files can have a certificate ordered for anything else.
fn wanted(status: &Status, origins: &Origins, patterns: &[String]) -> BTreeSet<String> {
    let is_public = |host: &str| host.contains('.') && host != "localhost" && !host.ends_with(".localhost");
    let live = status.apps.values().filter(|app| app.serving.is_some());
    let hosts = live.flat_map(|app| &app.routes).filter_map(|route| route.split('/').next());
    let below = |host: &&str| {
        let label = host.strip_suffix(origins.domain.as_str());
        label.is_some_and(|label| label.ends_with('.')) || patterns.iter().any(|pattern| fits(pattern, host))
    };
    let of_apps = hosts.filter(below).map(str::to_owned);
    let declared = origins.hosts.iter().chain([&origins.domain]).cloned();
    of_apps.chain(declared).filter(|host| is_public(host)).collect()
}

/// What is served on this machine.
fn local_names(origins: &Origins) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "*.localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    names.extend([origins.domain.clone(), format!("*.{}", origins.domain)]);
    names.extend(origins.hosts.iter().cloned());
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use guesthouse_deploy::status::AppState;
    use guesthouse_deploy::status::AppStatus;
    use guesthouse_deploy::status::Newest;
    use guesthouse_types::name::Digest;
    use guesthouse_types::name::Revision;

    use super::*;

    fn app(live: bool, routes: &[&str]) -> AppStatus {
        let serving = live.then(|| Revision { code: Digest::of(b""), manifest: None });
        let routes = routes.iter().map(|route| (*route).to_owned()).collect();
        AppStatus { serving, newest: Newest::new(AppState::Live, None), standby: None, routes }
    }

    #[test]
    fn only_what_the_operator_has_named_is_asked_for() {
        let mut status = Status::default();
        status
            .apps
            .insert("shop".to_owned(), app(true, &["shop.example.org/", "/shop/", "shop.other.net/buy", "evil.net/"]));
        status.apps.insert("next".to_owned(), app(false, &["next.example.org/"]));
        let origins = |domain: &str, hosts: &[&str]| Origins {
            domain: domain.to_owned(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            path_routes: false,
        };
        let check = |origins: &Origins, patterns: &[&str], expected: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
            let found: Vec<String> = wanted(&status, origins, &patterns).into_iter().collect();
            assert_eq!(found, expected);
        };
        check(&origins("example.org", &[]), &[], &["example.org", "shop.example.org"]);
        check(
            &origins("example.org", &["box.example"]),
            &["*.other.net"],
            &["box.example", "example.org", "shop.example.org", "shop.other.net"],
        );
        check(&origins("localhost", &[]), &[], &[]);
    }
}
