//! A host in this process, on a port of its own, with folders of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use guesthouse::cli::flags::AddressFlags;
use guesthouse::cli::flags::ServeFlags;
use guesthouse::config::Config;
use guesthouse::config::surroundings::Surroundings;
use guesthouse::host::Host;
use guesthouse::host::HostEnd;
use guesthouse_app::routes::RouteReader;
use guesthouse_app::routes::Target;
use guesthouse_deploy::DeployHandle;
use guesthouse_deploy::status::AppState;
use guesthouse_deploy::status::Status;
use guesthouse_types::name::Digest;
use http::Request;
use http_body_util::Full;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::harness::client::Client;
use crate::harness::client::Reply;
use crate::harness::client::get;
use crate::harness::folder::AppsFolder;
use crate::harness::within;

/// Something else than the defaults.
type Change = Box<dyn FnOnce(&mut Config)>;

/// A host to be: fill its folder, bend its configuration, run it.
pub struct TestHost {
    home: TempDir,
    pub apps: AppsFolder,
    changes: Vec<Change>,
}

/// A host that runs.
pub struct Running {
    home: TempDir,
    pub apps: AppsFolder,
    pub address: SocketAddr,
    pub deploy: DeployHandle,
    /// Has the files of certificates read again.
    pub reread: Arc<Notify>,
    routes: RouteReader,
    stop: CancellationToken,
    host: JoinHandle<HostEnd>,
}

/// The program under test, which is also the compile child of hosts in this process.
pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_guesthouse"))
}

impl TestHost {
    pub fn new() -> TestHost {
        let home = tempfile::tempdir().unwrap();
        let apps = AppsFolder::create(home.path().join("apps"));
        TestHost { home, apps, changes: Vec::new() }
    }

    /// With this app in the folder from the start.
    pub fn app(self, name: &str, component: impl AsRef<[u8]>) -> TestHost {
        self.apps.rename_in(&format!("{name}.wasm"), component);
        self
    }

    /// With this manifest in the folder from the start.
    pub fn manifest(self, name: &str, text: &str) -> TestHost {
        self.apps.rename_in(&format!("{name}.toml"), text);
        self
    }

    /// With something else than the defaults.
    pub fn config(mut self, change: impl FnOnce(&mut Config) + 'static) -> TestHost {
        self.changes.push(Box::new(change));
        self
    }

    /// Begins to serve; returns when everything in the folder has been decided on.
    pub async fn run(self) -> Running {
        let running = self.start();
        running.until("everything is decided on", |status| status.ready).await;
        running
    }

    /// Begins to serve, and does not wait.
    pub fn start(self) -> Running {
        let TestHost { home, apps, changes } = self;
        let mut config = config(home.path(), apps.path());
        changes.into_iter().for_each(|change| change(&mut config));
        let host = Host::bind(config).unwrap();
        let (address, deploy, reread) = (host.local_addrs()[0], host.deploy(), host.reread());
        let (routes, stop) = (host.routes(), CancellationToken::new());
        let host = tokio::task::spawn(host.run(stop.clone().cancelled_owned()));
        Running { home, apps, address, deploy, reread, routes, stop, host }
    }

    /// The folder that holds the apps folder and the state.
    pub fn home(&self) -> &Path {
        self.home.path()
    }
}

/// Defaults, on a free port; a written file settles quickly, so that tests do not wait for nothing.
pub fn config(home: &Path, apps: &Path) -> Config {
    let flags = ServeFlags {
        apps: Some(apps.to_owned()),
        state: Some(home.join("state")),
        address: AddressFlags { listen: vec!["127.0.0.1:0".parse().unwrap()], ..AddressFlags::default() },
        ..ServeFlags::default()
    };
    let mut config = Config::serve(&flags, &Surroundings::default()).unwrap();
    config.deploy.compile.program = program();
    // What an interpreter was compiled to serves all hosts of all runs.
    config.deploy.functions = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("functions"));
    config.deploy.settle = Duration::from_millis(100);
    config.deploy.removal_grace = Duration::from_millis(200);
    config
}

impl Running {
    /// A connection of its own.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.client().get(path).await
    }

    pub async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        self.client().send(request).await
    }

    /// A GET under another host's name.
    pub async fn get_at(&self, host: &str, path: &str) -> Reply {
        let mut request = get(path);
        request.headers_mut().insert(http::header::HOST, host.parse().unwrap());
        self.send(request).await
    }

    /// Renames a component into the folder; returns when it serves.
    pub async fn drop_in(&self, name: &str, component: impl AsRef<[u8]>) {
        let digest = Digest::of(component.as_ref());
        self.apps.rename_in(&format!("{name}.wasm"), component);
        self.until_live(name, digest).await;
    }

    /// Waits until `name` serves the component with this digest.
    pub async fn until_live(&self, name: &str, digest: Digest) {
        let what = format!("`{name}` serves {digest:?}");
        self.until(&what, |status| {
            let app = status.apps.get(name);
            app.is_some_and(|app| {
                app.newest.state == AppState::Live && app.serving.is_some_and(|live| live.code == digest)
            })
        })
        .await;
    }

    /// Waits until the newest content of `name` is in `state`, and returns why.
    pub async fn until_state(&self, name: &str, state: AppState) -> String {
        let what = format!("`{name}` is {state:?}");
        let status =
            self.until(&what, |status| status.apps.get(name).is_some_and(|app| app.newest.state == state)).await;
        status.apps[name].newest.why.clone().unwrap_or_default()
    }

    /// Waits for a state of the apps.
    pub async fn until(&self, what: &str, reached: impl FnMut(&Status) -> bool) -> Arc<Status> {
        let mut status = self.deploy.status();
        let mut reached = reached;
        let waiting = async { status.wait_for(|status| reached(status)).await.map(|status| status.clone()) };
        match tokio::time::timeout(crate::harness::PATIENCE, waiting).await {
            Ok(status) => status.expect("the host runs"),
            Err(_) => panic!("waited for: {what}; the status is {:#?}", self.deploy.status().borrow()),
        }
    }

    /// How many requests are in flight on the live revision of `name`.
    pub fn in_flight(&self, name: &str) -> usize {
        let table = self.routes.snapshot();
        let entry = table.entries().iter().find(|entry| entry.name.as_str() == name).expect("the app is there");
        match &entry.target {
            Target::Live(app) => app.in_flight(),
            Target::Waiting(_) | Target::Refused(_) => 0,
        }
    }

    /// Asks the host to end, and waits for it. The folder and the state can be run again.
    pub async fn stop(self) -> (TestHost, HostEnd) {
        self.stop.cancel();
        let end = within("the host to end", self.host).await.unwrap();
        (TestHost { home: self.home, apps: self.apps, changes: Vec::new() }, end)
    }

    /// The state directory.
    pub fn state(&self) -> PathBuf {
        self.home.path().join("state")
    }
}
