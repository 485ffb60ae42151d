//! A bound socket: bound before anything else is set up, so that a taken port is known at once.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;

/// Callers whom the kernel keeps waiting while we are busy. The kernel cuts it to `net.core.somaxconn`.
const BACKLOG: i32 = 1024;

/// A bound socket that nobody accepts from yet.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
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
    /// Binds; port 0 takes a free one.
    pub fn bind(address: SocketAddr) -> Result<Listener, ListenError> {
        let socket = bind(address).map_err(|error| ListenError::new(&address, &error))?;
        let address = socket.local_addr().map_err(|error| ListenError::new(&address, &error))?;
        Ok(Listener { socket, address })
    }

    /// The address that was really bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Gives the socket to the runtime. It must be called within one.
    pub fn into_tokio(self) -> io::Result<tokio::net::TcpListener> {
        tokio::net::TcpListener::from_std(self.socket)
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the connections of the host before it (TIME_WAIT). A port that is being listened on
    // is still refused.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

impl ListenError {
    /// Puts the system's answer into words, with advice where there is any.
    pub fn new(address: &dyn fmt::Display, error: &io::Error) -> ListenError {
        let cause = match error.kind() {
            io::ErrorKind::AddrInUse => "address in use (another guesthouse? choose a port with --listen)".to_owned(),
            io::ErrorKind::PermissionDenied => {
                "permission denied (ports below 1024 need CAP_NET_BIND_SERVICE; choose a port with --listen)".to_owned()
            }
            io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
            _ => error.to_string(),
        };
        ListenError { address: address.to_string(), cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_told_with_advice() {
        let first = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let error = Listener::bind(first.local_addr()).unwrap_err();
        let expected = format!(
            "cannot listen on {}: address in use (another guesthouse? choose a port with --listen)",
            first.local_addr()
        );
        assert_eq!(error.to_string(), expected);
    }
}
