//! What single functions were compiled to: taken from packs that were made before, and put into one that is made now.
//!
//! The compiler asks for a function by a hash of everything that its machine code depends on, itself and the target
//! included (`cranelift_codegen::incremental_cache`). A pack is a file: a line that says what it is, the number of its
//! functions, an index in the order of their keys, and what the compiler wrote of each. Whether it may be believed is for
//! whoever names it to know: it is machine code.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use wasmtime::CacheStore;

/// What a pack begins with.
const MAGIC: &[u8] = b"guesthouse functions 1\n";
/// The SHA-256 of a function and its target.
const KEY_BYTES: usize = 32;
/// A key, and where its function ends.
const ENTRY_BYTES: usize = KEY_BYTES + 8;

/// Functions in the order of their keys.
pub struct Pack {
    bytes: Vec<u8>,
    count: usize,
}

/// Where each function of one compilation came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// From a pack that several apps share.
    pub shared: u64,
    /// From what an earlier revision of the same app was compiled to.
    pub own: u64,
    /// Compiled now.
    pub compiled: u64,
}

impl Tally {
    /// Functions altogether.
    pub fn all(self) -> u64 {
        self.shared.saturating_add(self.own).saturating_add(self.compiled)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "functions: {} shared, {} own, {} compiled", self.shared, self.own, self.compiled)
    }
}

impl FromStr for Tally {
    type Err = ();

    fn from_str(line: &str) -> Result<Tally, ()> {
        let figures = line.strip_prefix("functions: ").ok_or(())?.split(", ");
        let mut figures = figures
            .zip([" shared", " own", " compiled"])
            .map(|(figure, name)| figure.strip_suffix(name).and_then(|figure| figure.parse().ok()).ok_or(()));
        let mut next = || figures.next().ok_or(())?;
        Ok(Tally { shared: next()?, own: next()?, compiled: next()? })
    }
}

/// The packs for one compilation.
#[derive(Default)]
pub struct Functions {
    shared: Vec<Pack>,
    own: Option<Pack>,
    /// Everything that the next revision can use and no other app has.
    kept: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
    /// What of `own` was asked for.
    used: Mutex<BTreeSet<Vec<u8>>>,
    from_shared: AtomicU64,
    from_own: AtomicU64,
}

impl Pack {
    /// Reads a pack. What is not one is an error; what is in it is not looked into.
    pub fn parse(bytes: Vec<u8>) -> io::Result<Pack> {
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "not a pack of functions");
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(broken)?;
        let count = u64::from_le_bytes(*rest.first_chunk().ok_or_else(broken)?);
        let count = usize::try_from(count).map_err(|_| broken())?;
        let index = count.checked_mul(ENTRY_BYTES).ok_or_else(broken)?;
        if rest.len() < 8 + index {
            return Err(broken());
        }
        Ok(Pack { bytes, count })
    }

    /// Writes one.
    pub fn write(functions: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<u8> {
        let length: usize = functions.values().map(|function| function.len() + ENTRY_BYTES).sum();
        let mut bytes = Vec::with_capacity(MAGIC.len() + 8 + length);
        bytes.extend(MAGIC);
        bytes.extend((functions.len() as u64).to_le_bytes());
        let mut end = 0;
        for (key, function) in functions {
            end += function.len() as u64;
            bytes.extend(key);
            bytes.extend(end.to_le_bytes());
        }
        functions.values().for_each(|function| bytes.extend(function));
        bytes
    }

    /// How many functions are in it.
    pub fn count(&self) -> usize {
        self.count
    }

    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let entry = |place: usize| {
            let start = MAGIC.len() + 8 + place * ENTRY_BYTES;
            self.bytes[start..start + ENTRY_BYTES].split_at(KEY_BYTES)
        };
        let end = |place: usize| {
            let end = entry(place).1.first_chunk().expect("an entry ends with eight bytes");
            usize::try_from(u64::from_le_bytes(*end)).ok()
        };
        let mut places = 0..self.count;
        while !places.is_empty() {
            let middle = places.start + places.len() / 2;
            match entry(middle).0.cmp(key) {
                std::cmp::Ordering::Less => places.start = middle + 1,
                std::cmp::Ordering::Greater => places.end = middle,
                std::cmp::Ordering::Equal => {
                    let start = if middle == 0 { 0 } else { end(middle - 1)? };
                    let functions = self.bytes.get(MAGIC.len() + 8 + self.count * ENTRY_BYTES..)?;
                    return functions.get(start..end(middle)?);
                }
            }
        }
        None
    }
}

