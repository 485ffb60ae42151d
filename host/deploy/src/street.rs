//! The one task of the drop street: everything that can wake it, and what it does then.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use guesthouse_app::app::App;
use guesthouse_app::routes::RouteWriter;
use guesthouse_types::name::AppName;
use tokio::sync::Notify;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::book::Book;
use crate::fact::Deed;
use crate::fact::Fact;
use crate::fact::Made;
use crate::jobs::Jobs;
use crate::load::Found;
use crate::load::Loaded;
use crate::load::Order;
use crate::load::load;
use crate::lock::Lock;
use crate::policy::Policy;
use crate::publish::table;
use crate::record;
use crate::report::status;
use crate::retire::retire;
use crate::say;
use crate::scan::Scan;
use crate::scan::scan;
use crate::settings::DeploySettings;
use crate::status::Status;
use crate::validate::Validator;
use crate::watch::Watch;
use crate::write;
use crate::write::Writer;

/// Events that come together are looked at together.
const COALESCE: Duration = Duration::from_millis(5);
/// How often the folder is looked at where events cannot be relied on, or where it cannot be seen.
const POLL: Duration = Duration::from_secs(1);
/// Scanning takes at most a fifth of the time.
const SCAN_REST: u32 = 4;
/// Checking unchanged files takes at most a tenth of one core.
const CHECK_REST: u32 = 9;
/// Making a table and a status of all apps takes at most a fifth of the time, while many apps become ready.
const FOLLOW_REST: u32 = 4;
/// What takes less is done at once, for timers are no finer: with few apps, nothing ever waits.
const FOLLOW_FREE: Duration = Duration::from_micros(200);
/// Files that are read at the same moment.
const READS_AT_ONCE: usize = 4;
/// After the state directory could not be written to.
const WRITE_AGAIN: Duration = Duration::from_secs(5);
/// Watches are set anew on every so-many-th scan, in case a folder was replaced without a word.
const RENEW_EVERY: u64 = 64;

/// Everything that the task works with.
pub struct Street {
    /// What it was told once.
    pub settings: DeploySettings,
    /// The right to write to the state directory.
    pub lock: Arc<Lock>,
    /// The right to publish.
    pub routes: RouteWriter,
    /// What is known and decided.
    pub book: Book<Arc<App>>,
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
enum Event {
    /// The host ends.
    Stop,
    /// The file system says that something may have changed.
    Hint,
    /// It is time to look.
    Look,
    /// A job is done.
    Done(Box<Done>),
    /// It is time to make known what changed meanwhile.
    Rested,
    /// The operator asks for a look.
    Rescan,
    /// The operator allows something else.
    Policy,
}

/// What a job brings back.
enum Done {
    Scanned(io::Result<Scan>, HashSet<PathBuf>, Duration),
    Fact(Fact<Arc<App>>),
    Written(Option<String>),
}

/// The numbers of jobs that are not the book's.
const SCAN: u64 = u64::MAX;
const WRITE: u64 = u64::MAX - 1;

/// The task while it runs.
struct Walk {
    street: Street,
    stop: CancellationToken,
    watch: Watch,
    jobs: Jobs<Done>,
    reads: Arc<Semaphore>,
    checks: Arc<Semaphore>,
    /// When to look next; `None` while a look is under way.
    look_at: Option<Instant>,
    /// Something happened while a look was under way.
    look_again: bool,
    /// Not before this.
    rest_until: Instant,
    must_poll: bool,
    scans: u64,
    /// Until the folder has been seen once, what is not known may well be there.
    is_before_first_scan: bool,
    publish_due: bool,
    /// Something happened that was not followed up yet.
    is_behind: bool,
    /// Not before this.
    follow_up_from: Instant,
    is_writing: bool,
    /// Not before this, since the last time failed.
    write_again_at: Option<Instant>,
    records_due: bool,
    /// What is shown was not written yet: a write that was under way had an older one.
    status_due: bool,
    writer: Arc<Writer>,
    shown: Arc<Status>,
}

impl Street {
    /// Keeps the route table true to the folder until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut watch = Watch::new(self.settings.watch);
        // Watched before it is looked at, so that nothing happens in between.
        let apps = self.settings.apps.clone();
        let real = std::fs::canonicalize(&apps).into_iter().collect();
        watch.follow(&apps, &real);
        let jobs = Jobs::new(self.tasks.clone(), stop.child_token());
        let now = Instant::now();
        self.validator.artefacts.may_work_ahead(self.tasks.clone(), stop.clone());
        let mut walk = Walk {
            street: self,
            stop,
            watch,
            jobs,
            reads: Arc::new(Semaphore::new(READS_AT_ONCE)),
            checks: Arc::new(Semaphore::new(1)),
            look_at: Some(now),
            look_again: false,
            rest_until: now,
            must_poll: false,
            scans: 0,
            is_before_first_scan: true,
            publish_due: false,
            is_behind: false,
            follow_up_from: now,
            is_writing: false,
            write_again_at: None,
            records_due: false,
            status_due: false,
            writer: Arc::default(),
            shown: Arc::default(),
        };
        loop {
            let event = walk.next_event().await;
            if matches!(event, Event::Stop) {
                break;
            }
            walk.apply(event);
            walk.follow_up_in_time();
        }
        walk.finish().await;
    }
}

