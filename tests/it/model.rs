//! Random sequences of what is done to a real folder: whatever happens, the last good revision serves, never an older
//! one, never a half one, and an unrelated app never notices.
//!
//! `host/deploy/src/reconcile/reconciler/model_tests.rs` has the same claim for the decisions alone, in thousands of sequences; here the
//! file system, the reader, the store and the compile child take part. `PROPTEST_RNG_SEED`, a number, says which sequences.

use std::collections::BTreeSet;
use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;
use guesthouse_types::name::Digest;
use proptest::collection::vec;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prop_oneof;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tokio::task::JoinHandle;

use crate::harness::client::Client;
use crate::harness::client::get;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::random::config;

/// Sequences, and bursts of steps in each: every burst ends with everything at rest.
const SEQUENCES: u32 = 4;
const BURSTS: usize = 12;

const FILE: &str = "revision.wasm";
/// The app that nobody touches.
const BYSTANDER: u32 = 4_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A new revision is renamed into place.
    Rename,
    /// A new revision is written over what is there, as `cp` does.
    Copy,
    /// Half of a new revision is written over what is there.
    Begin,
    /// The file is cut in the middle.
    Truncate,
    /// What is missing at its end is written.
    Continue,
    /// Something that is no component is renamed into place.
    Junk,
    /// The name becomes a link to a new revision, by renaming.
    Flip,
    /// Nothing but the time of the file changes.
    Touch,
    Unlink,
    Restart,
}

/// What lies in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Nothing,
    Whole(u32),
    Half(u32),
    Junk,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Rename),
        3 => Just(Step::Copy),
        3 => Just(Step::Begin),
        2 => Just(Step::Truncate),
        3 => Just(Step::Continue),
        1 => Just(Step::Junk),
        2 => Just(Step::Flip),
        1 => Just(Step::Touch),
        1 => Just(Step::Unlink),
        1 => Just(Step::Restart),
    ]
}

/// A folder, what was done to it, and what may serve.
struct World {
    content: Content,
    next: u32,
    /// Revisions that were whole since everything was at rest last, and the one that served then: any of them may serve.
    may_serve: BTreeSet<u32>,
    /// Whether something served at the last rest and the file was never away since.
    must_serve: bool,
}

impl World {
    /// Does it, unless it makes no sense now.
    fn apply(&mut self, host: &Running, step: Step) {
        let path = host.apps.file(FILE);
        let half = |number: u32| {
            let bytes = guest::revision(number);
            bytes[..bytes.len() / 2].to_vec()
        };
        match (step, self.content) {
            (Step::Rename, _) => {
                let number = self.number();
                host.apps.rename_in(FILE, guest::revision(number));
                self.whole(number);
            }
            (Step::Copy, _) => {
                let number = self.number();
                host.apps.copy_over(FILE, guest::revision(number));
                self.whole(number);
            }
            (Step::Begin, _) => {
                let number = self.number();
                host.apps.copy_over(FILE, half(number));
                self.content = Content::Half(number);
            }
            (Step::Truncate, Content::Whole(number)) => {
                let file = File::options().write(true).open(&path).unwrap();
                file.set_len(half(number).len() as u64).unwrap();
                self.content = Content::Half(number);
            }
            (Step::Continue, Content::Half(number)) => {
                let rest = guest::revision(number).split_off(half(number).len());
                File::options().append(true).open(&path).unwrap().write_all(&rest).unwrap();
                self.whole(number);
            }
            (Step::Junk, _) => {
                host.apps.rename_in(FILE, "no component at all");
                self.content = Content::Junk;
            }
            (Step::Flip, _) => {
                let number = self.number();
                let target = format!("_{number}.wasm");
                host.apps.rename_in(&target, guest::revision(number));
                let link = host.apps.file(".link");
                symlink(target, &link).unwrap();
                fs::rename(link, &path).unwrap();
                self.whole(number);
            }
            (Step::Touch, Content::Whole(_) | Content::Half(_) | Content::Junk) => {
                let file = File::options().write(true).open(&path).unwrap();
                file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(self.number()))).unwrap();
            }
            (Step::Unlink, Content::Whole(_) | Content::Half(_) | Content::Junk) => {
                fs::remove_file(&path).unwrap();
                self.content = Content::Nothing;
                self.must_serve = false;
            }
            // A restart is between two bursts.
            _ => {}
        }
    }

    /// A number that no revision has had: they grow, so that an older one is a smaller one.
    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn whole(&mut self, number: u32) {
        self.content = Content::Whole(number);
        self.may_serve.insert(number);
    }

    /// Waits until what the folder says is decided, and holds it against what may be.
    async fn rest(&mut self, host: &Running) {
        let serves = match self.content {
            Content::Nothing => {
                host.until("it is gone", |status| !status.apps.contains_key("revision")).await;
                None
            }
            Content::Whole(number) => {
                host.until_live("revision", Digest::of(&guest::revision(number))).await;
                Some(number)
            }
            Content::Half(_) => self.still(host, AppState::Pending).await,
            Content::Junk => self.still(host, AppState::Refused).await,
        };
        self.may_serve = serves.into_iter().collect();
        self.must_serve = serves.is_some();
    }

    /// What serves while the newest content does not: one that was whole.
    async fn still(&self, host: &Running, state: AppState) -> Option<u32> {
        host.until_state("revision", state).await;
        let live = host.deploy.status().borrow().apps["revision"].serving?;
        let number = self.may_serve.iter().find(|number| Digest::of(&guest::revision(**number)) == live.code);
        Some(*number.unwrap_or_else(|| panic!("{live:?} serves, and was never whole: {:?}", self.may_serve)))
    }
}

