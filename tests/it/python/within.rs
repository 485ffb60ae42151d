//! What an app finds within the guest: no network while it is built, threads that run at once, modules that are stand-ins.

use std::fs;
use std::time::Duration;

use crate::harness::host::TestHost;
use crate::harness::tools::has_python;
use crate::python::workshop::Workshop;

/// Answers what its table says at once, and what fails with its class and text.
const TOLD: &str = r#"
def told(function):
    try:
        return str(function())
    except Exception as error:
        return "%s: %s" % (type(error).__name__, error)


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["".join("%s %s\n" % (name, told(function)) for name, function in ASKED.items()).encode()]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warm_up_that_fails_is_told_with_the_apps_own_line_and_fails_no_build() {
    if !has_python().await {
        return;
    }
    let app = r#"
import sqlite3


def app(environ, start_response):
    try:
        rows = sqlite3.connect("/data/shop.sqlite3").execute("SELECT name FROM goods").fetchall()
    except sqlite3.Error:
        # As Django does, which says nothing.
        start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
        return [b"sorry"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(rows).encode()]
"#;
    let tables = "import sqlite3\n\nwith sqlite3.connect('/data/shop.sqlite3') as db:\n    \
                  db.execute('CREATE TABLE IF NOT EXISTS goods (name)')\n    db.execute(\"INSERT INTO goods VALUES ('tea')\")\n";
    let settings = "[build]\nprepare = [\"setup_tables.py\"]\n[state]\nsize = \"4MiB\"\n";
    let shop = Workshop::with(&[("app.py", app), ("setup_tables.py", tables), ("guesthouse.toml", settings)]);
    let built = shop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
    for said in [
        "warm-up GET / -> 500",
        "warning: warm-up GET /: status 500: sqlite3.OperationalError: unable to open database file (app.py, line 7); the app is \
         built without it",
    ] {
        assert!(built.stderr.contains(said), "no `{said}` in\n{}", built.stderr);
    }
    let host = TestHost::new().app("app", fs::read(shop.component()).unwrap());
    let host = host.config(|config| {
        config.deploy.policy.rules.state = Some(true);
        // On a busy machine, such a component may take minutes.
        config.deploy.compile.deadline = Duration::from_secs(900);
    });
    let host = host.run().await;
    assert_eq!(host.get("/app/").await.text(), "[('tea',)]");

    // What the warm-up opens, an instance would not have.
    let app = "KEPT = []\n\n\ndef app(environ, start_response):\n    KEPT.append(open('page.html'))\n    \
               start_response('200 OK', [])\n    return [b'x']\n";
    let shop = Workshop::with(&[("app.py", app), ("page.html", "<p>")]);
    let built = shop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
    let said = "the warm-up fails, and the app is built without it: it keeps open ";
    assert!(built.stderr.contains(said), "no `{said}` in\n{}", built.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn modules_are_imported_threads_run_at_once_and_a_probe_at_import_breaks_no_socket() {
    if !has_python().await {
        return;
    }
    let asked = r#"
import asyncio, bz2, concurrent.futures, ctypes.util, curses, fcntl, grp, hashlib, lzma, mmap, multiprocessing.synchronize, os
import pty, pwd, queue, readline, resource, select, signal, socket, ssl, subprocess, syslog, termios, threading, tty
import urllib.request
from concurrent import interpreters
from ctypes import wintypes


def probe():
    sock = socket.socket(socket.AF_INET6)
    sock.bind(("::1", 0))


def look_up():
    return socket.getaddrinfo("shop.example", 80)


AT_IMPORT = []
for one in (probe, look_up):
    try:
        one()
    except OSError as error:
        AT_IMPORT.append(str(error))


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_double)]


def thread():
    seen = []
    one = threading.Thread(target=lambda: seen.append(threading.current_thread().name), name="worker")
    one.start()
    one.join()
    return seen


async def main():
    return await asyncio.to_thread(lambda: asyncio.run(asyncio.sleep(0, "inner")))


def nested():
    async def outer():
        loop = asyncio.get_running_loop()
        return await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01, "nested"), loop).result())

    return asyncio.run(outer())


