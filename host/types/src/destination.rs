//! Patterns for where an app goes outside: `https://api.example.com`, `https://*.example.org:8443`,
//! `http://10.1.0.0/16:8080`, `tcp://db.example.org:5432`. The grammar is that of Spin's `allowed_outbound_hosts`.

use std::fmt;
use std::net::IpAddr;
use std::ops::Range;
use std::slice;

use ipnet::IpNet;
use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use url::Host;

use crate::target::Scheme;
use crate::target::Target;
use crate::target::TargetError;
use crate::target::parse_host;
use crate::target::parse_port;
use crate::target::split_port;

/// A pattern for targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// None is `*`: HTTP, with TLS or without.
    scheme: Option<Scheme>,
    host: HostPattern,
    port: PortPattern,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Any,
    /// `*.example.org`: what stands before the dot may be anything.
    Below(String),
    Name(String),
    /// One address is a network of its own.
    Network(IpNet),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PortPattern {
    /// 80 or 443, by the scheme. TCP has none.
    OfScheme,
    Any,
    /// The end is not in it.
    Within(Range<u32>),
}

impl Destination {
    /// Every target there is, of HTTP and of TCP.
    pub fn everything() -> [Destination; 2] {
        [None, Some(Scheme::Tcp)].map(|scheme| Destination { scheme, host: HostPattern::Any, port: PortPattern::Any })
    }

    /// Reads a pattern: `scheme://host[:port]`, with `*` for any of the three, `*.name` for what is below a name, a network
    /// in place of the host, and a range of ports as `8000..8010`, of which the last is not in it.
    pub fn parse(text: &str) -> Result<Destination, TargetError> {
        let (scheme, rest) = text.split_once("://").ok_or(TargetError::NoScheme)?;
        let scheme = if scheme == "*" { None } else { Some(Scheme::parse(scheme)?) };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err(TargetError::User);
        }
        let (host, port) = split_port(rest);
        let port = match port {
            None if scheme == Some(Scheme::Tcp) => return Err(TargetError::NoPort),
            None => PortPattern::OfScheme,
            Some("*") => PortPattern::Any,
            Some(port) => PortPattern::Within(port_range(port)?),
        };
        Ok(Destination { scheme, host: HostPattern::parse(host)?, port })
    }

    /// Reads what a manifest asks for by TCP: one name, address or network, and one port.
    pub fn parse_tcp(text: &str) -> Result<Destination, TargetError> {
        let text = text.strip_prefix("tcp://").unwrap_or(text);
        if text.contains("://") {
            return Err(TargetError::NotOne);
        }
        let asked = Destination::parse(&format!("tcp://{text}"))?;
        let is_one_port = matches!(&asked.port, PortPattern::Within(ports) if ports.len() == 1);
        let is_one_host = matches!(asked.host, HostPattern::Name(_) | HostPattern::Network(_));
        if is_one_host && is_one_port { Ok(asked) } else { Err(TargetError::NotOne) }
    }

    /// Whether it names `target`.
    pub fn names(&self, target: &Target) -> bool {
        self.schemes().contains(&target.scheme)
            && self.names_host(&target.host)
            && self.port.of(target.scheme).contains(&target.port.into())
    }

    /// Whether it names `host` with some port.
    pub fn names_host(&self, host: &Host<String>) -> bool {
        self.host.names(host)
    }

    /// Whether it is for TCP.
    pub fn is_tcp(&self) -> bool {
        self.scheme == Some(Scheme::Tcp)
    }

    fn schemes(&self) -> &[Scheme] {
        match &self.scheme {
            None => &[Scheme::Http, Scheme::Https],
            Some(scheme) => slice::from_ref(scheme),
        }
    }

    /// Whether every target that `other` names is named by this one too.
    pub fn covers(&self, other: &Destination) -> bool {
        self.host.covers(&other.host)
            && other.schemes().iter().all(|scheme| {
                let (own, of_other) = (self.port.of(*scheme), other.port.of(*scheme));
                self.schemes().contains(scheme) && own.start <= of_other.start && of_other.end <= own.end
            })
    }

    /// Whether its host is `*`, which says nothing of where that is.
    pub fn is_any_host(&self) -> bool {
        self.host == HostPattern::Any
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://", self.scheme.map_or("*", Scheme::as_str))?;
        match &self.host {
            HostPattern::Any => write!(formatter, "*")?,
            HostPattern::Below(name) => write!(formatter, "*.{name}")?,
            HostPattern::Name(name) => write!(formatter, "{name}")?,
            HostPattern::Network(network) => {
                let is_one = network.prefix_len() == network.max_prefix_len();
                match (network, is_one) {
                    (IpNet::V4(network), true) => write!(formatter, "{}", network.addr())?,
                    (IpNet::V4(network), false) => write!(formatter, "{network}")?,
                    (IpNet::V6(network), true) => write!(formatter, "[{}]", network.addr())?,
                    (IpNet::V6(network), false) => write!(formatter, "[{network}]")?,
                }
            }
        }
        match &self.port {
            PortPattern::OfScheme => Ok(()),
            PortPattern::Any => write!(formatter, ":*"),
            PortPattern::Within(ports) if ports.end == ports.start + 1 => write!(formatter, ":{}", ports.start),
            PortPattern::Within(ports) => write!(formatter, ":{}..{}", ports.start, ports.end),
        }
    }
}

impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Destination, D::Error> {
        let text = String::deserialize(deserializer)?;
        Destination::parse(&text).map_err(|why| de::Error::custom(format!("`{text}`: {why}")))
    }
}

impl HostPattern {
    fn parse(text: &str) -> Result<HostPattern, TargetError> {
        let no_host = || TargetError::Host(text.to_owned());
        if text == "*" {
            return Ok(HostPattern::Any);
        }
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(network) = bare.parse::<IpNet>() {
            return Ok(HostPattern::Network(network.trunc()));
        }
        if let Some((host, _)) = text.split_once('/') {
            return Err(if parse_host(host).is_ok() { TargetError::Path } else { no_host() });
        }
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        match (parse_host(name).map_err(|_| no_host())?, below) {
            (Host::Domain(name), true) => Ok(HostPattern::Below(name)),
            (Host::Domain(name), false) => Ok(HostPattern::Name(name)),
            (Host::Ipv4(address), false) => Ok(HostPattern::Network(IpAddr::from(address).into())),
            (Host::Ipv6(address), false) => Ok(HostPattern::Network(IpAddr::from(address).into())),
            _ => Err(no_host()),
        }
    }

    fn names(&self, host: &Host<String>) -> bool {
        match (self, host) {
            (HostPattern::Any, _) => true,
            (HostPattern::Below(name), Host::Domain(host)) => is_below(host, name),
            (HostPattern::Name(name), Host::Domain(host)) => name == host,
            (HostPattern::Network(network), Host::Ipv4(address)) => network.contains(&IpAddr::from(*address)),
            (HostPattern::Network(network), Host::Ipv6(address)) => network.contains(&IpAddr::from(*address)),
            _ => false,
        }
    }

    fn covers(&self, other: &HostPattern) -> bool {
        match (self, other) {
            (HostPattern::Any, _) => true,
            (HostPattern::Below(name), HostPattern::Below(other)) => name == other || is_below(other, name),
            (HostPattern::Below(name), HostPattern::Name(other)) => is_below(other, name),
            (HostPattern::Name(name), HostPattern::Name(other)) => name == other,
            (HostPattern::Network(network), HostPattern::Network(other)) => network.contains(other),
            _ => false,
        }
    }
}

impl PortPattern {
    /// The ports that it names for a scheme.
    fn of(&self, scheme: Scheme) -> Range<u32> {
        match self {
            PortPattern::OfScheme => scheme.port().map_or(0..0, |port| u32::from(port)..u32::from(port) + 1),
            PortPattern::Any => 1..1 << 16,
            PortPattern::Within(ports) => ports.clone(),
        }
    }
}

fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).and_then(|before| before.strip_suffix('.')).is_some_and(|before| !before.is_empty())
}

