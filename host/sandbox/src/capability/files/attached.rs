//! What one instance sees of its folders.

use std::collections::HashMap;
use std::sync::Arc;

use wasmtime_wasi::WasiView;

use crate::bounds::memory::Account;
use crate::bounds::memory::Share;
use crate::capability::files::handles::Handles;
use crate::capability::files::scratch::Scratch;

/// A store whose guest may see folders.
pub(crate) trait FilesView: WasiView {
    /// What it sees, if anything.
    fn files(&mut self) -> Option<&mut Attached>;
}

/// What one instance sees.
pub(crate) struct Attached {
    pub(crate) handles: Handles,
    /// The memory of the guest's instances together: what the host keeps for listings counts.
    pub(crate) memory: Arc<Account>,
    /// Listings that are open, by their number.
    pub(crate) listings: HashMap<u32, Share>,
    /// Dropped with the instance.
    _scratches: Vec<Scratch>,
}

impl Attached {
    pub(crate) fn new(handles: Handles, memory: Arc<Account>, scratches: Vec<Scratch>) -> Attached {
        Attached { handles, memory, listings: HashMap::new(), _scratches: scratches }
    }
}
