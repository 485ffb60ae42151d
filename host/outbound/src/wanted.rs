//! What apps have called where everything is let out without a manifest (`dev`), and what their manifests need for it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use guesthouse_types::target::Target;

/// Places of one app that are kept.
const PLACES_MAX: usize = 64;

/// All apps of a host. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Wanted(Arc<Mutex<BTreeMap<String, Places>>>);

/// The places of one app: under each key of `[outbound]` in its manifest, what stands there.
pub type Places = BTreeMap<&'static str, BTreeSet<String>>;

impl Wanted {
    /// `app` goes to `target`. The sentence for its author, if it did not go there before.
    pub(crate) fn add(&self, app: &str, target: &Target) -> Option<String> {
        let (key, entry) = (target.scheme.key(), target.entry());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let places = all.entry(app.to_owned()).or_default();
        let is_new = places.values().map(BTreeSet::len).sum::<usize>() < PLACES_MAX
            && places.entry(key).or_default().insert(entry.clone());
        is_new.then(|| {
            format!("asks for {target}: once deployed, that takes `{key} = [\"{entry}\"]` under `[outbound]` in its manifest")
        })
    }

    /// What each app needs, by its name.
    pub fn all(&self) -> BTreeMap<String, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_is_told_of_each_place_once() {
        let wanted = Wanted::default();
        let rates = Target::parse("https", "API.example.com:443").unwrap();
        let told = wanted.add("shop", &rates).unwrap();
        assert!(told.contains("takes `http = [\"https://api.example.com\"]` under `[outbound]`"), "{told}");
        assert_eq!(wanted.add("shop", &rates), None);
        assert!(wanted.add("other", &rates).is_some());
        assert!(wanted.add("shop", &Target::parse("http", "api.example.com").unwrap()).is_some());
        let told = wanted.add("shop", &Target::parse("tcp", "db.example.com:5432").unwrap()).unwrap();
        assert!(told.contains("takes `tcp = [\"db.example.com:5432\"]` under `[outbound]`"), "{told}");
        let shop = &wanted.all()["shop"];
        assert_eq!((shop["http"].len(), shop["tcp"].len()), (2, 1));
    }
}
