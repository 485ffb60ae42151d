//! Cases at random: how many, and which. The host's own tests have this file as well (`host/src/lib.rs`).

use proptest::test_runner::Config;
use proptest::test_runner::FailurePersistence;
use proptest::test_runner::FileFailurePersistence;
use proptest::test_runner::RngSeed;

/// Where they begin, unless the environment says otherwise: a change of the code is judged, not the luck of the day.
const SEED: u64 = 20_261_122;

/// So many `cases`, unless `PROPTEST_CASES` says otherwise, from a seed that is always the same, unless `PROPTEST_RNG_SEED`
/// has another. What was found once is kept in the file `regressions`, and tried first.
pub fn config(cases: u32, regressions: Option<&'static str>) -> Config {
    let mut config = Config::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(SEED);
    }
    let kept = |path| -> Box<dyn FailurePersistence> { Box::new(FileFailurePersistence::Direct(path)) };
    config.failure_persistence = regressions.map(kept);
    config
}
