//! Tries to remember: in a static, in a file and in the environment. With fresh instances nothing is left.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use guesthouse::Request;
use guesthouse::Response;
use guesthouse::ResponseExt;

static REQUESTS: AtomicU32 = AtomicU32::new(0);

const FILE: &str = "/tmp/guesthouse-counter";
const VARIABLE: &str = "GUESTHOUSE_COUNTER";

guesthouse::app!(handle);

fn handle(_request: Request) -> Response {
    let requests = REQUESTS.fetch_add(1, Ordering::Relaxed) + 1;
    let file = match std::fs::write(FILE, b"was here") {
        Ok(()) => "written".to_owned(),
        Err(error) => error.to_string(),
    };
    let variable = std::env::var(VARIABLE).unwrap_or_else(|_| "unset".to_owned());
    // SAFETY: an instance has one thread, so that nobody reads the environment meanwhile.
    unsafe { std::env::set_var(VARIABLE, "was here") };

    Response::text(format!("requests: {requests}\nfile: {file}\nvariable: {variable}\n"))
}
