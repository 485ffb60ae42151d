//! Work on files, where it may block.

/// The work panicked.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the host failed while it worked on files: this is a bug of guesthouse")]
pub struct Panicked;

/// Does `work` on a thread that may block. A panic in there is a bug of ours, but not the end of the host.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Panicked> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Panicked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error() {
        assert_eq!(blocking(|| 7).await.unwrap(), 7);
        assert!(blocking(|| panic!("no way")).await.is_err());
    }
}
