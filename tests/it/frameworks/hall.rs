//! One host with all samples in it, for all tests of this process: a Python component takes half a minute to build and to
//! compile. What was built and compiled is kept from run to run.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use guesthouse::host::Host;
use guesthouse_serve::listen::listener::BindAddress;
use tokio::process::Command;
use tokio::sync::OnceCell;
use tokio::sync::oneshot;

use crate::harness::host::config;
use crate::harness::host::program;
use crate::harness::tools::has_python;

/// The samples, by their folders' names.
const SAMPLES: &[&str] = &["bottle", "django", "fastapi", "fastapi2", "flask", "starlette", "webpy", "wsgi"];

/// What the operator gives the Django sample, so that somebody may log in.
const DJANGO: &str = r#"
[environment]
DJANGO_SUPERUSER_USERNAME = "ada"
DJANGO_SUPERUSER_PASSWORD = "analytical"
DJANGO_SUPERUSER_EMAIL = "ada@example.org"
"#;

static HALL: OnceCell<Option<SocketAddr>> = OnceCell::const_new();

/// Where all samples are served. None where there is no Python to build them.
pub async fn hall() -> Option<SocketAddr> {
    *HALL.get_or_init(open).await
}

/// Where the host is asked to run commands.
pub fn socket() -> PathBuf {
    home().join("admin.sock")
}

/// A sample's component, once the hall is open.
pub fn built(sample: &str) -> PathBuf {
    home().join("apps").join(sample).with_extension("wasm")
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("frameworks")
}

async fn open() -> Option<SocketAddr> {
    if !has_python().await {
        return None;
    }
    let home = home();
    let apps = home.join("apps");
    fs::create_dir_all(&apps).unwrap();
    // What the apps have stored is of an earlier run; what was compiled stays.
    let _ = fs::remove_dir_all(home.join("state/data"));
    fs::write(apps.join("django.toml"), DJANGO).unwrap();
    build(&apps).await;
    let (send, address) = oneshot::channel();
    // A host lives on the runtime that it was begun on, and each test has its own.
    std::thread::spawn(move || serve(&home, &apps, send));
    Some(address.await.expect("the host serves all samples"))
}

async fn build(apps: &Path) {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("guest-apps/python");
    let mut command = Command::new(program());
    command.arg("build").args(SAMPLES.iter().map(|sample| samples.join(sample))).arg("--apps").arg(apps);
    let built = command.env("GUESTHOUSE_TOOLS", tools()).stdin(Stdio::null()).output().await.unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}

/// Where builders keep their tools, for all tests.
pub fn tools() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("tools")
}

fn serve(home: &Path, apps: &Path, send: oneshot::Sender<SocketAddr>) {
    let mut config = config(home, apps);
    config.deploy.policy.rules.state = Some(true);
    config.health = Some(BindAddress::Unix(socket()));
    // On a busy machine, one such component may take minutes.
    config.deploy.compile.deadline = Duration::from_secs(900);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let host = Host::bind(config).unwrap();
        let (address, mut status) = (host.local_addrs()[0], host.deploy().status());
        let ready = async {
            let status = status.wait_for(|status| status.ready).await.expect("the host runs").clone();
            for sample in SAMPLES {
                let app = status.apps.get(*sample).unwrap_or_else(|| panic!("no `{sample}` in {status:#?}"));
                assert!(app.serving.is_some(), "`{sample}` is not served: {app:#?}");
            }
            let _ = send.send(address);
            std::future::pending::<()>().await;
        };
        host.run(ready).await;
    });
}