/// Somebody who asks both apps all the time. What he saw: answers of the one, and whether any was none.
struct Visitor {
    done: Arc<AtomicBool>,
    task: JoinHandle<(Vec<u32>, bool)>,
}

impl Visitor {
    fn begin(host: &Running) -> Visitor {
        let done = Arc::new(AtomicBool::new(false));
        let task = tokio::task::spawn(visit(Client::new(host.address), done.clone()));
        Visitor { done, task }
    }

    async fn end(self) -> (Vec<u32>, bool) {
        self.done.store(true, Ordering::SeqCst);
        self.task.await.unwrap()
    }
}

async fn visit(mut client: Client, done: Arc<AtomicBool>) -> (Vec<u32>, bool) {
    let (mut answers, mut was_none) = (Vec::new(), false);
    while !done.load(Ordering::SeqCst) {
        let reply = client.try_send(get("/revision/")).await.unwrap();
        match reply.text().parse() {
            Ok(number) if reply.status.is_success() => answers.push(number),
            _ => was_none = true,
        }
        let reply = client.try_send(get("/bystander/")).await.unwrap();
        assert_eq!(reply.text(), guest::revision_text(BYSTANDER), "an unrelated app noticed");
        // Else there is no time for the compile child.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    (answers, was_none)
}

async fn live_through(bursts: &[Vec<Step>]) {
    let mut host = TestHost::new().app("bystander", guest::revision(BYSTANDER)).run().await;
    let (content, may_serve) = (Content::Nothing, BTreeSet::new());
    let mut world = World { content, next: 0, may_serve, must_serve: false };
    let mut newest = 0;
    for burst in bursts {
        let visitor = Visitor::begin(&host);
        let mut allowed = world.may_serve.clone();
        for step in burst {
            world.apply(&host, *step);
            allowed.extend(&world.may_serve);
        }
        let must_serve = world.must_serve;
        world.rest(&host).await;
        let (answers, was_none) = visitor.end().await;
        assert!(!(must_serve && was_none), "nothing served for a moment after {burst:?}");
        for answer in answers {
            assert!(allowed.contains(&answer), "{answer} served, and only {allowed:?} were whole: {burst:?}");
            assert!(answer >= newest, "{answer} served after {newest}: {burst:?}");
            newest = answer;
        }
        if burst.contains(&Step::Restart) {
            host = host.stop().await.0.run().await;
            let before = world.may_serve.clone();
            world.rest(&host).await;
            assert_eq!(world.may_serve, before, "a restart changed what serves");
        }
    }
}

#[test]
fn whatever_is_done_to_a_folder_the_last_good_revision_serves() {
    let mut runner = TestRunner::new(config(SEQUENCES, None));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut done = Vec::new();
    for _ in 0..SEQUENCES {
        let bursts = vec(vec(step(), 1..4), BURSTS).new_tree(&mut runner).unwrap().current();
        println!("{bursts:?}");
        runtime.block_on(live_through(&bursts));
        done.extend(bursts.into_iter().flatten());
    }
    for step in [Step::Copy, Step::Begin, Step::Truncate, Step::Continue, Step::Flip, Step::Unlink, Step::Restart] {
        assert!(done.contains(&step), "no sequence had {step:?}");
    }
}
