//! The table of instances as it is written down: how long one instance serves, as it is asked for, and the operator's ceilings.

use std::fmt;
use std::time::Duration;

use guesthouse_sandbox::settings::Instances;
use guesthouse_types::units::Size;
use guesthouse_types::units::Span;
use serde::Deserialize;
use serde::Deserializer;
use serde::de;

/// How long instances serve, by the written names. What is not named is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InstanceTable {
    /// Requests that one instance answers; 1 is a fresh instance for each.
    #[serde(deserialize_with = "count")]
    pub reuse: Option<u32>,
    /// Requests that it answers at the same moment.
    #[serde(deserialize_with = "count")]
    pub concurrent: Option<u32>,
    /// How long it waits for its next request.
    #[serde(deserialize_with = "wait")]
    pub idle: Option<Span>,
    /// By how much its memory may grow before it is replaced.
    pub growth: Option<Size>,
}

impl InstanceTable {
    /// The built-in ceilings: far beyond what reuse is good for, but not for ever.
    pub fn ceilings() -> InstanceTable {
        InstanceTable {
            reuse: Some(1_000_000),
            concurrent: Some(128),
            idle: Some(Span(Duration::from_secs(600))),
            growth: Some(Size(512 << 20)),
        }
    }

    /// Ceilings that nobody reaches.
    pub fn no_ceilings() -> InstanceTable {
        InstanceTable {
            reuse: Some(u32::MAX),
            concurrent: Some(u32::MAX),
            idle: Some(Span(Duration::from_secs(365 * 86_400))),
            growth: Some(Size(u64::MAX)),
        }
    }

    /// This table, with what `over` names taken from there.
    pub fn overlaid(&self, over: &InstanceTable) -> InstanceTable {
        InstanceTable {
            reuse: over.reuse.or(self.reuse),
            concurrent: over.concurrent.or(self.concurrent),
            idle: over.idle.or(self.idle),
            growth: over.growth.or(self.growth),
        }
    }

    /// What is asked for here and lies above `ceiling`, as `reuse = 1000 (at most 1)`.
    pub fn above(&self, ceiling: &InstanceTable) -> Vec<String> {
        let mut found = Vec::new();
        compare(&mut found, "reuse", self.reuse, ceiling.reuse);
        compare(&mut found, "concurrent", self.concurrent, ceiling.concurrent);
        compare(&mut found, "idle", self.idle, ceiling.idle);
        compare(&mut found, "growth", self.growth, ceiling.growth);
        found
    }

    /// This table, with what lies above `ceiling` lowered to it.
    pub fn lowered(&self, ceiling: &InstanceTable) -> InstanceTable {
        InstanceTable {
            reuse: lower(self.reuse, ceiling.reuse),
            concurrent: lower(self.concurrent, ceiling.concurrent),
            idle: lower(self.idle, ceiling.idle),
            growth: lower(self.growth, ceiling.growth),
        }
    }

    /// Says what to do when several requests at once are asked for, but only one at all.
    pub fn check(&self) -> Result<(), String> {
        match (self.concurrent, self.reuse.unwrap_or(1)) {
            (Some(concurrent @ 2..), reuse @ ..=1) => Err(format!(
                "`instances`: `concurrent = {concurrent}` with `reuse = {reuse}`: an instance that answers one request \
                 never has two at once (raise `reuse`, say to 1000, or leave `concurrent` out)"
            )),
            _ => Ok(()),
        }
    }

