//! What a visitor already has, and whether it still holds (RFC 9110 section 13).

use std::fs::Metadata;
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;
use std::time::SystemTime;

use guesthouse_types::name::Digest;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header::IF_MATCH;
use http::header::IF_MODIFIED_SINCE;
use http::header::IF_NONE_MATCH;
use http::header::IF_RANGE;
use http::header::IF_UNMODIFIED_SINCE;
use http::header::RANGE;

use crate::files::range::Part;
use crate::files::range::part;
use crate::headers::items;

const FIELDS: [HeaderName; 6] = [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, IF_RANGE, RANGE];

/// Before it, a time is no file's but a tool's: Nix sets 1 on all that it builds, Bazel and layers of images 0. As a date it
/// would be the same for every content, and a visitor who asks by it would keep the old one for ever.
const DATES_BEGIN: Duration = Duration::from_secs(2);

/// The first second that cannot be written as a date of HTTP's: the year 10000.
const DATES_END: Duration = Duration::from_secs(253_402_300_800);

/// From this age on, a time in whole seconds tells one content from the next (RFC 9110 section 8.8.2.2).
const TELLING_AGE: Duration = Duration::from_secs(2);

/// The fields of a request that set conditions.
#[derive(Clone, Debug, Default)]
pub struct Conditions(HeaderMap);

/// By what one content of a file is told from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// The entity tag, with its quotes. Strong: another file, another time or another length is another tag.
    pub tag: String,
    /// When it was modified, in whole seconds, where that can be said.
    pub modified: Option<SystemTime>,
    /// Whether that is long enough ago to be relied on.
    is_settled: bool,
}

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// All of it (200).
    Whole,
    /// These bytes (206).
    Part(Range<u64>),
    /// Nothing: the visitor has it (304).
    NotModified,
    /// Nothing: it is no longer what the visitor thinks (412).
    Failed,
    /// Nothing: there are no such bytes (416).
    Unsatisfiable,
}

impl Validators {
    /// Of a file, as it is at `now`.
    pub fn of(metadata: &Metadata, now: SystemTime) -> Validators {
        // Hashed, since it is nobody's business how the disk is laid out. Nobody can set the time of change, so that a
        // copy with the old times is another tag as well.
        let mark = format!(
            "{} {} {} {}.{} {}.{}",
            metadata.dev(),
            metadata.ino(),
            metadata.size(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec()
        );
        let digest = Digest::of(mark.as_bytes()).to_string();
        let modified = u64::try_from(metadata.mtime()).ok().map(Duration::from_secs);
        let modified = modified
            .filter(|since| DATES_BEGIN <= *since && *since < DATES_END)
            .map(|since| SystemTime::UNIX_EPOCH + since);
        // A time that is still to come is no time of modification (RFC 9110 section 8.8.2.1).
        let modified = modified.filter(|modified| *modified <= now);
        let age = modified.and_then(|modified| now.duration_since(modified).ok());
        Validators {
            tag: format!("\"{}\"", &digest[..32]),
            modified,
            is_settled: age.is_some_and(|age| age >= TELLING_AGE),
        }
    }
}

impl Conditions {
    /// Those in `headers`.
    pub fn of(headers: &HeaderMap) -> Conditions {
        let mut found = HeaderMap::new();
        for name in &FIELDS {
            for value in headers.get_all(name) {
                found.append(name, value.clone());
            }
        }
        Conditions(found)
    }

    /// Whether not all of the file is wanted.
    pub fn asks_for_a_part(&self) -> bool {
        self.0.contains_key(RANGE)
    }

    /// What to send of a file of `length` bytes, in the order of RFC 9110 section 13.2.2.
    pub fn judge(&self, file: &Validators, length: u64, is_head: bool) -> Precondition {
        if self.0.contains_key(IF_MATCH) {
            if !self.names(IF_MATCH, &file.tag, Compare::Strong) {
                return Precondition::Failed;
            }
        } else if let (Some(since), Some(modified)) = (self.date(IF_UNMODIFIED_SINCE), file.modified)
            && modified > since
        {
            return Precondition::Failed;
        }
        if self.0.contains_key(IF_NONE_MATCH) {
            if self.names(IF_NONE_MATCH, &file.tag, Compare::Weak) {
                return Precondition::NotModified;
            }
        } else if let (Some(since), Some(modified)) = (self.date(IF_MODIFIED_SINCE), file.modified)
            && modified <= since
        {
            return Precondition::NotModified;
        }
        match self.0.get(RANGE) {
            Some(range) if !is_head && self.holds_for_range(file) => match part(range.as_bytes(), length) {
                Part::Whole => Precondition::Whole,
                Part::Bytes(bytes) => Precondition::Part(bytes),
                Part::Unsatisfiable => Precondition::Unsatisfiable,
            },
            _ => Precondition::Whole,
        }
    }

    fn holds_for_range(&self, file: &Validators) -> bool {
        let Some(value) = self.0.get(IF_RANGE) else { return true };
        if value.as_bytes().contains(&b'"') {
            return value.as_bytes() == file.tag.as_bytes();
        }
        file.is_settled && file.modified.is_some() && self.date(IF_RANGE) == file.modified
    }

    fn date(&self, name: HeaderName) -> Option<SystemTime> {
        httpdate::parse_http_date(self.0.get(name)?.to_str().ok()?).ok()
    }

