//! Why something was not taken: a code for scripts, whose turn it is, and a text for people.

use std::fmt;

use guesthouse_types::escape::lines;
use serde::Serialize;
use serde::Serializer;

/// What is in the way. The names stand in `status.json`, in the journal and in the log, and do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReasonCode {
    /// The file's name cannot be an app's.
    Name,
    /// What lies there is no file.
    File,
    /// A link leads nowhere, or out of the folder.
    Link,
    /// The file cannot be read.
    Unreadable,
    /// The file is larger than what is read.
    TooLarge,
    /// The file, or its other half, is still on its way.
    Incomplete,
    /// The bytes are no component that is called here.
    Component,
    /// The component imports what is not offered here.
    Imports,
    /// The manifest cannot be read.
    Manifest,
    /// The manifest is away, and kept something back.
    ManifestMissing,
    /// More is asked for than is allowed.
    Policy,
    /// What is asked for does not go with the lane.
    Lane,
    /// What stands before the app is missing, or does not fit.
    Middleware,
    /// It needs more memory, or larger tables, than it has.
    Memory,
    /// A secret is not there.
    Secrets,
    /// A static folder is not there.
    Statics,
    /// A folder that the guest is to see cannot be used.
    StateFolder,
    /// The compiler refuses it.
    Compile,
    /// Compiling took more time or memory than is allowed.
    CompileLimits,
    /// The compiler could not do its work.
    Compiler,
    /// What it was compiled to cannot be used.
    Artefact,
    /// No engine could be made for it.
    Engine,
    /// Its first instance failed, or was not ready in time.
    Probe,
    /// The host has no room for its first instance.
    Full,
    /// Another app holds its route.
    RouteConflict,
    /// The state directory cannot keep it, or has lost it.
    Store,
    /// The host itself failed.
    Bug,
}

/// Whose turn it is to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blame {
    /// Who wrote or dropped the app.
    Author,
    /// Who runs the host.
    Operator,
    /// The host: it tries again by itself, or has a bug.
    Host,
}

/// Why something was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What is in the way.
    pub code: ReasonCode,
    /// The same for people, and what to do.
    pub text: String,
}

/// How a step ends that does not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It will not succeed with the same content: remembered.
    Refused(Reason),
    /// It may succeed later: tried again.
    Retry(Reason),
}

impl ReasonCode {
    /// All codes, in the order in which a file can meet them.
    pub const ALL: [ReasonCode; 27] = [
        ReasonCode::Name,
        ReasonCode::File,
        ReasonCode::Link,
        ReasonCode::Unreadable,
        ReasonCode::TooLarge,
        ReasonCode::Incomplete,
        ReasonCode::Component,
        ReasonCode::Imports,
        ReasonCode::Manifest,
        ReasonCode::ManifestMissing,
        ReasonCode::Policy,
        ReasonCode::Lane,
        ReasonCode::Middleware,
        ReasonCode::Memory,
        ReasonCode::Secrets,
        ReasonCode::Statics,
        ReasonCode::StateFolder,
        ReasonCode::Compile,
        ReasonCode::CompileLimits,
        ReasonCode::Compiler,
        ReasonCode::Artefact,
        ReasonCode::Engine,
        ReasonCode::Probe,
        ReasonCode::Full,
        ReasonCode::RouteConflict,
        ReasonCode::Store,
        ReasonCode::Bug,
    ];

