//! A world for the reconciler to live in: a folder, a disk, a clock and jobs that take their time. Everything that happens is
//! an [`Op`]; after each, the reconciler is held against the pure model.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use guesthouse_app::routes::Origins;
use guesthouse_types::name::AppName;
use guesthouse_types::name::Digest;
use guesthouse_types::name::Revision;
use guesthouse_types::route::Declared;
use tokio::time::Instant;

use super::Reconciler;
use super::truth_tests::Asked;
use super::truth_tests::Code;
use super::truth_tests::Content;
use super::truth_tests::Fate;
use super::truth_tests::Guest;
use super::truth_tests::ROUTES;
use super::truth_tests::SHADOW;
use super::truth_tests::Truth;
use super::truth_tests::claim;
use crate::load::read::LoadRequest;
use crate::load::read::LoadResult;
use crate::load::read::Loaded;
use crate::manifest_guard::Guard;
use crate::reason::Failure;
use crate::reason::Reason;
use crate::reason::ReasonCode;
use crate::reconcile::event::Action;
use crate::reconcile::event::Event;
use crate::reconcile::event::Rules;
use crate::reconcile::publish::key;
use crate::reconcile::record;
use crate::reconcile::tracked_app::Decision;
use crate::reconcile::tracked_app::Ready;
use crate::state_dir::journal::Journal;
use crate::state_dir::journal::Record;
use crate::status::AppState;
use crate::watch::scan::FileStamp;
use crate::watch::scan::FoundApp;
use crate::watch::scan::FoundFile;
use crate::watch::scan::Scan;

/// All apps. Nothing is ever done to the last one.
pub const APPS: [&str; 5] = ["shop", "thief", SHADOW, "api/users", "bystander"];
const BYSTANDER: &str = "bystander";

const SETTLE: Duration = Duration::from_millis(500);
const GRACE: Duration = Duration::from_secs(2);
const CHECK: Duration = Duration::from_secs(60);
/// The folder is looked at in any case.
const RESCAN: Duration = Duration::from_secs(10);
const BYTES_MAX: u64 = 1000;

/// How a file gets its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Renamed into place, and the event says so before the next look.
    Rename,
    /// Renamed into place, and the event comes late.
    RenameLate,
    /// Truncated and written.
    Write,
    /// A link into another folder, which flips.
    Link,
    /// Written so that nothing shows it: same size, same times.
    Unseen,
}

/// What happens in the world.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    Put(usize, Code, Way),
    Ask(usize, Option<Asked>, Way),
    /// Code and manifest at once, as when a whole folder flips.
    Both(usize, Content, Way),
    /// The same, renamed into place, looked at and read.
    Drop(usize, Content),
    /// One after the other, faster than they are made.
    Burst(usize, [Content; 4]),
    /// What was half becomes whole.
    Continue(usize),
    Truncate(usize),
    Touch(usize),
    Unlink(usize),
    /// A folder stands where the component was.
    Odd(usize),
    /// One app's files become another's.
    Rename(usize, usize),
    /// A look into the folder.
    Look,
    /// A look that is overtaken by the next op.
    SlowLook,
    /// So many milliseconds.
    Tick(u64),
    /// The n-th job goes on by one step.
    Work(usize),
    /// The n-th make meets trouble.
    Fail(usize),
    /// All reads come to their end.
    Read,
    /// All jobs come to their end.
    Finish,
    /// The operator asks for another try.
    Reconsider,
    /// The operator allows this much; a SIGHUP does both.
    Policy(u8),
    Hangup(u8),
    /// The host is stopped and started again, or crashes.
    Restart {
        crash: bool,
    },
    Disk {
        is_full: bool,
    },
    /// The folder is there, is missing, or is an empty mount point.
    Mount(Mount),
    /// A sub-folder that nobody can read.
    Hide(bool),
    /// The state was written.
    Written,
    /// The store drops what need not be kept.
    Collect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    Here,
    Missing,
    Empty,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Code(Code),
    Asked(Asked),
    Folder,
}

#[derive(Clone, Copy, Debug)]
struct File {
    piece: Piece,
    stamp: FileStamp,
    changed: Instant,
}

/// A read under way.
struct Reads {
    app: &'static str,
    serial: u64,
    number: u64,
    order: Box<LoadRequest>,
    code: Option<Result<Code, Loaded>>,
    loaded: Option<(Loaded, Option<Content>)>,
}

struct Makes {
    app: &'static str,
    serial: u64,
    revision: Revision,
    level: u8,
}

/// Code and manifest, by what their changes show.
type Marks = [Option<(FileStamp, PathBuf)>; 2];

pub struct World {
    reconciler: Reconciler<Guest>,
    truth: Truth,
    now: Instant,
    start: Instant,
    /// From an app's file (`shop.wasm`) to where its content is.
    entries: BTreeMap<String, PathBuf>,
    disk: BTreeMap<PathBuf, File>,
    mount: Mount,
    is_hidden: bool,
    is_full: bool,
    moved: HashSet<PathBuf>,
    moved_late: HashSet<PathBuf>,
    slow_look: Option<(Option<Scan>, HashSet<PathBuf>)>,
    looked_at: Instant,
    has_looked: bool,
    reads: Vec<Reads>,
    makes: Vec<Makes>,
    /// Apps of which a make was given up for newer content, since something was decided.
    gave_up: BTreeSet<&'static str>,
    /// By what the manifest was known that was read last, by app.
    manifests: BTreeMap<&'static str, FileStamp>,
    /// What was to be read last, by app.
    ordered: BTreeMap<&'static str, Marks>,
    /// What visitors look at.
    table: BTreeMap<&'static str, Option<Guest>>,
    retired: BTreeSet<u64>,
    numbers: u64,
    /// What each revision is.
    contents: HashMap<Revision, Content>,
    stored: HashMap<Revision, Instant>,
    compiled: HashSet<Revision>,
    persisted: Journal,
    writing: Option<Journal>,
    records_due: bool,
    write_failed: bool,
    /// Whether the reconciler was told anything since it was last compared with what is written.
    is_news: bool,
    /// How often an interesting state was reached.
    pub reached: BTreeMap<&'static str, u64>,
}