impl Walk {
    async fn next_event(&mut self) -> Event {
        let look = async {
            match self.look_at {
                Some(at) => tokio::time::sleep_until(at.max(self.rest_until)).await,
                None => std::future::pending().await,
            }
        };
        let rest = async {
            match self.is_behind {
                true => tokio::time::sleep_until(self.follow_up_from).await,
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Event::Stop,
            () = rest => Event::Rested,
            done = self.jobs.next() => Event::Done(Box::new(done)),
            Ok(()) = self.street.policy.changed() => Event::Policy,
            () = self.street.rescan.notified() => Event::Rescan,
            () = self.watch.hint() => Event::Hint,
            () = look => Event::Look,
        }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Stop | Event::Rested => {}
            Event::Hint => self.look_soon(Instant::now() + COALESCE),
            Event::Look => self.start_scan(),
            Event::Rescan => self.reconsider(false),
            Event::Policy => self.reconsider(true),
            Event::Done(done) => {
                self.done(*done);
                // What is done already is taken in together, so that the table is made once for many apps.
                while let Some(done) = self.jobs.try_next() {
                    self.done(done);
                }
            }
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Scanned(scan, moved, took) => self.scanned(scan, moved, took),
            Done::Fact(fact) => {
                // What could not be kept may find room once the store has dropped what is spare.
                self.records_due |= fact.is_trouble();
                self.street.book.apply(fact, Instant::now());
            }
            Done::Written(problem) => {
                self.is_writing = false;
                self.records_due |= problem.is_some();
                self.write_again_at = problem.is_some().then(|| Instant::now() + WRITE_AGAIN);
                self.alarm("state", problem);
            }
        }
    }

    /// Follows up, unless that would be too often: what it takes grows with the number of apps, and when a thousand of them
    /// become ready one after the other, it would be most of the work.
    fn follow_up_in_time(&mut self) {
        let begun = Instant::now();
        self.is_behind = begun < self.follow_up_from;
        if self.is_behind {
            return;
        }
        self.follow_up();
        let took = begun.elapsed();
        if took > FOLLOW_FREE {
            self.follow_up_from = Instant::now() + took * FOLLOW_REST;
        }
    }

