//! The decisions, driven by hand: what the folder holds and how jobs end is said by each test.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::time::Duration;

use guesthouse_app::routes::Origins;
use guesthouse_types::name::Digest;
use guesthouse_types::route::Declared;

use super::*;
use crate::reconcile::record;
use crate::state_dir::journal::Journal;
use crate::state_dir::journal::Record;
use crate::status::AppState;
use crate::watch::scan::FileStamp;
use crate::watch::scan::FoundFile;

/// A reconciler, a folder of contents by name, and a clock.
struct Desk {
    reconciler: Reconciler<u64>,
    now: Instant,
    folder: BTreeMap<&'static str, u64>,
    /// Components that are no apps, by path.
    aside: BTreeMap<&'static str, u64>,
    device: u64,
    unreadable: BTreeMap<PathBuf, Reason>,
    reads: Vec<(AppName, u64, u64)>,
    /// What was ordered to stand before the app that was ordered last.
    before: Vec<Option<u64>>,
    makes: Vec<(AppName, u64, Revision)>,
    cancelled: Vec<u64>,
    retired: Vec<Revision>,
}

fn incomplete(why: &str) -> Loaded {
    Loaded::Failed { revision: None, failure: Failure::retry(ReasonCode::Incomplete, why) }
}

fn name(text: &str) -> AppName {
    AppName::parse(text).unwrap()
}

fn revision(content: u64) -> Revision {
    Revision { code: Digest::of(&content.to_le_bytes()), manifest: None }
}

/// There is no manifest on this desk.
fn found(loaded: Loaded) -> LoadResult {
    LoadResult { loaded, guard: None }
}

fn live(content: u64) -> Remembered {
    Remembered { live: Some(revision(content)), ..Remembered::default() }
}

impl Desk {
    fn new() -> Desk {
        Desk::remembering([])
    }

    fn remembering<const N: usize>(known: [(&str, Remembered); N]) -> Desk {
        let rules = Rules {
            settle: Duration::from_millis(500),
            removal_grace: Duration::from_secs(2),
            check: Duration::from_secs(60),
            component_bytes_max: 1 << 20,
            origins: Origins { domain: "localhost".into(), hosts: Vec::new(), path_routes: true },
        };
        let known = known.into_iter().map(|(app, known)| (name(app), known)).collect();
        Desk {
            reconciler: Reconciler::new(rules, known, RouteOwners::new(), Some(1)),
            now: Instant::now(),
            folder: BTreeMap::new(),
            aside: BTreeMap::new(),
            device: 1,
            unreadable: BTreeMap::new(),
            reads: Vec::new(),
            before: Vec::new(),
            makes: Vec::new(),
            cancelled: Vec::new(),
            retired: Vec::new(),
        }
    }

    fn apply(&mut self, event: Event<u64>) {
        self.reconciler.apply(event, self.now);
        for action in self.reconciler.take_actions() {
            match action {
                Action::Read(app, serial, order) => {
                    self.reads.push((app, serial, order.code.stamp.size));
                    let size = |beside: &SiblingFile| beside.found_file().map(|found_file| found_file.stamp.size);
                    self.before = order.before.iter().map(size).collect();
                }
                Action::Prepare(app, serial, revision, _) => self.makes.push((app, serial, revision)),
                Action::Cancel(serial) => {
                    self.makes.retain(|make| make.1 != serial);
                    self.cancelled.push(serial);
                }
                Action::Retire(ready) => self.retired.push(ready.revision),
                Action::Forget(_) | Action::Announce(_) => {}
            }
        }
    }

    /// Scans `millis` later. Files count as moved into place.
    fn scan(&mut self, millis: u64) {
        self.scan_with(millis, HashSet::from(["apps".into()]));
    }

