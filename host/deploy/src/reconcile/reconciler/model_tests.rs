//! The decisions, held against a pure model: random sequences of what operators, disks and clocks do.
//!
//! `PROPTEST_CASES` says how many sequences, and `PROPTEST_RNG_SEED`, a number, which: to look for more, try others. What
//! was found once is kept in `host/deploy/proptest-regressions` and tried first.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prop_oneof;
use proptest::sample::select;
use proptest::strategy::Union;
use proptest::test_runner::TestCaseError;
use proptest::test_runner::TestError;
use proptest::test_runner::TestRunner;

use super::truth_tests::Asked;
use super::truth_tests::Code;
use super::truth_tests::Content;
use super::truth_tests::claim;
use super::world_tests::APPS;
use super::world_tests::Mount;
use super::world_tests::Op;
use super::world_tests::Way;
use super::world_tests::World;
use crate::random::config;

/// What was found once.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/reconciler.txt");
/// Sequences, unless the environment says otherwise.
const CASES: u32 = 2000;

/// States that a run of many sequences must have reached: a property that never came there proves nothing.
const RARE: [&str; 32] = [
    "a check finds what nothing showed",
    "a content cannot be kept",
    "a crash before the state was written",
    "a file changes while it is read",
    "a file is deleted while the host is down",
    "a manifest is missed",
    "a manifest is missed while the last good one serves",
    "a make is cancelled",
    "a make meets trouble",
    "a make comes to its end although there is newer content",
    "a make is given up beside one that is not",
    "a read comes too late",
    "a restart",
    "a restart before the first look",
    "a route is contested",
    "a contested route becomes free",
    "an app is removed",
    "a removed app comes back within the grace",
    "made anew",
    "missed, within the grace",
    "pending while the last good one serves",
    "refused while the last good one serves",
    "settling while the last good one serves",
    "swapped",
    "the folder beats a declared route",
    "the folder vanishes while apps serve",
    "the last good revision serves after a restart",
    "the last good revision serves after a restart, and the newest is refused",
    "the state cannot be written",
    "two revisions are made at once",
    "what serves is no longer allowed",
    "a sub-folder is hidden while its app serves",
];

fn app() -> impl Strategy<Value = usize> {
    // Few apps and few contents, so that they meet. The last app is left alone.
    prop_oneof![6 => Just(0_usize), 4 => Just(1), 2 => Just(2), 2 => Just(3)]
}

fn code() -> impl Strategy<Value = Code> {
    prop_oneof![
        8 => (0..4_u8).prop_map(Code::Good),
        2 => (0..4_u8).prop_map(Code::Half),
        3 => (0..2_u8).prop_map(Code::Faulty),
        1 => (0..2_u8).prop_map(Code::Senseless),
        1 => Just(Code::Empty),
        1 => Just(Code::Large),
    ]
}

fn asked() -> impl Strategy<Value = Option<Asked>> {
    let routes = prop_oneof![3 => Just(0_u8), 4 => Just(1), 1 => Just(2), 1 => Just(3), 2 => Just(4), 1 => Just(5)];
    let level = prop_oneof![4 => Just(0_u8), 2 => Just(1), 1 => Just(2)];
    let code = prop_oneof![9 => Just(None), 1 => (0..4_u8).prop_map(Some)];
    let manifest = (routes, level, code, prop_oneof![20 => Just(false), 1 => Just(true)])
        .prop_map(|(routes, level, code, is_odd)| Asked { routes, level, code, is_odd });
    prop_oneof![1 => Just(None), 1 => manifest.prop_map(Some)]
}

fn content() -> impl Strategy<Value = Content> {
    (code(), asked()).prop_map(|(code, manifest)| Content { code, manifest })
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![6 => Just(Way::Rename), 2 => Just(Way::RenameLate), 3 => Just(Way::Write), 1 => Just(Way::Link),
        1 => Just(Way::Unseen)]
}

