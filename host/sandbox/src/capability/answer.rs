//! What a function that is linked over wasmtime's own gives: an error of the guest's is its answer, and a trap is ours.

use std::error::Error;

use wasmtime_wasi::TrappableError;

/// The result as the guest's interface has it, in the one value that a linked function returns.
pub(crate) fn answer<R, E>(result: Result<R, TrappableError<E>>) -> wasmtime::Result<(Result<R, E>,)>
where
    E: Error + Send + Sync + 'static,
{
    match result {
        Ok(value) => Ok((Ok(value),)),
        Err(error) => Ok((Err(error.downcast()?),)),
    }
}
