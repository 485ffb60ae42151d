//! A TCP connection to somewhere else, over `wasi:sockets` 0.3, to see what the host says to that.

use guest_support::standard;
use wasip3::sockets::ip_name_lookup;
use wasip3::sockets::types::IpAddress;
use wasip3::sockets::types::IpAddressFamily;
use wasip3::sockets::types::IpSocketAddress;
use wasip3::sockets::types::Ipv4SocketAddress;
use wasip3::sockets::types::Ipv6SocketAddress;
use wasip3::sockets::types::TcpSocket;
use wasip3::wit_stream;

/// What came back for what was sent, or the error; by the query of a visitor's request.
pub async fn attempt(query: &str) -> String {
    let (to, sent) = (standard::value(query, "to").unwrap_or_default(), standard::value(query, "send"));
    match talk(to, sent.unwrap_or_default()).await {
        Ok(answer) => format!("connect: answered {answer}\n"),
        Err(error) => format!("connect: {error}\n"),
    }
}

/// As many connections as there can be at once: how many, and the error that ended it.
pub async fn attempt_many(query: &str) -> String {
    let to = standard::value(query, "to").unwrap_or_default();
    let most = standard::value(query, "most").and_then(|most| most.parse().ok()).unwrap_or(1);
    let mut held = Vec::new();
    while held.len() < most {
        match connect(to).await {
            Ok(socket) => held.push(socket),
            Err(error) => return format!("connect: {} and then {error}\n", held.len()),
        }
    }
    format!("connect: {}\n", held.len())
}

async fn talk(to: &str, sent: &str) -> Result<String, String> {
    let socket = connect(to).await?;
    let (mut writer, outgoing) = wit_stream::new();
    let sending = socket.send(outgoing);
    let (incoming, received) = socket.receive();
    writer.write_all(sent.as_bytes().to_vec()).await;
    drop(writer);
    let answer = incoming.collect().await;
    sending.await.map_err(|error| format!("{error:?}"))?;
    received.await.map_err(|error| format!("{error:?}"))?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

async fn connect(to: &str) -> Result<TcpSocket, String> {
    let (host, port) = to.rsplit_once(':').ok_or("no port")?;
    let port = port.parse().map_err(|_| "no port")?;
    let found = ip_name_lookup::resolve_addresses(host.to_owned()).await;
    let found = found.map_err(|error| format!("look-up: {error:?}"))?;
    let mut last = "no address".to_owned();
    for address in found {
        let (family, address) = match address {
            IpAddress::Ipv4(address) => {
                (IpAddressFamily::Ipv4, IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address }))
            }
            IpAddress::Ipv6(address) => {
                let address = Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 };
                (IpAddressFamily::Ipv6, IpSocketAddress::Ipv6(address))
            }
        };
        let socket = TcpSocket::create(family).map_err(|error| format!("{error:?}"))?;
        match socket.connect(address).await {
            Ok(()) => return Ok(socket),
            Err(error) => last = format!("{error:?}"),
        }
    }
    Err(last)
}