    fn scan_with(&mut self, millis: u64, moved: HashSet<PathBuf>) {
        self.now += Duration::from_millis(millis);
        let found_file = |path: PathBuf, content: u64| {
            let stamp = FileStamp { size: content, ..FileStamp::default() };
            let shown = path.display().to_string();
            FoundFile { entry: path.clone(), real: path, shown, stamp, age: Duration::ZERO }
        };
        let found = |(app, content): (&&str, &u64)| {
            let code = found_file(PathBuf::from(format!("apps/{app}.wasm")), *content);
            (name(app), FoundApp { code: Ok(code), manifest: None })
        };
        let aside =
            |(path, content): (&&str, &u64)| (path.into(), Ok(found_file(Path::new("apps").join(path), *content)));
        let apps = self.folder.iter().map(found).collect();
        let components = self.aside.iter().map(aside).collect();
        let is_empty = self.folder.is_empty();
        let scan = Scan {
            apps,
            components,
            is_empty,
            device: self.device,
            unreadable: self.unreadable.clone(),
            ..Scan::default()
        };
        self.apply(Event::Scanned { scan, moved });
    }

    /// All reads end with what was there when they began.
    fn read(&mut self) {
        for (app, serial, content) in std::mem::take(&mut self.reads) {
            let loaded = match content {
                0 => incomplete("truncated"),
                _ => Loaded::Content { revision: revision(content), inspection: None },
            };
            self.apply(Event::Read(app, serial, found(loaded)));
        }
    }

    /// All jobs end well.
    fn make(&mut self) {
        self.make_with(&[]);
    }

    fn make_with(&mut self, routes: &[&str]) {
        for (app, serial, revision) in std::mem::take(&mut self.makes) {
            let declared = |host: &&str| Declared { host: (*host).to_owned(), prefix: String::new() };
            let ready = Ready { revision, routes: routes.iter().map(declared).collect(), guest: serial };
            self.apply(Event::Prepared(app, serial, Ok(ready)));
        }
    }

    fn refuse(&mut self) {
        for (app, serial, _) in std::mem::take(&mut self.makes) {
            self.apply(Event::Prepared(app, serial, Err(Failure::refused(ReasonCode::Probe, "no"))));
        }
    }

    fn fail(&mut self) {
        for (app, serial, _) in std::mem::take(&mut self.makes) {
            self.apply(Event::Prepared(app, serial, Err(Failure::retry(ReasonCode::Store, "the disk is full"))));
        }
    }

    /// Drops `content` as `app`, and lets everything go well.
    fn put(&mut self, app: &'static str, content: u64) {
        self.folder.insert(app, content);
        self.scan(1);
        self.read();
        self.make();
    }

    fn check(&self, app: &str, state: AppState, live: Option<u64>) {
        let tracked = &self.reconciler.apps()[&name(app)];
        assert_eq!((tracked.state().0, tracked.live_revision()), (state, live.map(revision)), "{app}");
    }
}

#[test]
fn a_dropped_file_is_read_made_and_published() {
    let mut desk = Desk::new();
    desk.folder.insert("shop", 1);
    desk.scan(0);
    assert!(!desk.reconciler.is_ready());
    desk.check("shop", AppState::Loading, None);
    desk.read();
    desk.make();
    desk.check("shop", AppState::Live, Some(1));
    assert!(desk.reconciler.is_ready());
    assert!(desk.reconciler.take_routes_changed());
    desk.scan(1000);
    assert!(desk.reads.is_empty() && !desk.reconciler.take_routes_changed());
}

#[test]
fn a_written_file_settles_first() {
    let mut desk = Desk::new();
    desk.folder.insert("shop", 1);
    desk.scan_with(0, HashSet::new());
    desk.check("shop", AppState::Settling, None);
    assert_eq!(desk.reconciler.deadline(), Some(desk.now + Duration::from_millis(500)));
    desk.scan_with(500, HashSet::new());
    assert_eq!(desk.reads.len(), 1);
    assert_eq!(desk.reconciler.deadline(), None);
}

