//! Memory that is taken and never given back.

use std::cell::RefCell;

const MIB: usize = 1024 * 1024;

thread_local! {
    static KEPT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Keeps so many MiB more for as long as the instance lives, and returns how many bytes its memory has now.
pub fn keep(mib: usize) -> usize {
    // Written to, so that it is not only promised.
    KEPT.with_borrow_mut(|kept| kept.push(vec![1; mib * MIB]));
    #[cfg(target_family = "wasm")]
    return core::arch::wasm32::memory_size::<0>() * (64 * 1024);
    #[cfg(not(target_family = "wasm"))]
    return KEPT.with_borrow(|kept| kept.iter().map(Vec::len).sum());
}
