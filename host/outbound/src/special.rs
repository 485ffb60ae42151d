//! Addresses that are not the public internet's (the registries of special-purpose addresses, RFC 6890, and what clouds
//! answer at), seen through what embeds an IPv4 address in an IPv6 one.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use ipnet::IpNet;

/// Where a cloud tells whoever asks what its machine may do. Only a network of this one address opens it.
const METADATA: [&str; 5] = ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"];

/// Networks with what they are for, the narrower before the wider.
const SPECIAL: [(&str, &str); 31] = [
    ("0.0.0.0/8", "this machine"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by a carrier"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "a cloud's own"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocols"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relays"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarks"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "this machine"),
    ("::1/128", "loopback"),
    ("64:ff9b:1::/48", "translation to IPv4"),
    ("100::/64", "discard"),
    ("100:0:0:1::/64", "dummy"),
    ("2001:2::/48", "benchmarks"),
    ("2001:10::/28", "deprecated"),
    ("2001:20::/28", "identifiers"),
    ("2001:db8::/32", "documentation"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
];

/// A range that is not the public internet's, and the address that lies in it: the embedded one, where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Special {
    /// What was connected to, once all translation is done.
    pub address: IpAddr,
    /// The range.
    pub network: IpNet,
    /// What it is for.
    pub what: &'static str,
}

/// The special range that `address` leads to, if it does.
pub fn special(address: IpAddr) -> Option<Special> {
    let canonical = address.to_canonical();
    found(canonical).or_else(|| match canonical {
        IpAddr::V6(address) => embedded(address).into_iter().find_map(|address| found(address.into())),
        IpAddr::V4(_) => None,
    })
}

impl Special {
    /// Whether an operator who opens `network` means this address. A wide network opens no link-local address and nothing
    /// where a cloud keeps its machine's rights.
    pub fn is_opened_by(&self, network: &IpNet) -> bool {
        let is_metadata = METADATA.iter().any(|known| known.parse() == Ok(self.address));
        let least = match (is_metadata, self.what) {
            (true, _) => network.max_prefix_len(),
            (false, "link-local") => self.network.prefix_len(),
            (false, _) => 0,
        };
        network.contains(&self.address) && network.prefix_len() >= least
    }
}

fn found(address: IpAddr) -> Option<Special> {
    let mut all = SPECIAL.iter().filter_map(|(network, what)| Some((network.parse::<IpNet>().ok()?, *what)));
    all.find(|(network, _)| network.contains(&address)).map(|(network, what)| Special { address, network, what })
}

/// IPv4 addresses that a router or a tunnel would take out of `address`: NAT64 (RFC 6052, 8215), 6to4 (RFC 3056), Teredo
/// (RFC 4380, its client's address inverted), ISATAP (RFC 5214) and IPv4-compatible ones (RFC 4291).
fn embedded(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let bits = address.to_bits();
    let at = |shift: u32| Ipv4Addr::from_bits((bits >> shift) as u32);
    let segments = address.segments();
    let mut all = Vec::new();
    match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => all.push(at(0)),
        [0x2002, ..] => all.push(at(80)),
        [0x2001, 0, ..] => all.extend([at(64), Ipv4Addr::from_bits(!(bits as u32))]),
        [0, 0, 0, 0, 0, 0, ..] => all.push(at(0)),
        _ => {}
    }
    if matches!(segments, [_, _, _, _, 0 | 0x200, 0x5efe, ..]) {
        all.push(at(0));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> Option<&'static str> {
        special(address.parse().unwrap()).map(|special| special.what)
    }

    #[test]
    fn every_special_range_is_known_in_every_spelling() {
        for (address, what) in [
            ("0.0.0.0", "this machine"),
            ("10.0.0.1", "private"),
            ("100.64.0.1", "shared by a carrier"),
            ("127.255.255.254", "loopback"),
            ("168.63.129.16", "a cloud's own"),
            ("169.254.169.254", "link-local"),
            ("172.31.255.254", "private"),
            ("192.0.0.192", "protocols"),
            ("192.168.1.1", "private"),
            ("198.19.0.1", "benchmarks"),
            ("224.0.0.1", "multicast"),
            ("255.255.255.255", "reserved"),
            ("::", "this machine"),
            ("::1", "loopback"),
            ("::ffff:10.0.0.1", "private"),
            ("::7f00:1", "loopback"),
            ("64:ff9b::a9fe:a9fe", "link-local"),
            ("64:ff9b:1::a00:1", "translation to IPv4"),
            ("2002:7f00:1::1", "loopback"),
            ("2001:0:7f00:1::", "loopback"),
            ("2001:0:808:808::f5ff:fffe", "private"),
            ("2a00::5efe:a00:1", "private"),
            ("fd00:ec2::254", "private"),
            ("fe80::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
            ("2001:db8::1", "documentation"),
        ] {
            assert_eq!(of(address), Some(what), "{address}");
        }
        for address in
            ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1", "172.32.0.1"]
        {
            assert_eq!(of(address), None, "{address}");
        }
    }

    #[test]
    fn what_a_cloud_answers_at_is_opened_by_its_one_address_only() {
        for (address, network, expected) in [
            ("10.1.2.3", "10.0.0.0/8", true),
            ("10.1.2.3", "0.0.0.0/0", true),
            ("10.1.2.3", "10.2.0.0/16", false),
            ("::ffff:10.1.2.3", "10.0.0.0/8", true),
            ("169.254.169.254", "0.0.0.0/0", false),
            ("169.254.169.254", "169.254.0.0/16", false),
            ("169.254.169.254", "169.254.169.254/32", true),
            ("64:ff9b::a9fe:a9fe", "::/0", false),
            ("169.254.1.1", "0.0.0.0/0", false),
            ("169.254.1.1", "169.254.0.0/16", true),
            ("fe80::1", "::/0", false),
            ("fd00:ec2::254", "fc00::/7", false),
            ("100.100.100.200", "100.64.0.0/10", false),
            ("192.0.0.192", "192.0.0.0/24", false),
        ] {
            let special = special(address.parse().unwrap()).unwrap();
            assert_eq!(special.is_opened_by(&network.parse().unwrap()), expected, "{address} {network}");
        }
    }
}