fn name_of(name: &AppName) -> &'static str {
    APPS.iter().find(|app| **app == name.as_str()).expect("the world has no other apps")
}

fn digest(text: &impl std::fmt::Debug) -> Digest {
    Digest::of(format!("{text:?}").as_bytes())
}

fn revision(content: Content) -> Revision {
    Revision { code: digest(&content.code), manifest: content.manifest.as_ref().map(digest) }
}

fn rules() -> Rules {
    Rules {
        settle: SETTLE,
        removal_grace: GRACE,
        check: CHECK,
        component_bytes_max: BYTES_MAX,
        origins: Origins { domain: "localhost".into(), hosts: Vec::new(), path_routes: true },
    }
}

fn declared(route: usize) -> Declared {
    let (host, prefix) = ROUTES[route];
    Declared { host: host.to_owned(), prefix: prefix.to_owned() }
}

fn size(piece: Piece) -> u64 {
    match piece {
        Piece::Code(Code::Empty) => 0,
        Piece::Code(Code::Half(_)) => 50,
        Piece::Code(Code::Large) => BYTES_MAX + 1,
        Piece::Code(_) | Piece::Folder => 100,
        Piece::Asked(_) => 10,
    }
}

impl World {
    /// A folder with two good apps, of which one is left alone.
    pub fn new() -> World {
        let now = Instant::now();
        let (known, owners) = record::remembered(&Journal::default(), "policy 1");
        let mut world = World {
            reconciler: Reconciler::new(rules(), known, owners, None),
            truth: Truth { level: 1, ..Truth::default() },
            now,
            start: now,
            entries: BTreeMap::new(),
            disk: BTreeMap::new(),
            mount: Mount::Here,
            is_hidden: false,
            is_full: false,
            moved: HashSet::new(),
            moved_late: HashSet::new(),
            slow_look: None,
            looked_at: now,
            has_looked: false,
            reads: Vec::new(),
            makes: Vec::new(),
            gave_up: BTreeSet::new(),
            manifests: BTreeMap::new(),
            ordered: BTreeMap::new(),
            table: BTreeMap::new(),
            retired: BTreeSet::new(),
            numbers: 0,
            contents: HashMap::new(),
            stored: HashMap::new(),
            compiled: HashSet::new(),
            persisted: Journal::default(),
            writing: None,
            records_due: false,
            write_failed: false,
            is_news: true,
            reached: BTreeMap::new(),
        };
        world.put("bystander.wasm", Piece::Code(Code::Good(0)), Way::Rename);
        world
    }

    fn reach(&mut self, what: &'static str) {
        *self.reached.entry(what).or_default() += 1;
    }

    /// Lets one thing happen, and checks what must hold.
    pub fn step(&mut self, op: Op) -> Result<(), String> {
        let overtaken = self.slow_look.take();
        self.happen(op)?;
        if let Some((scan, moved)) = overtaken
            && !matches!(op, Op::Restart { .. })
        {
            self.looked(scan, moved)?;
        }
        self.invariants()
    }

    fn happen(&mut self, op: Op) -> Result<(), String> {
        match op {
            Op::Put(app, code, way) => self.put(&code_file(app), Piece::Code(code), way),
            Op::Ask(app, Some(asked), way) => self.put(&manifest_file(app), Piece::Asked(asked), way),
            Op::Ask(app, None, _) => self.unlink(&manifest_file(app)),
            Op::Both(app, content, way) => {
                self.put(&code_file(app), Piece::Code(content.code), way);
                match content.manifest {
                    Some(asked) => self.put(&manifest_file(app), Piece::Asked(asked), way),
                    None => self.unlink(&manifest_file(app)),
                }
            }
            Op::Drop(app, content) => {
                self.happen(Op::Both(app, content, Way::Rename))?;
                self.look()?;
                self.finish_reads()?;
            }
            Op::Burst(app, contents) => {
                for content in contents {
                    self.happen(Op::Drop(app, content))?;
                }
            }
            Op::Continue(app) => {
                if let Some(Piece::Code(Code::Half(number))) = self.piece(&code_file(app)) {
                    self.put(&code_file(app), Piece::Code(Code::Good(number)), Way::Write);
                }
            }
            Op::Truncate(app) => {
                let shorter = match self.piece(&code_file(app)) {
                    Some(Piece::Code(Code::Good(number))) => Code::Half(number),
                    Some(Piece::Code(_)) => Code::Empty,
                    _ => return Ok(()),
                };
                self.put(&code_file(app), Piece::Code(shorter), Way::Write);
            }
            Op::Touch(app) => {
                let stamp = self.stamp();
                if let Some(file) = self.entries.get(&code_file(app)).and_then(|real| self.disk.get_mut(real)) {
                    (file.stamp.mtime, file.stamp.ctime, file.changed) = (stamp, stamp, self.now);
                }
            }
            Op::Unlink(app) => self.unlink(&code_file(app)),
            Op::Odd(app) => self.put(&code_file(app), Piece::Folder, Way::Rename),
            Op::Rename(from, to) => self.rename(from, to),
            Op::Look => self.look()?,
            Op::SlowLook => self.slow_look = Some((self.scan(), std::mem::take(&mut self.moved))),
            Op::Tick(millis) => self.tick(Duration::from_millis(millis))?,
            Op::Work(which) => self.work(which)?,
            Op::Fail(which) => self.fail(which)?,
            Op::Read => self.finish_reads()?,
            Op::Finish => self.finish()?,
            Op::Reconsider => self.reconsider(false)?,
            Op::Policy(level) => self.set_policy(level)?,
            Op::Hangup(level) => {
                self.set_policy(level)?;
                self.reconsider(false)?;
            }
            Op::Restart { crash } => self.restart(crash)?,
            Op::Disk { is_full } => self.is_full = is_full,
            Op::Mount(mount) => self.mount = mount,
            Op::Hide(is_hidden) => self.is_hidden = is_hidden,
            Op::Written => self.written(),
            Op::Collect => self.collect()?,
        }
        Ok(())
    }

