//! All that a guest can try in order to carry something from one request to the next. What an instance has besides,
//! its globals and its tables, is out of Rust's reach.

use std::cell::RefCell;
use std::fmt::Display;
use std::fs;
use std::mem;
use std::slice;

use wasip2::cli::stdout;

/// What is left behind wherever it can be.
const TOKEN: &str = "left by an earlier request";

/// In no message of the host's and in no path.
const VARIABLE: &str = "GUESTHOUSE_CARRY";

/// More handles than any instance starts with, and few enough for a hundred requests to one instance.
const HANDLES: u32 = 100;

const PAGE_BYTES: usize = 64 * 1024;

thread_local! {
    static KEPT: RefCell<Option<&'static str>> = const { RefCell::new(None) };
}

/// One line for each channel: what was found there, and what has been left.
pub fn report() -> String {
    let mut report = String::new();
    let mut line = |channel: &str, found: Option<String>, left: Result<(), String>| {
        let found = found.as_deref().unwrap_or("nothing");
        let left = left.map_or_else(|why| format!("nothing ({why})"), |()| "something".to_owned());
        report.push_str(&format!("{channel}: found {found}, left {left}\n"));
    };
    line("memory", KEPT.replace(Some(TOKEN)).map(str::to_owned), Ok(()));
    let (found, left) = pages();
    line("fresh pages", found, left);
    for path in ["/tmp/guesthouse-carry", "./guesthouse-carry"] {
        line(path, fs::read_to_string(path).ok(), fs::write(path, TOKEN).map_err(why));
    }
    let found = std::env::var(VARIABLE).ok();
    // SAFETY: an instance has one thread, so that nobody reads the environment meanwhile.
    unsafe { std::env::set_var(VARIABLE, TOKEN) };
    line("environment", found, Ok(()));
    line("folder", std::env::current_dir().ok().filter(|at| at.ends_with("tmp")).map(|at| at.display().to_string()), {
        std::env::set_current_dir("/tmp").map_err(why)
    });
    line("handles", handles(), Ok(()));
    report
}

fn why(error: impl Display) -> String {
    error.to_string()
}

/// Pages that this instance has just been given: what is in them was left by another one that had the same place.
#[cfg(target_family = "wasm")]
fn pages() -> (Option<String>, Result<(), String>) {
    let page = core::arch::wasm32::memory_grow::<0>(1);
    if page == usize::MAX {
        return (None, Err("no page was given".to_owned()));
    }
    let start = (page * PAGE_BYTES) as *mut u8;
    // SAFETY: the page was grown here, so that nobody else knows of it; it is readable and writable, and bytes need no
    // alignment.
    let bytes = unsafe { slice::from_raw_parts_mut(start, PAGE_BYTES) };
    let used = bytes.iter().filter(|byte| **byte != 0).count();
    bytes.fill(TOKEN.as_bytes()[0]);
    ((used > 0).then(|| format!("{used} bytes")), Ok(()))
}

#[cfg(not(target_family = "wasm"))]
fn pages() -> (Option<String>, Result<(), String>) {
    (None, Err("there are no pages".to_owned()))
}

/// Handles to a standard stream that are never given back: the next one's number tells of them.
fn handles() -> Option<String> {
    let stream = stdout::get_stdout();
    let number = stream.handle();
    mem::forget(stream);
    (0..HANDLES).for_each(|_| mem::forget(stdout::get_stdout()));
    (number > HANDLES).then(|| format!("the handle {number}"))
}
