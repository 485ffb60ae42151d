//! A name for each request, by which a visitor, a guest and the log can speak of the same one.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Twelve digits of five bits.
const PREFIX_DIGITS: usize = 12;

/// Gives out ids: a prefix that nobody can guess, and a number.
pub struct RequestIds {
    prefix: String,
    next: AtomicU64,
}

impl RequestIds {
    /// With a prefix of its own.
    pub fn new() -> RequestIds {
        // Each `RandomState` has keys of its own, from the system's random numbers at first.
        let random = RandomState::new().hash_one(std::process::id());
        let mut prefix = String::with_capacity(PREFIX_DIGITS + 1);
        (0..PREFIX_DIGITS).for_each(|at| prefix.push(digit(random >> (at * 5))));
        prefix.push('-');
        RequestIds { prefix, next: AtomicU64::new(1) }
    }

    /// The next one: `[0-9a-z]{12}-[0-9a-z]{1,13}`.
    pub fn next(&self) -> Arc<str> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let digits = (64 - number.leading_zeros()).div_ceil(5).max(1);
        let mut id = String::with_capacity(self.prefix.len() + 13);
        id.push_str(&self.prefix);
        (0..digits).rev().for_each(|at| id.push(digit(number >> (at * 5))));
        id.into()
    }
}

fn digit(bits: u64) -> char {
    char::from(DIGITS[(bits & 31) as usize])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_plain() {
        let (ids, others) = (RequestIds::new(), RequestIds::new());
        let given: HashSet<Arc<str>> = (0..5000).flat_map(|_| [ids.next(), others.next()]).collect();
        assert_eq!(given.len(), 10_000);
        for id in given {
            assert!(id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{id}");
        }
    }

    #[test]
    fn ids_count() {
        let ids = RequestIds { prefix: "p-".to_owned(), next: AtomicU64::new(30) };
        let given: Vec<Arc<str>> = (0..4).map(|_| ids.next()).collect();
        assert_eq!(given, ["p-y", "p-z", "p-10", "p-11"].map(Arc::from));
    }
}
