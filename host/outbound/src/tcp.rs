//! Connections of a guest's own protocols: what it may look up, where it may connect to, and TLS for it.
//!
//! The guest's sockets are wasmtime's; each asks here first. A name is looked up if a place that is asked for has it, and an
//! address is connected to if it is asked for itself, or came from such a name with that port.

use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use guesthouse_types::target::Scheme;
use guesthouse_types::target::Target;
use guesthouse_types::target::parse_host;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host as Named;

use crate::error::OutboundError;
use crate::internal::app_called;
use crate::lookup::check;
use crate::lookup::look_up;
use crate::permits::Connections;
use crate::permits::Permits;
use crate::rules::Rules;
use crate::trust::TrustError;

/// What one app's revision has of TCP.
pub struct Tcp {
    rules: Rules,
    connections: Connections,
    connect_within: Duration,
    tls: Arc<ClientConfig>,
    /// Why nobody is trusted, if that is so.
    untrusting: Option<TrustError>,
}

/// A name that was looked up, in its one spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Tcp {
    /// With connections out of `connections`. Blocks, where certificates must be read.
    pub fn new(connections: Connections, rules: Rules, connect_within: Duration) -> Tcp {
        let (tls, untrusting) = connections.host().tls_of_one_app();
        Tcp { rules, connections, connect_within, tls: Arc::new(tls), untrusting }
    }

    /// The addresses of `name`, which may be an address itself; and the name that they then stand for.
    pub async fn resolve(self: Arc<Tcp>, name: String) -> Result<(Option<Name>, Vec<IpAddr>), OutboundError> {
        if let Ok(address) = name.parse::<Ipv6Addr>() {
            return Ok((None, vec![address.into()]));
        }
        let wrong = |why| OutboundError::Uri { uri: name.clone(), why };
        match parse_host(&name).map_err(wrong)? {
            Named::Ipv4(address) => Ok((None, vec![address.into()])),
            Named::Ipv6(address) => Ok((None, vec![address.into()])),
            Named::Domain(name) => {
                let host = Named::Domain(name.clone());
                if !self.rules.destinations.iter().any(|asked| asked.is_tcp() && asked.names_host(&host)) {
                    return Err(OutboundError::NameNotAsked { name });
                }
                if app_called(&name).is_some() {
                    let why = "apps of this host are asked by HTTP".to_owned();
                    return Err(OutboundError::Lookup { name, why });
                }
                let found = look_up(self.connections.host(), &name).await?;
                Ok((Some(Name(name)), found.into_iter().map(|address| address.to_canonical()).collect()))
            }
        }
    }

    /// Whether a connection may be made to `address`, which was found by `names`; and what it is called then.
    pub fn check(&self, address: SocketAddr, names: &[Name]) -> Result<Target, OutboundError> {
        let literal = match address.ip().to_canonical() {
            IpAddr::V4(address) => Named::Ipv4(address),
            IpAddr::V6(address) => Named::Ipv6(address),
        };
        let named = names.iter().map(|Name(name)| Named::Domain(name.clone()));
        let mut refused = None;
        for host in named.chain([literal]) {
            let target = Target { scheme: Scheme::Tcp, host, port: address.port() };
            let checked =
                self.rules.check(&target).and_then(|()| check(self.connections.host(), &self.rules, &target, address));
            match checked {
                Ok(()) => return Ok(target),
                // What is said of a name says more than what is said of its address.
                Err(why) => refused = refused.or(Some(why)),
            }
        }
        Err(refused.expect("a literal was tried at least"))
    }

    /// What a connection of `app` to `target` needs in its manifest, where everything is let out without one.
    pub fn needed(&self, app: &str, target: &Target) -> Option<String> {
        self.rules.any_host_is_private.then(|| self.connections.host().wanted.add(app, target))?
    }

    /// For one more socket.
    pub fn take(&self) -> Result<Permits, OutboundError> {
        self.connections.take()
    }

    /// Speaks TLS over `transport`, to whoever has a certificate for `name`.
    pub async fn secure<S>(self: Arc<Tcp>, name: String, transport: S) -> Result<TlsStream<S>, OutboundError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let failed = |why: String| OutboundError::Handshake { name: name.clone(), why };
        if let Some(why) = &self.untrusting {
            return Err(failed(why.to_string()));
        }
        let server = ServerName::try_from(name.clone()).map_err(|why| failed(why.to_string()))?;
        let handshake = TlsConnector::from(self.tls.clone()).connect(server, transport);
        let done = timeout(self.connect_within, handshake).await;
        let late = |_| OutboundError::HandshakeTimeout { name: name.clone(), after: self.connect_within };
        done.map_err(late)?.map_err(|why| failed(why.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use guesthouse_types::destination::Destination;

    use super::*;
    use crate::host::Host;
    use crate::host::HostSettings;

    fn tcp(asked: &[&str], networks: &[&str]) -> Arc<Tcp> {
        let settings = HostSettings::default();
        settings.own.add("127.0.0.1:8080".parse().unwrap());
        let rules = Rules {
            destinations: asked.iter().map(|text| Destination::parse_tcp(text).unwrap()).collect(),
            private_networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
            any_host_is_private: false,
        };
        let connections = Connections::new(&Arc::new(Host::new(&settings)), 2);
        Arc::new(Tcp::new(connections, rules, Duration::from_secs(1)))
    }

    #[tokio::test]
    async fn only_names_that_are_asked_for_are_looked_up() {
        let tcp = tcp(&["localhost:5432", "10.1.0.0/16:6379"], &[]);
        let (name, found) = tcp.clone().resolve("LOCALHOST.".to_owned()).await.unwrap();
        assert_eq!(name, Some(Name("localhost".to_owned())));
        assert!(found.iter().all(IpAddr::is_loopback) && !found.is_empty(), "{found:?}");
        let refused = tcp.clone().resolve("data-to-carry-out.example".to_owned()).await.unwrap_err().to_string();
        assert_eq!(
            refused,
            "`data-to-carry-out.example` is not looked up: no place in its `[outbound] tcp` is there; add \
             \"data-to-carry-out.example:PORT\", and the operator's policy must allow it"
        );
        for literal in ["10.1.2.3", "::1", "0x7f.1", "[::1]"] {
            assert_eq!(tcp.clone().resolve(literal.to_owned()).await.unwrap().0, None, "{literal}");
        }
    }

    #[test]
    fn addresses_are_those_of_names_with_their_ports() {
        let names = [Name("db.example.org".to_owned())];
        let both = tcp(&["db.example.org:5432", "10.1.0.0/16:6379", "127.0.0.1:8080"], &["10.0.0.0/8", "127.0.0.0/8"]);
        let check = |address: &str, names: &[Name]| {
            both.check(address.parse().unwrap(), names).map(|target| target.entry()).map_err(|why| why.to_string())
        };
        assert_eq!(check("203.0.114.7:5432", &names).unwrap(), "db.example.org:5432");
        assert_eq!(check("10.9.9.9:5432", &names).unwrap(), "db.example.org:5432");
        assert_eq!(check("[::ffff:10.1.2.3]:6379", &[]).unwrap(), "10.1.2.3:6379");
        for (address, names, why) in [
            ("203.0.114.7:5433", &names[..], "add \"db.example.org:5433\" there"),
            (
                "203.0.114.7:5432",
                &[],
                "tcp://203.0.114.7:5432 is not in its `[outbound] tcp`: add \"203.0.114.7:5432\"",
            ),
            ("192.168.0.1:5432", &names[..], "`private_networks = [\"192.168.0.1/32\"]`"),
            ("169.254.169.254:5432", &names[..], "`private_networks = [\"169.254.169.254/32\"]`"),
            ("127.0.0.1:8080", &[], "is this host itself, at 127.0.0.1:8080"),
        ] {
            let refused = check(address, names).unwrap_err();
            assert!(refused.contains(why), "{address}: {refused}");
        }
    }

    #[test]
    fn who_has_all_its_connections_is_refused_at_once() {
        let tcp = tcp(&[], &[]);
        let _held = [tcp.take().unwrap(), tcp.take().unwrap()];
        let refused = tcp.take().err().unwrap().to_string();
        assert_eq!(refused, "its 2 connections to the outside are all in use: `connections` under `[outbound]`");
    }
}
