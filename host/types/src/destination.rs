//! Where an app's outgoing requests go, and patterns for it: `https://api.example.com`, `https://*.example.org:8443`,
//! `http://10.1.0.0/16:8080`. The grammar is that of Spin's `allowed_outbound_hosts`, for `http` and `https`.

use std::fmt;
use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;
use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use url::Host;

/// `http` or `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Bytes as they are.
    Http,
    /// Over TLS.
    Https,
}

/// What an outgoing request names: one scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// A name in lower case, without the dot at its end and in ASCII, or an address.
    pub host: Host<String>,
    /// Never 0.
    pub port: u16,
}

/// A pattern for targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
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
    /// 80 or 443, by the scheme.
    OfScheme,
    Any,
    /// The end is not in it.
    Within(Range<u32>),
}

/// Why a text is no pattern for targets, or no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// Without a scheme, `*` would be ports of mail servers too.
    #[error("begin it with its scheme, as in `https://api.example.com`")]
    NoScheme,
    /// Another scheme.
    #[error("the scheme `{0}` is not known here: `http`, `https`, or `*` for both")]
    Scheme(String),
    /// A user or a password.
    #[error("a user or a password does not belong here")]
    User,
    /// A path.
    #[error("a path does not belong here: what may be reached is a scheme, a host and a port")]
    Path,
    /// No host.
    #[error("`{0}` is not a host: write a name, `*.name`, an address, or a network as `10.1.0.0/16`")]
    Host(String),
    /// No port.
    #[error("`{0}` is not a port: write a number from 1 to 65535, a range as `8000..8010`, or `*`")]
    Port(String),
}

impl Scheme {
    /// The port where none is named.
    pub fn port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    fn parse(text: &str) -> Result<Scheme, DestinationError> {
        match text.to_ascii_lowercase().as_str() {
            "http" => Ok(Scheme::Http),
            "https" => Ok(Scheme::Https),
            _ => Err(DestinationError::Scheme(text.to_owned())),
        }
    }
}

impl Target {
    /// What a URI names by its `scheme` and `authority`. An address is recognised in every spelling in which a browser would
    /// (`0x7f.1`, `2130706433`, `[::ffff:7f00:1]`).
    pub fn parse(scheme: &str, authority: &str) -> Result<Target, DestinationError> {
        let scheme = Scheme::parse(scheme)?;
        if authority.contains('@') {
            return Err(DestinationError::User);
        }
        let (host, port) = split_port(authority);
        let port = match port {
            Some(port) => parse_port(port)?,
            None => scheme.port(),
        };
        Ok(Target { scheme, host: parse_host(host)?, port })
    }

    /// The address, if it is one.
    pub fn address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }

    /// Host and port, as in a URI: the port only where it is not the scheme's.
    pub fn authority(&self) -> String {
        if self.port == self.scheme.port() { self.host.to_string() } else { format!("{}:{}", self.host, self.port) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme.as_str(), self.authority())
    }
}

impl Destination {
    /// Every target there is.
    pub fn everything() -> Destination {
        Destination { scheme: None, host: HostPattern::Any, port: PortPattern::Any }
    }