    // What happens in the folder.

    fn stamp(&self) -> (i64, i64) {
        // As coarse as many file systems are.
        let millis = self.now.duration_since(self.start).as_millis() / 10;
        (millis as i64, 0)
    }

    fn piece(&self, file: &str) -> Option<Piece> {
        self.entries.get(file).and_then(|real| self.disk.get(real)).map(|file| file.piece)
    }

    fn put(&mut self, file: &str, piece: Piece, way: Way) {
        self.numbers += 1;
        let entry = PathBuf::from("apps").join(file);
        let fresh = FileStamp { size: size(piece), inode: self.numbers, device: 1, ..FileStamp::default() };
        let fresh = FileStamp { mtime: self.stamp(), ctime: self.stamp(), ..fresh };
        let old = self.entries.get(file).and_then(|real| Some((real.clone(), *self.disk.get(real)?)));
        let (real, stamp, changed) = match (way, old) {
            (Way::Unseen, Some((real, old))) if old.stamp.size == fresh.size && piece != Piece::Folder => {
                (real, old.stamp, old.changed)
            }
            (Way::Write | Way::Unseen, Some((real, old))) if old.piece != Piece::Folder => {
                (real, FileStamp { inode: old.stamp.inode, ..fresh }, self.now)
            }
            (Way::Link, _) => (PathBuf::from(format!("releases/{}/{file}", self.numbers)), fresh, self.now),
            _ => (entry.clone(), fresh, self.now),
        };
        // What is moved keeps the time at which it was written.
        let stamp = if way == Way::Rename { FileStamp { mtime: (1, 0), ..stamp } } else { stamp };
        if matches!(way, Way::Rename) {
            self.moved.insert(entry.clone());
        }
        if matches!(way, Way::RenameLate) {
            self.moved_late.insert(entry);
        }
        self.entries.insert(file.to_owned(), real.clone());
        self.disk.insert(real, File { piece, stamp, changed });
        self.tell_truth();
    }

    fn unlink(&mut self, file: &str) {
        if let Some(real) = self.entries.remove(file)
            && real.starts_with("apps")
        {
            self.disk.remove(&real);
        }
        self.tell_truth();
    }

    fn rename(&mut self, from: usize, to: usize) {
        for (from, to) in [(code_file(from), code_file(to)), (manifest_file(from), manifest_file(to))] {
            let Some(real) = self.entries.get(&from).filter(|_| from != to).cloned() else { continue };
            let Some(mut file) = self.disk.get(&real).copied() else { continue };
            self.unlink(&from);
            self.unlink(&to);
            let entry = PathBuf::from("apps").join(&to);
            (file.stamp.ctime, file.changed) = (self.stamp(), self.now);
            let real = if real.starts_with("apps") { entry.clone() } else { real };
            self.moved.insert(entry);
            self.entries.insert(to, real.clone());
            self.disk.insert(real, file);
        }
        self.tell_truth();
    }

    fn tell_truth(&mut self) {
        for (at, name) in APPS.into_iter().enumerate() {
            let manifest = match self.piece(&manifest_file(at)) {
                Some(Piece::Asked(asked)) => Some(asked),
                _ => None,
            };
            self.truth.apps.entry(name).or_default().folder = match self.piece(&code_file(at)) {
                None => None,
                Some(Piece::Code(code)) => Some(Some(Content { code, manifest })),
                Some(_) => Some(None),
            };
        }
    }

    // What the deployer does.

    fn scan(&self) -> Option<Scan> {
        let mut scan = Scan { device: 1, ..Scan::default() };
        match self.mount {
            Mount::Missing => return None,
            Mount::Empty => return Some(Scan { is_empty: true, device: 2, ..scan }),
            Mount::Here => {}
        }
        for (at, app) in APPS.into_iter().enumerate() {
            if self.is_hidden && app.starts_with("api/") {
                scan.unreadable.insert("api".into(), Reason::new(ReasonCode::Unreadable, "no"));
                continue;
            }
            let Some(code) = self.found_file(&code_file(at)) else { continue };
            let found = FoundApp { code, manifest: self.found_file(&manifest_file(at)) };
            scan.apps.insert(AppName::parse(app).unwrap(), found);
        }
        scan.is_empty = self.entries.is_empty();
        Some(scan)
    }

    fn found_file(&self, file: &str) -> Option<Result<FoundFile, Reason>> {
        let real = self.entries.get(file)?;
        let File { piece, stamp, changed } = *self.disk.get(real)?;
        if piece == Piece::Folder {
            return Some(Err(Reason::new(ReasonCode::File, "not a regular file but a folder")));
        }
        let entry = PathBuf::from("apps").join(file);
        let age = self.now.duration_since(changed);
        Some(Ok(FoundFile { shown: entry.display().to_string(), entry, real: real.clone(), stamp, age }))
    }

    fn look(&mut self) -> Result<(), String> {
        let moved = std::mem::take(&mut self.moved);
        self.looked(self.scan(), moved)
    }

