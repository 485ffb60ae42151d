//! Which hosts a certificate speaks for (RFC 9525 section 6).

use std::net::IpAddr;

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::X509Certificate;

/// The subject alternative names of a certificate, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Whole names.
    pub exact: Vec<String>,
    /// What stands behind `*.`, which is for exactly one label.
    pub wildcards: Vec<String>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
}

impl Names {
    /// Those of a certificate. The common name does not count: no client reads it any more.
    pub fn of(certificate: &X509Certificate<'_>) -> Names {
        let mut names = Names::default();
        let Ok(Some(alternatives)) = certificate.subject_alternative_name() else { return names };
        for name in &alternatives.value.general_names {
            match name {
                GeneralName::DNSName(name) => match name.strip_prefix("*.") {
                    Some(parent) => names.wildcards.push(parent.to_ascii_lowercase()),
                    None => names.exact.push(name.to_ascii_lowercase()),
                },
                GeneralName::IPAddress(bytes) => names.addresses.extend(address(bytes)),
                _ => {}
            }
        }
        names
    }

    /// Whether a host, in lower case and without port and trailing dot, is covered. An IPv6 address may have its brackets.
    pub fn cover(&self, host: &str) -> bool {
        if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            return self.addresses.contains(&address);
        }
        let parent = host.split_once('.').map(|(_, parent)| parent);
        self.exact.iter().any(|name| name == host)
            || parent.is_some_and(|parent| self.wildcards.iter().any(|wildcard| wildcard == parent))
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_for_one_label() {
        let names = Names {
            exact: vec!["example.org".to_owned()],
            wildcards: vec!["apps.example.org".to_owned()],
            addresses: vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
        };
        for host in ["example.org", "shop.apps.example.org", "127.0.0.1", "[::1]", "::1"] {
            assert!(names.cover(host), "{host}");
        }
        for host in ["apps.example.org", "a.b.apps.example.org", "shop.example.org", "127.0.0.2", "", "org"] {
            assert!(!names.cover(host), "{host}");
        }
    }
}
