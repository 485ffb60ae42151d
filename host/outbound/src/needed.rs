//! What a manifest needs for what an app calls, where everything is let out without one (`dev`): each place once.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;

use guesthouse_types::target::Target;

/// Places that an author is told of.
const PLACES_TOLD_MAX: usize = 64;

/// What one app's author was told.
pub(crate) struct Needed {
    is_told: bool,
    /// Held for an insertion, never across an await.
    told: Mutex<BTreeSet<String>>,
}

impl Needed {
    /// For an author who is told, or for nobody.
    pub(crate) fn new(is_told: bool) -> Needed {
        Needed { is_told, told: Mutex::default() }
    }

    /// The sentence for `target`, if it is to be told and was not.
    pub(crate) fn tell(&self, target: &Target) -> Option<String> {
        if !self.is_told {
            return None;
        }
        let place = target.to_string();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = told.len() < PLACES_TOLD_MAX && told.insert(place.clone());
        let (key, entry) = (target.scheme.key(), target.entry());
        is_new.then(|| {
            format!(
                "asks for {place}: once deployed, that takes `{key} = [\"{entry}\"]` under `[outbound]` in its manifest"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_is_told_of_each_place_once() {
        let (dev, deployed) = (Needed::new(true), Needed::new(false));
        let rates = Target::parse("https", "API.example.com:443").unwrap();
        let told = dev.tell(&rates).unwrap();
        assert!(told.contains("takes `http = [\"https://api.example.com\"]` under `[outbound]`"), "{told}");
        assert_eq!(dev.tell(&rates), None);
        assert!(dev.tell(&Target::parse("http", "api.example.com").unwrap()).is_some());
        let told = dev.tell(&Target::parse("tcp", "db.example.com:5432").unwrap()).unwrap();
        assert!(told.contains("takes `tcp = [\"db.example.com:5432\"]` under `[outbound]`"), "{told}");
        assert_eq!(deployed.tell(&rates), None);
    }
}