    /// The name by which scripts know it.
    pub fn name(self) -> &'static str {
        match self {
            ReasonCode::Name => "name",
            ReasonCode::File => "file",
            ReasonCode::Link => "link",
            ReasonCode::Unreadable => "unreadable",
            ReasonCode::TooLarge => "too-large",
            ReasonCode::Incomplete => "incomplete",
            ReasonCode::Component => "component",
            ReasonCode::Imports => "imports",
            ReasonCode::Manifest => "manifest",
            ReasonCode::ManifestMissing => "manifest-missing",
            ReasonCode::Policy => "policy",
            ReasonCode::Lane => "lane",
            ReasonCode::Middleware => "middleware",
            ReasonCode::Memory => "memory",
            ReasonCode::Secrets => "secrets",
            ReasonCode::Statics => "statics",
            ReasonCode::StateFolder => "state-folder",
            ReasonCode::Compile => "compile",
            ReasonCode::CompileLimits => "compile-limits",
            ReasonCode::Compiler => "compiler",
            ReasonCode::Artefact => "artefact",
            ReasonCode::Engine => "engine",
            ReasonCode::Probe => "probe",
            ReasonCode::Full => "full",
            ReasonCode::RouteConflict => "route-conflict",
            ReasonCode::Store => "store",
            ReasonCode::Bug => "bug",
        }
    }

    /// The code with this name.
    pub fn parse(name: &str) -> Option<ReasonCode> {
        ReasonCode::ALL.into_iter().find(|code| code.name() == name)
    }

    /// Whose turn it is to act.
    pub fn blame(self) -> Blame {
        match self {
            ReasonCode::Name
            | ReasonCode::File
            | ReasonCode::TooLarge
            | ReasonCode::Incomplete
            | ReasonCode::Component
            | ReasonCode::Imports
            | ReasonCode::Manifest
            | ReasonCode::ManifestMissing
            | ReasonCode::Lane
            | ReasonCode::Middleware
            | ReasonCode::Memory
            | ReasonCode::Statics
            | ReasonCode::Compile
            | ReasonCode::Probe => Blame::Author,
            ReasonCode::Link
            | ReasonCode::Unreadable
            | ReasonCode::Policy
            | ReasonCode::Secrets
            | ReasonCode::StateFolder
            | ReasonCode::CompileLimits
            | ReasonCode::Compiler
            | ReasonCode::Engine
            | ReasonCode::RouteConflict
            | ReasonCode::Store => Blame::Operator,
            ReasonCode::Artefact | ReasonCode::Full | ReasonCode::Bug => Blame::Host,
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Serialize for ReasonCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Blame {
    /// The name by which scripts know it.
    pub fn name(self) -> &'static str {
        match self {
            Blame::Author => "author",
            Blame::Operator => "operator",
            Blame::Host => "host",
        }
    }
}

impl fmt::Display for Blame {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Reason {
    /// A reason with its text.
    pub fn new(code: ReasonCode, text: impl Into<String>) -> Reason {
        Reason { code, text: text.into() }
    }

    /// Whose turn it is to act.
    pub fn blame(&self) -> Blame {
        self.code.blame()
    }
}

impl fmt::Display for Reason {
    /// The text alone.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Failure {
    /// A refusal for this reason.
    pub fn refused(code: ReasonCode, text: impl Into<String>) -> Failure {
        Failure::Refused(Reason::new(code, text))
    }

    /// A failure for this reason that need not last.
    pub fn retry(code: ReasonCode, text: impl Into<String>) -> Failure {
        Failure::Retry(Reason::new(code, text))
    }

    /// Why it failed.
    pub fn reason(&self) -> &Reason {
        match self {
            Failure::Refused(reason) | Failure::Retry(reason) => reason,
        }
    }

    /// The same with a text that is fit to be shown.
    pub fn readable(self) -> Failure {
        let shown = |Reason { code, text }| Reason { code, text: readable(&text) };
        match self {
            Failure::Refused(reason) => Failure::Refused(shown(reason)),
            Failure::Retry(reason) => Failure::Retry(shown(reason)),
        }
    }
}

/// As much as a backtrace with its names has. It stands in the log, in the status, and in the journal.
const BYTES_MAX: usize = 8 << 10;

/// The reason, cut where it is longer than anybody reads, and without what acts on a terminal.
pub fn readable(why: &str) -> String {
    let kept = &why[..why.floor_char_boundary(BYTES_MAX)];
    let text = lines(kept, "\n").to_string();
    match why.len() - kept.len() {
        0 => text,
        rest => text + &format!("… ({rest} more bytes)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_a_name_of_its_own() {
        for (at, code) in ReasonCode::ALL.into_iter().enumerate() {
            assert_eq!(ReasonCode::parse(code.name()), Some(code));
            assert_eq!(code as usize, at, "{code}: all codes stand in `ALL`, once");
            let is_plain = code.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            assert!(is_plain, "{code}");
        }
        assert_eq!(ReasonCode::parse("Name"), None);
    }

    #[test]
    fn a_reason_stays_readable() {
        assert_eq!(readable("imports `log`\nat `a`"), "imports `log`\nat `a`");
        assert_eq!(readable("exports `\x1b[31m`\r"), "exports `\\u{1b}[31m`\\r");
        let long = readable(&"ä".repeat(BYTES_MAX));
        assert!(long.ends_with("ä… (8192 more bytes)") && long.len() < BYTES_MAX + 64, "{}", long.len());
    }
}
