//! A bell that one request rings and others wait for.

use std::cell::RefCell;

use wasip3::wit_bindgen::StreamWriter;
use wasip3::wit_stream;

thread_local! {
    /// One end for each that waits. It is a stream of the component model, and not a channel of Rust's, because only
    /// what the host knows of wakes another request's task.
    static WAITING: RefCell<Vec<StreamWriter<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Returns when another request has rung.
pub async fn wait() -> &'static str {
    let (end, mut other_end) = wit_stream::new();
    WAITING.with_borrow_mut(|waiting| waiting.push(end));
    match other_end.next().await {
        Some(_) => "met\n",
        None => "forgotten\n",
    }
}

/// Wakes all that wait, and says how many they were.
pub async fn ring() -> usize {
    let waiting = WAITING.take();
    let mut woken = 0;
    for mut end in waiting {
        // Whoever waited may have been cut meanwhile.
        woken += usize::from(end.write_one(1).await.is_none());
    }
    woken
}
