//! Python's own clients on their way out: libraries as their authors made them, within a guest, and a server of the test.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::harness::host::TestHost;
use crate::harness::tools::has_python;
use crate::python::workshop::Workshop;

/// What the libraries are asked for, each by its name; `PLACE` is the server's.
const APP: &str = r#"
import asyncio
import http.client
import smtplib
import socket
import urllib.request

import aiohttp
import httpx
import requests
import urllib3

BASE = "http://PLACE"


def standard():
    connection = http.client.HTTPConnection("PLACE")
    said = []
    for body in (None, b"abc", iter([b"one", b"two"])):
        connection.request("POST" if body else "GET", "/tell", body)
        with connection.getresponse() as response:
            said.append(response.read().decode())
    with urllib.request.urlopen(BASE + "/chunks") as response:
        return said + [response.read()]


def with_requests():
    with requests.Session() as session:
        first = session.get(BASE + "/tell", timeout=20).text
        sent = session.post(BASE + "/tell", files={"file": ("name", b"x" * 70000)}).text
        large = b"".join(session.get(BASE + "/large", stream=True).iter_content(10000))
        return first, sent > "POST 70000", len(large), session.head(BASE + "/tell").headers["Content-Length"]


def with_urllib3():
    pool = urllib3.PoolManager()
    said = [pool.request("GET", BASE + path).data.decode() for path in ("/tell", "/chunks")]
    return said, pool.request("GET", BASE + "/none").status


def with_httpx():
    with httpx.Client() as client:
        pieces = (one for one in (b"one", b"two"))
        return client.get(BASE + "/tell").text, client.post(BASE + "/tell", content=pieces).text


