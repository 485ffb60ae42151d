//! The functions of `wasi:sockets@0.2` by which a guest gets to the outside: each asks first, and is wasmtime's own otherwise.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::vec;

use guesthouse_outbound::error::OutboundError;
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;
use wasmtime::component::Resource;
use wasmtime::component::ResourceType;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::Network;
use wasmtime_wasi::p2::Pollable;
use wasmtime_wasi::p2::SocketResult;
use wasmtime_wasi::p2::TcpSocket;
use wasmtime_wasi::p2::bindings::sockets::network::ErrorCode;
use wasmtime_wasi::p2::bindings::sockets::network::IpAddress;
use wasmtime_wasi::p2::bindings::sockets::network::IpAddressFamily;
use wasmtime_wasi::p2::bindings::sockets::network::IpSocketAddress;
use wasmtime_wasi::p2::bindings::sockets::tcp::HostTcpSocket;
use wasmtime_wasi::p2::bindings::sockets::tcp_create_socket::Host as _;
use wasmtime_wasi::p2::subscribe;
use wasmtime_wasi::sockets::WasiSocketsView as _;

use crate::capability::answer::answer;
use crate::capability::offered::VERSION_02;
use crate::capability::outbound::sockets::Found;
use crate::capability::outbound::sockets::Looking;
use crate::capability::outbound::sockets::Refusal;
use crate::capability::outbound::sockets::SocketsView;

/// Puts these in place of wasmtime's, which are linked already.
pub(crate) fn link<T: SocketsView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut names = linker.instance(&format!("wasi:sockets/ip-name-lookup@{VERSION_02}"))?;
    names.resource(
        "resolve-address-stream",
        ResourceType::host::<Addresses>(),
        |mut store: StoreContextMut<'_, T>, number| {
            store.data_mut().ctx().table.delete(Resource::<Addresses>::new_own(number))?;
            Ok(())
        },
    )?;
    names.func_wrap(
        "resolve-addresses",
        |mut store: StoreContextMut<'_, T>, (network, name): (Resource<Network>, String)| {
            answer(resolve_addresses(store.data_mut(), network, name))
        },
    )?;
    names.func_wrap(
        "[method]resolve-address-stream.resolve-next-address",
        |mut store: StoreContextMut<'_, T>, (addresses,): (Resource<Addresses>,)| {
            answer(resolve_next_address(store.data_mut(), addresses))
        },
    )?;
    names.func_wrap(
        "[method]resolve-address-stream.subscribe",
        |mut store: StoreContextMut<'_, T>, (addresses,): (Resource<Addresses>,)| {
            let pollable: Resource<DynPollable> = subscribe(store.data_mut().ctx().table, addresses)?;
            Ok((pollable,))
        },
    )?;
    let mut create = linker.instance(&format!("wasi:sockets/tcp-create-socket@{VERSION_02}"))?;
    create.func_wrap("create-tcp-socket", |mut store: StoreContextMut<'_, T>, (family,): (IpAddressFamily,)| {
        answer(create_tcp_socket(store.data_mut(), family))
    })?;
    let mut tcp = linker.instance(&format!("wasi:sockets/tcp@{VERSION_02}"))?;
    tcp.resource("tcp-socket", ResourceType::host::<TcpSocket>(), |mut store: StoreContextMut<'_, T>, number| {
        let state = store.data_mut();
        state.tcp().closed(number);
        HostTcpSocket::drop(&mut state.sockets(), Resource::new_own(number))
    })?;
    tcp.func_wrap_async(
        "[method]tcp-socket.start-bind",
        |_: StoreContextMut<'_, T>, _: (Resource<TcpSocket>, Resource<Network>, IpSocketAddress)| {
            // It has no address that would be its own.
            Box::new(async { answer::<(), ErrorCode>(Err(ErrorCode::AccessDenied.into())) })
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.start-connect",
        |mut store: StoreContextMut<'_, T>,
         (socket, network, address): (Resource<TcpSocket>, Resource<Network>, IpSocketAddress)| {
            answer(start_connect(store.data_mut(), socket, network, address))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

fn code(refusal: Refusal) -> ErrorCode {
    match refusal {
        Refusal::Denied => ErrorCode::AccessDenied,
        Refusal::Invalid => ErrorCode::InvalidArgument,
        Refusal::NotFound => ErrorCode::NameUnresolvable,
        Refusal::NotFoundInTime => ErrorCode::TemporaryResolverFailure,
        Refusal::TooMany => ErrorCode::NewSocketLimit,
    }
}

/// The resource `resolve-address-stream`.
struct Addresses(Resolving);

enum Resolving {
    Begun(Looking),
    Over(Option<Result<Found, OutboundError>>),
    Told(Result<vec::IntoIter<IpAddr>, Refusal>),
}

impl Addresses {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Resolving::Begun(looking) = &mut self.0 {
            let Poll::Ready(found) = looking.as_mut().poll(context) else { return Poll::Pending };
            self.0 = Resolving::Over(Some(found));
        }
        Poll::Ready(())
    }
}

#[async_trait]
impl Pollable for Addresses {
    async fn ready(&mut self) {
        std::future::poll_fn(|context| self.poll(context)).await;
    }
}

fn resolve_addresses<T: SocketsView>(
    state: &mut T,
    network: Resource<Network>,
    name: String,
) -> SocketResult<Resource<Addresses>> {
    let _granted = state.ctx().table.get(&network)?;
    let mut addresses = Addresses(Resolving::Begun(state.tcp().look_up(name)));
    // What is refused is told at once.
    if let Poll::Ready(()) = addresses.poll(&mut Context::from_waker(Waker::noop()))
        && let Some(Err(refusal)) = told(state, &mut addresses)
    {
        return Err(code(refusal).into());
    }
    Ok(state.ctx().table.push(addresses)?)
}

/// What is known of them, if it is: the instance remembers it, and the log is told, once.
fn told<'addresses, T: SocketsView>(
    state: &mut T,
    addresses: &'addresses mut Addresses,
) -> Option<Result<&'addresses mut vec::IntoIter<IpAddr>, Refusal>> {
    if let Resolving::Over(found) = &mut addresses.0 {
        let found = found.take()?;
        addresses.0 = Resolving::Told(state.tcp().found(found).map(Vec::into_iter));
    }
    match &mut addresses.0 {
        Resolving::Told(Ok(addresses)) => Some(Ok(addresses)),
        Resolving::Told(Err(refusal)) => Some(Err(*refusal)),
        Resolving::Begun(_) | Resolving::Over(_) => None,
    }
}

