//! Names in a guest that are bombs to whoever makes them readable.

use http::StatusCode;

use crate::harness::beside::Beside;
use crate::harness::host::TestHost;

/// More than a backtrace shows.
const FRAMES: usize = 25;

/// A name of C++ (as its compilers write it) in which each type is made of the one before it, twice: some hundred bytes,
/// and gigabytes when it is written out.
fn doubling(times: usize) -> String {
    const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut name = "_Z1f1a1bIS_S_E".to_owned();
    // `S_` is `a`, `S0_` is `b`, `S1_` is `b<a, a>`.
    for before in DIGITS.iter().skip(1).take(times).map(|digit| char::from(*digit)) {
        name.push_str(&format!("S0_IS{before}_S{before}_E"));
    }
    // The largest, a few times more.
    name + &format!("S{}_", char::from(DIGITS[times])).repeat(20)
}

/// An app of the 0.2 lane that traps in a function of this name, below others of almost the same: a whole backtrace.
fn trapping(name: &str) -> Vec<u8> {
    let mut functions = format!("(func ${name} unreachable)");
    for number in 1..=FRAMES {
        // An argument more each: `i` is an `int`.
        let (called, caller) = ("i".repeat(number - 1), "i".repeat(number));
        functions.push_str(&format!("(func ${name}{caller} call ${name}{called})"));
    }
    let outermost = "i".repeat(FRAMES);
    let text = format!(
        "(component
             (import \"wasi:http/types@0.2.0\" (instance $types
                 (export \"incoming-request\" (type (sub resource)))
                 (export \"response-outparam\" (type (sub resource)))))
             (alias export $types \"incoming-request\" (type $request))
             (alias export $types \"response-outparam\" (type $out))
             (core module $m
                 {functions}
                 (func (export \"handle\") (param i32 i32) call ${name}{outermost}))
             (core instance $i (instantiate $m))
             (func $handle (param \"request\" (own $request)) (param \"response-out\" (own $out))
                 (canon lift (core func $i \"handle\")))
             (instance $door (export \"handle\" (func $handle)))
             (export \"wasi:http/incoming-handler@0.2.0\" (instance $door)))"
    );
    wat::parse_str(text).unwrap()
}

#[tokio::test]
async fn a_trap_in_a_function_whose_name_is_a_bomb_is_a_trap_like_any_other() {
    let mut beside = Beside::run(TestHost::new().app("named", trapping(&doubling(30)))).await;
    for _ in 0..3 {
        let reply = beside.check("/named/", "502").await.unwrap();
        assert_eq!(reply.status, StatusCode::BAD_GATEWAY);
    }
    // As long as a name can be.
    beside.host.drop_in("named", trapping(&"x".repeat(90_000))).await;
    beside.check("/named/", "502").await;
}