def expecting():
    with socket.create_connection(PLACE_PAIR) as sock:
        sock.sendall(b"PUT /tell HTTP/1.1\r\nHost: PLACE\r\nContent-Length: 3\r\n")
        sock.sendall(b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
        first = sock.recv(100)
        sock.sendall(b"abc")
        return first, b"".join(iter(lambda: sock.recv(100), b"")).rpartition(b"\r\n\r\n")[2]


async def httpx_asynchronous():
    async with httpx.AsyncClient() as client:
        one, two = await asyncio.gather(client.get(BASE + "/chunks"), client.post(BASE + "/tell", content=b"x" * 200000))
        return one.text, two.text


async def with_aiohttp():
    async with aiohttp.ClientSession() as session:
        async with session.get(BASE + "/chunks") as response:
            one = await response.text()
        async with session.post(BASE + "/tell", data=b"x" * 200000) as response:
            return one, await response.text()


def refused():
    return requests.get("https://x.example.net/")


def refused_by_urllib():
    return urllib.request.urlopen("https://x.example.net/")


def unchecked():
    return requests.get("https://x.example.net/", verify=False)


def no_http():
    with socket.create_connection(("db.example", 5432)) as sock:
        sock.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")


ASKED = {
    "standard": standard,
    "requests": with_requests,
    "urllib3": with_urllib3,
    "httpx": with_httpx,
    "expecting": expecting,
    "httpx async": lambda: asyncio.run(httpx_asynchronous()),
    "aiohttp": lambda: asyncio.run(with_aiohttp()),
    "refused": refused,
    "urllib": refused_by_urllib,
    "unchecked": unchecked,
    "no http": no_http,
    "mail": lambda: smtplib.SMTP("mail.example", 25),
}


def told(function):
    try:
        return str(function())
    except Exception as error:
        return "%s: %s" % (type(error).__name__, error)


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/":
        return [b"warm"]
    return ["".join("%s %s\n" % (name, told(function)) for name, function in ASKED.items()).encode()]
"#;

/// Reads one request, and tells its method and how long its body was.
async fn told(stream: &mut BufReader<TcpStream>) -> Option<(String, String, usize)> {
    let (mut first, mut length, mut chunked) = (String::new(), 0, false);
    if stream.read_line(&mut first).await.ok()? == 0 {
        return None;
    }
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let line = line.trim().to_ascii_lowercase();
        match line.split_once(": ") {
            None => break,
            Some(("content-length", said)) => length = said.parse().unwrap(),
            Some(("transfer-encoding", said)) => chunked = said == "chunked",
            Some(("expect", _)) => panic!("the host has answered this"),
            Some(_) => (),
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    while chunked {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let size = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk).await.ok()?;
        (length, chunked) = (length + size, size > 0);
    }
    let mut words = first.split(' ').map(str::to_owned);
    Some((words.next()?, words.next()?, length))
}

async fn answer(stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    while let Some((method, path, length)) = told(&mut stream).await {
        let said = match path.as_str() {
            "/chunks" => {
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none,\r\n3\r\ntwo\r\n0\r\n\r\n".to_owned()
            }
            "/none" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            "/large" => format!("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{}", "x".repeat(1_000_000)),
            _ => {
                let text = format!("{method} {length}");
                let body = if method == "HEAD" { "" } else { &text };
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", text.len())
            }
        };
        if stream.write_all(said.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn outside() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn libraries_as_they_are_reach_what_was_granted_and_say_what_was_not() {
    if !has_python().await {
        return;
    }
    let place = outside().await;
    let app =
        APP.replace("PLACE_PAIR", &format!("(\"127.0.0.1\", {})", place.port())).replace("PLACE", &place.to_string());
    let needed = "requests==2.34.2\nurllib3==2.8.0\nhttpx==0.28.1\naiohttp==3.14.5\n";
    let shop = Workshop::with(&[("app.py", &app), ("requirements.txt", needed)]);
    let built = shop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
    let host = TestHost::new().app("app", fs::read(shop.component()).unwrap());
    let host = host.manifest("app", &format!("[outbound]\nhttp = [\"http://{place}\"]\n"));
    let policy = format!("outbound = [\"http://{place}\"]\nprivate_networks = [\"127.0.0.0/8\"]\n");
    let host = host.config(move |config| {
        // On a busy machine, such a component may take minutes.
        config.deploy.compile.deadline = Duration::from_secs(900);
        config.deploy.policy = toml::from_str(&policy).unwrap();
    });
    let host = host.run().await;
    let told = host.get("/app/all").await.text();
    let refused = "this app asked for https://x.example.net: the host does not let it: \"https://x.example.net\" must be in \
                   [outbound] http of the manifest, and the policy must allow it";
    for said in [
        "standard ['GET 0', 'POST 3', 'POST 6', b'one,two']",
        "requests ('GET 0', True, 1000000, '6')",
        "urllib3 (['GET 0', 'one,two'], 204)",
        "httpx ('GET 0', 'POST 6')",
        "expecting (b'HTTP/1.1 100 Continue\\r\\n\\r\\n', b'PUT 3')",
        "httpx async ('one,two', 'POST 200000')",
        "aiohttp ('one,two', 'POST 200000')",
        &format!("refused ConnectionError: ('Connection aborted.', ConnectionRefusedError(14, '{refused}'))"),
        &format!("urllib URLError: <urlopen error [Errno 14] {refused}>"),
        "unchecked SSLError: HTTPSConnectionPool(host='x.example.net', port=443): Max retries exceeded with url: / (Caused by \
         SSLError(SSLError(<SSLErrorNumber.SSL_ERROR_SSL: 1>, 'the host checks the certificates of all connections: it cannot \
         be told not to (`verify=False`, `CERT_NONE`)')))",
        "no http ConnectionRefusedError: [Errno 14] this app asked for db.example:5432: the host does not let it: \
         \"db.example:5432\" must be in [outbound] tcp of the manifest, and the policy must allow it",
        "mail SMTPServerDisconnected: Connection unexpectedly closed: [Errno 14] this app asked for mail.example:25: the host \
         does not let it: \"mail.example:25\" must be in [outbound] tcp of the manifest, and the policy must allow it",
    ] {
        assert!(told.contains(&format!("{said}\n")), "no `{said}` in\n{told}");
    }
}
