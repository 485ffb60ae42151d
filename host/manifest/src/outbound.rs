//! The table `[outbound]` as it is written down: what an app asks for of the outside.

use guesthouse_types::destination::Destination;
use guesthouse_types::units::Size;
use guesthouse_types::units::Span;
use ipnet::IpNet;
use serde::Deserialize;

use crate::table::Overlaid as _;
use crate::table::table;

/// More would be a list that nobody reads.
const DESTINATIONS_MAX: usize = 64;

/// What an app asks for of the outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundTable {
    /// Where its requests go: `https://api.example.com`, `https://*.example.org:8443`, `http://10.1.0.0/16:8080`.
    pub http: Vec<Destination>,
    /// Connections that are open at once.
    pub connections: Option<u32>,
    /// How long a connection may take to open.
    pub connect: Option<Span>,
    /// How long the head of an answer may take.
    pub first_byte: Option<Span>,
    /// How long the body of an answer may stand still.
    pub between_bytes: Option<Span>,
    /// Length of an answer's body.
    pub response_body: Option<Size>,
}

table! {
    /// Bounds of an app's requests to the outside as they are written, where keys may be left out.
    pub struct OutboundLimitTable;

    /// Bounds of an app's requests to the outside.
    pub struct OutboundLimits;

    /// Connections that are open at once.
    connections: u32 {
        default: 32,
        ceiling: 256,
        no_ceiling: u32::MAX,
        may_be_zero: false
    }
    /// How long a connection may take to open.
    connect: Span {
        default: Span(std::time::Duration::from_secs(5)),
        ceiling: Span(std::time::Duration::from_secs(30)),
        no_ceiling: Span(std::time::Duration::from_secs(24 * 60 * 60)),
        may_be_zero: false
    }
    /// How long the head of an answer may take beyond that.
    first_byte: Span {
        default: Span(std::time::Duration::from_secs(30)),
        ceiling: Span(std::time::Duration::from_secs(120)),
        no_ceiling: Span(std::time::Duration::from_secs(24 * 60 * 60)),
        may_be_zero: false
    }
    /// How long the body of an answer may stand still.
    between_bytes: Span {
        default: Span(std::time::Duration::from_secs(30)),
        ceiling: Span(std::time::Duration::from_secs(600)),
        no_ceiling: Span(std::time::Duration::from_secs(24 * 60 * 60)),
        may_be_zero: false
    }
    /// Length of an answer's body.
    response_body: Size {
        default: Size(64 << 20),
        ceiling: Size(1 << 30),
        no_ceiling: Size(u64::MAX),
        may_be_zero: false
    }
}

/// What one revision is given of the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundTerms {
    /// Where its requests may go.
    pub http: Vec<Destination>,
    /// Networks outside of the public internet that they may reach.
    pub private_networks: Vec<IpNet>,
    /// Whether a host of `*` may turn out to be in one of these.
    pub any_host_is_private: bool,
    /// Its bounds.
    pub limits: OutboundLimits,
}

impl OutboundTable {
    /// What is wrong with it, if something is.
    pub fn check(&self) -> Result<(), String> {
        if self.http.len() > DESTINATIONS_MAX {
            return Err(format!(
                "`outbound`: {} places in `http`; at most {DESTINATIONS_MAX} are taken",
                self.http.len()
            ));
        }
        match self.limits().zeros().first() {
            Some(key) => Err(format!("`outbound`: `{key}` is zero: no request could ever be answered")),
            None => Ok(()),
        }
    }

    /// Its keys that are bounds.
    pub fn limits(&self) -> OutboundLimitTable {
        let OutboundTable { http: _, connections, connect, first_byte, between_bytes, response_body } = self.clone();
        OutboundLimitTable { connections, connect, first_byte, between_bytes, response_body }
    }

    /// What it is given where requests may be sent to what `allowed` covers, with `ceilings` over the built-in ones; or the
    /// refusal that names what the operator would write.
    pub fn terms(
        &self,
        allowed: &[Destination],
        private_networks: &[IpNet],
        ceilings: &OutboundLimitTable,
    ) -> Result<OutboundTerms, String> {
        let is_allowed = |asked: &Destination| allowed.iter().any(|allowed| allowed.covers(asked));
        if let Some(asked) = self.http.iter().find(|asked| !is_allowed(asked)) {
            let allowed: Vec<String> = allowed.iter().map(Destination::to_string).collect();
            let allowed = if allowed.is_empty() { "none".to_owned() } else { format!("`outbound = {allowed:?}`") };
            return Err(format!(
                "asks for requests to {asked}; the operator's policy allows {allowed} (`outbound = [\"{asked}\"]` under \
                 `[policy]` would allow it)"
            ));
        }
        let above = self.limits().above(&OutboundLimitTable::ceilings().overlaid(ceilings));
        if !above.is_empty() {
            return Err(format!("asks for more than the operator's policy allows: {}", above.join(", ")));
        }
        Ok(OutboundTerms {
            http: self.http.clone(),
            private_networks: private_networks.to_vec(),
            any_host_is_private: false,
            limits: self.limits().into(),
        })
    }
}

impl OutboundTerms {
    /// What an app has under `dev`, whatever it asks for: everything, but what a cloud keeps its machine's rights at.
    pub fn everything() -> OutboundTerms {
        OutboundTerms {
            http: vec![Destination::everything()],
            private_networks: ["0.0.0.0/0", "::/0"].iter().filter_map(|network| network.parse().ok()).collect(),
            any_host_is_private: true,
            limits: OutboundLimits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(allowed: &[&str], ceilings: &str, asked: &str) -> Result<OutboundTerms, String> {
        let table: OutboundTable = toml::from_str(asked).unwrap();
        table.check()?;
        let allowed: Vec<Destination> = allowed.iter().map(|text| Destination::parse(text).unwrap()).collect();
        table.terms(&allowed, &["10.0.0.0/8".parse().unwrap()], &toml::from_str(ceilings).unwrap())
    }

    #[test]
    fn what_is_asked_is_held_against_what_is_allowed() {
        let asked = "http = [\"https://api.example.com\"]\nconnections = 8\n";
        assert_eq!(
            terms(&[], "", asked).unwrap_err(),
            "asks for requests to https://api.example.com; the operator's policy allows none (`outbound = \
             [\"https://api.example.com\"]` under `[policy]` would allow it)"
        );
        let other = terms(&["https://*.example.org"], "", asked).unwrap_err();
        assert!(other.contains("allows `outbound = [\"https://*.example.org\"]` ("), "{other}");
        let given = terms(&["https://*"], "", asked).unwrap();
        assert_eq!((given.limits.connections, given.private_networks.len()), (8, 1));
        let above = terms(&[], "", "http = []\nconnections = 1000\n").unwrap_err();
        assert_eq!(above, "asks for more than the operator's policy allows: `connections = 1000` (at most 256)");
        assert_eq!(terms(&[], "connections = 2000", "connections = 1000\n").unwrap().limits.connections, 1000);
        let zero = terms(&[], "", "connections = 0").unwrap_err();
        assert_eq!(zero, "`outbound`: `connections` is zero: no request could ever be answered");
    }

    #[test]
    fn a_place_that_is_none_is_explained() {
        let error = toml::from_str::<OutboundTable>("http = [\"api.example.com\"]").unwrap_err().to_string();
        assert!(
            error.contains("`api.example.com`: begin it with its scheme, as in `https://api.example.com`"),
            "{error}"
        );
    }
}
