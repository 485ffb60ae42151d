//! Does in the 0.2 lane whatever misdeed its path names, before its head, within its body, or with what it hands to the host.

mod bombs;
mod heads;

use guest_support::memory;
use guest_support::mischief;
use guest_support::standard;
use guest_support::standard::Answer;
use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::ErrorCode;
use wasip2::http::types::IncomingRequest;
use wasip2::http::types::ResponseOutparam;
use wasip2::random::insecure;
use wasip2::random::insecure_seed;
use wasip2::random::random;

const ALL: &str = "heads: /status /field /fields /short /long /leaked /dropped /early /twice /error /log
before the head: /wait /spin /deep /hoard
after the head and `first`: /spin-late /trap-late /exit-late /deep-late /hoard-late /empty-late /hold /trailers
bombs: /resources /big-fields /bodies /pollables /poll-one /poll-far /poll-list /random /insecure-random /big-write
tells: /reach /draw
";

const MOMENT_NS: u64 = 100_000_000;
const YEAR_NS: u64 = 365 * 24 * 3600 * 1_000_000_000;

struct Bad;

wasip2::http::proxy::export!(Bad);

impl Guest for Bad {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let (path, query) = standard::target(&request);
        let number = |name: &str, otherwise| standard::number(&query, name, otherwise);
        match path.as_str() {
            "/status" => heads::status(out, number("code", 101)),
            "/field" => heads::field(out, standard::value(&query, "name").unwrap_or("connection")),
            "/fields" => heads::fields(out, number("count", 1_000), number("length", 1)),
            "/short" => heads::measured(out, b"first\n", 100),
            "/long" => heads::measured(out, &[b'x'; 100], 6),
            "/leaked" => heads::unfinished(out, false),
            "/dropped" => heads::unfinished(out, true),
            "/early" => heads::early(out),
            "/twice" => heads::twice(out),
            "/error" => {
                let text = mischief::MISLEADING.repeat(number("repeat", 1) as usize);
                ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some(text))));
            }
            "/log" => {
                print!("{}", mischief::MISLEADING.repeat(number("repeat", 1) as usize));
                standard::text(out, 200, "logged\n");
            }
            "/wait" => monotonic_clock::subscribe_duration(YEAR_NS).block(),
            "/spin" => mischief::spin(),
            "/deep" => standard::text(out, 200, &mischief::descend(0).to_string()),
            "/hoard" => mischief::hoard(),
            "/spin-late" => late(out, || mischief::spin()),
            "/trap-late" => late(out, || panic!("the guest panicked in the middle of its answer")),
            "/exit-late" => late(out, || std::process::exit(0)),
            "/deep-late" => late(out, || _ = mischief::descend(0)),
            "/hoard-late" => late(out, || mischief::hoard()),
            "/empty-late" => bombs::empty_pieces(out),
            "/hold" => {
                memory::keep(number("mib", 64) as usize);
                late(out, || monotonic_clock::subscribe_duration(YEAR_NS).block());
            }
            "/trailers" => heads::trailers(out, number("count", 1)),
            "/resources" => bombs::resources(),
            "/big-fields" => bombs::big_fields(),
            "/bodies" => bombs::bodies(),
            "/pollables" => bombs::pollables(),
            "/poll-one" => bombs::poll_list(1),
            "/poll-far" => bombs::poll_far(),
            "/poll-list" => bombs::poll_list(number("count", 1_000_000) as usize),
            "/random" => drop(random::get_random_bytes(number("bytes", 1 << 31))),
            "/insecure-random" => drop(insecure::get_insecure_random_bytes(number("bytes", 1 << 31))),
            "/big-write" => bombs::big_write(out),
            "/reach" => standard::text(out, 200, &mischief::reach(number("port", 80) as u16)),
            "/draw" => standard::text(out, 200, &draw()),
            _ => standard::text(out, 404, ALL),
        }
    }
}

/// A head and a first piece, which the visitor has long before the misdeed comes.
fn late(out: ResponseOutparam, misdeed: impl FnOnce()) {
    let answer = Answer::begin(out, 200, "text/plain");
    answer.piece(b"first\n").expect("the visitor reads");
    monotonic_clock::subscribe_duration(MOMENT_NS).block();
    misdeed();
    drop(answer);
}

/// What no two requests may have alike, a line each.
fn draw() -> String {
    let random = random::get_random_bytes(16);
    let insecure = insecure::get_insecure_random_bytes(16);
    format!("{random:?}\n{insecure:?}\n{:?}\n", insecure_seed::insecure_seed())
}
