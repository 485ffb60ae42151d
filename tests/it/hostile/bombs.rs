//! More of everything than the host can want to keep: handles, waits, randomness, bytes in one call.

use guesthouse_test_guests as guest;

use crate::harness::beside::Beside;

const TIGHT: &str = "cpu = \"5s\"\nhead = \"20s\"\nmemory = \"32MiB\"";

#[tokio::test]
async fn handles_waits_and_randomness_have_bounds() {
    let mut http02 = Beside::guest(guest::BAD_HTTP, TIGHT).await;
    let cases = [
        ("/resources", "502"),
        ("/pollables", "502"),
        ("/poll-list?count=1000000", "502"),
        ("/random", "502"),
        ("/random?bytes=65537", "502"),
        ("/insecure-random", "502"),
        ("/big-write", "502|cut"),
    ];
    http02.check_all("/bad-http", &cases).await;
    let mut http03 = Beside::guest(guest::BAD_HTTP03, TIGHT).await;
    let cases =
        [("/resources", "502"), ("/tasks", "502"), ("/random", "200 got 65536"), ("/insecure-random", "200 got 65536")];
    http03.check_all("/bad-http03", &cases).await;
    let mut misdeed = Beside::guest(guest::MISDEED_HTTP03, TIGHT).await;
    misdeed.check("/misdeed-http03/hoard", "502").await;
}

#[tokio::test]
async fn what_one_call_hands_over_has_a_bound() {
    let mut gateway = Beside::guest(guest::BAD_BIG, "memory = \"256MiB\"").await;
    gateway.check_all("/bad-big", &[("/", "502"), ("/?bytes=16777217", "502")]).await;
    gateway.check("/bad-big/?bytes=16777216", "200 xxx").await;
}