    /// Reads a pattern: `scheme://host[:port]`, with `*` for any of the three, `*.name` for what is below a name, a network
    /// in place of the host, and a range of ports as `8000..8010`, of which the last is not in it.
    pub fn parse(text: &str) -> Result<Destination, DestinationError> {
        let (scheme, rest) = text.split_once("://").ok_or(DestinationError::NoScheme)?;
        let scheme = if scheme == "*" { None } else { Some(Scheme::parse(scheme)?) };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err(DestinationError::User);
        }
        let (host, port) = split_port(rest);
        let port = match port {
            None => PortPattern::OfScheme,
            Some("*") => PortPattern::Any,
            Some(port) => PortPattern::Within(port_range(port)?),
        };
        Ok(Destination { scheme, host: HostPattern::parse(host)?, port })
    }

    /// Whether it names `target`.
    pub fn names(&self, target: &Target) -> bool {
        self.scheme.is_none_or(|scheme| scheme == target.scheme)
            && self.host.names(&target.host, target.address())
            && match &self.port {
                PortPattern::OfScheme => target.port == target.scheme.port(),
                PortPattern::Any => true,
                PortPattern::Within(ports) => ports.contains(&target.port.into()),
            }
    }

    /// Whether every target that `other` names is named by this one too.
    pub fn covers(&self, other: &Destination) -> bool {
        let schemes = [Scheme::Http, Scheme::Https];
        let mut others = schemes.into_iter().filter(|scheme| other.scheme.is_none_or(|own| own == *scheme));
        self.host.covers(&other.host)
            && others.all(|scheme| {
                let (own, of_other) = (self.port.of(scheme), other.port.of(scheme));
                self.scheme.is_none_or(|own| own == scheme) && own.start <= of_other.start && of_other.end <= own.end
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
    fn parse(text: &str) -> Result<HostPattern, DestinationError> {
        let no_host = || DestinationError::Host(text.to_owned());
        if text == "*" {
            return Ok(HostPattern::Any);
        }
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(network) = bare.parse::<IpNet>() {
            return Ok(HostPattern::Network(network.trunc()));
        }
        if let Some((host, _)) = text.split_once('/') {
            return Err(if parse_host(host).is_ok() { DestinationError::Path } else { no_host() });
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

    fn names(&self, host: &Host<String>, address: Option<IpAddr>) -> bool {
        match (self, host, address) {
            (HostPattern::Any, ..) => true,
            (HostPattern::Below(name), Host::Domain(host), None) => is_below(host, name),
            (HostPattern::Name(name), Host::Domain(host), None) => name == host,
            (HostPattern::Network(network), _, Some(address)) => network.contains(&address),
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
            PortPattern::OfScheme => u32::from(scheme.port())..u32::from(scheme.port()) + 1,
            PortPattern::Any => 1..1 << 16,
            PortPattern::Within(ports) => ports.clone(),
        }
    }
}

fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).and_then(|before| before.strip_suffix('.')).is_some_and(|before| !before.is_empty())
}

/// What stands after the last colon that is not within brackets.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    }
}

fn parse_port(text: &str) -> Result<u16, DestinationError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|port| is_number && *port != 0);
    port.ok_or_else(|| DestinationError::Port(text.to_owned()))
}

fn port_range(text: &str) -> Result<Range<u32>, DestinationError> {
    let Some((start, end)) = text.split_once("..") else {
        let port = u32::from(parse_port(text)?);
        return Ok(port..port + 1);
    };
    let (start, end) = (u32::from(parse_port(start)?), u32::from(parse_port(end)?));
    if start < end { Ok(start..end) } else { Err(DestinationError::Port(text.to_owned())) }
}

fn parse_host(text: &str) -> Result<Host<String>, DestinationError> {
    let no_host = || DestinationError::Host(text.to_owned());
    // `url` decodes `%2e`; an authority has no such thing.
    if text.contains(['%', '*']) {
        return Err(no_host());
    }
    match Host::parse(text).map_err(|_| no_host())? {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(&name).to_owned();
            if name.is_empty() || name.split('.').any(str::is_empty) { Err(no_host()) } else { Ok(Host::Domain(name)) }
        }
        address => Ok(address),
    }
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
        ] {
            assert_eq!(destination(allowed).covers(&destination(asked)), expected, "{allowed} {asked}");
        }
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, expected) in [
            ("api.example.com", "begin it with its scheme, as in `https://api.example.com`"),
            ("redis://cache:6379", "the scheme `redis` is not known here: `http`, `https`, or `*` for both"),
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
    fn a_target_is_one_thing_however_it_is_spelled() {
        let loopback = target("http://127.0.0.1");
        for spelled in
            ["http://0x7f.1", "http://2130706433", "http://017700000001", "http://127.0.0.1:80", "HTTP://127.1"]
        {
            assert_eq!(target(spelled), loopback, "{spelled}");
        }
        assert_eq!(target("https://[::1]:8443").authority(), "[::1]:8443");
        assert_eq!(target("https://Example.ORG.").to_string(), "https://example.org");
        for wrong in ["a@b", "b:0", "b:+80", "b:", "b:65536", "a b", "..", "a..b", "", "[::1", "a%2eb", "*"] {
            assert!(Target::parse("http", wrong).is_err(), "{wrong}");
        }
    }
}
