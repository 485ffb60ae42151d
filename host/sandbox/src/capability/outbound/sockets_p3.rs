//! The same functions as in `sockets_p2`, of `wasi:sockets@0.3`.

use std::net::SocketAddr;

use wasmtime::StoreContextMut;
use wasmtime::component::Accessor;
use wasmtime::component::Linker;
use wasmtime::component::Resource;
use wasmtime::component::ResourceType;
use wasmtime_wasi::p3::bindings::sockets::ip_name_lookup::ErrorCode as NameErrorCode;
use wasmtime_wasi::p3::bindings::sockets::types::ErrorCode;
use wasmtime_wasi::p3::bindings::sockets::types::HostTcpSocket as _;
use wasmtime_wasi::p3::bindings::sockets::types::HostTcpSocketWithStore as _;
use wasmtime_wasi::p3::bindings::sockets::types::IpAddress;
use wasmtime_wasi::p3::bindings::sockets::types::IpAddressFamily;
use wasmtime_wasi::p3::bindings::sockets::types::IpSocketAddress;
use wasmtime_wasi::p3::sockets::SocketResult;
use wasmtime_wasi::sockets::TcpSocket;
use wasmtime_wasi::sockets::WasiSockets;
use wasmtime_wasi::sockets::WasiSocketsView as _;

use crate::capability::answer::answer;
use crate::capability::offered::VERSION_03;
use crate::capability::outbound::sockets::Refusal;
use crate::capability::outbound::sockets::SocketsView;

/// Puts these in place of wasmtime's, which are linked already.
pub(crate) fn link<T: SocketsView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut names = linker.instance(&format!("wasi:sockets/ip-name-lookup@{VERSION_03}"))?;
    names.func_wrap_concurrent("resolve-addresses", |store: &Accessor<T>, (name,): (String,)| {
        Box::pin(async move { Ok((resolve_addresses(store, name).await,)) })
    })?;
    let mut types = linker.instance(&format!("wasi:sockets/types@{VERSION_03}"))?;
    types.resource("tcp-socket", ResourceType::host::<TcpSocket>(), |mut store: StoreContextMut<'_, T>, number| {
        let state = store.data_mut();
        state.tcp().closed(number);
        state.sockets().drop(Resource::new_own(number))
    })?;
    types.func_wrap(
        "[static]tcp-socket.create",
        |mut store: StoreContextMut<'_, T>, (family,): (IpAddressFamily,)| answer(create(store.data_mut(), family)),
    )?;
    types.func_wrap_async(
        "[method]tcp-socket.bind",
        |_: StoreContextMut<'_, T>, _: (Resource<TcpSocket>, IpSocketAddress)| {
            // It has no address that would be its own.
            Box::new(async { answer::<(), ErrorCode>(Err(ErrorCode::AccessDenied.into())) })
        },
    )?;
    types.func_wrap_concurrent(
        "[method]tcp-socket.connect",
        |store: &Accessor<T>, (socket, address): (Resource<TcpSocket>, IpSocketAddress)| {
            Box::pin(async move { answer(connect(store, socket, address).await) })
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

fn code(refusal: Refusal) -> ErrorCode {
    match refusal {
        Refusal::Denied => ErrorCode::AccessDenied,
        Refusal::Invalid | Refusal::NotFound | Refusal::NotFoundInTime => ErrorCode::InvalidArgument,
        Refusal::TooMany => ErrorCode::Other(Some("all connections are in use".to_owned())),
    }
}

fn name_code(refusal: Refusal) -> NameErrorCode {
    match refusal {
        Refusal::Denied => NameErrorCode::AccessDenied,
        Refusal::Invalid => NameErrorCode::InvalidArgument,
        Refusal::NotFound => NameErrorCode::NameUnresolvable,
        Refusal::NotFoundInTime => NameErrorCode::TemporaryResolverFailure,
        Refusal::TooMany => NameErrorCode::Other(None),
    }
}

async fn resolve_addresses<T: SocketsView + 'static>(
    store: &Accessor<T>,
    name: String,
) -> Result<Vec<IpAddress>, NameErrorCode> {
    let looking = store.with(|mut access| access.get().tcp().look_up(name));
    let found = looking.await;
    let told = store.with(|mut access| access.get().tcp().found(found));
    told.map(|addresses| addresses.into_iter().map(IpAddress::from).collect()).map_err(name_code)
}

fn create<T: SocketsView>(state: &mut T, family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
    let permits = state.tcp().room().map_err(code)?;
    let socket = state.sockets().create(family)?;
    state.tcp().opened(socket.rep(), permits);
    Ok(socket)
}

async fn connect<T: SocketsView + 'static>(
    store: &Accessor<T>,
    socket: Resource<TcpSocket>,
    address: IpSocketAddress,
) -> SocketResult<()> {
    store.with(|mut access| access.get().tcp().check(SocketAddr::from(address))).map_err(code)?;
    WasiSockets::connect(&store.with_getter::<WasiSockets>(T::sockets), socket, address).await
}