#[test]
fn what_a_manifest_puts_before_an_app_is_part_of_it() {
    let mut desk = Desk::new();
    desk.folder.insert("api/shop", 1);
    desk.aside.insert("_auth.wasm", 6);
    desk.scan(0);
    let (shop, serial, _) = desk.reads.pop().unwrap();
    assert_eq!(desk.before, []);
    // Its manifest was read, and names a file; the one that lies in another folder is not meant.
    desk.apply(Event::Read(shop.clone(), serial, found(Loaded::Before(vec!["_auth.wasm".to_owned()]))));
    assert_eq!(desk.before, [None]);
    let (_, serial, _) = desk.reads.pop().unwrap();
    desk.apply(Event::Read(shop, serial, found(incomplete("waits for it"))));
    desk.check("api/shop", AppState::Pending, None);

    desk.aside.insert("api/_auth.wasm", 7);
    desk.scan_with(1, HashSet::new());
    desk.check("api/shop", AppState::Settling, None);
    assert_eq!(desk.reconciler.deadline(), Some(desk.now + Duration::from_millis(500)));
    desk.scan_with(500, HashSet::new());
    assert_eq!(desk.before, [Some(7)]);
    desk.read();
    desk.make();
    desk.check("api/shop", AppState::Live, Some(1));
    assert!(desk.reads.is_empty());
    // Another one, moved into place.
    desk.aside.insert("api/_auth.wasm", 8);
    desk.scan(1);
    assert_eq!((desk.reads.len(), &desk.before[..]), (1, &[Some(8)][..]));
}

#[test]
fn a_new_revision_replaces_the_old_one_which_stands_by() {
    let mut desk = Desk::new();
    desk.put("shop", 1);
    desk.put("shop", 2);
    desk.check("shop", AppState::Live, Some(2));
    assert_eq!(desk.retired, [revision(1)]);
    assert_eq!(desk.reconciler.apps()[&name("shop")].standby, Some(revision(1)));
}

#[test]
fn a_refusal_leaves_what_serves_and_is_not_tried_again() {
    let mut desk = Desk::new();
    desk.put("shop", 1);
    desk.folder.insert("shop", 2);
    desk.scan(1);
    desk.read();
    desk.refuse();
    desk.check("shop", AppState::Refused, Some(1));
    // Back and forth: both are known.
    desk.put("shop", 1);
    desk.check("shop", AppState::Live, Some(1));
    desk.folder.insert("shop", 2);
    desk.scan(1);
    desk.read();
    assert!(desk.makes.is_empty());
    desk.check("shop", AppState::Refused, Some(1));
    assert!(desk.retired.is_empty());
    // Unless the operator asks for it.
    desk.apply(Event::Reconsider { policy_changed: false });
    desk.scan(1);
    desk.read();
    desk.make();
    desk.check("shop", AppState::Live, Some(2));
}

#[test]
fn the_newest_content_wins() {
    let mut desk = Desk::new();
    desk.put("shop", 1);
    desk.folder.insert("shop", 2);
    desk.scan(1);
    desk.read();
    let superseded = desk.makes[0].1;
    desk.folder.insert("shop", 3);
    desk.scan(1);
    assert_eq!(desk.makes.len(), 1, "still being made: nothing else was read yet");
    desk.read();
    assert_eq!(desk.cancelled, [superseded]);
    let late = Ready { revision: revision(2), routes: Vec::new(), guest: 0 };
    desk.apply(Event::Prepared(name("shop"), superseded, Ok(late)));
    desk.check("shop", AppState::Loading, Some(1));
    desk.make();
    desk.check("shop", AppState::Live, Some(3));
    // Back to what serves while something else is being made.
    desk.folder.insert("shop", 4);
    desk.scan(1);
    desk.read();
    desk.put("shop", 3);
    desk.check("shop", AppState::Live, Some(3));
}

#[test]
fn a_truncated_file_is_looked_at_again_and_again() {
    let mut desk = Desk::new();
    desk.folder.insert("shop", 0);
    desk.scan(0);
    desk.read();
    desk.check("shop", AppState::Pending, None);
    for wait in [500, 1000, 2000, 4000] {
        assert_eq!(desk.reconciler.deadline(), Some(desk.now + Duration::from_millis(wait)));
        desk.scan(wait);
        desk.read();
    }
    desk.put("shop", 1);
    desk.check("shop", AppState::Live, Some(1));
    assert_eq!(desk.reconciler.deadline(), None);
}