    /// What this table says, with what it leaves out by default, but not above `ceiling`.
    pub fn settings(&self, ceiling: &InstanceTable) -> Instances {
        let Instances { requests_max, concurrent_max, idle, growth_bytes_max } = Instances::default();
        let default = InstanceTable {
            reuse: Some(requests_max),
            concurrent: Some(concurrent_max),
            idle: Some(Span(idle)),
            growth: Some(Size(growth_bytes_max)),
        };
        let table = default.lowered(ceiling).overlaid(self);
        let requests_max = table.reuse.unwrap_or(requests_max);
        Instances {
            requests_max,
            // Whoever took the reuse away, an operator or a manifest, meant the rest of it too.
            concurrent_max: table.concurrent.unwrap_or(concurrent_max).min(requests_max),
            idle: table.idle.map_or(idle, |span| span.0),
            growth_bytes_max: table.growth.map_or(growth_bytes_max, |size| size.0),
        }
    }
}

fn compare<T: PartialOrd + fmt::Display>(found: &mut Vec<String>, name: &str, asked: Option<T>, most: Option<T>) {
    if let (Some(asked), Some(most)) = (asked, most)
        && asked > most
    {
        found.push(format!("`{name} = {asked}` (at most {most})"));
    }
}

fn lower<T: Ord>(asked: Option<T>, most: Option<T>) -> Option<T> {
    match (asked, most) {
        (Some(asked), Some(most)) => Some(asked.min(most)),
        (asked, _) => asked,
    }
}

/// Also for an operator who wants to forbid reuse: that is 1, since an instance answers one request at least.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(de::Error::custom("zero: write 1, which is one request for each instance, or more")),
        count => Ok(Some(count)),
    }
}

fn wait<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Span>, D::Error> {
    match Span::deserialize(deserializer)? {
        Span(Duration::ZERO) => {
            Err(de::Error::custom("zero: an instance that waits for nothing has no second request (write `reuse = 1`)"))
        }
        span => Ok(Some(span)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> InstanceTable {
        toml::from_str(text).unwrap()
    }

    fn settings(text: &str, ceiling: &str) -> (u32, u32, u64, u64) {
        let Instances { requests_max, concurrent_max, idle, growth_bytes_max } =
            table(text).settings(&InstanceTable::ceilings().overlaid(&table(ceiling)));
        (requests_max, concurrent_max, idle.as_secs(), growth_bytes_max >> 20)
    }

    #[test]
    fn a_table_that_says_nothing_is_the_default() {
        let default = Instances::default();
        assert_eq!(InstanceTable::default().settings(&InstanceTable::ceilings()), default);
        assert!(!default.are_reused());
    }

    #[test]
    fn what_is_said_counts_and_the_rest_is_the_default_below_the_ceiling() {
        let all = "reuse = 1000\nconcurrent = 16\nidle = \"2m\"\ngrowth = \"8MiB\"";
        assert_eq!(settings(all, ""), (1000, 16, 120, 8));
        assert_eq!(settings("reuse = 7", ""), (7, 1, 60, 32));
        assert_eq!(settings("reuse = 7", "idle = \"5s\"\ngrowth = \"1MiB\""), (7, 1, 5, 1));
    }

    #[test]
    fn without_reuse_nothing_is_concurrent() {
        assert_eq!(settings("reuse = 1\nconcurrent = 16", ""), (1, 1, 60, 32));
        assert_eq!(settings("reuse = 4\nconcurrent = 16", ""), (4, 4, 60, 32));
    }

    #[test]
    fn what_lies_above_is_named_or_lowered() {
        let asked = table("reuse = 1000\nconcurrent = 2\nidle = \"1h\"\ngrowth = \"1GiB\"");
        let ceiling = InstanceTable::ceilings().overlaid(&table("reuse = 1"));
        let above = ["`reuse = 1000` (at most 1)", "`idle = 1h` (at most 10m)", "`growth = 1GiB` (at most 512MiB)"];
        assert_eq!(asked.above(&ceiling), above);
        let lowered = table("reuse = 1\nconcurrent = 2\nidle = \"10m\"\ngrowth = \"512MiB\"");
        assert_eq!(asked.lowered(&ceiling), lowered);
        assert!(lowered.above(&ceiling).is_empty());
        assert!(asked.above(&InstanceTable::no_ceilings()).is_empty());
    }
}
