//! Does in the 0.3 lane whatever misdeed its path names, before its head, after it, or after a response that is whole.

use std::hint::spin_loop;

use guest_support::service;
use guest_support::service::Answer;
use wasip3::clocks::monotonic_clock;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::ErrorCode;
use wasip3::http::types::Fields;
use wasip3::http::types::Request;
use wasip3::http::types::Response;
use wasip3::wit_bindgen::spawn_local;
use wasip3::wit_future;
use wasip3::wit_stream;

const ALL: &str = "before the head: /trap /loop /never /error /exit /hoard
after the head and `first`: /late-trap /late-loop /silent /no-end /short /long
after a whole response: /after-trap /after-loop
";

const MOMENT_NS: u64 = 100_000_000;

struct Misdeed;

wasip3::http::service::export!(Misdeed);

impl Guest for Misdeed {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        Ok(match service::target(&request).0.as_str() {
            "/trap" => trap(),
            "/loop" => run_for_ever(),
            "/never" => wait_for_ever().await,
            "/error" => return Err(ErrorCode::InternalError(Some("the guest gave up on purpose".to_owned()))),
            "/exit" => std::process::exit(3),
            "/hoard" => hoard(),
            "/late-trap" => late(Then::Trap),
            "/late-loop" => late(Then::Loop),
            "/silent" => late(Then::Never),
            "/no-end" => late(Then::Break),
            "/short" => measured(b"first\n", 100),
            "/long" => measured(&[b'x'; 100], 6),
            "/after-trap" => whole(Then::Trap),
            "/after-loop" => whole(Then::Loop),
            _ => service::text(404, ALL),
        })
    }
}

/// What comes after the part of a response that is in order.
enum Then {
    Trap,
    Loop,
    Never,
    Break,
}

impl Then {
    async fn happen(self) {
        match self {
            Then::Trap => trap(),
            Then::Loop => run_for_ever(),
            Then::Never => wait_for_ever().await,
            Then::Break => {}
        }
    }
}

fn trap() -> ! {
    panic!("the guest panicked on purpose")
}

/// Streams without end, none of which is given back: the host keeps a record of each.
fn hoard() -> ! {
    loop {
        std::mem::forget(wit_stream::new::<u8>());
    }
}

fn run_for_ever() -> ! {
    loop {
        spin_loop();
    }
}

async fn wait_for_ever() -> ! {
    loop {
        monotonic_clock::wait_for(u64::MAX).await;
    }
}

/// A head and a first piece, and then that. The body is open until it is over, and never comes to its end.
fn late(then: Then) -> Response {
    let (response, mut answer) = Answer::begin(200, "text/plain");
    spawn_local(async move {
        answer.piece(b"first\n").await.expect("the visitor reads");
        then.happen().await;
        drop(answer);
    });
    response
}

/// A whole response, and that a moment later. In the same breath it could be found out before anything is sent.
fn whole(then: Then) -> Response {
    let (response, mut answer) = Answer::begin(200, "text/plain");
    spawn_local(async move {
        answer.piece(b"first\n").await.expect("the visitor reads");
        answer.end(None).await;
        monotonic_clock::wait_for(MOMENT_NS).await;
        then.happen().await;
    });
    response
}

/// A body that is not as long as its head says.
fn measured(body: &'static [u8], length: usize) -> Response {
    let fields = Fields::new();
    fields.append("content-length", length.to_string().as_bytes()).expect("the length is a guest's to say");
    let (mut stream, contents) = wit_stream::new();
    let (_, end) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(fields, Some(contents), end);
    spawn_local(async move { stream.write_all(body.to_vec()).await });
    response
}