fn port_range(text: &str) -> Result<Range<u32>, TargetError> {
    let Some((start, end)) = text.split_once("..") else {
        let port = u32::from(parse_port(text)?);
        return Ok(port..port + 1);
    };
    let (start, end) = (u32::from(parse_port(start)?), u32::from(parse_port(end)?));
    if start < end { Ok(start..end) } else { Err(TargetError::Port(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(text: &str) -> Destination {
        Destination::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    fn target(text: &str) -> Target {
        let (scheme, authority) = text.split_once("://").unwrap();
        Target::parse(scheme, authority).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn what_a_pattern_names() {
        for (pattern, named, other) in [
            ("https://api.example.com", "https://API.example.com.:443", "http://api.example.com"),
            ("https://api.example.com/", "https://api.example.com", "https://api.example.com:8443"),
            ("https://api.example.com", "https://api.example.com", "https://x.api.example.com"),
            ("https://*.example.org", "https://a.b.example.org", "https://example.org"),
            ("https://*.example.org", "https://a.example.org", "https://badexample.org"),
            ("http://10.1.0.0/16:8080", "http://10.1.2.3:8080", "http://10.2.0.1:8080"),
            ("http://10.1.0.0/16:8080", "http://0xa.1.515:8080", "http://10.1.2.3"),
            ("http://127.0.0.1:*", "http://2130706433:9", "http://localhost:9"),
            ("http://[fd00::/8]:80", "http://[fd00::1]", "http://[fe80::1]"),
            ("*://*:*", "https://anything:9", "https://anything:9"),
            ("*://example.org", "http://example.org:80", "http://example.org:443"),
            ("http://example.org:8000..8010", "http://example.org:8009", "http://example.org:8010"),
            ("tcp://*.example.org:5432", "tcp://db.example.org:5432", "tcp://db.example.org:5433"),
            ("tcp://10.1.0.0/16:6379", "tcp://10.1.2.3:6379", "http://10.1.2.3:6379"),
            ("https://bücher.example", "https://xn--bcher-kva.example", "https://bucher.example"),
        ] {
            assert!(destination(pattern).names(&target(named)), "{pattern} {named}");
            assert!(pattern == "*://*:*" || !destination(pattern).names(&target(other)), "{pattern} {other}");
            let shown = destination(pattern).to_string();
            assert_eq!(destination(&shown), destination(pattern), "{shown}");
        }
    }

    #[test]
    fn what_the_operator_allows_covers_what_an_author_asks() {
        for (allowed, asked, expected) in [
            ("https://*", "https://api.example.com", true),
            ("https://*", "http://api.example.com", false),
            ("https://*", "https://api.example.com:8443", false),
            ("https://*:*", "https://api.example.com:8443", true),
            ("*://*:*", "*://*:*", true),
            ("https://*:*", "*://*:*", false),
            ("*://*", "*://*.example.org", true),
            ("https://*.example.org", "https://*.a.example.org", true),
            ("https://*.example.org", "https://*.example.org", true),
            ("https://*.example.org", "https://example.org", false),
            ("https://*.example.org", "https://*", false),
            ("http://10.0.0.0/8:*", "http://10.1.0.0/16:8080", true),
            ("http://10.1.0.0/16:*", "http://10.0.0.0/8:8080", false),
            ("http://a.example:8000..8010", "http://a.example:8009", true),
            ("http://a.example:8000..8010", "http://a.example:8009..8011", false),
            ("http://a.example:80", "http://a.example", true),
            ("*://*:*", "tcp://a.example:80", false),
            ("tcp://*:*", "tcp://a.example:80", true),
            ("tcp://*.example.org:5432", "tcp://db.example.org:5432", true),
            ("tcp://*.example.org:5432", "http://db.example.org:5432", false),
        ] {
            assert_eq!(destination(allowed).covers(&destination(asked)), expected, "{allowed} {asked}");
        }
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, expected) in [
            ("api.example.com", "begin it with its scheme, as in `https://api.example.com`"),
            ("redis://cache:6379", "the scheme `redis` is not known here: `http`, `https`, `*` for both, or `tcp`"),
            ("tcp://db.example", "name its port, as in `db.example.org:5432`"),
            ("https://a@b.example", "a user or a password does not belong here"),
            ("https://b.example/x", "a path does not belong here: what may be reached is a scheme, a host and a port"),
            ("https://", "`` is not a host: write a name, `*.name`, an address, or a network as `10.1.0.0/16`"),
            (
                "https://a*.example",
                "`a*.example` is not a host: write a name, `*.name`, an address, or a network as `10.1.0.0/16`",
            ),
            (
                "https://b.example:0",
                "`0` is not a port: write a number from 1 to 65535, a range as `8000..8010`, or `*`",
            ),
            (
                "https://b.example:9..8",
                "`9..8` is not a port: write a number from 1 to 65535, a range as `8000..8010`, or `*`",
            ),
        ] {
            assert_eq!(Destination::parse(text).unwrap_err().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_asked_for_by_tcp_is_one_place() {
        for text in ["db.example.org:5432", "10.1.2.3:6379", "10.1.0.0/16:6379", "[fd00::1]:25", "tcp://db:5432"] {
            let asked = Destination::parse_tcp(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!(Destination::parse(&asked.to_string()), Ok(asked), "{text}");
        }
        for (text, expected) in [
            ("db.example.org", TargetError::NoPort),
            ("*.example.org:5432", TargetError::NotOne),
            ("*:5432", TargetError::NotOne),
            ("db.example.org:*", TargetError::NotOne),
            ("db.example.org:5432..5440", TargetError::NotOne),
            ("redis://db:6379", TargetError::NotOne),
        ] {
            assert_eq!(Destination::parse_tcp(text), Err(expected), "{text}");
        }
    }
}
