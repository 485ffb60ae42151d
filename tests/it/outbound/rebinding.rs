//! Names whose addresses change: what is connected to is what was looked up and checked, and nothing else.
//!
//! A resolver of the test's own (dnsmasq) answers on a loopback address, and the program alone sees a `resolv.conf` that
//! names it. Port 53 takes root.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use guesthouse_test_guests as guest;
use rustix::process::Pid;
use rustix::process::Signal;
use tokio::process::Child;
use tokio::process::Command;

use crate::harness::client::Client;
use crate::harness::folder::AppsFolder;
use crate::harness::outside::Outside;
use crate::harness::process::Process;
use crate::harness::process::command_behind;
use crate::harness::within;

/// Nobody else's.
const RESOLVER: &str = "127.88.0.53";

const SCRIPT: &str = "mount --bind resolv.conf /etc/resolv.conf; exec \"$0\" \"$@\"";

struct Names(Child);

impl Names {
    /// None where it cannot be had.
    fn begin(home: &Path) -> Option<Names> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("NOT TESTED: names whose addresses change, because a resolver needs root");
            return None;
        }
        let mut command = Command::new("dnsmasq");
        command.args([
            "--no-daemon",
            "--no-resolv",
            "--no-hosts",
            "--bind-interfaces",
            "--conf-file=/dev/null",
            "--user=root",
        ]);
        command.args([&format!("--listen-address={RESOLVER}"), "--local-ttl=0", "--cname=alias.test,inner.test"]);
        command.arg(format!("--addn-hosts={}", home.join("names").display())).arg("--pid-file=").kill_on_drop(true);
        match command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
            Ok(child) => Some(Names(child)),
            Err(error) => {
                assert!(std::env::var_os("GUESTHOUSE_REQUIRE_SERVERS").is_none(), "dnsmasq: {error}, and CI needs it");
                eprintln!("NOT TESTED: names whose addresses change, because there is no dnsmasq ({error})");
                None
            }
        }
    }

    /// Says where names are from now on.
    fn say(&self, home: &Path, names: &str) {
        fs::write(home.join("names"), names).unwrap();
        let pid = Pid::from_raw(self.0.id().unwrap().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, Signal::HUP).unwrap();
    }
}

async fn asked(client: &mut Client, path: &str) -> String {
    client.get(&format!("/environ-http/{path}")).await.text()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_comes_to_lead_elsewhere_is_followed_nowhere_that_is_closed() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    fs::write(home.join("names"), "").unwrap();
    fs::write(home.join("resolv.conf"), format!("nameserver {RESOLVER}\noptions timeout:2 attempts:2\n")).unwrap();
    let Some(names) = Names::begin(home) else { return };
    let (first, second) = (Outside::begin().await, Outside::begin().await);
    let (one, two) = (first.address.port(), second.address.port());

    let apps = AppsFolder::create(home.join("apps"));
    apps.rename_in("environ-http.wasm", guest::bytes(guest::ENVIRON_HTTP));
    apps.rename_in(
        "environ-http.toml",
        format!("[outbound]\nhttp = [\"http://*.test:*\"]\ntcp = [\"moving.test:{one}\", \"moving.test:{two}\"]\n"),
    );
    fs::write(
        home.join("guesthouse.toml"),
        "[policy]\noutbound = [\"http://*.test:*\", \"tcp://*.test:*\"]\nprivate_networks = [\"127.0.0.0/8\"]\n",
    )
    .unwrap();
    let arguments = ["serve", "--config", "guesthouse.toml", "--listen", "127.0.0.1:0", "--state", "state", "apps"];
    let mut command = command_behind(&["unshare", "-m", "sh", "-euc", SCRIPT], &arguments, home);
    let mut host = Process::spawn(&mut command);
    let line = host.says("listening on http://").await;
    let address = line.trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
    host.logs("`environ-http` is live").await;
    let mut client = Client::new(address);

    names.say(home, "127.0.0.1 moving.test\n127.0.0.1 both.test\n10.255.255.1 both.test\n");
    let open = format!("outbound?url=http://moving.test:{one}/");
    within("the resolver knows the name", async {
        while !asked(&mut client, &open).await.contains("status 200") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Of two addresses, the one that is open is taken.
    let both = asked(&mut client, &format!("outbound?url=http://both.test:{one}/")).await;
    assert!(both.contains("status 200"), "{both}");
    let echoed = asked(&mut client, &format!("connect?to=moving.test:{one}&send=x")).await;
    assert!(echoed.starts_with("connect: answered"), "{echoed}");
    let connections = first.connections();

    // The same names lead elsewhere, and others are there.
    names.say(
        home,
        "10.255.255.1 moving.test\n169.254.169.254 metadata.test\n64:ff9b::a9fe:a9fe mapped.test\n10.255.255.1 inner.test\n\
         ::ffff:192.168.0.1 written.test\n",
    );
    let moved = format!("outbound?url=http://moving.test:{two}/");
    within("the name has moved", async {
        while !asked(&mut client, &moved).await.contains("DestinationIpProhibited") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    for name in ["metadata.test", "mapped.test", "alias.test", "written.test"] {
        let told = asked(&mut client, &format!("outbound?url=http://{name}:{two}/")).await;
        assert!(told.contains("DestinationIpProhibited"), "{name}: {told}");
    }
    for port in [one, two] {
        let told = asked(&mut client, &format!("connect?to=moving.test:{port}&send=x")).await;
        assert!(told.starts_with("connect: PermissionDenied"), "{told}");
    }
    // What was opened before leads where it was checked to lead.
    assert!(asked(&mut client, &open).await.contains("status 200"));
    assert_eq!((first.connections(), second.connections()), (connections, 0));
}
