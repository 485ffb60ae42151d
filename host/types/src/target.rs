//! Where an app goes outside: a scheme, a host and a port, each in its one spelling.

use std::fmt;
use std::net::IpAddr;

use url::Host;

/// How the other end is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// HTTP over bytes as they are.
    Http,
    /// HTTP over TLS.
    Https,
    /// The guest's own protocol over TCP.
    Tcp,
}

/// What a request or a connection of an app's names: one scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// A name in lower case, without the dot at its end and in ASCII, or an address.
    pub host: Host<String>,
    /// Never 0.
    pub port: u16,
}

/// Why a text is no target, or no pattern for targets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Without a scheme, `*` would be ports of mail servers too.
    #[error("begin it with its scheme, as in `https://api.example.com`")]
    NoScheme,
    /// Another scheme.
    #[error("the scheme `{0}` is not known here: `http`, `https`, `*` for both, or `tcp`")]
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
    /// TCP has no port that would be meant.
    #[error("name its port, as in `db.example.org:5432`")]
    NoPort,
    /// A whole list of hosts or ports, where each is to be named.
    #[error("write one name, address or network with one port, as in `db.example.org:5432`")]
    NotOne,
}

impl Scheme {
    /// The port where none is named.
    pub fn port(self) -> Option<u16> {
        match self {
            Scheme::Http => Some(80),
            Scheme::Https => Some(443),
            Scheme::Tcp => None,
        }
    }

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Tcp => "tcp",
        }
    }

    /// The key of `[outbound]` in a manifest that asks for it.
    pub fn key(self) -> &'static str {
        match self {
            Scheme::Http | Scheme::Https => "http",
            Scheme::Tcp => "tcp",
        }
    }

    /// Reads the name of one.
    pub(crate) fn parse(text: &str) -> Result<Scheme, TargetError> {
        match text.to_ascii_lowercase().as_str() {
            "http" => Ok(Scheme::Http),
            "https" => Ok(Scheme::Https),
            "tcp" => Ok(Scheme::Tcp),
            _ => Err(TargetError::Scheme(text.to_owned())),
        }
    }
}

impl Target {
    /// What a URI names by its `scheme` and `authority`. An address is recognised in every spelling in which a browser would
    /// (`0x7f.1`, `2130706433`, `[::ffff:7f00:1]`).
    pub fn parse(scheme: &str, authority: &str) -> Result<Target, TargetError> {
        let scheme = Scheme::parse(scheme)?;
        if authority.contains('@') {
            return Err(TargetError::User);
        }
        let (host, port) = split_port(authority);
        let port = match port {
            Some(port) => parse_port(port)?,
            None => scheme.port().ok_or(TargetError::NoPort)?,
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
        if Some(self.port) == self.scheme.port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// As a manifest asks for it, under its scheme's key.
    pub fn entry(&self) -> String {
        if self.scheme == Scheme::Tcp { self.authority() } else { self.to_string() }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme.as_str(), self.authority())
    }
}

/// What stands after the last colon that is not within brackets.
pub(crate) fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    }
}

/// A port: digits, and not 0.
pub(crate) fn parse_port(text: &str) -> Result<u16, TargetError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|port| is_number && *port != 0);
    port.ok_or_else(|| TargetError::Port(text.to_owned()))
}

/// A host by the URL standard: a name in its one spelling, or an address, IPv6 within brackets.
pub fn parse_host(text: &str) -> Result<Host<String>, TargetError> {
    let no_host = || TargetError::Host(text.to_owned());
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

    fn target(text: &str) -> Target {
        let (scheme, authority) = text.split_once("://").unwrap();
        Target::parse(scheme, authority).unwrap_or_else(|why| panic!("{text}: {why}"))
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
        assert_eq!(target("tcp://DB.example.org.:5432").entry(), "db.example.org:5432");
        for wrong in ["a@b", "b:0", "b:+80", "b:", "b:65536", "a b", "..", "a..b", "", "[::1", "a%2eb", "*"] {
            assert!(Target::parse("http", wrong).is_err(), "{wrong}");
        }
        assert_eq!(Target::parse("tcp", "db.example.org"), Err(TargetError::NoPort));
    }
}
