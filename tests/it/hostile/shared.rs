//! Bad guests whose instances are used again, or by several at once: what they break is replaced.

use guesthouse_test_guests as guest;

use crate::harness::beside::Beside;
use crate::harness::host::TestHost;

const LIMITS: &str = "[limits]\ncpu = \"1s\"\nhead = \"3s\"\nbody_idle = \"1s\"\nmemory = \"16MiB\"\n";

const CASES: [(&str, &str); 14] = [
    ("/spin", "504"),
    ("/status?code=200", "200 a "),
    ("/deep", "502"),
    ("/hoard", "502"),
    ("/status?code=200", "200 a "),
    ("/status?code=101", "502"),
    ("/trap-late", "cut"),
    ("/status?code=200", "200 a "),
    ("/exit-late", "cut"),
    ("/hold?mib=4", "cut"),
    ("/resources", "502"),
    ("/error", "502"),
    ("/fields?count=1001&length=1", "502"),
    ("/status?code=200", "200 a "),
];

async fn check(name: &str, instances: &str) {
    let manifest = format!("{LIMITS}[instances]\n{instances}\n");
    let host = TestHost::new().app(name, guest::bytes(name)).manifest(name, &manifest);
    let mut beside = Beside::run(host).await;
    for _ in 0..2 {
        beside.check_all(&format!("/{name}"), &CASES).await;
    }
}

#[tokio::test]
async fn an_instance_that_fails_is_never_used_again() {
    check(guest::BAD_HTTP, "reuse = 1000").await;
    check(guest::BAD_HTTP03, "reuse = 1000").await;
}

#[tokio::test]
async fn an_instance_of_several_that_fails_is_replaced() {
    check(guest::BAD_HTTP03, "reuse = 1000\nconcurrent = 8").await;
}
