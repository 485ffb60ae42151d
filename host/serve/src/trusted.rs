//! Whose word about visitors is taken: the proxies that the operator names.

use std::net::IpAddr;

use ipnet::IpNet;

/// The proxies that are trusted; nobody by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusted {
    /// Their addresses.
    pub networks: Vec<IpNet>,
    /// Whether whoever comes through a Unix socket is one.
    pub unix: bool,
}

impl Trusted {
    /// Whether the word of whoever is connected from `peer` is taken; `None` is a Unix socket.
    pub fn is(&self, peer: Option<IpAddr>) -> bool {
        match peer {
            Some(peer) => self.networks.iter().any(|network| network.contains(&peer)),
            None => self.unix,
        }
    }
}