    fn looked(&mut self, scan: Option<Scan>, moved: HashSet<PathBuf>) -> Result<(), String> {
        self.moved.extend(std::mem::take(&mut self.moved_late));
        self.looked_at = self.now;
        self.records_due |= std::mem::take(&mut self.write_failed);
        let is_first = !std::mem::replace(&mut self.has_looked, true);
        let Some(scan) =
            scan.filter(|scan| !scan.is_empty || self.reconciler.device().is_none_or(|old| old == scan.device))
        else {
            // An empty mount point is for the reconciler to find out.
            self.truth.looked_in_vain();
            if self.table.values().flatten().next().is_some() {
                self.reach("the folder vanishes while apps serve");
            }
            let event = match self.scan().filter(|_| self.mount == Mount::Empty) {
                Some(scan) => Event::Scanned { scan, moved },
                None => Event::ScanFailed("not there".to_owned()),
            };
            self.tell(event, None)?;
            let knows_nothing = self.truth.apps.values().all(|app| app.last_good.is_none());
            return claim(self.reconciler.unseen_why().is_some() || knows_nothing, || {
                "a vanished folder is believed".to_owned()
            });
        };
        let there: BTreeSet<&'static str> = scan.apps.keys().map(name_of).collect();
        self.count_returns(&there);
        let hidden = match scan.unreadable.is_empty() {
            true => BTreeSet::new(),
            false => BTreeSet::from(["api/users"]),
        };
        self.truth.looked(&there, &hidden, self.now);
        let known: BTreeSet<&'static str> = self.table.keys().copied().collect();
        let found = scan.apps.clone();
        for (name, found) in &found {
            let known = self.manifests.get(name_of(name));
            if let Some(manifest) = &found.manifest
                && manifest.as_ref().ok().map(|manifest| manifest.stamp).as_ref() != known
            {
                self.truth.apps.entry(name_of(name)).or_default().guard = Guard::Unread;
            }
        }
        self.tell(Event::Scanned { scan, moved }, None)?;
        for (name, found) in found {
            let (Ok(code), Ok(manifest)) = (found.code, found.manifest.transpose()) else { continue };
            if manifest.is_none() && self.truth.apps[name_of(&name)].guard != Guard::Nothing {
                self.reach("a manifest is missed");
                if self.table.get(name_of(&name)).copied().flatten().is_some() {
                    self.reach("a manifest is missed while the last good one serves");
                }
                continue;
            }
            let is_read = self.ordered.get(name_of(&name)) == Some(&marks(&code, manifest.as_ref()));
            let waits = self.reconciler.apps()[&name].is_settling;
            claim(waits || is_read, || format!("{name}: a change was seen and is not read"))?;
        }
        if is_first {
            let is_there = |app: &&str| there.contains(*app) || hidden.contains(*app) || known.contains(*app);
            let risen = self.table.keys().find(|app| !is_there(app));
            claim(risen.is_none(), || format!("{risen:?} was deleted while the host was down, and is back"))?;
            self.forget_what_was_deleted_meanwhile(&known);
        }
        let deadline = self.reconciler.deadline();
        claim(deadline.is_none_or(|at| at > self.now), || {
            format!("looked just now, and is to look again at once ({:?} ago)", deadline.map(|at| self.now - at))
        })
    }

    fn count_returns(&mut self, there: &BTreeSet<&'static str>) {
        let apps = self.reconciler.apps().iter();
        let missed = apps.filter(|(name, tracked)| tracked.gone_since.is_some() && there.contains(name.as_str()));
        if missed.count() > 0 {
            self.reach("a removed app comes back within the grace");
        }
        if self.is_hidden && self.table.get("api/users").copied().flatten().is_some() {
            self.reach("a sub-folder is hidden while its app serves");
        }
    }

    fn forget_what_was_deleted_meanwhile(&mut self, known: &BTreeSet<&'static str>) {
        for app in APPS {
            let is_known = self.table.contains_key(app) || known.contains(app);
            if !is_known {
                self.manifests.remove(app);
                self.truth.apps.entry(app).or_default().guard = Guard::Nothing;
            }
            if !is_known && self.truth.apps.get(app).is_some_and(|app| app.last_good.is_some()) {
                self.reach("a file is deleted while the host is down");
                self.truth.forgets(app);
            }
        }
    }

    fn tick(&mut self, time: Duration) -> Result<(), String> {
        let until = self.now + time;
        loop {
            let planned = self.reconciler.deadline().into_iter().chain([self.looked_at + RESCAN]).min();
            match planned.filter(|at| *at <= until) {
                Some(at) => {
                    self.now = at.max(self.now);
                    self.look()?;
                }
                None => {
                    self.now = until;
                    return Ok(());
                }
            }
        }
    }

    fn set_policy(&mut self, level: u8) -> Result<(), String> {
        // The same policy as before is no news.
        if level == self.truth.level {
            return Ok(());
        }
        self.truth.level = level;
        if self.table.values().flatten().any(|guest| guest.content.fate(level) != Fate::Serves) {
            self.reach("what serves is no longer allowed");
        }
        self.reconsider(true)
    }

    fn reconsider(&mut self, policy_changed: bool) -> Result<(), String> {
        self.truth.reconsiders();
        self.tell(Event::Reconsider { policy_changed }, None)
    }

    /// Takes in an event and does what follows, as the deployer does. `about` is the app that the event is about.
    fn tell(&mut self, event: Event<Guest>, about: Option<&'static str>) -> Result<(), String> {
        let held: BTreeSet<&str> = self
            .reconciler
            .apps()
            .iter()
            .filter(|(_, tracked)| tracked.held.is_some())
            .map(|(name, _)| name_of(name))
            .collect();
        self.is_news = true;
        let before = self.table.clone();
        self.reconciler.apply(event, self.now);
        if self.reconciler.take_routes_changed() {
            self.publish()?;
        }
        self.records_due |= self.reconciler.take_records_changed();
        let is_free = |app: &&&str| {
            self.reconciler.apps().iter().any(|(name, tracked)| {
                name.as_str() == **app && tracked.held.is_none() && tracked.decision == Some(Decision::Live)
            })
        };
        if let Some(about) = about.filter(|about| self.is_decided(about)) {
            self.gave_up.remove(about);
        }
        if held.iter().filter(|app| about != Some(**app)).any(|app| is_free(&app)) {
            self.reach("a contested route becomes free");
        }
        for action in self.reconciler.take_actions() {
            self.act(action, about, &held)?;
        }
        let replaced = before.into_values().flatten().find(|old| {
            !self.retired.contains(&old.id) && !self.table.values().flatten().any(|guest| guest.id == old.id)
        });
        claim(replaced.is_none(), || format!("{replaced:?} serves no longer, and is not retired"))?;
        if self.records_due && self.writing.is_none() {
            self.records_due = false;
            self.writing = Some(self.journal());
        }
        Ok(())
    }

