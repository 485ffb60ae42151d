//! Counts the requests that its instance has answered, and asks in its own component that instances be used again.

use std::cell::Cell;

use guest_support::memory;
use guesthouse::Request;
use guesthouse::RequestExt;
use guesthouse::Response;
use guesthouse::ResponseExt;

guesthouse::app!(handle);

guesthouse::settings!("[instances]\nreuse = 1000\ngrowth = \"32MiB\"\n\n[limits]\nmemory = \"96MiB\"\n");

thread_local! {
    static ANSWERED: Cell<u32> = const { Cell::new(0) };
}

fn handle(request: Request) -> Response {
    let grown = match (request.uri().path(), request.query_value("mib")) {
        ("/grow", mib) => Some(memory::keep(mib.and_then(|mib| mib.parse().ok()).unwrap_or(1))),
        _ => None,
    };
    ANSWERED.set(ANSWERED.get() + 1);
    let memory = grown.map(|bytes| format!("memory: {bytes}\n")).unwrap_or_default();
    Response::text(format!("answered: {}\n{memory}", ANSWERED.get()))
}
