//! The sockets of WASI 0.3, which Rust's own library does not use.

use wasip3::sockets::ip_name_lookup;
use wasip3::sockets::types::IpAddressFamily;
use wasip3::sockets::types::IpSocketAddress;
use wasip3::sockets::types::Ipv4SocketAddress;
use wasip3::sockets::types::Ipv6SocketAddress;
use wasip3::sockets::types::TcpSocket;
use wasip3::sockets::types::UdpSocket;

/// What comes of it, one line for each attempt. `allowed` is in it only where something was reached.
pub async fn reach(port: u16) -> String {
    let v4 = |address| (IpAddressFamily::Ipv4, IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address }));
    let v6 = |address| {
        let address = Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 };
        (IpAddressFamily::Ipv6, IpSocketAddress::Ipv6(address))
    };
    let mut report = String::new();
    for (family, address) in [
        v4((127, 0, 0, 1)),
        v4((127, 0, 0, 2)),
        v4((0, 0, 0, 0)),
        v6((0, 0, 0, 0, 0, 0, 0, 1)),
        v6((0, 0, 0, 0, 0, 0, 0, 0)),
        v6((0, 0, 0, 0, 0, 0xffff, 0x7f00, 1)),
    ] {
        report.push_str(&format!("0.3 tcp {address:?}: {}\n", said(connect(family, address).await)));
        report.push_str(&format!("0.3 tcp listener {address:?}: {}\n", said(listen(family, address))));
        report.push_str(&format!("0.3 udp {address:?}: {}\n", said(send(family, address).await)));
    }
    for name in ["localhost", "127.0.0.1", "guesthouse.invalid"] {
        let found = ip_name_lookup::resolve_addresses(name.to_owned()).await;
        report
            .push_str(&format!("0.3 lookup {name}: {}\n", said(found.map(drop).map_err(|error| format!("{error:?}")))));
    }
    report
}

fn said(result: Result<(), String>) -> String {
    result.map_or_else(|error| format!("refused ({error})"), |()| "allowed".to_owned())
}

async fn connect(family: IpAddressFamily, address: IpSocketAddress) -> Result<(), String> {
    let socket = TcpSocket::create(family).map_err(|error| format!("create: {error:?}"))?;
    socket.connect(address).await.map_err(|error| format!("connect: {error:?}"))
}

fn listen(family: IpAddressFamily, address: IpSocketAddress) -> Result<(), String> {
    let socket = TcpSocket::create(family).map_err(|error| format!("create: {error:?}"))?;
    socket.bind(address).map_err(|error| format!("bind: {error:?}"))?;
    socket.listen().map(drop).map_err(|error| format!("listen: {error:?}"))
}

async fn send(family: IpAddressFamily, address: IpSocketAddress) -> Result<(), String> {
    let socket = UdpSocket::create(family).map_err(|error| format!("create: {error:?}"))?;
    socket.send(b"x".to_vec(), Some(address)).await.map_err(|error| format!("send: {error:?}"))
}
