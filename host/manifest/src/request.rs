//! The table `[request]` as it is written down: how requests reach an app.

use serde::Deserialize;

/// How requests reach an app. What is not named is left to the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestTable {
    /// Whether a request's body is taken in whole before the app is called. The host does so by itself where the app is
    /// called through the gateway, and where one request at a time works on its state.
    pub buffer: Option<bool>,
}

impl RequestTable {
    /// This table, with what `over` names taken from there.
    pub fn overlaid(&self, over: &RequestTable) -> RequestTable {
        RequestTable { buffer: over.buffer.or(self.buffer) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_manifest_says_counts_more_than_what_the_component_says() {
        let says = |buffer| RequestTable { buffer };
        for (section, manifest, expected) in
            [(None, None, None), (Some(true), None, Some(true)), (Some(true), Some(false), Some(false))]
        {
            assert_eq!(says(section).overlaid(&says(manifest)), says(expected));
        }
    }
}