#[test]
fn a_removed_file_is_undeployed_after_the_grace() {
    let mut desk = Desk::new();
    desk.put("shop", 1);
    desk.put("other", 1);
    desk.folder.remove("shop");
    desk.scan(0);
    desk.check("shop", AppState::Live, Some(1));
    desk.put("shop", 1);
    desk.folder.remove("shop");
    desk.scan(5000);
    assert_eq!(desk.reconciler.deadline(), Some(desk.now + Duration::from_secs(2)));
    desk.scan(2000);
    assert!(!desk.reconciler.apps().contains_key(&name("shop")));
    assert_eq!(desk.retired, [revision(1)]);
    desk.check("other", AppState::Live, Some(1));
}

#[test]
fn a_folder_that_vanishes_undeploys_nothing() {
    let mut desk = Desk::new();
    desk.put("shop", 1);
    desk.apply(Event::ScanFailed("gone".to_owned()));
    assert!(desk.reconciler.unseen_why().is_some());
    desk.folder.clear();
    desk.device = 2;
    desk.scan(10_000);
    desk.scan(10_000);
    desk.check("shop", AppState::Live, Some(1));
    assert!(desk.reconciler.unseen_why().is_some());
    // The same folder, emptied: that is meant.
    desk.device = 1;
    desk.scan(1);
    desk.scan(2000);
    assert!(desk.reconciler.apps().is_empty());
}

#[test]
fn the_last_good_revision_serves_while_the_newest_is_refused() {
    let mut desk = Desk::remembering([("shop", live(1)), ("gone", live(1))]);
    desk.folder.insert("shop", 2);
    desk.scan(0);
    assert!(!desk.reconciler.apps().contains_key(&name("gone")));
    desk.read();
    assert_eq!(desk.makes.len(), 2);
    let (app, serial, _) = desk.makes.pop().unwrap();
    desk.apply(Event::Prepared(app, serial, Err(Failure::refused(ReasonCode::Probe, "no"))));
    desk.check("shop", AppState::Loading, None);
    desk.make();
    desk.check("shop", AppState::Refused, Some(1));
    assert!(desk.reconciler.is_ready());
}

#[test]
fn what_is_as_it_was_is_made_once() {
    let refused = Remembered { refused: Some((revision(2), Reason::new(ReasonCode::Probe, "no"))), ..live(1) };
    let mut desk = Desk::remembering([("shop", live(1)), ("old", refused)]);
    desk.folder = BTreeMap::from([("shop", 1), ("old", 2)]);
    desk.scan(0);
    desk.read();
    assert_eq!(desk.makes.len(), 2);
    desk.make();
    desk.check("shop", AppState::Live, Some(1));
    desk.check("old", AppState::Refused, Some(1));
}

#[test]
fn without_its_folder_the_host_serves_what_it_knows() {
    let mut desk = Desk::remembering([("shop", live(1))]);
    desk.apply(Event::ScanFailed("not mounted".to_owned()));
    assert!(!desk.reconciler.is_ready());
    desk.make();
    desk.check("shop", AppState::Live, Some(1));
    assert!(desk.reconciler.is_ready());
}

#[test]
fn a_contested_route_stays_where_it_is_until_it_is_free() {
    let mut desk = Desk::new();
    desk.folder.insert("shop", 1);
    desk.scan(0);
    desk.read();
    desk.make_with(&["shop.example"]);
    desk.folder.insert("thief", 2);
    desk.scan(1);
    desk.read();
    desk.make_with(&["shop.example"]);
    desk.check("thief", AppState::Conflict, None);
    let why = desk.reconciler.apps()[&name("thief")].state().1;
    assert_eq!(why, Some(Reason::new(ReasonCode::RouteConflict, "the route `shop.example/` is held by `shop`")));
    // The holder lets go of it.
    desk.put("shop", 3);
    desk.check("thief", AppState::Live, Some(2));
}

