//! Which names have a certificate when more want one than may: decided without any clock or disk of its own.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::time::Duration;

/// Names that certificates are ordered for.
pub const NAMES_MAX: usize = 100;

/// One name that wants a certificate of the authority's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The name.
    pub name: String,
    /// The certificate that it has, if it has one that still holds.
    pub held: Option<Held>,
}

/// What is known of a certificate that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// For how long it still does.
    pub left: Duration,
    /// Whether it is time to renew it.
    pub is_old: bool,
}

/// Since when names have been wanted.
#[derive(Debug, Default)]
pub struct Places {
    /// Name → the how-manieth look was the first that had it.
    first_seen: BTreeMap<String, u64>,
    looks: u64,
    /// Decides between names that came together: whoever chooses a name cannot choose its turn.
    chance: RandomState,
}

/// What [`Places::take`] finds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Names to order for, the most urgent first.
    pub needy: Vec<String>,
    /// Names that have no certificate, and no place for one.
    pub left_out: Vec<String>,
}

impl Places {
    /// Gives out the places. Whoever has a certificate keeps its place; the rest goes to those who have waited longest.
    /// Renewals come before first orders, and what ends first before what ends later.
    pub fn take(&mut self, wishes: &[Wish]) -> Taken {
        self.looks += 1;
        self.first_seen.retain(|name, _| wishes.iter().any(|wish| wish.name == *name));
        for wish in wishes {
            self.first_seen.entry(wish.name.clone()).or_insert(self.looks);
        }
        let mut holders: Vec<(&Wish, Held)> = wishes.iter().filter_map(|wish| Some((wish, wish.held?))).collect();
        holders.sort_by_key(|(_, held)| held.left);
        let mut waiting: Vec<&Wish> = wishes.iter().filter(|wish| wish.held.is_none()).collect();
        waiting.sort_by_key(|wish| (self.first_seen[&wish.name], self.chance.hash_one(&wish.name)));
        let left_out = waiting.split_off(waiting.len().min(NAMES_MAX.saturating_sub(holders.len())));
        let renewed = holders.iter().take(NAMES_MAX).filter(|(_, held)| held.is_old).map(|(wish, _)| *wish);
        let names = |wishes: &mut dyn Iterator<Item = &Wish>| wishes.map(|wish| wish.name.clone()).collect();
        Taken { needy: names(&mut renewed.chain(waiting)), left_out: names(&mut left_out.into_iter()) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn new(name: &str) -> Wish {
        Wish { name: name.to_owned(), held: None }
    }

    fn holder(name: &str, days: u32) -> Wish {
        Wish { name: name.to_owned(), held: Some(Held { left: DAY * days, is_old: days < 30 }) }
    }

    #[test]
    fn whoever_has_one_keeps_it_whatever_its_name() {
        let mut wishes: Vec<Wish> = (0..NAMES_MAX).map(|number| holder(&format!("z{number}"), 60)).collect();
        wishes.extend([new("a"), new("b")]);
        let taken = Places::default().take(&wishes);
        assert_eq!(taken.needy, Vec::<String>::new());
        let left_out: BTreeSet<&str> = taken.left_out.iter().map(String::as_str).collect();
        assert_eq!(left_out, BTreeSet::from(["a", "b"]));
        // When one goes, its place is free.
        wishes.remove(0);
        let taken = Places::default().take(&wishes);
        assert_eq!((taken.needy.len(), taken.left_out.len()), (1, 1));
    }

    #[test]
    fn renewals_go_before_new_names_and_the_most_urgent_first() {
        let wishes = [new("a"), holder("m", 29), holder("n", 60), holder("z", 3)];
        assert_eq!(Places::default().take(&wishes).needy, ["z", "m", "a"]);
    }

    #[test]
    fn those_who_came_first_are_served_first_whatever_their_names() {
        let mut places = Places::default();
        let old: Vec<Wish> = (0..NAMES_MAX - 1).map(|number| new(&format!("z{number}"))).collect();
        assert_eq!(places.take(&old).needy.len(), NAMES_MAX - 1);
        let crowd: Vec<Wish> = (0..50).map(|number| new(&format!("a{number}"))).chain(old.clone()).collect();
        let taken = places.take(&crowd);
        assert!(old.iter().all(|wish| taken.needy.contains(&wish.name)), "{:?}", taken.needy);
        assert_eq!((taken.needy.len(), taken.left_out.len()), (NAMES_MAX, 49));
        assert!(taken.needy[0].starts_with('z') && taken.needy[NAMES_MAX - 1].starts_with('a'));
    }

    #[test]
    fn of_those_who_came_together_the_first_of_the_alphabet_is_not_the_first() {
        let names: Vec<Wish> = (0..60).map(|number| new(&format!("name{number:02}"))).collect();
        let needy = Places::default().take(&names).needy;
        assert!(!needy.is_sorted(), "one in 60! that this is chance");
        // And stays so until they are served.
        let mut places = Places::default();
        assert_eq!(places.take(&names), places.take(&names));
    }
}
