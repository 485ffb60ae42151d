//! Sockets that the service manager has bound for us (sd_listen_fds(3)): across a restart they stay open, and nobody who
//! calls in between is refused.

use std::io;

use listenfd::ListenFd;

use crate::listen::listener::BindAddress;
use crate::listen::listener::ListenError;
use crate::listen::listener::Listener;
use crate::listen::listener::ListenerProtocol;

/// The sockets that were passed to this process.
pub struct Inherited(ListenFd);

impl Inherited {
    /// No sockets.
    pub fn none() -> Inherited {
        Inherited(ListenFd::empty())
    }

    /// Takes them over, and out of the environment. To be called once, before there are threads.
    pub fn of_process() -> Inherited {
        Inherited(ListenFd::from_env())
    }

    /// The one with this number.
    pub fn take(&mut self, number: usize, protocol: ListenerProtocol) -> Result<Listener, ListenError> {
        let told = |error: io::Error| ListenError {
            address: BindAddress::Inherited(number).to_string(),
            cause: error.to_string(),
        };
        if let Ok(Some(socket)) = self.0.take_tcp_listener(number) {
            return Listener::of_tcp(socket, protocol).map_err(told);
        }
        match self.0.take_unix_listener(number) {
            Ok(Some(socket)) => Listener::of_unix(socket, protocol).map_err(told),
            Ok(None) => Err(told(io::Error::other("no such socket was passed to this process"))),
            Err(_) => Err(told(io::Error::other("it is neither a TCP nor a Unix stream socket"))),
        }
    }
}