    fn names(&self, name: HeaderName, tag: &str, compare: Compare) -> bool {
        let fits = |value: &HeaderValue| value.as_bytes() == b"*" || any_tag(value.as_bytes(), tag.as_bytes(), compare);
        self.0.get_all(name).iter().any(fits)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Strong,
    Weak,
}

/// Our own tags hold no comma, so that one within another's quotes does no harm.
fn any_tag(list: &[u8], tag: &[u8], compare: Compare) -> bool {
    items(list).any(|item| match compare {
        Compare::Strong => item == tag,
        Compare::Weak => item.strip_prefix(b"W/").unwrap_or(item) == tag,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn file() -> Validators {
        let modified = httpdate::parse_http_date(MODIFIED).ok();
        Validators { tag: "\"abc\"".to_owned(), modified, is_settled: true }
    }

    fn judge(file: &Validators, is_head: bool, fields: &[(&'static str, &str)]) -> Precondition {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        Conditions::of(&headers).judge(file, 10, is_head)
    }

    fn check(fields: &[(&'static str, &str)], expected: Precondition) {
        assert_eq!(judge(&file(), false, fields), expected, "{fields:?}");
    }

    #[test]
    fn what_the_visitor_has_is_not_sent_again() {
        check(&[], Precondition::Whole);
        check(&[("if-none-match", "\"abc\"")], Precondition::NotModified);
        check(&[("if-none-match", "W/\"abc\"")], Precondition::NotModified);
        check(&[("if-none-match", "\"x\", W/\"abc\"")], Precondition::NotModified);
        check(&[("if-none-match", "\"x\""), ("if-none-match", "\"abc\"")], Precondition::NotModified);
        check(&[("if-none-match", "*")], Precondition::NotModified);
        check(&[("if-none-match", "\"abcd\"")], Precondition::Whole);
        check(&[("if-modified-since", MODIFIED)], Precondition::NotModified);
        check(&[("if-modified-since", BEFORE)], Precondition::Whole);
        check(&[("if-modified-since", "yesterday")], Precondition::Whole);
        // The tag has the say where both are there.
        check(&[("if-none-match", "\"x\""), ("if-modified-since", MODIFIED)], Precondition::Whole);
        assert_eq!(judge(&file(), true, &[("if-none-match", "\"abc\"")]), Precondition::NotModified);
    }

    #[test]
    fn what_is_no_longer_so_fails() {
        check(&[("if-match", "\"abc\"")], Precondition::Whole);
        check(&[("if-match", "*")], Precondition::Whole);
        check(&[("if-match", "W/\"abc\"")], Precondition::Failed);
        check(&[("if-match", "\"x\"")], Precondition::Failed);
        check(&[("if-unmodified-since", MODIFIED)], Precondition::Whole);
        check(&[("if-unmodified-since", BEFORE)], Precondition::Failed);
        check(&[("if-match", "\"abc\""), ("if-unmodified-since", BEFORE)], Precondition::Whole);
        check(&[("if-match", "\"x\""), ("if-none-match", "\"abc\"")], Precondition::Failed);
    }

    #[test]
    fn a_part_is_sent_of_what_the_visitor_has_the_rest_of() {
        const RANGE: (&str, &str) = ("range", "bytes=2-4");
        check(&[RANGE], Precondition::Part(2..5));
        assert_eq!(judge(&file(), true, &[RANGE]), Precondition::Whole);
        check(&[RANGE, ("if-range", "\"abc\"")], Precondition::Part(2..5));
        check(&[RANGE, ("if-range", "\"x\"")], Precondition::Whole);
        check(&[RANGE, ("if-range", "W/\"abc\"")], Precondition::Whole);
        check(&[RANGE, ("if-range", MODIFIED)], Precondition::Part(2..5));
        check(&[RANGE, ("if-range", BEFORE)], Precondition::Whole);
        check(&[RANGE, ("if-none-match", "\"abc\"")], Precondition::NotModified);
        check(&[("range", "bytes=10-")], Precondition::Unsatisfiable);
        let fresh = Validators { is_settled: false, ..file() };
        assert_eq!(judge(&fresh, false, &[RANGE, ("if-range", MODIFIED)]), Precondition::Whole);
        let timeless = Validators { modified: None, ..file() };
        assert_eq!(judge(&timeless, false, &[RANGE, ("if-range", "never")]), Precondition::Whole);
    }

    #[test]
    fn another_content_is_another_tag_and_odd_times_are_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let look = |content: &str, modified: SystemTime| {
            std::fs::write(folder.path().join("new"), content).unwrap();
            let file = std::fs::File::options().write(true).open(folder.path().join("new")).unwrap();
            file.set_modified(modified).unwrap();
            std::fs::rename(folder.path().join("new"), &path).unwrap();
            Validators::of(&std::fs::metadata(&path).unwrap(), SystemTime::now())
        };
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let (one, other) = (look("one", then), look("two", then));
        assert_ne!(one.tag, other.tag, "the same length and the same time");
        assert_eq!((one.modified, one.is_settled), (Some(then), true));
        assert_eq!(look("x", SystemTime::now() + Duration::from_secs(9999)).modified, None);
        assert_eq!(look("x", SystemTime::UNIX_EPOCH - Duration::from_secs(9)).modified, None);
        for (seconds, is_told) in [(0, false), (1, false), (2, true), (253_402_300_799, false)] {
            let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(look("x", modified).modified, is_told.then_some(modified), "{seconds}");
        }
    }
}
