//! Where one app may go: what its manifest asks for, as far as the operator allows it.

use std::net::IpAddr;

use guesthouse_types::destination::Destination;
use guesthouse_types::target::Scheme;
use guesthouse_types::target::Target;
use guesthouse_types::target::TargetError;
use http::Uri;
use ipnet::IpNet;

use crate::error::OutboundError;
use crate::special::special;

/// The rules for one app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What its requests and connections may name.
    pub destinations: Vec<Destination>,
    /// Networks outside of the public internet that they may reach.
    pub private_networks: Vec<IpNet>,
    /// Whether a host of `*` may turn out to be in one of these (`dev`).
    pub any_host_is_private: bool,
}

impl Rules {
    /// Whether a request or a connection may name `target`.
    pub fn check(&self, target: &Target) -> Result<(), OutboundError> {
        if self.destinations.iter().any(|destination| destination.names(target)) {
            return Ok(());
        }
        Err(OutboundError::NotAsked { target: target.clone() })
    }

    /// Whether a connection for `target` may lead to `address`.
    pub fn check_address(&self, target: &Target, address: IpAddr) -> Result<(), OutboundError> {
        let Some(special) = special(address) else { return Ok(()) };
        let is_meant = self
            .destinations
            .iter()
            .any(|destination| destination.names(target) && (self.any_host_is_private || !destination.is_any_host()));
        if is_meant && self.private_networks.iter().any(|network| special.is_opened_by(network)) {
            return Ok(());
        }
        Err(OutboundError::Prohibited {
            target: target.clone(),
            address: special.address,
            what: special.what,
            is_meant,
        })
    }
}

/// What a request's URI names.
pub(crate) fn target_of(uri: &Uri) -> Result<Target, OutboundError> {
    let wrong = |why| OutboundError::Uri { uri: uri.to_string(), why };
    let authority = uri.authority().ok_or_else(|| wrong(TargetError::Host(String::new())))?;
    Target::parse(uri.scheme_str().unwrap_or(Scheme::Https.as_str()), authority.as_str()).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(http: &[&str], networks: &[&str]) -> Rules {
        Rules {
            destinations: http.iter().map(|text| Destination::parse(text).unwrap()).collect(),
            private_networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
            any_host_is_private: false,
        }
    }

    fn check(rules: &Rules, target: &str, address: &str) -> Result<(), String> {
        let (scheme, authority) = target.split_once("://").unwrap();
        let target = Target::parse(scheme, authority).unwrap();
        rules
            .check(&target)
            .and_then(|()| rules.check_address(&target, address.parse().unwrap()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn both_the_name_and_the_address_count() {
        let both = rules(&["http://db.example"], &["10.0.0.0/8"]);
        assert_eq!(check(&both, "http://db.example", "10.1.2.3"), Ok(()));
        assert_eq!(check(&both, "http://db.example", "8.8.8.8"), Ok(()));
        assert_eq!(
            check(&both, "http://db.example", "192.168.0.1").unwrap_err(),
            "http://db.example is at 192.168.0.1 (private): the operator opens that with \
             `private_networks = [\"192.168.0.1/32\"]` under `[policy]`"
        );
        assert_eq!(
            check(&both, "http://other.example", "8.8.8.8").unwrap_err(),
            "http://other.example is not in its `[outbound] http`: add \"http://other.example\" there, and the operator's \
             policy must allow it"
        );
    }

    #[test]
    fn any_host_reaches_no_private_network() {
        let any = rules(&["http://*"], &["0.0.0.0/0", "::/0"]);
        assert_eq!(check(&any, "http://db.example", "8.8.8.8"), Ok(()));
        let refused = check(&any, "http://db.example", "10.1.2.3").unwrap_err();
        assert!(refused.contains("a host of `*` reaches no such network"), "{refused}");
        let dev = Rules { any_host_is_private: true, ..any };
        assert_eq!(check(&dev, "http://db.example", "127.0.0.1"), Ok(()));
        assert!(check(&dev, "http://db.example", "169.254.169.254").is_err());
    }
}
