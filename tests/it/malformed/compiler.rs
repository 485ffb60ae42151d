//! The compile child against components that are valid, and take more than it is given.

use std::time::Duration;

use guesthouse_test_guests as guest;

use crate::harness::host::TestHost;
use crate::malformed::drops::Drops;
use crate::malformed::parts::CORE_MODULE;
use crate::malformed::parts::MODULE;
use crate::malformed::parts::leb;
use crate::malformed::parts::section;
use crate::malformed::parts::with_door;

/// A component with so many functions, each with so many steps.
fn bomb(functions: usize, steps: usize) -> Vec<u8> {
    const SECTIONS: [u8; 3] = [1, 3, 10];
    // One local of 64 bits; in each step it is multiplied with itself and 3 more.
    let step = b"\x20\x00\x42\x03\x7c\x20\x00\x7e\x21\x00".repeat(steps);
    let body = [b"\x01\x01\x7e".as_slice(), &step, b"\x0b"].concat();
    let types = b"\x01\x60\x00\x00".to_vec();
    let declared = [leb(functions), vec![0; functions]].concat();
    let code = [leb(functions), [leb(body.len()), body].concat().repeat(functions)].concat();
    let sections = SECTIONS.iter().zip([types, declared, code]).map(|(id, content)| section(*id, &content));
    let module: Vec<u8> = [MODULE.to_vec()].into_iter().chain(sections).flatten().collect();
    with_door(&section(CORE_MODULE, &module))
}

#[tokio::test]
async fn a_bomb_that_takes_too_long_is_killed_and_others_are_taken() {
    let deadline = |config: &mut guesthouse::config::Config| {
        // A second of CPU time for each core.
        config.deploy.compile.deadline = Duration::from_secs(1);
        config.deploy.compile.at_once = 1;
    };
    // What is compiled before is in the cache, so that the deadline is the bomb's alone.
    let (host, _) = Drops::run(TestHost::new().app("hello", guest::bytes(guest::HELLO))).await.host.stop().await;
    let mut drops = Drops::run(host.config(deadline)).await;
    let why = drops.refused("bomb", bomb(20_000, 200)).await;
    // On a machine that has more to do, its time is over before it has had its CPU time.
    let is_ended = ["compiling used up its CPU time", "compiling took longer than"].map(|begin| why.starts_with(begin));
    assert!(is_ended.contains(&true), "{why}");
    assert!(drops.host.get("/hello/").await.text().contains("<h1>hello</h1>"));
}

#[tokio::test]
async fn a_bomb_that_takes_too_much_memory_is_ended_and_others_serve() {
    let little = |config: &mut guesthouse::config::Config| config.deploy.compile.memory_bytes_max = 300 << 20;
    let (host, _) = Drops::run(TestHost::new().app("hello", guest::bytes(guest::HELLO))).await.host.stop().await;
    let mut drops = Drops::run(host.config(little)).await;
    let why = drops.refused("bomb", bomb(1, 400_000)).await;
    assert!(why.contains("most likely for the memory it used"), "{why}");
    assert!(drops.host.get("/hello/").await.text().contains("<h1>hello</h1>"));
}

#[tokio::test]
async fn a_bomb_keeps_no_small_app_waiting_for_ever() {
    let settings = |config: &mut guesthouse::config::Config| {
        config.deploy.compile.deadline = Duration::from_secs(3);
        config.deploy.compile.at_once = 1;
    };
    let mut drops = Drops::run(TestHost::new().config(settings)).await;
    for number in 0..3 {
        // Each another revision: a removed app's bomb is not tried again.
        drops.host.apps.rename_in(&format!("bomb-{number}.wasm"), bomb(20_000 + number, 200));
    }
    // The smallest goes first, as soon as one bomb has had its time.
    drops.swap().await;
    drops
        .host
        .until("all bombs are refused", |status| {
            let is_refused =
                |app: &guesthouse_deploy::status::AppStatus| app.newest.why.is_some() && app.serving.is_none();
            (0..3).all(|number| status.apps.get(&format!("bomb-{number}")).is_some_and(is_refused))
        })
        .await;
    drops.check_good().await;
}
