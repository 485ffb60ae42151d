//! The PROXY protocol, version 2: a proxy's first bytes, which say for whom it connects.
//!
//! Version 1 is a line of text that anybody who can speak HTTP could send by accident; it is not taken.

use std::io;
use std::net::IpAddr;

use ppp::v2::Addresses;
use ppp::v2::Command;
use ppp::v2::Header;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;

/// The signature, the version and command, the family, and the length of the rest.
const FIXED_BYTES: usize = 16;

/// Addresses and what is said about TLS; the protocol would allow 64 KiB.
const REST_BYTES_MAX: usize = 4096;

/// Reads the header, and nothing after it. `None` when the proxy speaks for itself, as for its own health checks, or for
/// one that has no address.
///
/// It waits as long as the proxy does: the caller has a deadline around it.
pub async fn read_header(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<IpAddr>> {
    let mut header = vec![0; FIXED_BYTES];
    stream.read_exact(&mut header).await?;
    let rest = usize::from(u16::from_be_bytes([header[14], header[15]]));
    if !header.starts_with(ppp::v2::PROTOCOL_PREFIX) || rest > REST_BYTES_MAX {
        return Err(invalid("it does not begin with a header of the PROXY protocol, version 2"));
    }
    header.resize(FIXED_BYTES + rest, 0);
    stream.read_exact(&mut header[FIXED_BYTES..]).await?;
    let header = Header::try_from(header.as_slice()).map_err(|error| invalid(&format!("its PROXY header: {error}")))?;
    Ok(match (header.command, header.addresses) {
        (Command::Local, _) => None,
        (Command::Proxy, Addresses::IPv4(addresses)) => Some(addresses.source_address.into()),
        (Command::Proxy, Addresses::IPv6(addresses)) => Some(IpAddr::from(addresses.source_address).to_canonical()),
        (Command::Proxy, Addresses::Unspecified | Addresses::Unix(_)) => None,
    })
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use ppp::v2::Builder;
    use ppp::v2::Protocol;
    use ppp::v2::Version;

    use super::*;

    async fn check(bytes: &[u8], expected: Result<Option<&str>, ()>) {
        let mut sent = bytes;
        let found = read_header(&mut sent).await;
        let expected = expected.map(|address| address.map(|address| address.parse().unwrap()));
        assert_eq!(found.map_err(drop), expected, "{}", bytes.escape_ascii());
        if expected.is_ok() {
            assert_eq!(sent, b"GET /", "what comes after is left alone");
        }
    }

    fn header(command: Command, addresses: impl Into<Addresses>) -> Vec<u8> {
        let mut header = Builder::with_addresses(Version::Two | command, Protocol::Stream, addresses).build().unwrap();
        header.extend(b"GET /");
        header
    }

    #[tokio::test]
    async fn headers() {
        let four = ("192.0.2.1:1".parse::<std::net::SocketAddr>().unwrap(), "192.0.2.2:2".parse().unwrap());
        let six = ("[2001:db8::1]:1".parse::<std::net::SocketAddr>().unwrap(), "[2001:db8::2]:2".parse().unwrap());
        check(&header(Command::Proxy, four), Ok(Some("192.0.2.1"))).await;
        check(&header(Command::Proxy, six), Ok(Some("2001:db8::1"))).await;
        check(&header(Command::Local, four), Ok(None)).await;
        check(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", Err(())).await;
        check(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\n", Err(())).await;
        check(&header(Command::Proxy, four)[..20], Err(())).await;
        let mut long = header(Command::Proxy, four);
        long[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
        check(&long, Err(())).await;
    }
}