    /// Does what was decided, and makes known what changed.
    fn follow_up(&mut self) {
        // Publishing comes before everything that takes time.
        if self.street.book.take_routes_changed() | std::mem::take(&mut self.publish_due) {
            let table = table(self.street.book.lives(), &self.street.settings.origins);
            self.street.routes.publish(if self.is_before_first_scan { table.before_first_scan() } else { table });
        }
        for deed in self.street.book.take_deeds() {
            self.act(deed);
        }
        if let Some(at) = self.street.book.deadline() {
            self.look_soon(at);
        }
        self.records_due |= self.street.book.take_records_changed();
        let alarms = self.street.alarms.values().cloned().collect();
        let mut now = status(&self.street.book, alarms, &self.street.settings.origins);
        now.log_lines_dropped = (self.street.settings.log_lines_dropped)();
        let is_news = *self.shown != now;
        if is_news {
            self.shown = Arc::new(now);
            self.street.status.send_replace(self.shown.clone());
            self.status_due = true;
        }
        if let Some(at) = self.write_again_at.filter(|at| *at > Instant::now()) {
            self.look_soon(at);
        } else if (self.status_due || self.records_due) && !self.is_writing {
            self.start_write();
        }
    }

    fn act(&mut self, deed: Deed<Arc<App>>) {
        match deed {
            Deed::Read(name, serial, order) => self.start_read(name, serial, order),
            Deed::Make(name, serial, revision, inspection) => {
                let policy = self.street.policy.borrow().clone();
                let making = self.street.validator.clone().make(name.clone(), revision, inspection, policy);
                let fact = move |made| Done::Fact(Fact::Made(name.clone(), serial, made));
                let lost = fact(Made::Refused("the host failed while it made it ready: a bug of guesthouse".into()));
                self.jobs.start(serial, lost, async move { fact(making.await) });
            }
            Deed::Cancel(serial) => self.jobs.cancel(serial),
            Deed::Retire(old) => retire(old.guest, &self.street.tasks, self.stop.clone()),
            Deed::Tell(published) => say::published(&published),
            Deed::Forget(name) => self.street.validator.admissions.forget(&name),
        }
    }

    fn start_read(&mut self, name: AppName, serial: u64, order: Box<Order>) {
        let is_check = self.street.book.is_check(&name, serial);
        let turns = if is_check { self.checks.clone() } else { self.reads.clone() };
        let store = self.street.validator.store.clone();
        let fact = move |found| Done::Fact(Fact::Read(name.clone(), serial, found));
        let failed = || {
            let why = "the host failed while it read it: a bug of guesthouse".to_owned();
            Found { loaded: Loaded::Pending(why), guard: None }
        };
        let lost = fact(failed());
        self.jobs.start(serial, lost, async move {
            let _turn = turns.acquire().await;
            let begun = Instant::now();
            let found = tokio::task::spawn_blocking(move || load(&order, &store)).await;
            if is_check {
                tokio::time::sleep(begun.elapsed() * CHECK_REST).await;
            }
            fact(found.unwrap_or_else(|_| failed()))
        });
    }

    /// Looks at `at`, or earlier if that was planned.
    fn look_soon(&mut self, at: Instant) {
        match &mut self.look_at {
            Some(planned) => *planned = at.min(*planned),
            None => self.look_again |= at <= Instant::now() + COALESCE,
        }
    }

    fn start_scan(&mut self) {
        self.look_at = None;
        self.look_again = false;
        self.scans += 1;
        let (apps, roots) = (self.street.settings.apps.clone(), self.street.settings.roots.clone());
        // Taken before the scan, so that what is said to have moved is seen by it.
        let moved = self.watch.take_moved();
        let lost = Done::Scanned(Err(io::Error::other("the scan failed: a bug of guesthouse")), HashSet::new(), POLL);
        self.jobs.start(SCAN, lost, async move {
            let begun = Instant::now();
            let scan = tokio::task::spawn_blocking(move || scan(&apps, &roots)).await;
            Done::Scanned(scan.unwrap_or_else(|error| Err(io::Error::other(error))), moved, begun.elapsed())
        });
    }