#[test]
fn an_unchanged_file_is_checked_now_and_then() {
    let mut desk = Desk::new();
    desk.put("shop", 1);
    desk.scan(60_000);
    let (app, serial, _) = desk.reads.pop().unwrap();
    assert!(desk.reconciler.is_check(&app, serial));
    desk.check("shop", AppState::Live, Some(1));
    // Changed, although nothing showed it.
    desk.apply(Event::Read(app, serial, found(Loaded::Content { revision: revision(9), inspection: None })));
    desk.make();
    desk.check("shop", AppState::Live, Some(9));
}

#[test]
fn another_policy_makes_everything_anew() {
    let mut desk = Desk::new();
    desk.put("shop", 1);
    desk.apply(Event::Reconsider { policy_changed: true });
    assert_eq!(desk.makes.len(), 1);
    desk.make();
    desk.check("shop", AppState::Live, Some(1));
    assert_eq!(desk.retired, [revision(1)]);
    assert_eq!(desk.reconciler.apps()[&name("shop")].standby, None);
}

#[test]
fn a_host_that_ends_before_its_first_look_leaves_what_it_was_left() {
    let mut left = Journal::default();
    left.device = Some(1);
    let guard = Some(Guard::Nothing);
    let record =
        Record { live: Some(revision(2).into()), standby: Some(revision(1).into()), guard, ..Record::default() };
    left.apps.insert("shop".to_owned(), record);
    left.routes.insert("shop.example/".to_owned(), "shop".to_owned());
    let (known, owners) = record::remembered(&left, "judge");
    let reconciler = Reconciler::<u64>::new(Desk::new().reconciler.rules, known, owners, left.device);
    assert_eq!(record::journal(&reconciler, "judge"), left);
    assert_eq!(record::keep(&reconciler, Vec::new()).code, HashSet::from([revision(1).code, revision(2).code]));
}

#[test]
fn what_is_tried_again_while_it_settles_is_not_looked_at_without_end() {
    let mut desk = Desk::new();
    desk.folder.insert("shop", 0);
    desk.scan(0);
    desk.read();
    // It grows just before it would be tried again.
    desk.folder.insert("shop", 1);
    desk.scan_with(400, HashSet::new());
    desk.scan_with(100, HashSet::new());
    assert_eq!(desk.reconciler.deadline(), Some(desk.now + Duration::from_millis(400)));
    desk.scan_with(400, HashSet::new());
    assert_eq!(desk.reads.len(), 1);
}

#[test]
fn another_try_does_not_undo_another_policy() {
    let mut desk = Desk::new();
    desk.put("shop", 1);
    // What a SIGHUP does.
    desk.apply(Event::Reconsider { policy_changed: true });
    desk.apply(Event::Reconsider { policy_changed: false });
    desk.scan(1);
    desk.read();
    desk.make();
    assert_eq!(desk.retired, [revision(1)]);
    desk.check("shop", AppState::Live, Some(1));
}

#[test]
fn another_policy_reaches_what_serves_although_the_newest_is_refused() {
    let mut desk = Desk::new();
    desk.put("shop", 1);
    desk.folder.insert("shop", 2);
    desk.scan(1);
    desk.read();
    desk.refuse();
    desk.apply(Event::Reconsider { policy_changed: true });
    desk.scan(1);
    desk.read();
    let (app, serial, _) = desk.makes.pop().unwrap();
    desk.apply(Event::Prepared(app, serial, Err(Failure::refused(ReasonCode::Probe, "no"))));
    desk.make();
    assert_eq!(desk.retired, [revision(1)]);
    desk.check("shop", AppState::Refused, Some(1));
}

