//! Fields of a response that reach beyond its own URL, and what becomes of them where several apps share an origin.
//!
//! The decision on every field that anybody has registered stands in `reach.txt`: `own` is about the response or its URL
//! alone, `request` says nothing in a response, `connection` is taken out everywhere (`fields`), `origin` is taken out here,
//! and `kept` passes although it reaches further, since apps could not be without it.

use http::HeaderMap;
use http::HeaderName;

/// What speaks for a whole origin, a host, or a site, and why nobody may who shares it.
const OF_THE_ORIGIN: [(&str, &str); 31] = [
    ("accept-ch", "what browsers tell of themselves in every request to the origin (RFC 8942 section 3.1)"),
    ("accept-ch-lifetime", "the same in its first draft, for a time"),
    ("alt-svc", "another server for the whole origin (RFC 7838)"),
    ("attribution-reporting-register-os-source", "registers advertising in the origin's name"),
    ("attribution-reporting-register-os-trigger", "the same"),
    ("attribution-reporting-register-source", "the same"),
    ("attribution-reporting-register-trigger", "the same"),
    ("cache-group-invalidation", "throws away what browsers keep of other apps (RFC 9875 section 3)"),
    ("cache-groups", "is thrown away with what other apps keep under that name (RFC 9875 section 2)"),
    ("clear-site-data", "deletes the cookies, the storage and the cache of all apps"),
    ("critical-ch", "has the browser ask again for what `accept-ch` asks of the origin"),
    ("expect-ct", "certificates of the host, for a time (RFC 9163)"),
    ("nel", "reports on all traffic with the origin, and below it"),
    ("observe-browsing-topics", "registers the visit with the site"),
    ("origin-agent-cluster", "whoever is visited first decides for the whole origin"),
    ("origin-isolation", "the same in its first draft"),
    ("origin-trial", "a token for features of the origin, of which some stay on after the visit"),
    ("public-key-pins", "keys of the host, for a time, and a wrong one locks everybody out (RFC 7469)"),
    ("public-key-pins-report-only", "reports on the keys of the host"),
    ("report-to", "where reports on the whole origin go, and from below it"),
    ("reporting-endpoints", "where reports go, also those that the host asks for"),
    ("sec-session-challenge", "renews a session of the whole origin"),
    ("sec-session-registration", "binds a session of the whole origin to the device"),
    ("secure-session-challenge", "the same by its later name"),
    ("secure-session-registration", "the same by its later name"),
    ("service-worker-allowed", "lets a worker answer for paths of other apps"),
    ("set-login", "says of the whole origin that somebody is signed in"),
    ("shared-storage-write", "writes the storage of the whole origin"),
    ("strict-transport-security", "the host is asked for over TLS only, for a time (RFC 6797)"),
    ("use-as-dictionary", "a dictionary for paths of other apps (RFC 9842 section 2.1)"),
    ("x-permitted-cross-domain-policies", "which files of the host are policies for strangers' programs"),
];

/// Takes out of a response what speaks for others who share its origin.
pub fn keep_to_itself(headers: &mut HeaderMap) {
    // Usually there is none, and an empty `Vec` costs nothing.
    let doomed: Vec<HeaderName> = headers.keys().filter(|name| is_of_the_origin(name.as_str())).cloned().collect();
    for name in &doomed {
        headers.remove(name);
    }
}

fn is_of_the_origin(name: &str) -> bool {
    OF_THE_ORIGIN.iter().any(|(field, _)| *field == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use http::HeaderValue;

    use super::*;
    use crate::request::fields::clean_response;

    /// Every registered field with its decision.
    const DECISIONS: &str = include_str!("reach.txt");

    fn decisions() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
        let lines = DECISIONS.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split_once(' ').map_or((line, None), |(name, word)| (name, Some(word))))
    }

    #[test]
    fn every_registered_field_has_one_decision() {
        let mut seen = BTreeMap::new();
        for (name, word) in decisions() {
            let is_decided =
                word.is_some_and(|word| ["own", "request", "connection", "origin", "kept"].contains(&word));
            assert!(is_decided, "reach.txt: `{name}` needs a decision, and is {word:?}");
            assert_eq!(HeaderName::from_bytes(name.as_bytes()).unwrap().as_str(), name, "reach.txt: in lower case");
            assert_eq!(seen.insert(name, word), None, "reach.txt: `{name}` stands there twice");
        }
        assert!(seen.len() > 300, "{}", seen.len());
    }

    /// What the list says is what is done.
    #[test]
    fn what_is_decided_is_done() {
        for (name, word) in decisions() {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
            clean_response(&mut headers);
            assert_eq!(headers.is_empty(), word == Some("connection"), "`{name}` is {word:?}");
            keep_to_itself(&mut headers);
            assert_eq!(headers.is_empty(), matches!(word, Some("connection" | "origin")), "`{name}` is {word:?}");
        }
        for (name, reason) in OF_THE_ORIGIN {
            assert!(decisions().any(|decision| decision == (name, Some("origin"))), "reach.txt lacks `{name}`");
            assert!(!reason.is_empty(), "`{name}` has no reason");
        }
    }

    #[test]
    fn operators_are_told_of_all_of_them() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/serving.md");
        let text = fs::read_to_string(path).unwrap().to_lowercase();
        for (name, word) in decisions().filter(|(_, word)| matches!(word, Some("origin" | "kept"))) {
            assert!(text.contains(&format!("`{name}`")), "docs/serving.md does not tell of `{name}`, {word:?}");
        }
    }
}