    /// Whether nothing about an app's newest content is left to be found out.
    fn is_decided(&self, app: &str) -> bool {
        let tracked = self.reconciler.apps().iter().find(|(name, _)| name.as_str() == app).map(|(_, tracked)| tracked);
        tracked.is_none_or(|tracked| {
            let is_made = tracked.jobs.iter().any(|job| Some(job.revision) == tracked.newest);
            !is_made && !matches!(tracked.decision, None | Some(Decision::Pending(_)))
        })
    }

    fn publish(&mut self) -> Result<(), String> {
        let now: BTreeMap<_, _> = self.now_serving();
        let present: BTreeSet<&'static str> = now.keys().copied().collect();
        let before = std::mem::replace(&mut self.table, now.clone());
        // First what goes, so that its routes are free.
        for app in before.keys().filter(|app| !present.contains(*app)) {
            self.truth.shows(app, None, &present, GRACE, self.now)?;
            self.truth.forgets(app);
            self.manifests.remove(app);
            self.reach("an app is removed");
        }
        let changed: Vec<_> =
            now.iter().filter(|(app, guest)| before.get(*app).copied().flatten() != **guest).collect();
        // A route that is given up is free for another in the same table.
        for (app, guest) in &changed {
            let routes: Vec<usize> = guest.iter().flat_map(|guest| guest.content.routes()).collect();
            self.truth.holders.retain(|route, holder| holder != *app || routes.contains(route));
        }
        for (app, guest) in changed {
            let before = before.get(app).copied().flatten();
            if let (Some(before), Some(guest)) = (before, guest) {
                self.reach(if before.content == guest.content { "made anew" } else { "swapped" });
            }
            let truth = self.truth.apps[app].clone();
            if before.is_none() && truth.last_good == guest.map(|guest| guest.content) {
                self.reach("the last good revision serves after a restart");
                let is_refused = |content: Content| content.fate(self.truth.level) == Fate::Refused;
                if truth.folder.flatten().is_some_and(is_refused) {
                    self.reach("the last good revision serves after a restart, and the newest is refused");
                }
            }
            self.truth.shows(app, *guest, &present, GRACE, self.now)?;
        }
        Ok(())
    }

