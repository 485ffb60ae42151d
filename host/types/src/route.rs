//! A route as a manifest declares it: a host, and perhaps a prefix on it.

use std::fmt;
use std::net::IpAddr;

/// A route from a manifest: a host, and a prefix on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Declared {
    /// Lower case, without port and trailing dot.
    pub host: String,
    /// Empty for the whole host, or `/api`: no slash at its end.
    pub prefix: String,
}

impl fmt::Display for Declared {
    /// As people are shown it, `shop.example/api/`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}/", self.host, self.prefix)
    }
}

impl Declared {
    /// Reads `shop.example`, `shop.example/` or `shop.example/api`, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Declared, &'static str> {
        if text.contains("://") {
            return Err("leave out the scheme: write `shop.example/api`");
        }
        let (host, path) = text.split_once('/').unwrap_or((text, ""));
        if host.contains(':') {
            return Err("leave out the port: a route holds for every listener");
        }
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if host.parse::<IpAddr>().is_ok() {
            return Err("an address is shared by all apps: declare a host name");
        }
        if host.is_empty() || host.len() > 253 || !host.split('.').all(is_label) {
            return Err("not a host name");
        }
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.is_empty() {
            return Ok(Declared { host, prefix: String::new() });
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        for segment in path.split('/') {
            if segment.is_empty() || segment == "." || segment == ".." || !segment.bytes().all(plain) {
                return Err("a prefix is made of segments of `A-Z a-z 0-9 - . _ ~`");
            }
        }
        Ok(Declared { host, prefix: format!("/{path}") })
    }
}

fn is_label(label: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    !label.is_empty() && label.len() <= 63 && label.bytes().all(legal) && !label.starts_with('-')
}