    fn scanned(&mut self, scan: io::Result<Scan>, moved: HashSet<PathBuf>, took: Duration) {
        let now = Instant::now();
        self.rest_until = now + took * SCAN_REST;
        if self.scans.is_multiple_of(RENEW_EVERY) {
            self.watch.renew();
        }
        let apps = self.street.settings.apps.clone();
        let folders = scan.as_ref().map(|scan| scan.folders.clone()).unwrap_or_default();
        // A folder that was not watched while it was looked at is looked at once more.
        self.look_again |= self.watch.follow(&apps, &folders);
        match scan {
            Ok(scan) => {
                self.publish_due |= std::mem::take(&mut self.is_before_first_scan);
                self.street.book.apply(Fact::Scanned { scan, moved }, now);
            }
            Err(error) => self.street.book.apply(Fact::Unseen(error.to_string()), now),
        }
        if self.scans % RENEW_EVERY == 1 {
            self.must_poll = self.watch.must_poll(&apps);
        }
        let unseen = self.street.book.unseen_why().map(|why| {
            format!("the apps folder `{}` cannot be seen: {why}; everything goes on as it was", apps.display())
        });
        let wait = match unseen.is_some() || self.must_poll || self.watch.is_in_trouble() {
            true => POLL.min(self.street.settings.rescan),
            false => self.street.settings.rescan,
        };
        self.alarm("apps", unseen);
        self.alarm("watch", self.watch.alarm(&apps));
        self.look_at = Some(if self.look_again { now + COALESCE } else { now + wait });
    }

    fn reconsider(&mut self, policy_changed: bool) {
        let now = Instant::now();
        self.street.book.apply(Fact::Reconsider { policy_changed }, now);
        self.look_soon(now);
    }

    /// Raises an alarm, or takes it back. Said once each.
    fn alarm(&mut self, what: &'static str, problem: Option<String>) {
        match problem {
            Some(problem) if self.street.alarms.get(what) == Some(&problem) => {}
            Some(problem) => {
                tracing::error!(target: "guesthouse::deploy", "{problem}");
                self.street.alarms.insert(what, problem);
            }
            None => {
                if let Some(past) = self.street.alarms.remove(what) {
                    tracing::info!(target: "guesthouse::deploy", "no longer: {past}");
                }
            }
        }
    }

    /// Writes what changed, off the way to publishing. One write at a time; the next one has the newest.
    fn start_write(&mut self) {
        self.is_writing = true;
        self.status_due = false;
        let order = self.write_order();
        let lost = Done::Written(Some("cannot write the state: a bug of guesthouse".into()));
        self.jobs.start(WRITE, lost, async move {
            let written = tokio::task::spawn_blocking(move || order.write()).await;
            Done::Written(written.unwrap_or_else(|error| Some(error.to_string())))
        });
    }

    fn write_order(&mut self) -> write::Order {
        let (book, settings) = (&self.street.book, &self.street.settings);
        let judge = record::judge(&self.street.policy.borrow(), &settings.compile);
        let records = std::mem::take(&mut self.records_due).then(|| write::Records {
            journal: record::journal(book, &judge),
            live: book.lives().values().filter_map(|life| life.live_revision()).collect(),
            keep: record::keep(book, self.street.validator.kinds()),
            bytes_max: settings.store_bytes_max,
        });
        let (status, state) = (self.shown.clone(), settings.state.clone());
        let store = self.street.validator.store.clone();
        let (writer, lock) = (self.writer.clone(), self.street.lock.clone());
        write::Order { turn: writer.turn(), writer, state, lock, status, records, store }
    }

    /// The last words: what is known now is remembered.
    async fn finish(mut self) {
        self.records_due = true;
        let order = self.write_order();
        let written = tokio::task::spawn_blocking(move || order.write()).await;
        if let Ok(Some(problem)) = written {
            tracing::error!(target: "guesthouse::deploy", "{problem}");
        }
    }
}