    fn now_serving(&self) -> BTreeMap<&'static str, Option<Guest>> {
        let apps = self.reconciler.apps().iter();
        apps.map(|(name, tracked)| (name_of(name), tracked.live.as_ref().map(|ready| ready.guest))).collect()
    }

    fn act(&mut self, action: Action<Guest>, about: Option<&'static str>, held: &BTreeSet<&str>) -> Result<(), String> {
        let names = match &action {
            Action::Read(name, ..) | Action::Prepare(name, ..) | Action::Forget(name) => Some(name_of(name)),
            Action::Announce(published) => Some(name_of(&published.name)),
            Action::Cancel(serial) => self.makes.iter().find(|make| make.serial == *serial).map(|make| make.app),
            Action::Retire(_) => None,
        };
        let is_others = about.zip(names).filter(|(about, name)| about != name && !held.contains(name));
        claim(is_others.is_none(), || format!("{action:?} in answer to something about {about:?}"))?;
        match action {
            Action::Read(name, serial, order) => {
                self.numbers += 1;
                let (app, number) = (name_of(&name), self.numbers);
                let guard = &self.truth.apps[app].guard;
                claim(order.manifest.is_some() || *guard == Guard::Nothing, || {
                    format!("{app}: is read without its manifest, which kept {guard:?} back")
                })?;
                self.ordered.insert(app, marks(&order.code, order.manifest.as_ref()));
                self.reads.push(Reads { app, serial, number, order, code: None, loaded: None });
            }
            Action::Prepare(name, serial, revision, _) => {
                let content = self.contents[&revision];
                self.truth.makes(name_of(&name), content)?;
                self.makes.push(Makes { app: name_of(&name), serial, revision, level: self.truth.level });
            }
            Action::Cancel(serial) => {
                let at = self.makes.iter().position(|make| make.serial == serial);
                let at = at.ok_or_else(|| format!("cancels {serial}, which does not run"))?;
                let make = self.makes.remove(at);
                self.reach("a make is cancelled");
                if about == Some(make.app) && !self.is_decided(make.app) && !self.gave_up.insert(make.app) {
                    self.reach("a make is given up beside one that is not");
                    let goes_on = self.makes.iter().any(|other| other.app == make.app && other.serial < serial);
                    claim(goes_on, || format!("{}: the second make in a row is given up", make.app))?;
                }
            }
            Action::Retire(ready) => {
                let id = ready.guest.id;
                let serves = self.table.values().flatten().any(|guest| guest.id == id);
                claim(!serves, || format!("{:?} is retired while it serves", ready.guest))?;
                claim(self.retired.insert(id), || format!("{:?} is retired twice", ready.guest))?;
            }
            Action::Forget(name) => {
                let app = name_of(&name);
                claim(!self.table.contains_key(app), || format!("{app} is forgotten while it is known"))?;
            }
            Action::Announce(published) => {
                let app = name_of(&published.name);
                let serves = self.table.get(app).copied().flatten().map(|guest| revision(guest.content));
                claim(serves == Some(published.new), || format!("{app}: said to serve and does not"))?;
            }
        }
        Ok(())
    }

    // Jobs.

    fn work(&mut self, which: usize) -> Result<(), String> {
        let jobs = self.reads.len() + self.makes.len();
        if jobs == 0 {
            return Ok(());
        }
        let which = which % jobs;
        if which < self.reads.len() { self.read_on(which) } else { self.made(which - self.reads.len(), false) }
    }

    fn fail(&mut self, which: usize) -> Result<(), String> {
        if self.makes.is_empty() {
            return Ok(());
        }
        self.reach("a make meets trouble");
        self.made(which % self.makes.len(), true)
    }

    fn finish_reads(&mut self) -> Result<(), String> {
        while !self.reads.is_empty() {
            self.read_on(0)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), String> {
        for _ in 0..1000 {
            if self.reads.is_empty() && self.makes.is_empty() {
                return Ok(());
            }
            self.work(0)?;
        }
        Err("jobs beget jobs without end".to_owned())
    }

    /// First the code is read, then the manifest, then the result is told: between these, anything may happen.
    fn read_on(&mut self, which: usize) -> Result<(), String> {
        let take = |found_file: &FoundFile| match self.disk.get(&found_file.real) {
            Some(file) if file.stamp == found_file.stamp => Ok(file.piece),
            _ => Err(Loaded::Changed),
        };
        let order = self.reads[which].order.clone();
        if self.reads[which].code.is_none() {
            let code = take(&order.code).map(|piece| match piece {
                Piece::Code(code) => code,
                _ => unreachable!("only regular files are sighted"),
            });
            self.reads[which].code = Some(code);
            return Ok(());
        }
        if self.reads[which].loaded.is_none() {
            let manifest = match order.manifest.as_ref().map(take) {
                None => Ok(None),
                Some(Ok(Piece::Asked(asked))) => Ok(Some(asked)),
                Some(_) => Err(Loaded::Changed),
            };
            let code = self.reads[which].code.take().expect("it was read before");
            let content = code.and_then(|code| Ok(Content { code, manifest: manifest? }));
            self.reads[which].code = Some(Err(Loaded::Changed));
            self.reads[which].loaded = Some(match content {
                Ok(content) => (self.load(content, &order), Some(content)),
                Err(why) => (why, None),
            });
            return Ok(());
        }
        let read = self.reads.remove(which);
        let (loaded, content) = read.loaded.expect("it was read before");
        let is_newest = self.reads.iter().all(|other| other.app != read.app || other.number < read.number);
        match &loaded {
            Loaded::Changed => self.reach("a file changes while it is read"),
            loaded if loaded.is_trouble() => self.reach("a content cannot be kept"),
            _ => {}
        }
        let mut guard = None;
        if let Some(content) = content {
            let was_asked = self.was_asked(read.app, read.serial);
            guard = content.manifest.map(Asked::guard);
            if let (true, Some(guard), Some(manifest)) = (was_asked, &guard, &read.order.manifest) {
                self.truth.apps.entry(read.app).or_default().guard = guard.clone();
                self.manifests.insert(read.app, manifest.stamp);
            }
            if !is_newest {
                self.reach("a read comes too late");
            }
            if is_newest && was_asked && matches!(loaded, Loaded::Content { .. }) {
                self.truth.has_read(read.app, content, read.number);
            }
            if is_newest && was_asked && matches!(loaded, Loaded::Failed { revision: Some(_), .. }) {
                self.truth.refuses(read.app, content);
            }
            if self.reconciler.is_check(&AppName::parse(read.app).unwrap(), read.serial)
                && self.table.get(read.app).copied().flatten().is_some_and(|guest| guest.content != content)
            {
                self.reach("a check finds what nothing showed");
            }
        }
        let found = LoadResult { loaded, guard };
        self.tell(Event::Read(AppName::parse(read.app).unwrap(), read.serial, found), Some(read.app))
    }

    fn was_asked(&self, app: &str, serial: u64) -> bool {
        let tracked = self.reconciler.apps().iter().find(|(name, _)| name.as_str() == app);
        tracked.and_then(|(_, tracked)| tracked.reading).is_some_and(|reading| reading.serial == serial)
    }

    /// What `load` makes of a content: in its order.
    fn load(&mut self, content: Content, order: &LoadRequest) -> Loaded {
        let Content { code, manifest } = content;
        let revision = revision(content);
        let no = || {
            let failure = Failure::refused(ReasonCode::Component, format!("{code:?}"));
            Loaded::Failed { revision: Some(revision), failure }
        };
        let retry = |code, why| Loaded::Failed { revision: None, failure: Failure::retry(code, why) };
        let incomplete = |why| retry(ReasonCode::Incomplete, why);
        match code {
            Code::Large => {
                let failure = Failure::refused(ReasonCode::TooLarge, "too large");
                return Loaded::Failed { revision: None, failure };
            }
            Code::Empty => return incomplete("empty"),
            _ => {}
        }
        self.contents.insert(revision, content);
        if order.known.contains(&revision) {
            return Loaded::Content { revision, inspection: None };
        }
        if manifest.is_some_and(|asked| asked.is_odd) {
            return no();
        }
        if manifest.and_then(|asked| asked.code).is_some_and(|wanted| code != Code::Good(wanted)) {
            return incomplete("waits for its code");
        }
        match code {
            Code::Half(_) => return incomplete("truncated"),
            Code::Senseless(_) => return no(),
            _ => {}
        }
        if self.is_full && !self.stored.contains_key(&revision) {
            return retry(ReasonCode::Store, "the disk is full");
        }
        self.stored.insert(revision, self.now);
        // The outline is for whoever makes it ready: the reconciler only hands it on.
        Loaded::Content { revision, inspection: None }
    }

    fn made(&mut self, which: usize, in_trouble: bool) -> Result<(), String> {
        let Makes { app, serial, revision, level } = self.makes.remove(which);
        let content = self.contents[&revision];
        let made = if !self.stored.contains_key(&revision) {
            Err(Failure::retry(ReasonCode::Store, "its content is no longer in the state directory"))
        } else if content.manifest.is_some_and(|asked| asked.level > level) {
            Err(Failure::refused(ReasonCode::Policy, "more than the policy allows"))
        } else if in_trouble || (self.is_full && !self.compiled.contains(&revision)) {
            Err(Failure::retry(ReasonCode::Store, "the disk is full"))
        } else if content.fate(level) == Fate::Serves {
            self.numbers += 1;
            self.compiled.insert(revision);
            let guest = Guest { id: self.numbers, content, level };
            Ok(Ready { revision, routes: content.routes().map(declared).collect(), guest })
        } else {
            Err(Failure::refused(ReasonCode::Probe, "its first instance failed"))
        };
        let newest = self
            .reconciler
            .apps()
            .iter()
            .find(|(name, _)| name.as_str() == app)
            .and_then(|(_, tracked)| tracked.newest);
        if matches!(made, Err(Failure::Refused(_))) && newest == Some(revision) {
            self.truth.refuses(app, content);
        }
        let (is_ready, in_trouble) = (made.is_ok(), matches!(made, Err(Failure::Retry(_))));
        let stays = self.reconciler.apps().iter().any(|(name, tracked)| {
            name.as_str() == app && tracked.jobs.iter().any(|job| job.serial == serial && job.stays)
        });
        if stays && newest != Some(revision) {
            self.reach("a make comes to its end although there is newer content");
            if matches!(made, Err(Failure::Refused(_))) {
                self.truth.refuses(app, content);
            }
        }
        self.tell(Event::Prepared(AppName::parse(app).unwrap(), serial, made), Some(app))?;
        if !in_trouble {
            self.gave_up.remove(app);
        }
        if !is_ready {
            return Ok(());
        }
        let present = self.table.keys().copied().collect();
        let shown = self.table.get(app).copied().flatten().map(|guest| guest.content);
        claim(shown == Some(content) || self.truth.is_contested(app, content, &present), || {
            format!("{app}: {content:?} was made ready, and {shown:?} serves")
        })
    }

    // State and restarts.

    /// What would be written now.
    fn journal(&self) -> Journal {
        record::journal(&self.reconciler, &self.judge())
    }

    fn judge(&self) -> String {
        format!("policy {}", self.truth.level)
    }

    fn written(&mut self) {
        let Some(journal) = self.writing.take() else { return };
        if self.is_full {
            self.reach("the state cannot be written");
            self.write_failed = true;
            return;
        }
        self.persisted = journal;
        if std::mem::take(&mut self.records_due) {
            self.writing = Some(self.journal());
        }
    }

    fn is_written(&self) -> bool {
        !self.records_due && self.writing.is_none() && !self.write_failed
    }

    fn collect(&mut self) -> Result<(), String> {
        let keep = record::keep(&self.reconciler, Vec::new());
        let fresh = Duration::from_secs(60);
        let now = self.now;
        let last_good: Vec<Revision> = self.truth.apps.values().filter_map(|app| app.last_good).map(revision).collect();
        let lost = self.stored.extract_if(|revision, at| {
            let manifest_stays = revision.manifest.is_none_or(|manifest| keep.manifests.contains(&manifest));
            now.duration_since(*at) >= fresh && !(keep.code.contains(&revision.code) && manifest_stays)
        });
        let lost: Vec<Revision> = lost.map(|(revision, _)| revision).collect();
        let bad = lost.iter().find(|lost| last_good.contains(lost));
        claim(bad.is_none(), || "the store drops the last good revision".to_owned())
    }

    fn restart(&mut self, crash: bool) -> Result<(), String> {
        if !self.has_looked {
            self.reach("a restart before the first look");
        }
        let is_lost = match crash {
            true => !self.is_written(),
            false => self.is_full,
        };
        if !crash && !self.is_full {
            self.persisted = self.journal();
        }
        let journal: Journal = serde_json::from_str(&serde_json::to_string(&self.persisted).unwrap()).unwrap();
        let (known, owners) = record::remembered(&journal, &self.judge());
        if is_lost {
            self.reach("a crash before the state was written");
            self.believe(&known, &owners);
        }
        for (name, known) in &known {
            let truth = self.truth.apps.entry(name_of(name)).or_default();
            truth.shows = None;
            if is_lost {
                truth.guard = known.guard.clone();
            }
            claim(truth.guard == known.guard, || {
                format!("{name}: its manifest kept {:?} back, and {:?} is remembered", truth.guard, known.guard)
            })?;
            let live = known.live.map(|live| self.contents[&live]);
            claim(truth.last_good == live, || {
                format!("{name}: {:?} served last, and {live:?} is remembered", truth.last_good)
            })?;
        }
        for (name, app) in &mut self.truth.apps {
            let is_known = known.keys().any(|known| known.as_str() == *name);
            claim(is_known || app.last_good.is_none(), || format!("{name}: not remembered at all"))?;
            if !is_known {
                app.guard = Guard::Nothing;
            }
            app.shows = None;
        }
        self.truth.reconsiders();
        self.truth.looked_in_vain();
        self.reconciler = Reconciler::new(rules(), known, owners, journal.device);
        self.reads.clear();
        self.makes.clear();
        self.ordered.clear();
        self.gave_up.clear();
        self.manifests.clear();
        self.table.clear();
        self.moved.clear();
        self.moved_late.clear();
        (self.has_looked, self.looked_at) = (false, self.now);
        (self.writing, self.records_due, self.write_failed) = (None, false, false);
        self.reach("a restart");
        Ok(())
    }

    /// What was not written is not known: the model takes over what was.
    fn believe(
        &mut self,
        known: &BTreeMap<AppName, crate::reconcile::event::Remembered>,
        owners: &BTreeMap<String, AppName>,
    ) {
        for app in APPS {
            self.truth.apps.entry(app).or_default().last_good = None;
        }
        for (name, known) in known {
            self.truth.apps.entry(name_of(name)).or_default().last_good = known.live.map(|live| self.contents[&live]);
        }
        let holders = (0..ROUTES.len()).filter_map(|route| Some((route, name_of(owners.get(&key(&declared(route)))?))));
        self.truth.holders = holders.collect();
    }

    // What must hold at any time.

    fn invariants(&mut self) -> Result<(), String> {
        claim(self.table == self.now_serving(), || "the route table is out of date".to_owned())?;
        let jobs: BTreeSet<u64> =
            self.reconciler.apps().values().flat_map(|tracked| tracked.jobs.iter().map(|job| job.serial)).collect();
        let makes: BTreeSet<u64> = self.makes.iter().map(|make| make.serial).collect();
        claim(jobs == makes, || format!("the reconciler waits for {jobs:?}, and {makes:?} are at work"))?;
        for (name, tracked) in self.reconciler.apps() {
            if let Some(reading) = tracked.reading {
                let is_read = self.reads.iter().any(|read| read.serial == reading.serial);
                claim(is_read, || format!("{name}: waits for a read that is not under way"))?;
            }
            let (state, held) = (tracked.state().0, tracked.held.is_some());
            let is_left = matches!(state, AppState::Pending | AppState::Settling)
                && tracked.gone_since.is_none()
                && tracked.deadline(GRACE).is_none();
            // A sub-folder that nobody can read is looked at with every look.
            let is_left =
                is_left && tracked.reading.is_none() && !name.as_str().contains('/') && tracked.seen.is_some();
            // So is everything when the folder itself cannot be seen.
            let is_left = is_left && self.reconciler.unseen_why().is_none();
            claim(!is_left, || format!("{name}: waits, and nobody looks at it again"))?;
            if let Some(held) = &tracked.held {
                let present = self.table.keys().copied().collect();
                let is_contested = self.truth.is_contested(name_of(name), self.contents[&held.revision], &present);
                claim(is_contested, || format!("{name}: waits for routes that are free"))?;
            }
            claim(state != AppState::Conflict || held, || format!("{name}: in conflict without anything to publish"))?;
        }
        let served = self.table.values().flatten().map(|guest| guest.id).max().unwrap_or(0);
        claim(self.retired.iter().all(|id| !self.table.values().flatten().any(|guest| guest.id == *id)), || {
            format!("a retired guest serves, of {served}")
        })?;
        for (route, holder) in &self.truth.holders {
            let holds = self.reconciler.owners().get(&key(&declared(*route))).map(name_of);
            let is_known = self.table.contains_key(holder);
            claim(!is_known || holds == Some(*holder), || format!("route {route} is {holder}'s, not {holds:?}'s"))?;
        }
        if self.is_written() && std::mem::take(&mut self.is_news) {
            let now = self.journal();
            // That an app was seen need not be remembered, and a refusal under another policy may be.
            let known = |journal: &Journal| {
                let mut apps = journal.apps.clone();
                for (name, record) in &mut apps {
                    let is_refused = now.apps.get(name).is_some_and(|record| record.refused.is_some());
                    record.refused.take_if(|_| !is_refused);
                    record.guard.take_if(|guard| *guard == Guard::Nothing);
                }
                apps.retain(|_, record| *record != Record::default());
                (journal.device, apps, journal.routes.clone())
            };
            claim(known(&now) == known(&self.persisted), || format!("not written: {now:?}, but {:?}", self.persisted))?;
        }
        self.count_states();
        let shadowed = |guest: &Guest| guest.content.routes().any(|route| route == ROUTES.len() - 1);
        if self.table.contains_key(SHADOW)
            && self.table.iter().any(|(app, guest)| *app != SHADOW && guest.as_ref().is_some_and(shadowed))
        {
            self.reach("the folder beats a declared route");
        }
        Ok(())
    }

    fn count_states(&mut self) {
        let states: Vec<(AppState, bool, bool, bool)> = self
            .reconciler
            .apps()
            .values()
            .map(|tracked| {
                (tracked.state().0, tracked.live.is_some(), tracked.jobs.len() > 1, tracked.gone_since.is_some())
            })
            .collect();
        for (state, serves, many, gone) in states {
            match (state, serves) {
                (AppState::Refused, true) => self.reach("refused while the last good one serves"),
                (AppState::Pending, true) => self.reach("pending while the last good one serves"),
                (AppState::Conflict, _) => self.reach("a route is contested"),
                (AppState::Settling, true) => self.reach("settling while the last good one serves"),
                _ => {}
            }
            if many {
                self.reach("two revisions are made at once");
            }
            if gone && serves {
                self.reach("missed, within the grace");
            }
        }
    }

    /// Everything comes to rest: what serves then follows from the folder alone.
    pub fn rest(&mut self) -> Result<(), String> {
        (self.is_full, self.is_hidden, self.mount) = (false, false, Mount::Here);
        if let Some((scan, moved)) = self.slow_look.take() {
            self.looked(scan, moved)?;
        }
        let mut quiet = Duration::ZERO;
        for _ in 0..80 {
            let before = (self.numbers, self.table.clone());
            self.finish()?;
            self.written();
            self.written();
            self.tick(RESCAN)?;
            let checks =
                self.reads.iter().all(|read| self.reconciler.is_check(&AppName::parse(read.app).unwrap(), read.serial));
            let is_quiet = self.makes.is_empty() && checks && before.1 == self.table;
            quiet = if is_quiet { quiet + RESCAN } else { Duration::ZERO };
            if quiet >= CHECK + RESCAN * 2 {
                return self.at_rest();
            }
        }
        let pending = self
            .truth
            .apps
            .values()
            .any(|app| matches!(app.folder, Some(Some(content)) if content.fate(1) == Fate::Waits));
        claim(pending, || "it never comes to rest".to_owned())?;
        self.at_rest()
    }

    fn at_rest(&mut self) -> Result<(), String> {
        self.finish()?;
        self.written();
        self.written();
        let present: BTreeSet<&'static str> = self.table.keys().copied().collect();
        for app in APPS {
            let tracked =
                self.reconciler.apps().iter().find(|(name, _)| name.as_str() == app).map(|(_, tracked)| tracked);
            self.truth.rests(app, tracked.map(|tracked| tracked.state().0), &present)?;
        }
        claim(self.reconciler.is_ready(), || "never ready".to_owned())?;
        claim(self.is_written(), || "the state is never written".to_owned())?;
        self.invariants()
    }

    /// The guest that visitors of the app that nobody touches reach.
    pub fn bystander(&self) -> Option<Guest> {
        self.table.get(BYSTANDER).copied().flatten()
    }
}

fn marks(code: &FoundFile, manifest: Option<&FoundFile>) -> Marks {
    [Some(code), manifest].map(|file| file.map(|file| (file.stamp, file.real.clone())))
}

fn code_file(app: usize) -> String {
    format!("{}.wasm", APPS[app])
}

fn manifest_file(app: usize) -> String {
    format!("{}.toml", APPS[app])
}
