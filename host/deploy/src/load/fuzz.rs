//! Arbitrary bytes as a file in the apps folder, and as a manifest: taken or refused in words, and never a panic.
//!
//! The tests below call it some hundred times under `cargo test`, `fuzz/fuzz_targets/file.rs` and
//! `fuzz/fuzz_targets/manifest.rs` for as long as one likes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use guesthouse_component::inspect::inspect;
use guesthouse_manifest::asked::Manifest;
use guesthouse_types::escape::acts;
use guesthouse_types::name::Digest;
use guesthouse_types::name::Revision;

use crate::load::read::LoadRequest;
use crate::load::read::Loaded;
use crate::load::read::load;
use crate::reason::Failure;
use crate::reason::readable;
use crate::state_dir::store::Store;
use crate::watch::scan::FileStamp;
use crate::watch::scan::FoundFile;

/// The largest file that is read here.
const BYTES_MAX: u64 = 4 << 20;

/// A reason is for people: a page, not a reconciler.
const REASON_BYTES_MAX: usize = 9_000;

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It is in the store, as it was.
    Content,
    /// More of it is waited for.
    Pending,
    /// It can be no app.
    Refused,
}

/// Reads `bytes` as the deploy path does.
///
/// # Panics
///
/// When what is taken is not what was there, or a refusal is not fit to be shown.
pub fn file(bytes: &[u8]) -> Outcome {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("shop.wasm");
    fs::write(&path, bytes).expect("there is room for a file");
    let store = Store::open(&folder.path().join("state")).expect("there is room for a store");
    let request = LoadRequest {
        code: found_file(&path),
        manifest: None,
        before: Vec::new(),
        known: Vec::new(),
        bytes_max: BYTES_MAX,
    };
    match load(&request, &store).loaded {
        Loaded::Content { revision, inspection } => {
            assert!(inspection.is_some() && inspect(bytes).is_ok());
            assert_eq!(revision, Revision { code: Digest::of(bytes), manifest: None });
            assert_eq!(store.code(revision.code).as_deref(), Some(bytes));
            Outcome::Content
        }
        Loaded::Failed { failure: Failure::Retry(why), .. } => {
            check(&why.text);
            Outcome::Pending
        }
        Loaded::Failed { failure: Failure::Refused(why), .. } => {
            check(&why.text);
            Outcome::Refused
        }
        other => panic!("nobody changes it: {other:?}"),
    }
}

/// Reads `bytes` as a manifest. Whether it is one.
///
/// # Panics
///
/// When a refusal is not fit to be shown.
pub fn manifest(bytes: &[u8]) -> bool {
    let parsed = Manifest::parse("apps/shop.toml", bytes);
    if let Err(why) = &parsed {
        assert!(why.starts_with("apps/shop.toml"), "{why}");
        check(&readable(why));
    }
    parsed.is_ok()
}

/// A reason goes into the log and the status, and to the author.
fn check(why: &str) {
    assert!(!why.is_empty() && why.len() <= REASON_BYTES_MAX, "{} bytes: {why}", why.len());
    assert!(!why.contains(|c| acts(c) && c != '\n'), "{why:?}");
}

