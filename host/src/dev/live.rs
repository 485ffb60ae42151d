//! How long it took from an edit to a live app.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use guesthouse_deploy::status::Status;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Digest;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::foreground::announce::print;

/// Waits for builds to become live, and tells it.
pub struct Live {
    status: watch::Receiver<Arc<Status>>,
    awaited: BTreeMap<AppName, (Digest, Instant)>,
}

/// App → the content that serves.
pub type Contents = BTreeMap<String, Digest>;

impl Live {
    /// Waits in `status`.
    pub fn new(status: watch::Receiver<Arc<Status>>) -> Live {
        Live { status, awaited: BTreeMap::new() }
    }

    /// What serves now.
    pub fn contents(&self) -> Contents {
        contents(&self.status.borrow())
    }

    /// Waits for what was `built` after the edit at `edited`. What served before the build began is no news.
    pub fn expect(&mut self, built: &BTreeMap<AppName, Digest>, before: &Contents, edited: Instant) {
        let new = built.iter().filter(|(name, digest)| before.get(name.as_str()) != Some(digest));
        self.awaited.extend(new.map(|(name, digest)| (name.clone(), (*digest, edited))));
    }

    /// Tells of each when it is live. Never ends; dropping the future loses at most a line that was about to be printed.
    pub async fn tell(&mut self) -> Infallible {
        loop {
            let now = contents(&self.status.borrow_and_update());
            for line in self.arrived(&now) {
                print(line).await;
            }
            if self.status.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Tells that the edited source itself is what serves.
    pub async fn tell_now(&self, name: &AppName, edited: Instant) {
        print(format!("{name}: live {:.1} s after the edit, without a build", edited.elapsed().as_secs_f64())).await;
    }

    fn arrived(&mut self, now: &Contents) -> Vec<String> {
        let mut lines = Vec::new();
        self.awaited.retain(|name, (digest, edited)| {
            let is_there = now.get(name.as_str()) == Some(digest);
            if is_there {
                lines.push(format!("{name}: live {:.1} s after the edit", edited.elapsed().as_secs_f64()));
            }
            !is_there
        });
        lines
    }
}

fn contents(status: &Status) -> Contents {
    status.apps.iter().filter_map(|(name, app)| Some((name.clone(), app.serving?.code))).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_edited_is_told_once_when_it_serves() {
        let (_sender, status) = watch::channel(Arc::new(Status::default()));
        let mut live = Live::new(status);
        let [one, other] = [b"one", b"two"].map(|content| Digest::of(content));
        let now = |digest| Contents::from([("shop".to_owned(), digest)]);
        let shop = BTreeMap::from([(AppName::parse("shop").unwrap(), other)]);

        live.expect(&shop, &now(other), Instant::now());
        assert!(live.arrived(&now(other)).is_empty(), "it served already");
        live.expect(&shop, &now(one), Instant::now());
        tokio::time::advance(Duration::from_millis(12_340)).await;
        assert!(live.arrived(&now(one)).is_empty());
        assert_eq!(live.arrived(&now(other)), ["shop: live 12.3 s after the edit"]);
        assert!(live.arrived(&now(other)).is_empty());
    }
}
