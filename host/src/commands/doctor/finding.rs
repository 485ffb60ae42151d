//! One thing that was looked at, and how findings are written.

use std::fmt::Write as _;

use serde::Serialize;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What for.
    pub area: Area,
    /// What was looked at.
    pub what: &'static str,
    /// How it is.
    pub state: State,
    /// What was found; and what to do, where it is not fine.
    pub text: String,
}

/// What a thing is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// `serve` and `dev`.
    Serving,
    /// `build` and `dev`.
    Building,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, and could be better.
    Note,
    /// It is in the way.
    Fail,
}

impl Finding {
    /// Of what serving needs.
    pub fn serving(what: &'static str, state: State, text: impl Into<String>) -> Finding {
        Finding { area: Area::Serving, what, state, text: text.into() }
    }

    /// Of what builds of one language need, which may never be wanted here.
    pub fn building(what: &'static str, found: anyhow::Result<String>) -> Finding {
        let (state, text) = match found {
            Ok(text) => (State::Ok, text),
            Err(missing) => (State::Note, format!("{missing:#}")),
        };
        Finding { area: Area::Building, what, state, text }
    }
}

/// As in `23.5 GiB`: the exact number is nobody's concern here.
pub fn rounded(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let Some((shift, unit)) = units.into_iter().find(|(shift, _)| bytes >> shift > 0) else {
        return format!("{bytes} bytes");
    };
    format!("{:.1} {unit}", bytes as f64 / f64::from(1 << shift))
}

/// All of them, for people.
pub fn text(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.what.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (area, title) in [(Area::Serving, "serving"), (Area::Building, "building")] {
        let _ = writeln!(text, "{title}");
        for Finding { what, state, text: found, .. } in findings.iter().filter(|finding| finding.area == area) {
            let state = match state {
                State::Ok => "ok  ",
                State::Note => "note",
                State::Fail => "FAIL",
            };
            let _ = writeln!(text, "  {state}  {what:<width$}  {found}");
        }
    }
    let failed = findings.iter().filter(|finding| finding.state == State::Fail).count();
    let noted = findings.iter().filter(|finding| finding.state == State::Note).count();
    let _ = match (failed, noted) {
        (0, 0) => write!(text, "everything is fine"),
        (0, _) => write!(text, "apps can be served; {noted} to note"),
        _ => write!(text, "{failed} in the way of serving apps; {noted} to note"),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded() {
        assert_eq!([0, 1023, 1536, 25_276_502_016].map(rounded), ["0 bytes", "1023 bytes", "1.5 KiB", "23.5 GiB"]);
    }

    #[test]
    fn what_is_in_the_way_is_counted() {
        let findings = [
            Finding::serving("port", State::Fail, "127.0.0.1:80 is taken"),
            Finding::serving("memory", State::Ok, "2 GiB"),
            Finding::building("Rust", Err(anyhow::anyhow!("cannot find `cargo`"))),
        ];
        let expected = "serving\n  FAIL  port    127.0.0.1:80 is taken\n  ok    memory  2 GiB\n\
                        building\n  note  Rust    cannot find `cargo`\n1 in the way of serving apps; 1 to note";
        assert_eq!(text(&findings), expected);
        assert!(text(&findings[1..]).ends_with("\napps can be served; 1 to note"));
        assert!(text(&findings[1..2]).ends_with("\neverything is fine"));
    }
}
