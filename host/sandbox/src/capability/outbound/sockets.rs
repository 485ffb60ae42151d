//! TCP sockets of one instance: each is asked about here before wasmtime's own functions see it, in 0.2 and 0.3 alike.

use std::collections::HashMap;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use guesthouse_outbound::error::OutboundError;
use guesthouse_outbound::permits::Permits;
use guesthouse_outbound::tcp::Name;
use guesthouse_outbound::tcp::Tcp;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::WasiView;
use wasmtime_wasi::sockets::SocketAddrUse;

use crate::capability::outbound::note::Notes;

/// Sockets that one instance may have at once.
const SOCKETS_MAX: usize = 16;

/// Addresses of which an instance is remembered to know the name. Whoever has more looks them up again.
const ADDRESSES_MAX: usize = 1024;

/// A store whose guest may have sockets.
pub(crate) trait SocketsView: WasiView {
    fn tcp(&mut self) -> &mut Sockets;
}

/// What one instance has of them.
pub(crate) struct Sockets {
    /// Nothing, if nothing was granted.
    granted: Option<Arc<Tcp>>,
    notes: Notes,
    /// The names by which it found addresses.
    names: HashMap<IpAddr, Vec<Name>>,
    /// Its sockets, by number.
    open: HashMap<u32, Permits>,
}

/// Why the guest does not get what it asked for, as far as `wasi:sockets` has words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Denied,
    Invalid,
    NotFound,
    NotFoundInTime,
    TooMany,
}

pub(crate) type Looking = Pin<Box<dyn Future<Output = Result<Found, OutboundError>> + Send>>;

/// The addresses of what was looked up, and the name that led to them.
pub(crate) type Found = (Option<Name>, Vec<IpAddr>);

/// Lets wasmtime's own functions connect: where to, is asked before. Nothing is bound and nobody listens.
pub(crate) fn allow(wasi: &mut WasiCtxBuilder) {
    wasi.allow_tcp(true).socket_addr_check(|address, used_for| {
        let is_open = match used_for {
            SocketAddrUse::TcpConnect => true,
            // So it is asked before a connection, too.
            SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
            _ => false,
        };
        Box::pin(std::future::ready(is_open))
    });
}

impl Sockets {
    pub(crate) fn new(granted: Option<Arc<Tcp>>, notes: Notes) -> Sockets {
        Sockets { granted, notes, names: HashMap::new(), open: HashMap::new() }
    }

    /// Begins to look `name` up. What comes of it is to be given to `found`.
    pub(crate) fn look_up(&self, name: String) -> Looking {
        match &self.granted {
            Some(tcp) => Box::pin(tcp.clone().resolve(name)),
            None => Box::pin(std::future::ready(Err(OutboundError::NotGranted(name)))),
        }
    }

    /// The addresses that the guest is told.
    pub(crate) fn found(&mut self, found: Result<Found, OutboundError>) -> Result<Vec<IpAddr>, Refusal> {
        let (name, addresses) = found.map_err(|why| self.refuse("look-up", &why))?;
        if self.names.len() + addresses.len() > ADDRESSES_MAX {
            self.names.clear();
        }
        if let Some(name) = name {
            for address in &addresses {
                let names = self.names.entry(*address).or_default();
                if !names.contains(&name) {
                    names.push(name.clone());
                }
            }
        }
        Ok(addresses)
    }

    /// For one more socket.
    pub(crate) fn room(&mut self) -> Result<Permits, Refusal> {
        let room = match &self.granted {
            None => Err(OutboundError::NotGranted("a TCP connection".to_owned())),
            Some(_) if self.open.len() >= SOCKETS_MAX => {
                Err(OutboundError::Connections { whose: "the instance's", most: SOCKETS_MAX })
            }
            Some(tcp) => tcp.take(),
        };
        room.map_err(|why| self.refuse("connection", &why))
    }

    /// The socket `number` is there.
    pub(crate) fn opened(&mut self, number: u32, permits: Permits) {
        self.open.insert(number, permits);
    }

    /// And is gone.
    pub(crate) fn closed(&mut self, number: u32) {
        self.open.remove(&number);
    }

    /// Whether one may be connected to `address`.
    pub(crate) fn check(&self, address: SocketAddr) -> Result<(), Refusal> {
        let Some(tcp) = &self.granted else { return Err(Refusal::Denied) };
        let names = self.names.get(&address.ip().to_canonical()).map_or(&[][..], Vec::as_slice);
        let target = tcp.check(address, names).map_err(|why| self.refuse("connection", &why))?;
        let note = self.notes.now();
        if let Some(needed) = tcp.needed(note.app(), &target) {
            note.tell(&needed);
        }
        Ok(())
    }

    fn refuse(&self, what: &str, why: &OutboundError) -> Refusal {
        self.notes.now().failed(what, why);
        match why {
            OutboundError::Uri { .. } => Refusal::Invalid,
            OutboundError::Lookup { .. } => Refusal::NotFound,
            OutboundError::LookupTimeout { .. } => Refusal::NotFoundInTime,
            OutboundError::Connections { .. } => Refusal::TooMany,
            _ => Refusal::Denied,
        }
    }
}
