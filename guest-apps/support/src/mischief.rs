//! What bad guests of every lane do alike.

use std::fs::File;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::net::ToSocketAddrs;
use std::net::UdpSocket;

const MIB: usize = 1024 * 1024;

/// Never comes back.
pub fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

/// Calls itself until the stack is used up.
#[expect(unconditional_recursion, reason = "this is what it is for")]
pub fn descend(depth: u64) -> u64 {
    // Each call keeps something that is needed after the next one, so that no compiler makes a loop of it.
    let mut kept = [depth; 64];
    black_box(&mut kept);
    descend(depth + 1).wrapping_add(kept[0])
}

/// Takes memory until there is none left.
pub fn hoard() -> ! {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![0xAA_u8; MIB]));
    }
}

/// Text that would mislead whoever reads it raw: colours, a cleared screen, a bell, and a line that looks like the host's.
pub const MISLEADING: &str =
    "\x1b[31mred\x1b[2J\x07\u{9b}31m\u{202e}\r\n{\"level\":\"ERROR\",\"message\":\"forged by the guest\"}\n";

/// A name for a field, different for each number.
pub fn field_name(number: u64) -> String {
    format!("x-{number}")
}

/// What comes of reaching for the network, for files and for the environment: one line for each attempt. `allowed` is in it
/// only where something was reached.
pub fn reach(port: u16) -> String {
    let mut report = String::new();
    let mut line = |what: String, result: std::io::Result<()>| {
        let outcome = result.map_or_else(|error| format!("refused ({error})"), |()| "allowed".to_owned());
        report.push_str(&format!("{what}: {outcome}\n"));
    };
    for address in addresses(port) {
        line(format!("tcp {address}"), TcpStream::connect(address).map(drop));
        line(format!("tcp listener {address}"), TcpListener::bind(address).map(drop));
        let sent = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| socket.send_to(b"x", address));
        line(format!("udp {address}"), sent.map(drop));
    }
    for name in ["localhost", "localhost.", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "guesthouse.invalid"] {
        let found = (name, port).to_socket_addrs().map(|found| found.count());
        line(format!("lookup {name}"), found.map(drop));
    }
    for path in ["/etc/passwd", "/proc/self/environ", "/dev/urandom", "../../etc/passwd", "."] {
        line(format!("file {path}"), File::open(path).map(drop));
    }
    line("write".to_owned(), File::create("/tmp/guesthouse-was-here").map(drop));
    let variables: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
    report.push_str(&format!("variables: {}\narguments: {}\n", variables.join(" "), std::env::args().count()));
    report
}

fn addresses(port: u16) -> Vec<SocketAddr> {
    let mut addresses: Vec<SocketAddr> =
        [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 255, 255, 254), Ipv4Addr::UNSPECIFIED]
            .into_iter()
            .map(|address| SocketAddr::from((address, port)))
            .collect();
    let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
    addresses
        .extend([Ipv6Addr::LOCALHOST, Ipv6Addr::UNSPECIFIED, mapped].map(|address| SocketAddr::from((address, port))));
    addresses
}