#[test]
fn a_policy_that_forbids_what_serves_is_said_and_goes_on_being_said() {
    let mut desk = Desk::new();
    desk.put("shop", 1);
    desk.apply(Event::Reconsider { policy_changed: true });
    desk.refuse();
    desk.check("shop", AppState::Refused, Some(1));
    desk.scan(60_000);
    desk.read();
    desk.check("shop", AppState::Refused, Some(1));
    assert!(desk.makes.is_empty());
}

#[test]
fn what_serves_or_served_last_is_tried_again_after_trouble() {
    let mut desk = Desk::new();
    desk.put("shop", 1);
    desk.apply(Event::Reconsider { policy_changed: true });
    desk.fail();
    desk.check("shop", AppState::Live, Some(1));
    assert_eq!(desk.reconciler.deadline(), Some(desk.now + Duration::from_millis(500)));
    desk.scan(500);
    desk.make();
    assert_eq!(desk.retired, [revision(1)]);
    assert_eq!(desk.reconciler.deadline(), None);

    let refused = Remembered { refused: Some((revision(2), Reason::new(ReasonCode::Probe, "no"))), ..live(1) };
    let mut desk = Desk::remembering([("shop", refused)]);
    desk.folder.insert("shop", 2);
    desk.scan(0);
    desk.read();
    desk.fail();
    desk.check("shop", AppState::Refused, None);
    desk.scan(500);
    desk.make();
    desk.check("shop", AppState::Refused, Some(1));
}

#[test]
fn the_last_good_revision_serves_with_the_routes_that_are_left_to_it() {
    let mut desk = Desk::remembering([("shop", live(1))]);
    desk.folder = BTreeMap::from([("shop", 2), ("www", 1)]);
    desk.scan(0);
    desk.read();
    // The folder took its route while the host was down: that stops neither it nor what is newer.
    let at = desk.makes.iter().position(|make| make.2 == revision(1) && make.0 == name("shop")).unwrap();
    let (app, serial, last_good) = desk.makes.remove(at);
    let routes = vec![Declared { host: "www.localhost".to_owned(), prefix: String::new() }];
    desk.apply(Event::Prepared(app, serial, Ok(Ready { revision: last_good, routes, guest: 7 })));
    desk.check("shop", AppState::Loading, Some(1));
    desk.make();
    desk.check("shop", AppState::Live, Some(2));
}

#[test]
fn what_is_no_longer_in_the_folder_is_not_made_beside_the_last_good_revision() {
    let mut desk = Desk::remembering([("shop", live(1))]);
    desk.folder.insert("shop", 2);
    desk.scan(0);
    desk.read();
    let newer = desk.makes[1].1;
    desk.folder.insert("shop", 1);
    desk.scan(1);
    desk.read();
    assert_eq!(desk.cancelled, [newer]);
    desk.make();
    desk.check("shop", AppState::Live, Some(1));
}

#[test]
fn what_waits_for_a_route_goes_on_waiting_while_the_last_good_revision_is_published() {
    let mut desk = Desk::remembering([("shop", live(1)), ("thief", live(5))]);
    desk.folder = BTreeMap::from([("shop", 1), ("thief", 6)]);
    desk.scan(0);
    desk.read();
    let (wanted, last_good): (Vec<_>, Vec<_>) = desk.makes.drain(..).partition(|make| make.2 != revision(5));
    desk.makes = wanted;
    desk.make_with(&["shop.example"]);
    desk.check("thief", AppState::Loading, None);
    desk.makes = last_good;
    desk.make();
    desk.check("thief", AppState::Conflict, Some(5));
    // The holder lets go of it.
    desk.put("shop", 3);
    desk.check("thief", AppState::Live, Some(6));
}

#[test]
fn an_app_that_never_served_in_a_folder_that_nobody_can_read_is_not_waited_for() {
    let mut desk = Desk::remembering([("api/users", Remembered::default())]);
    desk.unreadable.insert("api".into(), Reason::new(ReasonCode::Unreadable, "no"));
    desk.scan(0);
    desk.check("api/users", AppState::Pending, None);
    assert!(desk.reconciler.is_ready());
}

