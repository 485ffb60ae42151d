//! The values that an operator types: addresses, and words out of a few.

use std::fmt;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use ipnet::IpNet;
use serde::Deserialize;

/// Where to listen: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, or `*:8080` for every interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(pub SocketAddr);

/// Where visitors come in: an address, or `unix:PATH`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Door {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket at this path.
    Unix(PathBuf),
}

/// A proxy whose word is taken: an address, a network such as `10.0.0.0/8`, or `unix` for whoever comes through a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Proxy {
    /// Addresses.
    Network(IpNet),
    /// A Unix socket.
    Unix,
}

/// A host as `--domain` and `--host` take it: lower case, no scheme, no port, no path, no trailing dot.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HostName(String);

/// Where health is asked for: `unix:PATH`, an address, or `off`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum AdminAddress {
    /// A Unix socket at this path.
    Unix(PathBuf),
    /// A TCP address.
    Tcp(SocketAddr),
    /// Nowhere.
    Off,
}

/// Whether `/shop/` on a shared host leads to `shop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PathRoutes {
    /// Always.
    On,
    /// Never.
    Off,
    /// On while every listener is loopback and no domain is given.
    Auto,
}

/// How changes in the apps folder are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Watch {
    /// Events where the file system has them, else looking every second.
    Auto,
    /// Events.
    Events,
    /// Looking every second.
    Poll,
}

/// How `check` writes what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// A file that `check` can look at: its name and what lies beside it are part of the question.
pub fn component_file(path: PathBuf) -> Result<PathBuf, String> {
    match path.as_os_str() == "-" {
        true => Err("standard input has no name and no manifest beside it: name a file".to_owned()),
        false => Ok(path),
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        let port = |host: &str| text.strip_prefix(host)?.parse::<u16>().ok();
        if let Some(port) = port("*:") {
            return Ok(Address((Ipv4Addr::UNSPECIFIED, port).into()));
        }
        if let Some(port) = port("localhost:") {
            return Ok(Address((Ipv4Addr::LOCALHOST, port).into()));
        }
        let advice = "write ADDRESS:PORT, such as `127.0.0.1:8080`, `[::1]:8080` or `*:8080`";
        text.parse().map(Address).map_err(|_| format!("`{text}` is not an address to listen on: {advice}"))
    }
}

impl FromStr for Door {
    type Err = String;

    fn from_str(text: &str) -> Result<Door, String> {
        match text.strip_prefix("unix:") {
            Some("") => Err("`unix:` needs a path, such as `unix:/run/guesthouse/http.sock`".to_owned()),
            Some(path) => Ok(Door::Unix(PathBuf::from(path))),
            None => text.parse().map(|Address(address)| Door::Tcp(address)),
        }
    }
}

impl FromStr for Proxy {
    type Err = String;

    fn from_str(text: &str) -> Result<Proxy, String> {
        if text == "unix" {
            return Ok(Proxy::Unix);
        }
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let advice = "write an address, a network such as `10.0.0.0/8`, or `unix`";
        network.map(Proxy::Network).map_err(|_| format!("`{text}` is not a proxy's address: {advice}"))
    }
}

impl TryFrom<String> for Door {
    type Error = String;

    fn try_from(text: String) -> Result<Door, String> {
        text.parse()
    }
}

impl TryFrom<String> for Proxy {
    type Error = String;

    fn try_from(text: String) -> Result<Proxy, String> {
        text.parse()
    }
}

impl FromStr for AdminAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<AdminAddress, String> {
        if text == "off" {
            return Ok(AdminAddress::Off);
        }
        match text.strip_prefix("unix:") {
            Some("") => Err("`unix:` needs a path, such as `unix:/run/guesthouse/admin.sock`".to_owned()),
            Some(path) => Ok(AdminAddress::Unix(PathBuf::from(path))),
            None => text.parse().map(|Address(address)| AdminAddress::Tcp(address)),
        }
    }
}

impl TryFrom<String> for AdminAddress {
    type Error = String;

    fn try_from(text: String) -> Result<AdminAddress, String> {
        text.parse()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for HostName {
    type Err = String;

    fn from_str(text: &str) -> Result<HostName, String> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let labels_fit = name.split('.').all(|label| (1..=63).contains(&label.len()));
        if name.bytes().all(legal) && labels_fit && name.len() <= 253 {
            Ok(HostName(name))
        } else {
            Err(format!("`{text}` is not a host name: write it bare, such as `example.org`"))
        }
    }
}

impl TryFrom<String> for HostName {
    type Error = String;

    fn try_from(text: String) -> Result<HostName, String> {
        text.parse()
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let found = text.parse::<Address>().map(|address| address.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text}");
    }

    #[test]
    fn addresses() {
        check("127.0.0.1:8080", Ok("127.0.0.1:8080"));
        check("[::1]:0", Ok("[::1]:0"));
        check("localhost:80", Ok("127.0.0.1:80"));
        check("*:80", Ok("0.0.0.0:80"));
        let advice = "write ADDRESS:PORT, such as `127.0.0.1:8080`, `[::1]:8080` or `*:8080`";
        for wrong in ["8080", "127.0.0.1", "example.org:80", "*:70000", ""] {
            check(wrong, Err(&format!("`{wrong}` is not an address to listen on: {advice}")));
        }
    }

    #[test]
    fn admin_addresses() {
        assert_eq!("unix:/run/x".parse(), Ok(AdminAddress::Unix(PathBuf::from("/run/x"))));
        assert_eq!("off".parse(), Ok(AdminAddress::Off));
        assert_eq!("[::1]:9000".parse(), Ok(AdminAddress::Tcp("[::1]:9000".parse().unwrap())));
        assert!("unix:".parse::<AdminAddress>().is_err());
    }

    #[test]
    fn host_names() {
        assert_eq!("Example.ORG.".parse(), Ok(HostName("example.org".to_owned())));
        for wrong in ["", ".", "http://x", "x:80", "x/y", "a..b", "käse"] {
            assert_eq!(
                wrong.parse::<HostName>(),
                Err(format!("`{wrong}` is not a host name: write it bare, such as `example.org`"))
            );
        }
    }
}
