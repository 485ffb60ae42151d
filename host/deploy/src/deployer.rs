//! The one task of the deploy path: everything that can wake it, and what it does then.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use guesthouse_app::app::App;
use guesthouse_app::routes::RouteWriter;
use guesthouse_manifest::policy::Policy;
use guesthouse_types::name::AppName;
use tokio::sync::Notify;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::jobs::Jobs;
use crate::load::read::LoadRequest;
use crate::load::read::LoadResult;
use crate::load::read::Loaded;
use crate::load::read::load;
use crate::pacing::COALESCE;
use crate::pacing::NextWrite;
use crate::pacing::Pacing;
use crate::prepare::validate::Validator;
use crate::reason::Failure;
use crate::reason::ReasonCode;
use crate::reconcile::event::Action;
use crate::reconcile::event::Event;
use crate::reconcile::log;
use crate::reconcile::publish::table;
use crate::reconcile::reconciler::Reconciler;
use crate::reconcile::record;
use crate::reconcile::report::status;
use crate::reconcile::retire::retire;
use crate::settings::DeploySettings;
use crate::state_dir::lock::Lock;
use crate::state_dir::writer;
use crate::state_dir::writer::StateWriter;
use crate::status::Status;
use crate::watch::scan::Scan;
use crate::watch::scan::scan;
use crate::watch::watcher::Watcher;

/// How often the folder is looked at where events cannot be relied on, or where it cannot be seen.
const POLL: Duration = Duration::from_secs(1);
/// Checking unchanged files takes at most a tenth of one core.
const CHECK_REST: u32 = 9;
/// Files that are read at the same moment.
const READS_AT_ONCE: usize = 4;
/// Watches are set anew on every so-many-th scan, in case a folder was replaced without a word.
const RENEW_EVERY: u64 = 64;

/// Everything that the task works with.
pub struct Deployer {
    /// What it was told once.
    pub settings: DeploySettings,
    /// The right to write to the state directory.
    pub lock: Arc<Lock>,
    /// The right to publish.
    pub routes: RouteWriter,
    /// What is known and decided.
    pub reconciler: Reconciler<Arc<App>>,
    /// Makes revisions ready.
    pub validator: Arc<Validator>,
    /// Tracks jobs and drains.
    pub tasks: TaskTracker,
    /// Somebody asks for a scan.
    pub rescan: Arc<Notify>,
    /// The operator's policy of the moment.
    pub policy: watch::Receiver<Arc<Policy>>,
    /// Where the status is shown.
    pub status: watch::Sender<Arc<Status>>,
    /// What was wrong at the start.
    pub alarms: BTreeMap<&'static str, String>,
}

/// Everything that can wake the task.
enum Wakeup {
    /// The host ends.
    Stop,
    /// The file system says that something may have changed.
    Hint,
    /// It is time to look.
    Look,
    /// A job is done.
    JobDone(Box<JobResult>),
    /// It is time to make known what changed meanwhile.
    Rested,
    /// The operator asks for a look.
    Rescan,
    /// The operator allows something else.
    Policy,
}

/// What a job brings back.
enum JobResult {
    Scanned(io::Result<Scan>, HashSet<PathBuf>, Duration),
    Event(Event<Arc<App>>),
    Written(Option<String>),
}

/// The numbers of jobs that are not the reconciler's.
const SCAN: u64 = u64::MAX;
const WRITE: u64 = u64::MAX - 1;

/// The task while it runs.
struct Running {
    deployer: Deployer,
    stop: CancellationToken,
    watch: Watcher,
    jobs: Jobs<JobResult>,
    reads: Arc<Semaphore>,
    checks: Arc<Semaphore>,
    pacing: Pacing,
    must_poll: bool,
    scans: u64,
    /// Until the folder has been seen once, what is not known may well be there.
    is_before_first_scan: bool,
    publish_due: bool,
    writer: Arc<StateWriter>,
    shown: Arc<Status>,
}

impl Deployer {
    /// Keeps the route table true to the folder until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut watch = Watcher::new(self.settings.watch);
        // Watched before it is looked at, so that nothing happens in between.
        let apps = self.settings.apps.clone();
        let real = std::fs::canonicalize(&apps).into_iter().collect();
        watch.follow(&apps, &real);
        let jobs = Jobs::new(self.tasks.clone(), stop.child_token());
        let now = Instant::now();
        self.validator.artefacts.may_work_ahead(self.tasks.clone(), stop.clone());
        let mut running = Running {
            deployer: self,
            stop,
            watch,
            jobs,
            reads: Arc::new(Semaphore::new(READS_AT_ONCE)),
            checks: Arc::new(Semaphore::new(1)),
            pacing: Pacing::new(now),
            must_poll: false,
            scans: 0,
            is_before_first_scan: true,
            publish_due: false,
            writer: Arc::default(),
            shown: Arc::default(),
        };
        loop {
            let event = running.next_event().await;
            if matches!(event, Wakeup::Stop) {
                break;
            }
            running.apply(event);
            running.follow_up_in_time();
        }
        running.finish().await;
    }
}

