//! Many broken files at once, beside an app that is swapped meanwhile.

use guesthouse_deploy::status::AppState;
use guesthouse_deploy::status::AppStatus;
use guesthouse_deploy::status::Status;
use guesthouse_test_guests as guest;
use http::StatusCode;

use crate::harness::host::Running;
use crate::harness::host::TestHost;

/// A host with a good app, and what is dropped into its folder.
pub struct Drops {
    pub host: Running,
    revision: u32,
}

impl Drops {
    pub async fn run(host: TestHost) -> Drops {
        let host = host.app("revision", guest::revision(1)).run().await;
        Drops { host, revision: 1 }
    }

    /// Puts all of these into the folder, swaps the good app, and returns when everything is decided on.
    pub async fn drop_all(&mut self, files: &[(String, Vec<u8>)]) -> Vec<AppStatus> {
        for (name, bytes) in files {
            self.host.apps.rename_in(&format!("{name}.wasm"), bytes);
        }
        self.swap().await;
        let decided = |app: &AppStatus| !matches!(app.newest.state, AppState::Loading | AppState::Settling);
        let all = |status: &Status| files.iter().all(|(name, _)| status.apps.get(name).is_some_and(decided));
        let status = self.host.until("every file is decided on", all).await;
        self.check_good().await;
        files.iter().map(|(name, _)| status.apps[name].clone()).collect()
    }

    /// Drops one file, and returns why it is not taken.
    pub async fn refused(&mut self, name: &str, bytes: Vec<u8>) -> String {
        let [app] = &self.drop_all(&[(name.to_owned(), bytes)]).await[..] else { unreachable!("one file was dropped") };
        assert!(matches!(app.newest.state, AppState::Refused | AppState::Pending), "{name}: {app:?}");
        assert!(app.serving.is_none(), "{name}: {app:?}");
        let why = app.newest.why.clone().unwrap_or_default();
        let is_readable = !why.is_empty() && why.len() < 10_000 && !why.contains("bug of guesthouse");
        assert!(is_readable, "{name}: {why}");
        assert_eq!(self.host.get(&format!("/{name}/")).await.status, StatusCode::SERVICE_UNAVAILABLE, "{name}");
        self.host.apps.remove(&format!("{name}.wasm"));
        why
    }

    /// Swaps the good app: a new revision goes live whatever lies beside it.
    pub async fn swap(&mut self) {
        self.revision += 1;
        self.host.drop_in("revision", guest::revision(self.revision)).await;
        self.check_good().await;
    }

    pub async fn check_good(&self) {
        assert_eq!(self.host.get("/revision/").await.text(), guest::revision_text(self.revision));
    }
}
