//! A guest that abuses its folders: it stays within them and within what it was given, and its neighbour notices nothing.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use guesthouse_test_guests as guest;
use http::StatusCode;

use crate::harness::host::Running;
use crate::harness::host::TestHost;

const SIZE: u64 = 1 << 20;

/// Beside what a folder holds, its own folders may grow by a block each.
const SLACK: u64 = 128 << 10;

async fn host(manifest: &str) -> Running {
    let policy = toml::from_str("state = true").unwrap();
    TestHost::new()
        .app("bad", guest::bytes(guest::BAD_FILES))
        .manifest("bad", &format!("limits.tmp = \"1MiB\"\n{manifest}\n[state]\nsize = \"1MiB\""))
        .app("hello", guest::bytes(guest::HELLO))
        .config(|config| config.deploy.policy = policy)
        .run()
        .await
}

/// What the bad one says; the good one answers as ever.
async fn does(host: &Running, path: &str) -> String {
    let reply = host.get(&format!("/bad{path}")).await;
    assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text());
    assert_eq!(host.get("/hello/").await.status, StatusCode::OK, "after {path}");
    reply.text()
}

/// wasi-libc tells no reason when a stream fails.
fn is_full(said: &str) -> bool {
    said.contains("No space left on device") || said.contains("I/O error")
}

fn used(folder: &Path) -> u64 {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        bytes += metadata.blocks() * 512;
        if metadata.is_dir() {
            bytes += used(&entry.path());
        }
    }
    bytes
}

#[tokio::test]
async fn a_guest_that_fills_the_disk_fills_what_it_was_given() {
    let host = host("").await;
    for at in ["/data", "/tmp"] {
        for path in ["/fill", "/many", "/links"] {
            let said = does(&host, &format!("{path}?at={at}")).await;
            assert!(is_full(&said), "{path} {at}: {said}");
        }
    }
    let data = host.state().join("data/bad");
    assert!(used(&data) <= SIZE + SLACK, "{}", used(&data));
    // Not more than a block for each.
    assert!(fs::read_dir(&data).unwrap().count() as u64 <= SIZE / 4096);
}

#[tokio::test]
async fn what_is_written_again_after_it_was_removed_is_not_counted_twice() {
    let host = host("").await;
    for at in ["/data", "/tmp"] {
        let said = does(&host, &format!("/fill?at={at}")).await;
        assert!(said.ends_with("after that Ok(())\n"), "{at}: {said}");
    }
}

#[tokio::test]
async fn a_stream_that_finds_no_room_says_so() {
    let host = host("").await;
    for at in ["/data", "/tmp"] {
        let said = does(&host, &format!("/told?at={at}")).await;
        // The folder of an instance is a block of its own.
        let blocks = if at == "/data" { 256 } else { 255 };
        assert_eq!(said, format!("{blocks} blocks, then insufficient-space\n"), "{at}");
    }
}

#[tokio::test]
async fn files_without_a_name_are_counted_while_they_are_open() {
    let host = host("instances.reuse = 100").await;
    for at in ["/data", "/tmp"] {
        let said = does(&host, &format!("/hold?at={at}")).await;
        let bytes: u64 = said.split(' ').next().unwrap().parse().unwrap();
        assert!((SIZE / 2..=SIZE).contains(&bytes), "{at}: {said}");
    }
}

#[tokio::test]
async fn an_instance_has_so_many_files_open() {
    let host = host("").await;
    let said = does(&host, "/open?at=/data").await;
    let count: u32 = said.split(' ').next().unwrap().parse().unwrap();
    assert!((64..128).contains(&count), "{said}");
}

#[tokio::test]
async fn a_file_is_never_longer_than_its_folder_may_hold() {
    let host = host("").await;
    for at in ["/data", "/tmp"] {
        let said = does(&host, &format!("/far?at={at}")).await;
        assert!(said.starts_with("Err(") && said.matches("Err(").count() == 2 && is_full(&said), "{at}: {said}");
        assert!(said.trim_end().ends_with(" 0"), "{at}: {said}");
    }
}

#[tokio::test]
async fn nothing_goes_from_one_folder_into_another() {
    let host = host("").await;
    let said = does(&host, "/across").await;
    assert!(said.starts_with("Ok(())") && said.matches("Err(").count() == 2, "{said}");
    assert_eq!(fs::read_dir(host.state().join("data/bad")).unwrap().count(), 0);
}

#[tokio::test]
async fn no_way_leads_out_of_a_folder() {
    let host = host("").await;
    let entries = || -> Vec<String> {
        let names = fs::read_dir(host.state()).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    };
    let before = entries();
    for at in ["/data", "/tmp"] {
        assert_eq!(does(&host, &format!("/escape?at={at}")).await, "inside\n", "{at}");
    }
    for folder in [host.state(), host.state().join("data"), host.state().join("tmp")] {
        for entry in fs::read_dir(&folder).unwrap() {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            assert!(!name.contains("by-a-guest"), "{}: {name}", folder.display());
        }
    }
    // The host may write its own two files meanwhile, each first under a draft's name.
    let of_host = |name: &str| name.starts_with("state.json") || name.starts_with("status.json");
    let new: Vec<_> = entries().into_iter().filter(|name| !before.contains(name) && !of_host(name)).collect();
    assert!(new.is_empty(), "{new:?} beside {before:?}");
}

#[tokio::test]
async fn folders_in_each_other_end_where_the_room_does_and_go_with_the_instance() {
    let host = host("").await;
    let said = does(&host, "/deep?at=/tmp").await;
    assert!(said.contains("insufficient-space"), "{said}");
    let said = does(&host, "/tree?at=/tmp&count=50").await;
    assert_eq!(said, "50 folders\n");
    let tmp = host.state().join("tmp/bad");
    let gone = async {
        while fs::read_dir(&tmp).unwrap().count() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    crate::harness::within("the folders of instances to be gone", gone).await;
}
