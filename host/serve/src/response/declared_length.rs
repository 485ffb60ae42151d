//! The length that a response's head names, held against the body that follows.

use guesthouse_sandbox::fault::Fault;

/// What is still to come, where the head said how much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclaredLength(Option<u64>);

impl DeclaredLength {
    /// Of so many bytes; of nothing where the head does not say.
    pub fn new(length: Option<u64>) -> DeclaredLength {
        DeclaredLength(length)
    }

    /// Whether the head said anything.
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// How much is still to come, where that is known.
    pub fn left(&self) -> Option<u64> {
        self.0
    }

    /// Whether something has yet to come.
    pub fn is_open(&self) -> bool {
        matches!(self.0, Some(1..))
    }

    /// Whether all that was promised has come.
    pub fn is_kept(&self) -> bool {
        self.0 == Some(0)
    }

    /// Counts a piece, unless it is more than was promised.
    pub fn count(&mut self, bytes: u64) -> Result<(), Fault> {
        if let Some(left) = &mut self.0 {
            let too_long = || Fault::BadResponse("its body is longer than its content-length".to_owned());
            *left = left.checked_sub(bytes).ok_or_else(too_long)?;
        }
        Ok(())
    }

    /// The body has ended: was it all?
    pub fn end(&self) -> Result<(), Fault> {
        match self.0 {
            Some(missing) if missing > 0 => {
                Err(Fault::BadResponse(format!("its body ends {missing} bytes before its content-length")))
            }
            _ => Ok(()),
        }
    }
}
