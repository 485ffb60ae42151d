//! Apps that do arbitrary things, within bounds: the long form of this is `fuzz/`.
//!
//! `PROPTEST_CASES` says how many, and `PROPTEST_RNG_SEED`, a number, which.

#![expect(clippy::print_stdout, reason = "what was reached is for whoever reads the test's output")]

mod component;
#[path = "../harness/random.rs"]
mod random;

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::TestRunner;

use crate::component::Outcome;
use crate::component::component;
use crate::random::config;

/// What was found once.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/component.txt");
/// Unless the environment says otherwise.
const CASES: u32 = 200;

#[test]
fn an_app_that_does_arbitrary_things_ends_within_its_bounds() {
    let config = config(CASES, Some(REGRESSIONS));
    let reached: RefCell<BTreeMap<Outcome, usize>> = RefCell::default();
    TestRunner::new(config)
        .run(&vec(any::<u8>(), 0..4_000), |bytes| {
            *reached.borrow_mut().entry(component(&bytes)).or_default() += 1;
            Ok(())
        })
        .expect("the host's promises hold");
    let reached = reached.into_inner();
    println!("reached: {reached:#?}");
    let ran: usize = reached.iter().filter(|(what, _)| **what > Outcome::Refused).map(|(_, times)| times).sum();
    assert!(ran * 2 > reached.values().sum(), "most of them run, or nothing is tried: {reached:?}");
    assert!(reached.contains_key(&Outcome::Answered), "some have an answer: {reached:?}");
}
