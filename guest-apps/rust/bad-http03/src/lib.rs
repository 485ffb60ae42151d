//! Does in the 0.3 lane what `bad-http` does in the 0.2 lane; `misdeed-http03` knows more.

mod bombs;
mod heads;
mod sockets;

use guest_support::memory;
use guest_support::mischief;
use guest_support::service;
use guest_support::service::Answer;
use guest_support::standard;
use wasip3::cli::stdout;
use wasip3::clocks::monotonic_clock;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::ErrorCode;
use wasip3::http::types::Request;
use wasip3::http::types::Response;
use wasip3::random::insecure;
use wasip3::random::insecure_seed;
use wasip3::random::random;
use wasip3::wit_bindgen::spawn_local;
use wasip3::wit_stream;

const ALL: &str = "heads: /status /field /fields /error /log
before the head: /spin /deep /hoard
after the head and `first`: /spin-late /trap-late /exit-late /deep-late /hoard-late /hold /trailers
bombs: /resources /big-fields /tasks /random /insecure-random
tells: /reach /draw
";

const MOMENT_NS: u64 = 100_000_000;

struct Bad;

wasip3::http::service::export!(Bad);

impl Guest for Bad {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (path, query) = service::target(&request);
        let number = |name: &str, otherwise| standard::number(&query, name, otherwise);
        Ok(match path.as_str() {
            "/status" => heads::status(number("code", 101)),
            "/field" => heads::field(standard::value(&query, "name").unwrap_or("connection")),
            "/fields" => heads::fields(number("count", 1_000), number("length", 1)),
            "/error" => {
                let text = mischief::MISLEADING.repeat(number("repeat", 1) as usize);
                return Err(ErrorCode::InternalError(Some(text)));
            }
            "/log" => {
                print(mischief::MISLEADING.repeat(number("repeat", 1) as usize)).await;
                service::text(200, "logged\n")
            }
            "/spin" => mischief::spin(),
            "/deep" => service::text(200, &mischief::descend(0).to_string()),
            "/hoard" => mischief::hoard(),
            "/spin-late" => late(|| mischief::spin()),
            "/trap-late" => late(|| panic!("the guest panicked in the middle of its answer")),
            "/exit-late" => late(|| std::process::exit(0)),
            "/deep-late" => late(|| _ = mischief::descend(0)),
            "/hoard-late" => late(|| mischief::hoard()),
            "/hold" => {
                memory::keep(number("mib", 64) as usize);
                hold()
            }
            "/trailers" => heads::trailers(number("count", 1)),
            "/resources" => bombs::resources(),
            "/big-fields" => bombs::big_fields(),
            "/tasks" => bombs::tasks(),
            "/random" => told(random::get_random_bytes(number("bytes", 1 << 31)).len()),
            "/insecure-random" => told(insecure::get_insecure_random_bytes(number("bytes", 1 << 31)).len()),
            "/reach" => {
                let port = number("port", 80) as u16;
                service::text(200, &(mischief::reach(port) + &sockets::reach(port).await))
            }
            "/draw" => service::text(200, &draw()),
            _ => service::text(404, ALL),
        })
    }
}

/// A head and a first piece, which the visitor has long before the misdeed comes.
fn late(misdeed: impl FnOnce() + 'static) -> Response {
    let (response, mut answer) = Answer::begin(200, "text/plain");
    spawn_local(async move {
        answer.piece(b"first\n").await.expect("the visitor reads");
        monotonic_clock::wait_for(MOMENT_NS).await;
        misdeed();
        drop(answer);
    });
    response
}

/// A head and a first piece, and no end.
fn hold() -> Response {
    let (response, mut answer) = Answer::begin(200, "text/plain");
    spawn_local(async move {
        answer.piece(b"first\n").await.expect("the visitor reads");
        monotonic_clock::wait_for(u64::MAX).await;
        drop(answer);
    });
    response
}

/// Through the stream of WASI 0.3, which Rust's own library does not use.
async fn print(text: String) {
    let (mut stream, contents) = wit_stream::new();
    let printed = stdout::write_via_stream(contents);
    stream.write_all(text.into_bytes()).await;
    drop(stream);
    let _ = printed.await;
}

fn told(bytes: usize) -> Response {
    service::text(200, &format!("got {bytes}\n"))
}

/// What no two requests may have alike, a line each.
fn draw() -> String {
    let random = random::get_random_bytes(16);
    let insecure = insecure::get_insecure_random_bytes(16);
    format!("{random:?}\n{insecure:?}\n{:?}\n", insecure_seed::get_insecure_seed())
}