impl Running {
    async fn next_event(&mut self) -> Wakeup {
        let look = until(self.pacing.look_at());
        let rest = until(self.pacing.follow_up_at());
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Wakeup::Stop,
            () = rest => Wakeup::Rested,
            done = self.jobs.next() => Wakeup::JobDone(Box::new(done)),
            Ok(()) = self.deployer.policy.changed() => Wakeup::Policy,
            () = self.deployer.rescan.notified() => Wakeup::Rescan,
            () = self.watch.hint() => Wakeup::Hint,
            () = look => Wakeup::Look,
        }
    }

    fn apply(&mut self, event: Wakeup) {
        match event {
            Wakeup::Stop | Wakeup::Rested => {}
            Wakeup::Hint => self.look_soon(COALESCE),
            Wakeup::Look => self.start_scan(),
            Wakeup::Rescan => self.reconsider(false),
            Wakeup::Policy => self.reconsider(true),
            Wakeup::JobDone(done) => {
                self.done(*done);
                // What is done already is taken in together, so that the table is made once for many apps.
                while let Some(done) = self.jobs.try_next() {
                    self.done(done);
                }
            }
        }
    }

    fn done(&mut self, done: JobResult) {
        match done {
            JobResult::Scanned(scan, moved, took) => self.scanned(scan, moved, took),
            JobResult::Event(event) => {
                // What could not be kept may find room once the store has dropped what is spare.
                self.pacing.records_due(event.is_trouble());
                self.deployer.reconciler.apply(event, Instant::now());
            }
            JobResult::Written(problem) => {
                self.pacing.end_write(Instant::now(), problem.is_some());
                self.alarm("state", problem);
            }
        }
    }

    /// Follows up, unless that would be too often.
    fn follow_up_in_time(&mut self) {
        let begun = Instant::now();
        if self.pacing.may_follow_up(begun) {
            self.follow_up();
            self.pacing.followed_up(Instant::now(), begun.elapsed());
        }
    }

    /// Does what was decided, and makes known what changed.
    fn follow_up(&mut self) {
        // Publishing comes before everything that takes time.
        if self.deployer.reconciler.take_routes_changed() | std::mem::take(&mut self.publish_due) {
            let table = table(self.deployer.reconciler.apps(), &self.deployer.settings.origins);
            self.deployer.routes.publish(if self.is_before_first_scan { table.before_first_scan() } else { table });
        }
        for action in self.deployer.reconciler.take_actions() {
            self.act(action);
        }
        if let Some(at) = self.deployer.reconciler.deadline() {
            self.pacing.look_soon(at, Instant::now());
        }
        self.pacing.records_due(self.deployer.reconciler.take_records_changed());
        let alarms = self.deployer.alarms.values().cloned().collect();
        let mut now = status(&self.deployer.reconciler, alarms, &self.deployer.settings.origins);
        now.log_lines_dropped = (self.deployer.settings.log_lines_dropped)();
        let is_news = *self.shown != now;
        if is_news {
            self.shown = Arc::new(now);
            self.deployer.status.send_replace(self.shown.clone());
            self.pacing.status_due();
        }
        let now = Instant::now();
        match self.pacing.next_write(now) {
            NextWrite::None => {}
            NextWrite::Now => self.start_write(),
            NextWrite::At(at) => self.pacing.look_soon(at, now),
        }
    }

    fn act(&mut self, action: Action<Arc<App>>) {
        match action {
            Action::Read(name, serial, request) => self.start_read(name, serial, request),
            Action::Prepare(name, serial, revision, inspection) => {
                let policy = self.deployer.policy.borrow().clone();
                let making = self.deployer.validator.clone().make(name.clone(), revision, inspection, policy);
                let event = move |made| JobResult::Event(Event::Prepared(name.clone(), serial, made));
                let lost = event(Err(Failure::refused(
                    ReasonCode::Bug,
                    "the host failed while it made it ready: a bug of guesthouse",
                )));
                self.jobs.start(serial, lost, async move { event(making.await) });
            }
            Action::Cancel(serial) => self.jobs.cancel(serial),
            Action::Retire(old) => retire(old.guest, &self.deployer.tasks, self.stop.clone()),
            Action::Announce(published) => log::published(&published),
            Action::Forget(name) => self.deployer.validator.admissions.forget(&name),
        }
    }

    fn start_read(&mut self, name: AppName, serial: u64, request: Box<LoadRequest>) {
        let is_check = self.deployer.reconciler.is_check(&name, serial);
        let turns = if is_check { self.checks.clone() } else { self.reads.clone() };
        let store = self.deployer.validator.store.clone();
        let event = move |found| JobResult::Event(Event::Read(name.clone(), serial, found));
        let failed = || {
            let failure = Failure::retry(ReasonCode::Bug, "the host failed while it read it: a bug of guesthouse");
            LoadResult { loaded: Loaded::Failed { revision: None, failure }, guard: None }
        };
        let lost = event(failed());
        self.jobs.start(serial, lost, async move {
            let _turn = turns.acquire().await;
            let begun = Instant::now();
            let found = tokio::task::spawn_blocking(move || load(&request, &store)).await;
            if is_check {
                tokio::time::sleep(begun.elapsed() * CHECK_REST).await;
            }
            event(found.unwrap_or_else(|_| failed()))
        });
    }

    fn look_soon(&mut self, wait: Duration) {
        let now = Instant::now();
        self.pacing.look_soon(now + wait, now);
    }

    fn start_scan(&mut self) {
        self.pacing.begin_look();
        self.scans += 1;
        let (apps, roots) = (self.deployer.settings.apps.clone(), self.deployer.settings.roots.clone());
        // Taken before the scan, so that what is said to have moved is seen by it.
        let moved = self.watch.take_moved();
        let lost =
            JobResult::Scanned(Err(io::Error::other("the scan failed: a bug of guesthouse")), HashSet::new(), POLL);
        self.jobs.start(SCAN, lost, async move {
            let begun = Instant::now();
            let scan = tokio::task::spawn_blocking(move || scan(&apps, &roots)).await;
            JobResult::Scanned(scan.unwrap_or_else(|error| Err(io::Error::other(error))), moved, begun.elapsed())
        });
    }

    fn scanned(&mut self, scan: io::Result<Scan>, moved: HashSet<PathBuf>, took: Duration) {
        let now = Instant::now();
        if self.scans.is_multiple_of(RENEW_EVERY) {
            self.watch.renew();
        }
        let apps = self.deployer.settings.apps.clone();
        let folders = scan.as_ref().map(|scan| scan.folders.clone()).unwrap_or_default();
        // A folder that was not watched while it was looked at is looked at once more.
        if self.watch.follow(&apps, &folders) {
            self.pacing.look_once_more();
        }
        match scan {
            Ok(scan) => {
                self.publish_due |= std::mem::take(&mut self.is_before_first_scan);
                self.deployer.reconciler.apply(Event::Scanned { scan, moved }, now);
            }
            Err(error) => self.deployer.reconciler.apply(Event::ScanFailed(error.to_string()), now),
        }
        if self.scans % RENEW_EVERY == 1 {
            self.must_poll = self.watch.must_poll(&apps);
        }
        let unseen = self.deployer.reconciler.unseen_why().map(|why| {
            format!("the apps folder `{}` cannot be seen: {why}; everything goes on as it was", apps.display())
        });
        let wait = match unseen.is_some() || self.must_poll || self.watch.is_in_trouble() {
            true => POLL.min(self.deployer.settings.rescan),
            false => self.deployer.settings.rescan,
        };
        self.alarm("apps", unseen);
        self.alarm("watch", self.watch.alarm(&apps));
        self.pacing.end_look(now, took, wait);
    }

    fn reconsider(&mut self, policy_changed: bool) {
        self.deployer.reconciler.apply(Event::Reconsider { policy_changed }, Instant::now());
        self.look_soon(Duration::ZERO);
    }

    /// Raises an alarm, or takes it back. Said once each.
    fn alarm(&mut self, what: &'static str, problem: Option<String>) {
        match problem {
            Some(problem) if self.deployer.alarms.get(what) == Some(&problem) => {}
            Some(problem) => {
                tracing::error!(target: "guesthouse::deploy", "{problem}");
                self.deployer.alarms.insert(what, problem);
            }
            None => {
                if let Some(past) = self.deployer.alarms.remove(what) {
                    tracing::info!(target: "guesthouse::deploy", "no longer: {past}");
                }
            }
        }
    }

    /// Writes what changed, off the way to publishing. One write at a time; the next one has the newest.
    fn start_write(&mut self) {
        self.pacing.begin_write();
        let request = self.write_order();
        let lost = JobResult::Written(Some("cannot write the state: a bug of guesthouse".into()));
        self.jobs.start(WRITE, lost, async move {
            let written = tokio::task::spawn_blocking(move || request.write()).await;
            JobResult::Written(written.unwrap_or_else(|error| Some(error.to_string())))
        });
    }

    fn write_order(&mut self) -> writer::WriteRequest {
        let (reconciler, settings) = (&self.deployer.reconciler, &self.deployer.settings);
        let judge = record::judge(&self.deployer.policy.borrow(), &settings.compile);
        let records = self.pacing.take_records_due().then(|| writer::Records {
            journal: record::journal(reconciler, &judge),
            live: reconciler.apps().values().filter_map(|tracked| tracked.live_revision()).collect(),
            keep: record::keep(reconciler, self.deployer.validator.kinds()),
            bytes_max: settings.store_bytes_max,
        });
        let (status, state) = (self.shown.clone(), settings.state.clone());
        let store = self.deployer.validator.store.clone();
        let (writer, lock) = (self.writer.clone(), self.deployer.lock.clone());
        writer::WriteRequest { turn: writer.turn(), writer, state, lock, status, records, store }
    }

    /// The last words: what is known now is remembered.
    async fn finish(mut self) {
        self.pacing.records_due(true);
        let request = self.write_order();
        let written = tokio::task::spawn_blocking(move || request.write()).await;
        if let Ok(Some(problem)) = written {
            tracing::error!(target: "guesthouse::deploy", "{problem}");
        }
    }
}

/// Sleeps until `at`, or for ever.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
