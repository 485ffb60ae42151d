//! A bound socket: bound before anything else is set up, so that a taken port is known at once.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;

use crate::listen::stream::Plain;
use crate::listen::unix_socket::SocketFile;
use crate::listen::unix_socket::bind_unix;

/// Callers whom the kernel keeps waiting while we are busy. The kernel cuts it to `net.core.somaxconn`.
const BACKLOG: i32 = 1024;

/// Who may connect to a Unix socket: its owner and its group, which a proxy can be put into.
const SOCKET_MODE: u32 = 0o660;

/// Where to listen, and what is spoken there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Where.
    pub place: BindAddress,
    /// What.
    pub protocol: ListenerProtocol,
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindAddress {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket at this path.
    Unix(PathBuf),
    /// The socket with this number among those that the service manager has bound for us (sd_listen_fds(3)).
    Inherited(usize),
}

/// What is spoken on a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenerProtocol {
    /// HTTP/1 and HTTP/2 as they are.
    Http,
    /// The same below TLS.
    Https,
    /// HTTP, and every answer sends the visitor to HTTPS.
    Redirect,
}

/// A bound socket that nobody accepts from yet.
#[derive(Debug)]
pub struct Listener {
    socket: Bound,
    endpoint: Endpoint,
}

#[derive(Debug)]
enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener, Option<SocketFile>),
}

/// A socket that visitors are accepted from. A Unix socket's file goes with it.
pub enum Accepting {
    /// TCP.
    Tcp(tokio::net::TcpListener),
    /// Unix.
    Unix(tokio::net::UnixListener, Option<SocketFile>),
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {cause}")]
pub struct ListenError {
    /// What was asked for.
    pub address: String,
    /// The system's answer, and advice.
    pub cause: String,
}

impl Listener {
    /// Binds what is not inherited, for visitors; port 0 takes a free one.
    pub fn bind(endpoint: Endpoint) -> Result<Listener, ListenError> {
        Listener::bind_as(endpoint, SOCKET_MODE, "--listen")
    }

    /// The same, with the permissions of a Unix socket, and the flag with which another place can be chosen.
    pub fn bind_as(endpoint: Endpoint, socket_mode: u32, flag: &str) -> Result<Listener, ListenError> {
        let told = |error| ListenError::new(&endpoint.place, &error, flag);
        let (socket, place) = match &endpoint.place {
            BindAddress::Tcp(address) => {
                let socket = bind_tcp(*address).map_err(told)?;
                let place = BindAddress::Tcp(socket.local_addr().map_err(told)?);
                (Bound::Tcp(socket), place)
            }
            BindAddress::Unix(path) => {
                let (socket, file) = bind_unix(path, socket_mode).map_err(told)?;
                (Bound::Unix(socket, Some(file)), endpoint.place.clone())
            }
            BindAddress::Inherited(_) => {
                return Err(told(io::Error::other("no such socket was passed to this process")));
            }
        };
        Ok(Listener { socket, endpoint: Endpoint { place, ..endpoint } })
    }

    /// Takes a TCP socket that somebody else has bound.
    pub fn of_tcp(socket: TcpListener, protocol: ListenerProtocol) -> io::Result<Listener> {
        socket.set_nonblocking(true)?;
        let place = BindAddress::Tcp(socket.local_addr()?);
        Ok(Listener { socket: Bound::Tcp(socket), endpoint: Endpoint { place, protocol } })
    }

    /// Takes a Unix socket that somebody else has bound. Its file is not ours to remove.
    pub fn of_unix(socket: UnixListener, protocol: ListenerProtocol) -> io::Result<Listener> {
        socket.set_nonblocking(true)?;
        let path = socket.local_addr()?.as_pathname().map(PathBuf::from).unwrap_or_default();
        Ok(Listener {
            socket: Bound::Unix(socket, None),
            endpoint: Endpoint { place: BindAddress::Unix(path), protocol },
        })
    }

    /// What was really bound.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Gives the socket to the runtime. It must be called within one.
    pub fn into_tokio(self) -> io::Result<Accepting> {
        Ok(match self.socket {
            Bound::Tcp(socket) => Accepting::Tcp(tokio::net::TcpListener::from_std(socket)?),
            Bound::Unix(socket, file) => Accepting::Unix(tokio::net::UnixListener::from_std(socket)?, file),
        })
    }
}

impl Accepting {
    /// The next visitor, and its address where it has one. Safe to drop.
    pub async fn accept(&self) -> io::Result<(Plain, Option<SocketAddr>)> {
        match self {
            Accepting::Tcp(socket) => socket.accept().await.map(|(stream, peer)| (Plain::Tcp(stream), Some(peer))),
            Accepting::Unix(socket, _) => socket.accept().await.map(|(stream, _)| (Plain::Unix(stream), None)),
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the connections of the host before it (TIME_WAIT). A port that is being listened on
    // is still refused.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

impl Endpoint {
    /// Plain HTTP on a TCP address.
    pub fn http(address: SocketAddr) -> Endpoint {
        Endpoint { place: BindAddress::Tcp(address), protocol: ListenerProtocol::Http }
    }

    /// Its TCP address, where it has one.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self.place {
            BindAddress::Tcp(address) => Some(address),
            BindAddress::Unix(_) | BindAddress::Inherited(_) => None,
        }
    }

    /// Whether only this machine can reach it by itself.
    pub fn is_loopback(&self) -> bool {
        matches!(self.place, BindAddress::Tcp(address) if address.ip().is_loopback())
    }
}

impl BindAddress {
    /// Its port, where it has one.
    pub fn port(&self) -> Option<u16> {
        match self {
            BindAddress::Tcp(address) => Some(address.port()),
            BindAddress::Unix(_) | BindAddress::Inherited(_) => None,
        }
    }
}

impl fmt::Display for BindAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BindAddress::Tcp(address) => address.fmt(formatter),
            BindAddress::Unix(path) => write!(formatter, "unix:{}", path.display()),
            BindAddress::Inherited(number) => write!(formatter, "the passed socket {number}"),
        }
    }
}

impl ListenError {
    /// Puts the system's answer into words, with advice where there is any.
    fn new(place: &BindAddress, error: &io::Error, flag: &str) -> ListenError {
        let cause = match (error.kind(), place) {
            (io::ErrorKind::AddrInUse, _) => {
                format!("address in use (another guesthouse? choose another with {flag})")
            }
            (io::ErrorKind::PermissionDenied, BindAddress::Tcp(_)) => {
                format!("permission denied (ports below 1024 need CAP_NET_BIND_SERVICE; choose another with {flag})")
            }
            (io::ErrorKind::AddrNotAvailable, _) => "this machine does not have that address".to_owned(),
            _ => error.to_string(),
        };
        ListenError { address: place.to_string(), cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_told_with_advice() {
        let first = Listener::bind(Endpoint::http("127.0.0.1:0".parse().unwrap())).unwrap();
        let error = Listener::bind(first.endpoint().clone()).unwrap_err();
        let expected = format!(
            "cannot listen on {}: address in use (another guesthouse? choose another with --listen)",
            first.endpoint().place
        );
        assert_eq!(error.to_string(), expected);
    }
}
