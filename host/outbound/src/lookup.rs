//! Names to addresses: once for each connection, and only addresses that may be reached come back.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::ToSocketAddrs as _;
use std::time::Duration;

use guesthouse_types::target::Target;
use tokio::time::timeout;

use crate::error::OutboundError;
use crate::host::Host;
use crate::rules::Rules;

/// How long a name is waited for.
const LOOKUP_WITHIN: Duration = Duration::from_secs(5);

/// More than so many addresses of one name are not tried.
const ADDRESSES_MAX: usize = 16;

/// The addresses of `target` that a connection may be made to: at least one.
pub async fn addresses(host: &Host, rules: &Rules, target: &Target) -> Result<Vec<SocketAddr>, OutboundError> {
    let found = match target.address() {
        Some(address) => vec![address],
        None => look_up(host, &target.host.to_string()).await?,
    };
    let mut refused = None;
    let mut open = Vec::new();
    for address in found.into_iter().take(ADDRESSES_MAX) {
        let address = SocketAddr::new(address, target.port);
        match check(host, rules, target, address) {
            Ok(()) => open.push(address),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    match refused {
        Some(error) if open.is_empty() => Err(error),
        _ => Ok(open),
    }
}

/// Whether a connection for `target` may be made to `address`.
pub(crate) fn check(host: &Host, rules: &Rules, target: &Target, address: SocketAddr) -> Result<(), OutboundError> {
    if host.own.are_at(address) {
        return Err(OutboundError::Itself { target: target.clone(), address });
    }
    rules.check_address(target, address.ip())
}

/// The addresses of `name`. Asks the system's resolver, in a thread of its own: so it follows the machine's own settings.
pub(crate) async fn look_up(host: &Host, name: &str) -> Result<Vec<IpAddr>, OutboundError> {
    let late = || OutboundError::LookupTimeout { name: name.to_owned(), after: LOOKUP_WITHIN };
    let asked = name.to_owned();
    let lookups = host.lookups.clone();
    let look_up = async move {
        // Held by the thread: whoever is not waited for any more still has one.
        let permit = lookups.acquire_owned().await.ok()?;
        let found = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            (asked.as_str(), 0).to_socket_addrs().map(|found| found.map(|address| address.ip()).collect::<Vec<_>>())
        });
        found.await.ok()
    };
    let not_found = |why: &str| OutboundError::Lookup { name: name.to_owned(), why: why.to_owned() };
    match timeout(LOOKUP_WITHIN, look_up).await.map_err(|_| late())? {
        Some(Ok(found)) if found.is_empty() => Err(not_found("it has no address")),
        Some(Ok(found)) => Ok(found),
        Some(Err(error)) => Err(not_found(&error.to_string())),
        None => Err(not_found("the host ends")),
    }
}

#[cfg(test)]
mod tests {
    use guesthouse_types::destination::Destination;

    use super::*;
    use crate::host::HostSettings;

    async fn found(networks: &[&str], target: &str, own: Option<&str>) -> Result<Vec<SocketAddr>, String> {
        let settings = HostSettings::default();
        own.iter().for_each(|own| settings.own.add(own.parse().unwrap()));
        let rules = Rules {
            destinations: Destination::everything().to_vec(),
            private_networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
            any_host_is_private: true,
        };
        let target = Target::parse("http", target).unwrap();
        addresses(&Host::new(&settings), &rules, &target).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn only_addresses_that_may_be_reached_come_back() {
        let refused = found(&[], "localhost:80", None).await.unwrap_err();
        assert!(refused.contains("(loopback): the operator opens that with"), "{refused}");
        let open = found(&["127.0.0.0/8"], "localhost:8080", None).await.unwrap();
        assert!(open.contains(&"127.0.0.1:8080".parse().unwrap()), "{open:?}");
        let literal = found(&["127.0.0.0/8"], "0x7f.1:8080", None).await.unwrap();
        assert_eq!(literal, ["127.0.0.1:8080".parse().unwrap()]);
        let itself = found(&["127.0.0.0/8"], "127.0.0.1:8080", Some("127.0.0.1:8080")).await.unwrap_err();
        assert!(itself.contains("is this host itself, at 127.0.0.1:8080"), "{itself}");
        let unknown = found(&[], "no-such-name.invalid", None).await.unwrap_err();
        assert!(unknown.starts_with("`no-such-name.invalid` was not found: "), "{unknown}");
    }
}