fn found_file(path: &Path) -> FoundFile {
    let stamp = FileStamp::of(&fs::metadata(path).expect("it was just written"));
    let (entry, real, shown) = (path.to_owned(), path.to_owned(), "apps/shop.wasm".to_owned());
    FoundFile { entry, real, shown, stamp, age: Duration::ZERO }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::fmt::Debug;

    use guesthouse_test_guests as guest;
    use proptest::collection::vec;
    use proptest::prelude::Strategy;
    use proptest::prelude::any;
    use proptest::prop_oneof;
    use proptest::sample::Index;
    use proptest::sample::select;
    use proptest::test_runner::TestRunner;

    use super::*;
    use crate::random::config;

    /// Tries `cases` of them, unless the environment says otherwise; what was found once is tried first. Gives what was
    /// reached, and how often.
    fn reach<S: Strategy, R: Ord + Debug>(
        regressions: &'static str,
        cases: u32,
        strategy: S,
        body: impl Fn(S::Value) -> R,
    ) -> BTreeMap<R, usize> {
        let reached: RefCell<BTreeMap<R, usize>> = RefCell::default();
        let ended = TestRunner::new(config(cases, Some(regressions))).run(&strategy, |value| {
            *reached.borrow_mut().entry(body(value)).or_default() += 1;
            Ok(())
        });
        ended.unwrap();
        reached.into_inner()
    }

    /// How a file is spoiled.
    #[derive(Clone, Debug)]
    enum Spoil {
        Nothing,
        Cut(Index),
        Flip(Vec<(Index, u8)>),
        Splice(Index, Index, Index),
        Insert(Index, Vec<u8>),
    }

    fn spoil() -> impl Strategy<Value = Spoil> {
        let at = any::<Index>;
        prop_oneof![
            1 => proptest::prelude::Just(Spoil::Nothing),
            3 => at().prop_map(Spoil::Cut),
            6 => vec((at(), any::<u8>()), 1..8).prop_map(Spoil::Flip),
            3 => (at(), at(), at()).prop_map(|(from, to, at)| Spoil::Splice(from, to, at)),
            3 => (at(), vec(any::<u8>(), 1..40)).prop_map(|(at, bytes)| Spoil::Insert(at, bytes)),
        ]
    }

    fn spoiled(mut bytes: Vec<u8>, how: &Spoil) -> Vec<u8> {
        let length = bytes.len();
        match how {
            Spoil::Nothing => {}
            Spoil::Cut(at) => bytes.truncate(at.index(length)),
            Spoil::Flip(flips) => flips.iter().for_each(|(at, by)| bytes[at.index(length)] ^= by),
            Spoil::Splice(from, to, at) => {
                let (from, to) = (from.index(length), to.index(length));
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                let at = at.index(length);
                bytes.splice(at..at, piece);
            }
            Spoil::Insert(at, piece) => {
                let at = at.index(length);
                bytes.splice(at..at, piece.iter().copied());
            }
        }
        bytes
    }

    #[test]
    fn a_spoiled_app_is_taken_or_refused_in_words() {
        const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/file.txt");
        let apps: Vec<Vec<u8>> =
            [guest::HELLO, guest::HELLO_HTTP, guest::HELLO_HTTP03].into_iter().map(guest::bytes).collect();
        // The first kilobytes say most of what a file is.
        let heads: Vec<Vec<u8>> = apps.iter().map(|app| app[..app.len().min(600)].to_vec()).collect();
        let whole = (select(apps), spoil());
        let head = (select(heads), spoil());
        let random = (vec(any::<u8>(), 0..200), proptest::prelude::Just(Spoil::Nothing))
            .prop_map(|(bytes, how)| ([b"\0asm\x0d\0\x01\0".as_slice(), &bytes].concat(), how));
        let strategy = prop_oneof![4 => whole, 4 => head, 2 => random];
        let reached = reach(REGRESSIONS, 600, strategy, |(bytes, how)| file(&spoiled(bytes, &how)));
        assert_eq!(reached.len(), 3, "every outcome is reached: {reached:?}");
    }

    #[test]
    fn a_manifest_of_arbitrary_words_is_read_or_refused_in_words() {
        const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/manifest.txt");
        const WORDS: [&str; 36] = [
            "manifest_version = 1\n",
            "sha256 = \"",
            "routes = [",
            "]\n",
            "[environment]\n",
            "[limits]\n",
            "[instances]\n",
            "A = ",
            "\"b\"\n",
            "{ file = \"x\" }\n",
            "memory = ",
            "\"64MiB\"\n",
            "cpu = \"10s\"\n",
            "reuse = ",
            "1\n",
            "-1\n",
            "99999999999999999999\n",
            "before = [\"_a.wasm\"]\n",
            "\"shop.example.org\"",
            "\"*\"",
            ",",
            "=",
            "\n",
            "\"",
            "'",
            "[",
            "[[",
            "\0",
            "\u{1b}[2J",
            "\u{e4}",
            "\\",
            "#",
            "\"\"\"",
            "1979-05-27",
            "true\n",
            "{}",
        ];
        let words = prop_oneof![12 => select(&WORDS[..]).prop_map(|word| word.as_bytes().to_vec()),
            1 => vec(any::<u8>(), 0..5)];
        let text = vec(words, 0..12).prop_map(|words| words.concat());
        let reached = reach(REGRESSIONS, 4_000, text, |bytes| manifest(&bytes));
        assert_eq!(reached.len(), 2, "some are manifests, and some are none: {reached:?}");
    }
}