fn op() -> impl Strategy<Value = Op> {
    const MILLIS: [u64; 12] = [1, 5, 100, 499, 500, 501, 1000, 1999, 2000, 5000, 31_000, 61_000];
    let folder = prop_oneof![
        10 => (app(), code(), way()).prop_map(|(app, code, way)| Op::Put(app, code, way)),
        4 => (app(), asked(), way()).prop_map(|(app, asked, way)| Op::Ask(app, asked, way)),
        5 => (app(), content(), way()).prop_map(|(app, content, way)| Op::Both(app, content, way)),
        12 => (app(), content()).prop_map(|(app, content)| Op::Drop(app, content)),
        2 => (app(), [content(), content(), content(), content()])
            .prop_map(|(app, contents)| Op::Burst(app, contents)),
        2 => app().prop_map(Op::Continue),
        1 => app().prop_map(Op::Truncate),
        1 => app().prop_map(Op::Touch),
        3 => app().prop_map(Op::Unlink),
        1 => app().prop_map(Op::Odd),
        1 => (app(), app()).prop_map(|(from, to)| Op::Rename(from, to)),
    ];
    let path = prop_oneof![
        6 => Just(Op::Look),
        2 => Just(Op::SlowLook),
        6 => select(&MILLIS[..]).prop_map(Op::Tick),
        6 => (0..8_usize).prop_map(Op::Work),
        2 => (0..4_usize).prop_map(Op::Fail),
        5 => Just(Op::Read),
        6 => Just(Op::Finish),
        3 => Just(Op::Written),
    ];
    let operator = prop_oneof![
        1 => Just(Op::Reconsider),
        1 => (0..3_u8).prop_map(Op::Policy),
        1 => (0..3_u8).prop_map(Op::Hangup),
        3 => any::<bool>().prop_map(|crash| Op::Restart { crash }),
        1 => any::<bool>().prop_map(|is_full| Op::Disk { is_full }),
        1 => select(&[Mount::Here, Mount::Missing, Mount::Empty][..]).prop_map(Op::Mount),
        1 => any::<bool>().prop_map(Op::Hide),
        1 => Just(Op::Collect),
    ];
    Union::new_weighted(vec![(8, folder.boxed()), (14, path.boxed()), (2, operator.boxed())])
}

/// Lives through `ops`, and comes to rest.
fn live_through<'a>(world: &mut World, ops: impl Iterator<Item = &'a Op>) -> Result<(), String> {
    // Another policy, even if it is taken back, makes everything anew once.
    let mut may_be_new = false;
    for (at, op) in ops.enumerate() {
        let before = world.bystander();
        world.step(*op).map_err(|why| format!("at {at}, {op:?}: {why}"))?;
        if matches!(op, Op::Restart { .. }) {
            may_be_new = false;
            continue;
        }
        may_be_new |= matches!(op, Op::Policy(_) | Op::Hangup(_));
        let after = world.bystander();
        let Some(before) = before.filter(|before| Some(*before) != after) else { continue };
        let is_anew = may_be_new && after.is_some_and(|after| before.content == after.content);
        claim(is_anew, || format!("at {at}, {op:?}: the bystander was {before:?} and is {after:?}"))?;
        may_be_new = false;
    }
    world.rest().map_err(|why| format!("at rest: {why}"))
}

#[test]
#[expect(clippy::print_stdout, reason = "what was reached is for whoever reads the test's output")]
fn the_last_good_revision_serves_whatever_happens() {
    let config = config(CASES, Some(REGRESSIONS));
    let cases = config.cases;
    let reached: RefCell<BTreeMap<&'static str, u64>> = RefCell::default();
    let ended = TestRunner::new(config).run(&vec(weighted(0.99, op()), 40..60), |ops| {
        let mut world = World::new();
        let outcome = live_through(&mut world, ops.iter().flatten());
        for (what, times) in &world.reached {
            *reached.borrow_mut().entry(what).or_default() += times;
        }
        outcome.map_err(TestCaseError::fail)
    });
    if let Err(TestError::Fail(why, ops)) = &ended {
        let lines: Vec<String> = ops.iter().flatten().map(|op| format!("    Op::{op:?},")).collect();
        panic!("{why}\nafter this, with the apps {APPS:?}:\n{}", lines.join("\n"));
    }
    ended.unwrap();
    let reached = reached.into_inner();
    let lines: Vec<String> = reached.iter().map(|(what, times)| format!("{times:8} {what}")).collect();
    println!("reached in {cases} sequences:\n{}", lines.join("\n"));
    for what in RARE.iter().filter(|_| cases >= 1500) {
        assert!(reached.contains_key(what), "never reached: {what}");
    }
}