fn resolve_next_address<T: SocketsView>(state: &mut T, number: Resource<Addresses>) -> SocketResult<Option<IpAddress>> {
    let addresses = state.ctx().table.get_mut(&number)?;
    if addresses.poll(&mut Context::from_waker(Waker::noop())).is_pending() {
        return Err(ErrorCode::WouldBlock.into());
    }
    // Out of the table for a moment: who remembers is in the same state.
    let mut taken = Addresses(std::mem::replace(&mut addresses.0, Resolving::Over(None)));
    let next = told(state, &mut taken).map(|told| told.map(|addresses| addresses.next()));
    state.ctx().table.get_mut(&number)?.0 = taken.0;
    match next {
        Some(Ok(next)) => Ok(next.map(IpAddress::from)),
        Some(Err(refusal)) => Err(code(refusal).into()),
        None => Err(ErrorCode::WouldBlock.into()),
    }
}

fn create_tcp_socket<T: SocketsView>(state: &mut T, family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
    let permits = state.tcp().room().map_err(code)?;
    let socket = state.sockets().create_tcp_socket(family)?;
    state.tcp().opened(socket.rep(), permits);
    Ok(socket)
}

fn start_connect<T: SocketsView>(
    state: &mut T,
    socket: Resource<TcpSocket>,
    network: Resource<Network>,
    address: IpSocketAddress,
) -> SocketResult<()> {
    state.tcp().check(SocketAddr::from(address)).map_err(code)?;
    HostTcpSocket::start_connect(&mut state.sockets(), socket, network, address)
}
