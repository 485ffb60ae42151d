//! Mail from apps in Python: the standard library and Django's back end, to a real server that takes it over TLS alone.

use std::fs;
use std::process::Stdio;

use tokio::io::AsyncBufReadExt as _;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::process::Command;

use crate::harness::host::TestHost;
use crate::harness::pebble::free_port;
use crate::harness::secure::certificate;
use crate::harness::secure::write;
use crate::harness::serving::until;
use crate::harness::tools::has_python;
use crate::harness::within;
use crate::python::workshop::Workshop;

/// Debian's Python, which has aiosmtpd as its package.
const PYTHON: &str = "/usr/bin/python3";

/// aiosmtpd, which asks for STARTTLS before it takes a message, and says each on its output.
const SERVER: &str = r#"
import asyncio, ssl, sys
from aiosmtpd.controller import Controller


class Said:
    async def handle_DATA(self, server, session, envelope):
        text = envelope.content.decode()
        subject = next(line for line in text.splitlines() if line.startswith("Subject:"))
        print(envelope.mail_from, envelope.rcpt_tos, bool(session.ssl), subject, flush=True)
        return "250 OK"


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
options = dict(tls_context=context, require_starttls=True) if sys.argv[4] == "starttls" else dict(ssl_context=context)
Controller(Said(), hostname="127.0.0.1", port=int(sys.argv[1]), server_hostname="mail", **options).start()
asyncio.new_event_loop().run_forever()
"#;

/// Sends by what the path says, with Django's own settings and functions.
const APP: &str = r#"
import os
import smtplib
import ssl
from email.message import EmailMessage

import django
from django.conf import settings
from django.core.mail import send_mail

HOST = "localhost"
settings.configure(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST=HOST, EMAIL_TIMEOUT=20)
django.setup()


def starttls():
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.org", "ada@example.org", "by smtplib"
    message.set_content("hello")
    with smtplib.SMTP(HOST, int(os.environ["STARTTLS_PORT"]), timeout=20) as server:
        server.starttls(context=ssl.create_default_context())
        server.send_message(message)


def django_starttls():
    settings.EMAIL_PORT, settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = int(os.environ["STARTTLS_PORT"]), True, False
    send_mail("by Django", "hello", "shop@example.org", ["ada@example.org"])


def django_ssl():
    settings.EMAIL_PORT, settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = int(os.environ["SMTPS_PORT"]), False, True
    send_mail("by Django over TLS", "hello", "shop@example.org", ["ada@example.org"])


WAYS = {"/starttls": starttls, "/django": django_starttls, "/django-ssl": django_ssl}


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        WAYS[environ["PATH_INFO"]]()
        return [b"sent"]
    except Exception as error:
        return [("%s: %s" % (type(error).__name__, error)).encode()]
"#;

/// A server, and what it says of each message.
struct Mail {
    port: u16,
    _child: Child,
    said: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
}

impl Mail {
    async fn begin(script: &str, chain: &str, key: &str, way: &str) -> Mail {
        let port = free_port();
        let mut command = Command::new(PYTHON);
        command.args([script, &port.to_string(), chain, key, way]).kill_on_drop(true);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        let is_there = async || TcpStream::connect(("127.0.0.1", port)).await.is_ok();
        until("aiosmtpd", is_there, |is_there| *is_there, |_| {}).await;
        Mail { port, _child: child, said }
    }

    async fn next(&mut self) -> String {
        within("a message", self.said.next_line()).await.unwrap().unwrap()
    }
}

/// Whether aiosmtpd is installed; where CI has installed it, its absence is a failure.
async fn has_server() -> bool {
    let mut asked = Command::new(PYTHON);
    asked.args(["-c", "import aiosmtpd"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let found = asked.status().await.is_ok_and(|status| status.success());
    assert!(
        found || std::env::var_os("GUESTHOUSE_REQUIRE_SERVERS").is_none(),
        "aiosmtpd is not installed, and CI needs it"
    );
    if !found {
        eprintln!(
            "NOT TESTED WITH A MAIL SERVER: aiosmtpd is not installed (Debian: apt-get install python3-aiosmtpd)"
        );
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_is_sent_over_tls_by_the_standard_library_and_by_django() {
    if !has_server().await || !has_python().await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files = write(&certificate(&["localhost"]), folder.path(), "own");
    let script = folder.path().join("server.py");
    fs::write(&script, SERVER).unwrap();
    let [script, chain, key] = [&script, &files.chain, &files.key].map(|path| path.to_str().unwrap());
    let mut plain = Mail::begin(script, chain, key, "starttls").await;
    let mut secure = Mail::begin(script, chain, key, "smtps").await;

    let places = format!("[outbound]\ntcp = [\"localhost:{}\", \"localhost:{}\"]\n", plain.port, secure.port);
    let workshop =
        Workshop::with(&[("app.py", APP), ("requirements.txt", "django==6.1.3\n"), ("../apps/app.toml", &places)]);
    let built = workshop.build().await;
    assert!(built.status.success(), "{}", built.stderr);
    let manifest =
        format!("{places}[environment]\nSTARTTLS_PORT = \"{}\"\nSMTPS_PORT = \"{}\"\n", plain.port, secure.port);
    let policy =
        toml::from_str("outbound = [\"tcp://localhost:*\"]\nprivate_networks = [\"127.0.0.0/8\", \"::1/128\"]");
    let (policy, roots) = (policy.unwrap(), files.chain.clone());
    let host = TestHost::new().config(move |config| {
        config.deploy.policy = policy;
        config.sandbox.capabilities.outbound.roots = Some(roots);
    });
    let host = host.app("app", fs::read(workshop.component()).unwrap()).manifest("app", &manifest).run().await;
    let told = "shop@example.org ['ada@example.org'] True Subject: ";
    for (path, subject) in [("/app/starttls", "by smtplib"), ("/app/django", "by Django")] {
        assert_eq!(host.get(path).await.text(), "sent", "{path}");
        assert_eq!(plain.next().await, format!("{told}{subject}"));
    }
    assert_eq!(host.get("/app/django-ssl").await.text(), "sent");
    // From the first byte on, the server has nothing to say of it.
    assert!(secure.next().await.ends_with("Subject: by Django over TLS"));
}
