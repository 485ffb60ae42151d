//! The table of instances as it is written down: how long one instance serves, as it is asked for, and the operator's ceilings.

use std::time::Duration;

use guesthouse_types::units::Size;
use guesthouse_types::units::Span;
use serde::Deserialize;
use serde::Deserializer;
use serde::de;

use crate::table::Overlaid as _;
use crate::table::table;

table! {
    /// How long instances serve, by the written names. What is not named is left as it is.
    pub struct InstanceTable;

    /// How long the instances of one app serve, nothing left out.
    pub struct Instances;

    /// Requests that one instance answers; 1 is a fresh instance for each.
    #[serde(deserialize_with = "count")]
    reuse: u32 { default: 1, ceiling: 1_000_000, no_ceiling: u32::MAX, may_be_zero: false }
    /// Requests that it answers at the same moment.
    #[serde(deserialize_with = "count")]
    concurrent: u32 { default: 1, ceiling: 128, no_ceiling: u32::MAX, may_be_zero: false }
    /// How long it waits for its next request.
    #[serde(deserialize_with = "wait")]
    idle: Span { default: seconds(60), ceiling: seconds(600), no_ceiling: seconds(365 * 86_400), may_be_zero: false }
    /// By how much its memory may grow before it is replaced.
    growth: Size { default: Size(32 << 20), ceiling: Size(512 << 20), no_ceiling: Size(u64::MAX), may_be_zero: true }
}

const fn seconds(count: u64) -> Span {
    Span(Duration::from_secs(count))
}

impl InstanceTable {
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
    pub fn given(&self, ceiling: &InstanceTable) -> Instances {
        let table = InstanceTable::from(Instances::default()).lowered(ceiling).overlaid(self);
        let given = Instances::from(table);
        // Whoever took the reuse away, an operator or a manifest, meant the rest of it too.
        Instances { concurrent: given.concurrent.min(given.reuse), ..given }
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

    fn given(text: &str, ceiling: &str) -> (u32, u32, u64, u64) {
        let Instances { reuse, concurrent, idle, growth } =
            table(text).given(&InstanceTable::ceilings().overlaid(&table(ceiling)));
        (reuse, concurrent, idle.0.as_secs(), growth.0 >> 20)
    }

    #[test]
    fn a_table_that_says_nothing_is_the_default() {
        let default = Instances::default();
        assert_eq!(InstanceTable::default().given(&InstanceTable::ceilings()), default);
        assert_eq!(default.reuse, 1);
    }

    #[test]
    fn what_is_said_counts_and_the_rest_is_the_default_below_the_ceiling() {
        let all = "reuse = 1000\nconcurrent = 16\nidle = \"2m\"\ngrowth = \"8MiB\"";
        assert_eq!(given(all, ""), (1000, 16, 120, 8));
        assert_eq!(given("reuse = 7", ""), (7, 1, 60, 32));
        assert_eq!(given("reuse = 7", "idle = \"5s\"\ngrowth = \"1MiB\""), (7, 1, 5, 1));
    }

    #[test]
    fn without_reuse_nothing_is_concurrent() {
        assert_eq!(given("reuse = 1\nconcurrent = 16", ""), (1, 1, 60, 32));
        assert_eq!(given("reuse = 4\nconcurrent = 16", ""), (4, 4, 60, 32));
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
