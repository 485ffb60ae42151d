//! The table `[outbound]` as it is written down: what an app asks for of the outside.

use guesthouse_types::destination::Destination;
use guesthouse_types::units::Size;
use guesthouse_types::units::Span;
use ipnet::IpNet;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error as _;

use crate::table::Overlaid as _;
use crate::table::table;

/// More would be a list that nobody reads.
const DESTINATIONS_MAX: usize = 64;

/// What an app asks for of the outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundTable {
    /// Where its requests go: `https://api.example.com`, `https://*.example.org:8443`, `http://10.1.0.0/16:8080`.
    pub http: Vec<HttpDestination>,
    /// Where it connects to by TCP: `db.example.org:5432`, `10.1.2.3:6379`, `10.1.0.0/16:6379`.
    pub tcp: Vec<TcpDestination>,
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

/// A pattern for requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpDestination(Destination);

/// A place for connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpDestination(Destination);

impl<'de> Deserialize<'de> for HttpDestination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<HttpDestination, D::Error> {
        let asked = Destination::deserialize(deserializer)?;
        if asked.is_tcp() {
            return Err(D::Error::custom(format!(
                "`{asked}`: connections are asked for under `tcp`, without the scheme"
            )));
        }
        Ok(HttpDestination(asked))
    }
}

impl<'de> Deserialize<'de> for TcpDestination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TcpDestination, D::Error> {
        let text = String::deserialize(deserializer)?;
        let asked = Destination::parse_tcp(&text).map_err(|why| D::Error::custom(format!("`{text}`: {why}")))?;
        Ok(TcpDestination(asked))
    }
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
    /// Where its requests and connections may go.
    pub destinations: Vec<Destination>,
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
        let count = self.destinations().count();
        if count > DESTINATIONS_MAX {
            return Err(format!(
                "`outbound`: {count} places in `http` and `tcp`; at most {DESTINATIONS_MAX} are taken"
            ));
        }
        match self.limits().zeros().first() {
            Some(key) => Err(format!("`outbound`: `{key}` is zero: no request could ever be answered")),
            None => Ok(()),
        }
    }

    /// All places that it asks for.
    pub fn destinations(&self) -> impl Iterator<Item = &Destination> {
        let http = self.http.iter().map(|HttpDestination(asked)| asked);
        http.chain(self.tcp.iter().map(|TcpDestination(asked)| asked))
    }

    /// Its keys that are bounds.
    pub fn limits(&self) -> OutboundLimitTable {
        let OutboundTable { http: _, tcp: _, connections, connect, first_byte, between_bytes, response_body } =
            self.clone();
        OutboundLimitTable { connections, connect, first_byte, between_bytes, response_body }
    }

    /// What it is given where requests and connections may go to what `allowed` covers, with `ceilings` over the built-in ones; or the
    /// refusal that names what the operator would write.
    pub fn terms(
        &self,
        allowed: &[Destination],
        private_networks: &[IpNet],
        ceilings: &OutboundLimitTable,
    ) -> Result<OutboundTerms, String> {
        let is_allowed = |asked: &Destination| allowed.iter().any(|allowed| allowed.covers(asked));
        if let Some(asked) = self.destinations().find(|asked| !is_allowed(asked)) {
            let allowed: Vec<String> = allowed.iter().map(Destination::to_string).collect();
            let allowed = if allowed.is_empty() { "none".to_owned() } else { format!("`outbound = {allowed:?}`") };
            return Err(format!(
                "asks for {asked}; the operator's policy allows {allowed} (`outbound = [\"{asked}\"]` under \
                 `[policy]` would allow it)"
            ));
        }
        let above = self.limits().above(&OutboundLimitTable::ceilings().overlaid(ceilings));
        if !above.is_empty() {
            return Err(format!("asks for more than the operator's policy allows: {}", above.join(", ")));
        }
        Ok(OutboundTerms {
            destinations: self.destinations().cloned().collect(),
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
            destinations: Destination::everything().to_vec(),
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
            "asks for https://api.example.com; the operator's policy allows none (`outbound = \
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
    fn connections_are_asked_for_and_allowed_beside_requests() {
        let asked = "http = [\"https://api.example.com\"]\ntcp = [\"db.example.org:5432\"]\n";
        assert_eq!(
            terms(&["https://*", "http://*.example.org:5432"], "", asked).unwrap_err(),
            "asks for tcp://db.example.org:5432; the operator's policy allows `outbound = [\"https://*\", \
             \"http://*.example.org:5432\"]` (`outbound = [\"tcp://db.example.org:5432\"]` under `[policy]` would allow it)"
        );
        let given = terms(&["https://*", "tcp://*.example.org:5432"], "", asked).unwrap();
        assert_eq!(given.destinations.len(), 2);
        for (wrong, why) in [
            ("tcp = [\"*.example.org:5432\"]", "write one name, address or network with one port"),
            ("tcp = [\"db.example.org\"]", "`db.example.org`: name its port"),
            ("http = [\"tcp://db.example.org:5432\"]", "connections are asked for under `tcp`, without the scheme"),
        ] {
            let error = toml::from_str::<OutboundTable>(wrong).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
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
