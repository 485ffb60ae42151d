//! `guesthouse dev` for Python: an edit is served at once, from the source itself.

use std::net::SocketAddr;

use rustix::process::Signal;

use crate::frameworks::hall::tools;
use crate::harness::client::Client;
use crate::harness::process::Process;
use crate::harness::process::command;
use crate::harness::tools::has_python;
use crate::harness::within;
use crate::python::workshop::Workshop;

fn app(says: &str) -> String {
    format!("def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'{says}']\n")
}

async fn until_it_says(address: SocketAddr, expected: &str) {
    within(&format!("`{expected}`"), async {
        let mut client = Client::new(address);
        while !client.get("/app/").await.text().contains(expected) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_is_live_without_a_build_and_a_mistake_is_shown_where_it_is() {
    if !has_python().await {
        return;
    }
    let shop = Workshop::with(&[("app.py", &app("one"))]);
    // What is installed or compiled at first use may take longer than a test waits.
    assert!(shop.build().await.status.success());
    let mut command = command(&["dev", "app", "--listen", "127.0.0.1:0"], shop.path());
    let mut dev = Process::spawn(command.env("GUESTHOUSE_TOOLS", tools()));
    let line = dev.says("listening on http://").await;
    let address = line.trim().trim_start_matches("listening on http://").trim_end_matches('/').parse().unwrap();
    dev.says("http://app.localhost:").await;
    until_it_says(address, "one").await;

    shop.write("app.py", &app("two"));
    dev.says("app: live ").await;
    until_it_says(address, "two").await;
    shop.write("app.py", "import flusk\n");
    until_it_says(address, "No module named 'flusk'").await;
    shop.write("app.py", &app("three"));
    until_it_says(address, "three").await;
    assert!(!dev.log().contains("building") && dev.log().matches("built app").count() == 1, "{}", dev.log());
    dev.signal(Signal::INT);
    assert_eq!(dev.ended().await.status.code(), Some(0));
}
