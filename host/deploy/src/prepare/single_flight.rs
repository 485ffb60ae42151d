//! One compilation for all who want the same (single flight): one of them has it done, the others wait, and find it in the
//! cache.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;

use guesthouse_types::name::Digest;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

use crate::reason::Failure;

/// What is compiled, and the kind of artefact that comes of it.
type Key = (Digest, String);

/// Everything that is being compiled, or waited for.
#[derive(Default)]
pub struct SingleFlight {
    // Held for a look into the map; no await is inside.
    single_flight: Mutex<HashMap<Key, Weak<Flight>>>,
}

/// All who want the same artefact. It is over when the last of them has left.
struct Flight {
    /// One place.
    turn: Arc<Semaphore>,
    /// How the attempt ended that failed. Whoever waited for it need not see the same once more.
    failed: Mutex<Option<Failure>>,
}

/// The right to compile it, after a look into the cache. Dropping it lets the next one try.
pub struct Leader {
    flight: Arc<Flight>,
    _turn: OwnedSemaphorePermit,
}

impl SingleFlight {
    /// Waits until nobody else compiles it, or fails as they did. Dropping the future leaves the flight.
    pub async fn join(&self, code: Digest, kind: &str) -> Result<Leader, Failure> {
        let flight = self.flight((code, kind.to_owned()));
        let turn = flight.turn.clone().acquire_owned().await.expect("a flight's semaphore is never closed");
        let failed = lock(&flight.failed).clone();
        match failed {
            Some(error) => Err(error),
            None => Ok(Leader { flight, _turn: turn }),
        }
    }

    fn flight(&self, key: Key) -> Arc<Flight> {
        let mut single_flight = lock(&self.single_flight);
        if let Some(flight) = single_flight.get(&key).and_then(Weak::upgrade) {
            return flight;
        }
        single_flight.retain(|_, flight| flight.strong_count() > 0);
        let flight = Arc::new(Flight { turn: Arc::new(Semaphore::new(1)), failed: Mutex::default() });
        single_flight.insert(key, Arc::downgrade(&flight));
        flight
    }
}

impl Leader {
    /// All who wait fail alike.
    pub fn fail(self, error: &Failure) {
        *lock(&self.flight.failed) = Some(error.clone());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::reason::ReasonCode;

    /// So many want the same: how many attempts were made, and how many of them failed.
    async fn compile(callers: usize, outcome: Result<(), Failure>) -> (u32, usize) {
        let (single_flight, attempts, cached) = (SingleFlight::default(), AtomicU32::new(0), AtomicU32::new(0));
        let caller = || async {
            let leader = single_flight.join(Digest::of(b"code"), "plain").await?;
            if cached.load(Ordering::Relaxed) > 0 {
                return Ok(());
            }
            attempts.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            match &outcome {
                Ok(()) => cached.store(1, Ordering::Relaxed),
                Err(error) => leader.fail(error),
            }
            outcome.clone()
        };
        let done = futures_util::future::join_all((0..callers).map(|_| caller())).await;
        assert_eq!(lock(&single_flight.single_flight).values().filter(|flight| flight.strong_count() > 0).count(), 0);
        (attempts.into_inner(), done.iter().filter(|done| done.is_err()).count())
    }

    #[tokio::test]
    async fn the_first_one_compiles_for_all() {
        assert_eq!(compile(40, Ok(())).await, (1, 0));
        assert_eq!(compile(40, Err(Failure::refused(ReasonCode::Compile, "no"))).await, (1, 40));
        assert_eq!(compile(40, Err(Failure::retry(ReasonCode::Compiler, "not now"))).await, (1, 40));
    }

    #[tokio::test]
    async fn another_engine_is_another_flight_and_who_gives_up_leaves_the_turn_to_the_next() {
        let single_flight = SingleFlight::default();
        let code = Digest::of(b"code");
        let first = single_flight.join(code, "plain").await.unwrap();
        single_flight.join(code, "concurrent").await.unwrap();
        let mut second = std::pin::pin!(single_flight.join(code, "plain"));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn a_failure_is_not_remembered_by_who_comes_later() {
        let single_flight = SingleFlight::default();
        let code = Digest::of(b"code");
        single_flight.join(code, "plain").await.unwrap().fail(&Failure::retry(ReasonCode::Compiler, "not now"));
        assert!(single_flight.join(code, "plain").await.is_ok());
    }
}
