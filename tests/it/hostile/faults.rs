//! Guests that do not come back, come back wrongly, or end before they have answered.

use guesthouse_test_guests as guest;

use crate::harness::beside::Beside;

const TIGHT: &str = "cpu = \"1s\"\nhead = \"3s\"\nbody_idle = \"1s\"\nmemory = \"16MiB\"";

#[tokio::test]
async fn a_guest_that_fails_before_its_head_is_an_error_page() {
    let late = |name: &str| name == guest::BAD_LOOP;
    for name in [guest::BAD_TRAP, guest::BAD_STACK, guest::BAD_MEMORY, guest::BAD_EXIT, guest::BAD_LOOP] {
        let mut beside = Beside::guest(name, TIGHT).await;
        beside.check(&format!("/{name}/"), if late(name) { "504" } else { "502" }).await;
    }
    for name in [guest::BAD_HTTP, guest::BAD_HTTP03] {
        let mut beside = Beside::guest(name, TIGHT).await;
        let cases = [("/spin", "504"), ("/deep", "502"), ("/hoard", "502"), ("/error", "502")];
        beside.check_all(&format!("/{name}"), &cases).await;
    }
}

#[tokio::test]
async fn a_guest_that_fails_within_its_body_is_cut() {
    for name in [guest::BAD_HTTP, guest::BAD_HTTP03] {
        let mut beside = Beside::guest(name, TIGHT).await;
        let cases = [
            ("/spin-late", "cut"),
            ("/trap-late", "cut"),
            ("/exit-late", "cut"),
            ("/deep-late", "cut"),
            ("/hoard-late", "cut"),
            ("/hold?mib=4", "cut"),
        ];
        beside.check_all(&format!("/{name}"), &cases).await;
    }
}

#[tokio::test]
async fn a_guest_that_waits_for_ever_has_no_response_in_time() {
    let mut never = Beside::guest(guest::BAD_NEVER, TIGHT).await;
    never.check_all("/bad-never", &[("/", "504"), ("/late", "cut")]).await;
    let mut beside = Beside::guest(guest::BAD_HTTP, TIGHT).await;
    beside.check_all("/bad-http", &[("/poll-one", "504"), ("/poll-far", "504")]).await;
    let mut misdeed = Beside::guest(guest::MISDEED_HTTP03, TIGHT).await;
    misdeed.check_all("/misdeed-http03", &[("/never", "504"), ("/silent", "cut")]).await;
}

#[tokio::test]
async fn pieces_without_anything_in_them_are_no_end_and_no_way_around_a_deadline() {
    let mut beside = Beside::guest(guest::BAD_HTTP, TIGHT).await;
    beside.check("/bad-http/empty-late", "cut").await;
}

#[tokio::test]
async fn a_response_is_set_once_and_not_never() {
    let mut silent = Beside::guest(guest::BAD_SILENT, TIGHT).await;
    silent.check("/bad-silent/", "502").await;
    let mut twice = Beside::guest(guest::BAD_HTTP, TIGHT).await;
    twice.check("/bad-http/twice", "502|cut").await;
}