#[test]
fn another_policy_that_comes_before_the_first_read_still_forbids() {
    let mut desk = Desk::remembering([("shop", live(1))]);
    desk.folder = BTreeMap::from([("shop", 1)]);
    desk.scan_with(0, HashSet::new());
    desk.make();
    desk.apply(Event::Reconsider { policy_changed: true });
    desk.refuse();
    // Now it has stood still, and is what serves.
    desk.scan_with(1000, HashSet::new());
    desk.read();
    desk.check("shop", AppState::Refused, Some(1));
}

#[test]
fn what_was_deleted_while_the_host_was_down_holds_no_route() {
    let mut desk = Desk::remembering([("shop", live(1))]);
    desk.reconciler.owners.insert("shop.example/".to_owned(), name("shop"));
    desk.folder = BTreeMap::from([("thief", 2)]);
    desk.scan(0);
    desk.read();
    // Something comes under the old name that does not serve, before the other is ready.
    desk.folder.insert("shop", 0);
    desk.scan(1);
    desk.read();
    desk.make_with(&["shop.example"]);
    desk.check("thief", AppState::Live, Some(2));
}

#[test]
fn what_is_removed_together_with_the_holder_of_its_route_is_not_published() {
    let mut desk = Desk::new();
    desk.folder = BTreeMap::from([("shop", 1)]);
    desk.scan(0);
    desk.read();
    desk.make_with(&["shop.example"]);
    desk.folder.insert("thief", 2);
    desk.scan(1);
    desk.read();
    desk.make_with(&["shop.example"]);
    desk.folder.clear();
    desk.scan(1);
    desk.scan(2000);
    assert!(desk.reconciler.apps().is_empty());
    assert_eq!(desk.retired, [revision(1)]);
}

#[test]
fn drops_without_end_do_not_keep_a_swap_from_happening() {
    let mut desk = Desk::new();
    desk.put("shop", 1);
    let drop = |desk: &mut Desk, content: u64| {
        desk.folder.insert("shop", content);
        desk.scan(100);
        desk.read();
    };
    let at_work = |desk: &Desk| desk.makes.iter().map(|(_, _, revision)| *revision).collect::<Vec<_>>();
    // A fix overtakes a bad drop; what comes after it does so beside it.
    drop(&mut desk, 2);
    drop(&mut desk, 3);
    assert_eq!((at_work(&desk), desk.cancelled.len()), (vec![revision(3)], 1));
    drop(&mut desk, 4);
    drop(&mut desk, 5);
    assert_eq!(at_work(&desk), [revision(3), revision(5)]);
    // Half a file is no reason to give it up either.
    drop(&mut desk, 0);
    assert_eq!(at_work(&desk), [revision(3)]);
    drop(&mut desk, 6);
    let newest = desk.makes.pop().unwrap();
    desk.make();
    desk.check("shop", AppState::Loading, Some(3));
    assert_eq!(desk.retired, [revision(1)]);
    // From here on, the same once more.
    desk.makes.push(newest);
    drop(&mut desk, 7);
    assert_eq!(at_work(&desk), [revision(7)]);
    drop(&mut desk, 8);
    assert_eq!(at_work(&desk), [revision(7), revision(8)]);
    // The newest may be ready first: nobody gets an older one after it.
    desk.makes.swap(0, 1);
    let older = desk.makes.pop().unwrap();
    desk.make();
    desk.check("shop", AppState::Live, Some(8));
    assert!(desk.cancelled.contains(&older.1));
}

#[test]
fn what_is_refused_beside_newer_content_is_said_and_the_newest_goes_on() {
    let mut desk = Desk::new();
    desk.put("shop", 1);
    for content in [2, 3, 4] {
        desk.folder.insert("shop", content);
        desk.scan(100);
        desk.read();
    }
    let newest = desk.makes.pop().unwrap();
    desk.refuse();
    desk.makes.push(newest);
    desk.check("shop", AppState::Loading, Some(1));
    desk.make();
    desk.check("shop", AppState::Live, Some(4));
}