def pool():
    with concurrent.futures.ThreadPoolExecutor() as executor:
        return list(executor.map(abs, [-1, 2]))


ASKED = {
    "import": lambda: len([one for one in AT_IMPORT if "no network while the component is built" in one]),
    "socket": probe,
    "name": lambda: look_up()[0][4],
    "request": lambda: urllib.request.urlopen("http://127.0.0.1:9/"),
    "tls": lambda: ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True),
    "interpreter": interpreters.create,
    "scrypt": lambda: hashlib.scrypt(b"password", salt=b"NaCl", n=1024, r=8, p=16, dklen=64).hex()[:32],
    "pbkdf2": lambda: hashlib.pbkdf2_hmac("sha256", b"passwd", b"salt", 1, 64).hex()[:32],
    "sha1": lambda: hashlib.pbkdf2_hmac("sha1", b"password", b"salt", 4096).hex(),
    "sizes": lambda: (ctypes.sizeof(Point), ctypes.sizeof(ctypes.c_void_p), ctypes.sizeof(wintypes.DWORD)),
    "library": lambda: ctypes.CDLL("libc.so.6"),
    "bzip2": lambda: bz2.compress(b"x"),
    "lock": lambda: fcntl.flock(0, fcntl.LOCK_EX),
    "user": lambda: (pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(0).gr_name),
    "limit": lambda: resource.getrlimit(resource.RLIMIT_NOFILE),
    "terminal": lambda: termios.tcgetattr(0),
    "process": lambda: subprocess.run(["git"]),
    "thread": thread,
    "pool": pool,
    "inner": lambda: asyncio.run(main()),
    "nested": nested,
    "get": lambda: queue.Queue().get(),
    "simple": lambda: queue.SimpleQueue().get(),
    "event": lambda: threading.Event().wait(0.01),
    "mutex": lambda: multiprocessing.Lock().acquire(),
}
"#;
    let shop = Workshop::with(&[("app.py", &format!("{asked}{TOLD}"))]);
    let built = shop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
    // On a busy machine, such a component may take minutes.
    let host = TestHost::new().app("app", fs::read(shop.component()).unwrap());
    let host = host.config(|config| config.deploy.compile.deadline = Duration::from_secs(900)).run().await;
    let never = "would wait for ever: there are no threads in this guest that could end it";
    let expected = format!(
        "import 2\n\
         socket OSError: [Errno 4] this guest has no address of its own: only the host listens\n\
         name ('198.18.0.1', 80)\n\
         request URLError: <urlopen error [Errno 14] this app asked for http://127.0.0.1:9: the host does not let it: \
         \"http://127.0.0.1:9\" must be in [outbound] http of the manifest, and the policy must allow it>\n\
         tls SSLError: there is no TLS in this guest: the host speaks it, or a proxy before the service\n\
         interpreter InterpreterError: there is one interpreter in this guest: `_interpreters.create` cannot be used\n\
         scrypt fdbabe1c9d3472007856e7190d01e9fe\n\
         pbkdf2 55ac046e56e3089fec1691c22544b605\n\
         sha1 4b007901b765489abead49d926f721d065a429c1\n\
         sizes (16, 4, 4)\n\
         library OSError: [Errno 52] there are no foreign functions in this guest: the library `libc.so.6` cannot be opened\n\
         bzip2 OSError: [Errno 52] there is no bzip2 in this guest: `_bz2.BZ2Compressor` cannot be used\n\
         lock None\n\
         user ('guest', 'guest')\n\
         limit (-1, -1)\n\
         terminal error: (59, 'there is no terminal in this guest')\n\
         process FileNotFoundError: [Errno 44] there are no processes in this guest: this one cannot be run: 'git'\n\
         thread ['worker']\n\
         pool [1, 2]\n\
         inner inner\n\
         nested nested\n\
         get Stuck: `queue.Queue.get` {never}\n\
         simple Stuck: `queue._PySimpleQueue.get` {never}\n\
         event False\n\
         mutex True\n"
    );
    for _ in 0..2 {
        assert_eq!(host.get("/app/").await.text(), expected);
    }
}
