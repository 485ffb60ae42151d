//! All certificates: who has which name. One writer at a time, and readers that never wait.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use arc_swap::ArcSwap;

use crate::certificate::Certificate;

/// The certificates that handshakes are made with.
#[derive(Debug, Default)]
pub struct Certificates {
    shelf: ArcSwap<Shelf>,
    /// Locked for a change, never across an await.
    sources: Mutex<Sources>,
}

/// Where they come from, the most telling first: a name that is in two of them is the first one's.
#[derive(Clone, Debug, Default)]
struct Sources {
    files: Vec<Arc<Certificate>>,
    issued: BTreeMap<String, Arc<Certificate>>,
    self_signed: Option<Arc<Certificate>>,
}

/// What readers see.
#[derive(Debug, Default)]
struct Shelf {
    exact: HashMap<String, Arc<Certificate>>,
    wildcards: HashMap<String, Arc<Certificate>>,
    /// For visitors who name no host, or one that nobody has: they are told by their own client that it does not fit.
    first: Option<Arc<Certificate>>,
    /// Shown only to those who validate a name for a certificate authority.
    challenges: HashMap<String, Arc<Certificate>>,
    /// The same over HTTP: for each name a token, and what is answered to it.
    tokens: HashMap<String, (String, String)>,
}

impl Certificates {
    /// The certificate for a visitor who names this host, in lower case, or none.
    pub fn pick(&self, server_name: Option<&str>) -> Option<Arc<Certificate>> {
        let shelf = self.shelf.load();
        let named = server_name.and_then(|name| {
            let parent = || name.split_once('.').and_then(|(_, parent)| shelf.wildcards.get(parent));
            shelf.exact.get(name).or_else(parent)
        });
        named.or(shelf.first.as_ref()).cloned()
    }

    /// The certificate that answers a challenge for this name (RFC 8737).
    pub fn pick_challenge(&self, server_name: Option<&str>) -> Option<Arc<Certificate>> {
        self.shelf.load().challenges.get(server_name?).cloned()
    }

    /// Whether a file has a certificate for this name.
    pub fn cover_by_files(&self, name: &str) -> bool {
        self.lock().files.iter().any(|certificate| certificate.names.cover(name))
    }

    /// The certificate that an authority has issued for this name.
    pub fn issued(&self, name: &str) -> Option<Arc<Certificate>> {
        self.lock().issued.get(name).cloned()
    }

    /// Takes these in place of all that files gave before.
    pub fn set_files(&self, files: Vec<Arc<Certificate>>) {
        self.change(|sources| sources.files = files);
    }

    /// Takes the one that we made for ourselves.
    pub fn set_self_signed(&self, certificate: Arc<Certificate>) {
        self.change(|sources| sources.self_signed = Some(certificate));
    }

    /// Takes the one that an authority has issued for this name.
    pub fn set_issued(&self, name: &str, certificate: Arc<Certificate>) {
        self.change(|sources| _ = sources.issued.insert(name.to_owned(), certificate));
    }

    /// Shows this one to those who validate `name`, or no longer any.
    pub fn set_challenge(&self, name: &str, certificate: Option<Arc<Certificate>>) {
        self.answer(|shelf| match certificate {
            Some(certificate) => _ = shelf.challenges.insert(name.to_owned(), certificate),
            None => _ = shelf.challenges.remove(name),
        });
    }

    /// Answers this to those who validate `name` with this token, or no longer anything.
    pub fn set_token(&self, name: &str, answer: Option<(String, String)>) {
        self.answer(|shelf| match answer {
            Some(answer) => _ = shelf.tokens.insert(name.to_owned(), answer),
            None => _ = shelf.tokens.remove(name),
        });
    }

    /// What is answered to `token` (RFC 8555 section 8.3).
    pub fn answer_to(&self, token: &str) -> Option<String> {
        let shelf = self.shelf.load();
        shelf.tokens.values().find(|(known, _)| known == token).map(|(_, answer)| answer.clone())
    }

    fn change(&self, change: impl FnOnce(&mut Sources)) {
        let mut sources = self.lock();
        change(&mut sources);
        self.store(&sources, |_| {});
    }

    fn answer(&self, change: impl FnOnce(&mut Shelf)) {
        self.store(&self.lock(), change);
    }

    /// Makes a new shelf, with the answers to challenges of the old one, changed.
    fn store(&self, sources: &Sources, change: impl FnOnce(&mut Shelf)) {
        let old = self.shelf.load();
        let mut shelf = Shelf { challenges: old.challenges.clone(), tokens: old.tokens.clone(), ..sources.shelf() };
        change(&mut shelf);
        self.shelf.store(Arc::new(shelf));
    }

    fn lock(&self) -> MutexGuard<'_, Sources> {
        self.sources.lock().expect("nothing panics while this lock is held")
    }
}

impl Sources {
    fn shelf(&self) -> Shelf {
        let mut shelf = Shelf::default();
        for certificate in self.files.iter().chain(self.issued.values()).chain(&self.self_signed) {
            for name in &certificate.names.exact {
                shelf.exact.entry(name.clone()).or_insert_with(|| certificate.clone());
            }
            for parent in &certificate.names.wildcards {
                shelf.wildcards.entry(parent.clone()).or_insert_with(|| certificate.clone());
            }
            shelf.first.get_or_insert_with(|| certificate.clone());
        }
        shelf
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::self_signed::self_signed;

    fn certificate(names: &[&str]) -> Arc<Certificate> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = self_signed(&names).unwrap();
        Arc::new(Certificate::parse(made.chain.as_bytes(), made.key.as_bytes()).unwrap())
    }

    #[test]
    fn a_name_is_found_by_the_most_telling_source() {
        let certificates = Certificates::default();
        assert!(certificates.pick(Some("a.example")).is_none());
        let check = |name: Option<&str>, expected: &Arc<Certificate>| {
            assert!(Arc::ptr_eq(&certificates.pick(name).unwrap(), expected), "{name:?}");
        };
        let (own, issued, file) = (
            certificate(&["localhost", "*.localhost"]),
            certificate(&["a.example"]),
            certificate(&["b.example", "*.example"]),
        );
        certificates.set_self_signed(own.clone());
        check(None, &own);
        check(Some("b.example"), &own);
        certificates.set_issued("a.example", issued.clone());
        certificates.set_files(vec![file.clone()]);
        check(Some("a.example"), &issued);
        check(Some("b.example"), &file);
        check(Some("c.example"), &file);
        check(Some("shop.localhost"), &own);
        check(None, &file);
        assert!(certificates.cover_by_files("c.example") && !certificates.cover_by_files("a.b.example"));
        certificates.set_files(Vec::new());
        check(Some("b.example"), &issued);
    }

    #[test]
    fn a_challenge_is_shown_only_to_those_who_ask_for_it() {
        let certificates = Certificates::default();
        certificates.set_challenge("a.example", Some(certificate(&["a.example"])));
        assert!(certificates.pick(Some("a.example")).is_none());
        assert!(certificates.pick_challenge(Some("a.example")).is_some());
        certificates.set_files(vec![certificate(&["a.example"])]);
        assert!(certificates.pick_challenge(Some("a.example")).is_some());
        certificates.set_challenge("a.example", None);
        assert!(certificates.pick_challenge(Some("a.example")).is_none());
    }
}