impl Functions {
    /// Functions are looked for in `shared` first, then in `own`.
    pub fn new(shared: Vec<Pack>, own: Option<Pack>) -> Functions {
        Functions { shared, own, ..Functions::default() }
    }

    /// Where they came from so far.
    pub fn tally(&self) -> Tally {
        Tally {
            shared: self.from_shared.load(Ordering::Relaxed),
            own: self.from_own.load(Ordering::Relaxed),
            compiled: lock(&self.kept).len() as u64,
        }
    }

    /// A pack for the next revision: what was compiled now, and what was of use of an earlier one.
    pub fn pack(&self) -> Vec<u8> {
        let mut functions = lock(&self.kept).clone();
        for key in lock(&self.used).iter() {
            if let Some(function) = self.own.as_ref().and_then(|own| own.get(key)) {
                functions.insert(key.clone(), function.to_owned());
            }
        }
        Pack::write(&functions)
    }
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        if let Some(function) = self.shared.iter().find_map(|pack| pack.get(key)) {
            self.from_shared.fetch_add(1, Ordering::Relaxed);
            return Some(Cow::Borrowed(function));
        }
        if let Some(function) = self.own.as_ref().and_then(|own| own.get(key)) {
            self.from_own.fetch_add(1, Ordering::Relaxed);
            lock(&self.used).insert(key.to_owned());
            return Some(Cow::Borrowed(function));
        }
        lock(&self.kept).get(key).cloned().map(Cow::Owned)
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        lock(&self.kept).insert(key.to_owned(), value);
        true
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Functions({:?})", self.tally())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> Vec<u8> {
        vec![number; KEY_BYTES]
    }

    fn pack(functions: &[(u8, &str)]) -> Pack {
        let functions = functions.iter().map(|(number, function)| (key(*number), function.as_bytes().to_owned()));
        Pack::parse(Pack::write(&functions.collect())).unwrap()
    }

    #[test]
    fn what_was_put_into_a_pack_is_found_in_it() {
        for count in [0_u8, 1, 2, 3, 200] {
            let texts: Vec<_> = (0..count).map(|number| (number, format!("{number}").repeat(number.into()))).collect();
            let made = pack(&texts.iter().map(|(number, text)| (*number, text.as_str())).collect::<Vec<_>>());
            assert_eq!(made.count(), usize::from(count));
            for (number, text) in &texts {
                assert_eq!(made.get(&key(*number)), Some(text.as_bytes()), "{number} of {count}");
            }
            assert_eq!(made.get(&key(250)), None);
        }
    }

    #[test]
    fn a_tally_travels_as_a_line() {
        let tally = Tally { shared: 22_226, own: 5, compiled: 500 };
        assert_eq!((tally.to_string().parse(), tally.all()), (Ok(tally), 22_731));
        for line in ["", "functions: ", "functions: 1 shared, 2 own", "functions: 1 shared, 2 own, x compiled"] {
            assert_eq!(line.parse::<Tally>(), Err(()), "{line}");
        }
    }

    #[test]
    fn a_damaged_pack_is_no_pack_or_has_less_in_it() {
        let whole = pack(&[(1, "one"), (2, "two")]).bytes;
        for length in 0..whole.len() {
            if let Ok(cut) = Pack::parse(whole[..length].to_owned()) {
                assert_eq!(cut.get(&key(2)), None, "{length}");
            }
        }
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 0xff;
            if let Ok(damaged) = Pack::parse(damaged) {
                let _ = (damaged.get(&key(1)), damaged.get(&key(2)));
            }
        }
    }

    #[test]
    fn the_next_revision_gets_what_was_of_use_and_what_is_new() {
        let functions = Functions::new(vec![pack(&[(1, "shared")])], Some(pack(&[(2, "used"), (3, "no longer")])));
        let get = |number| functions.get(&key(number)).map(|found| String::from_utf8_lossy(&found).into_owned());
        assert_eq!((get(1).as_deref(), get(2).as_deref(), get(4)), (Some("shared"), Some("used"), None));
        functions.insert(&key(4), b"new".to_vec());
        assert_eq!(get(4).as_deref(), Some("new"));
        assert_eq!(functions.tally(), Tally { shared: 1, own: 1, compiled: 1 });
        let next = Pack::parse(functions.pack()).unwrap();
        let found = [1, 2, 3, 4].map(|number| next.get(&key(number)).is_some());
        assert_eq!(found, [false, true, false, true]);
    }
}
