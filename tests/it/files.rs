//! Folders that guests see: `/tmp` of an instance, `/data` that stays, and what an operator has to say about both.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use guesthouse_deploy::status::AppState;
use guesthouse_manifest::policy::Policy;
use guesthouse_test_guests as guest;
use http::StatusCode;

use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::within;

const LANES: [&str; 3] = [guest::FILES, guest::FILES_HTTP, guest::FILES_HTTP03];

fn policy(text: &str) -> Policy {
    toml::from_str(text).unwrap()
}

fn host(name: &str, manifest: &str) -> TestHost {
    let allowed = policy("state = true");
    let host = TestHost::new().app("files", guest::bytes(name)).manifest("files", manifest);
    host.config(|config| config.deploy.policy = allowed)
}

async fn said(host: &Running, path: &str) -> (u16, String) {
    let reply = host.get(&format!("/files{path}")).await;
    (reply.status.as_u16(), reply.text())
}

fn text(status: u16, text: &str) -> (u16, String) {
    (status, text.to_owned())
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

fn data(host: &Running) -> PathBuf {
    host.state().join("data/files")
}

async fn until_count(folder: &Path, count: usize) {
    let reached = async {
        while names(folder).len() != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(&format!("{count} folders of instances"), reached).await;
}

#[tokio::test]
async fn an_instance_has_a_tmp_of_its_own_which_goes_with_it() {
    for lane in LANES {
        let host = host(lane, "limits.tmp = \"1MiB\"").run().await;
        assert_eq!(said(&host, "/write/tmp/a?text=mine").await, text(200, "written"), "{lane}");
        assert_eq!(said(&host, "/list/tmp").await, text(200, ""), "{lane}");
        assert_eq!(said(&host, "/read/tmp/a").await.0, 404, "{lane}");
        assert_eq!(said(&host, "/list/data").await.0, 404, "{lane}");
        until_count(&host.state().join("tmp/files"), 0).await;
    }
}

#[tokio::test]
async fn a_reused_instance_keeps_its_tmp_until_it_is_replaced() {
    let manifest = "limits.tmp = \"1MiB\"\ninstances.reuse = 3";
    for lane in LANES {
        let host = host(lane, manifest).run().await;
        assert_eq!(said(&host, "/write/tmp/a?text=mine").await.0, 200, "{lane}");
        assert_eq!(said(&host, "/read/tmp/a").await, text(200, "mine"), "{lane}");
        assert_eq!(names(&host.state().join("tmp/files")).len(), 1);
        assert_eq!(said(&host, "/list/tmp").await, text(200, "a"), "{lane}");
        assert_eq!(said(&host, "/list/tmp").await, text(200, ""), "{lane}");
    }
}

#[tokio::test]
async fn an_app_that_asks_for_nothing_sees_no_folder() {
    let host = host(guest::FILES, "").run().await;
    for path in ["/list/tmp", "/list/data", "/read/etc/passwd", "/write/tmp/a?text=x"] {
        let (status, said) = said(&host, path).await;
        assert!(status >= 400, "{path}: {said}");
    }
    assert!(!host.state().join("data").exists() && !host.state().join("tmp").exists());
}

#[tokio::test]
async fn state_outlives_instance_revision_and_restart() {
    for lane in LANES {
        let host = host(lane, "[state]\nmounts = [\"/0\", \"/srv/db\"]").run().await;
        assert_eq!(said(&host, "/write/data/a?text=kept").await.0, 200, "{lane}");
        assert_eq!(said(&host, "/read/data/a").await, text(200, "kept"), "{lane}");
        assert_eq!(said(&host, "/read/0/a").await, text(200, "kept"), "{lane}");
        assert_eq!(said(&host, "/read/srv/db/a").await, text(200, "kept"), "{lane}");
        assert_eq!(fs::read_to_string(data(&host).join("a")).unwrap(), "kept");
        let first = host.deploy.status().borrow().apps["files"].serving;
        host.apps.rename_in("files.toml", "[state]\nsize = \"2MiB\"");
        host.until("the second revision", |status| status.apps["files"].serving != first).await;
        assert_eq!(said(&host, "/read/data/a").await, text(200, "kept"), "{lane}");
        let (host, _) = host.stop().await;
        let host = host.config(|config| config.deploy.policy = policy("state = true")).run().await;
        assert_eq!(said(&host, "/read/data/a").await, text(200, "kept"), "{lane}");
        assert_eq!(said(&host, "/read/0/a").await.0, 404, "{lane}");
    }
}

#[tokio::test]
async fn an_undeployed_app_leaves_its_state_to_the_operator() {
    let host = host(guest::FILES, "[state]").run().await;
    said(&host, "/write/data/a?text=kept").await;
    host.apps.remove("files.wasm");
    host.until("nothing is deployed", |status| status.apps.is_empty()).await;
    assert_eq!(names(&data(&host)), BTreeSet::from(["a".to_owned()]));
    host.drop_in("files", guest::bytes(guest::FILES)).await;
    assert_eq!(said(&host, "/read/data/a").await, text(200, "kept"));
}

#[tokio::test]
async fn apps_do_not_see_each_others_folders() {
    let allowed = policy("state = true");
    let host = TestHost::new()
        .app("files", guest::bytes(guest::FILES))
        .manifest("files", "[state]")
        .app("files/inner", guest::bytes(guest::FILES))
        .manifest("files/inner", "[state]")
        .config(|config| config.deploy.policy = allowed)
        .run()
        .await;
    assert_eq!(host.get("/files/inner/write/data/secret?text=inner").await.status, StatusCode::OK);
    assert_eq!(said(&host, "/list/data").await, text(200, ""));
    assert_eq!(names(&host.state().join("data")), BTreeSet::from(["files".to_owned(), "files+inner".to_owned()]));
}

#[tokio::test]
async fn state_is_refused_until_the_operator_grants_it_and_when_the_grant_goes() {
    let host = TestHost::new().app("files", guest::bytes(guest::FILES)).manifest("files", "[state]").run().await;
    let why = host.until_state("files", AppState::Refused).await;
    assert!(why.contains("`state = false`") && why.contains("`state = true` under `[policy]`"), "{why}");
    assert!(!host.state().join("data").exists());
    host.deploy.set_policy(policy("apps.files.state = true"));
    host.until_state("files", AppState::Live).await;
    assert_eq!(said(&host, "/write/data/a?text=kept").await.0, 200);
    host.deploy.set_policy(policy("state = true\napps.files.state = false"));
    let why = host.until_state("files", AppState::Refused).await;
    assert!(why.contains("`[policy.apps.\"files\"]`"), "{why}");
    assert_eq!(fs::read_to_string(data(&host).join("a")).unwrap(), "kept");
}

#[tokio::test]
async fn a_full_folder_is_told_to_the_app_which_can_go_on() {
    for lane in LANES {
        for (folder, manifest) in [("/data", "[state]\nsize = \"1MiB\""), ("/tmp", "limits.tmp = \"1MiB\"")] {
            let host = host(lane, &format!("{manifest}\n[instances]\nreuse = 1000")).run().await;
            let write = async |bytes: u64| said(&host, &format!("/write{folder}/a?bytes={bytes}")).await.0;
            assert_eq!(write(900 << 10).await, 200, "{lane} {folder}");
            assert_eq!(write(2 << 20).await, 507, "{lane} {folder}");
            assert_eq!(said(&host, &format!("/remove{folder}/a")).await.0, 200, "{lane} {folder}");
            assert_eq!(write(900 << 10).await, 200, "{lane} {folder}");
            // Over and over what lies there already.
            for _ in 0..3 {
                assert_eq!(write(900 << 10).await, 200, "{lane} {folder}");
            }
        }
    }
}

#[tokio::test]
async fn what_the_other_instances_have_in_tmp_counts() {
    let manifest = "limits.tmp = \"1MiB\"\n[instances]\nreuse = 1000\n";
    let host = Arc::new(host(guest::FILES_HTTP, manifest).run().await);
    let tmp = host.state().join("tmp/files");
    let first = {
        let host = host.clone();
        tokio::task::spawn(async move { said(&host, "/mark/tmp/log?ms=3000").await.0 })
    };
    until_count(&tmp, 1).await;
    assert_eq!(said(&host, &format!("/write/tmp/a?bytes={}", 700 << 10)).await.0, 200);
    assert_eq!((first.await.unwrap(), names(&tmp).len()), (200, 2));
    // The one that has waited least is taken: it has no such file.
    assert_eq!(said(&host, "/list/tmp").await, text(200, "log"));
    assert_eq!(said(&host, &format!("/write/tmp/b?bytes={}", 700 << 10)).await.0, 507);
}

#[tokio::test]
async fn leftovers_in_tmp_are_removed_at_the_start_and_state_is_not() {
    let host = host(guest::FILES, "limits.tmp = \"1MiB\"\n[state]").run().await;
    said(&host, "/write/data/a?text=kept").await;
    let (host, _) = host.stop().await;
    let tmp = host.home().join("state/tmp");
    fs::create_dir_all(tmp.join("files/7/a/b")).unwrap();
    fs::write(tmp.join("files/7/a/b/c"), "left").unwrap();
    std::os::unix::fs::symlink(host.home().join("state/data/files"), tmp.join("files/link")).unwrap();
    fs::create_dir_all(tmp.join("gone/1")).unwrap();
    let host = host.config(|config| config.deploy.policy = policy("state = true")).run().await;
    assert_eq!(said(&host, "/read/data/a").await, text(200, "kept"));
    assert!(!tmp.join("gone").exists());
    until_count(&tmp.join("files"), 0).await;
}

/// Sends requests that mark when they begin and end, while the app is replaced again and again.
async fn marked_under_swaps(lane: &str, manifest: &str) -> Vec<String> {
    let host = Arc::new(host(lane, &format!("limits.queue = 64\n{manifest}")).run().await);
    let visitors: Vec<_> = (0..4)
        .map(|visitor| {
            let host = host.clone();
            tokio::task::spawn(async move {
                let mut client = host.client();
                for turn in 0..8 {
                    let path = format!("/files/mark/data/log?id={visitor}-{turn}&ms=10");
                    let reply = client.get(&path).await;
                    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
                }
            })
        })
        .collect();
    for number in 1..4 {
        let before = host.deploy.status().borrow().apps["files"].serving;
        // With another queue it is another admission: what keeps them apart is the folder's own.
        host.apps.rename_in("files.toml", format!("limits.queue = {}\n{manifest}", 64 + number));
        host.until("the next revision", |status| status.apps["files"].serving != before).await;
    }
    for visitor in visitors {
        visitor.await.unwrap();
    }
    let log = fs::read_to_string(data(&host).join("log")).unwrap();
    log.lines().map(str::to_owned).collect()
}

fn overlaps(log: &[String]) -> usize {
    log.windows(2).filter(|pair| pair[0].starts_with("begin") && pair[1].starts_with("begin")).count()
}

#[tokio::test]
async fn one_request_at_a_time_works_on_state_across_revisions_too() {
    for lane in LANES {
        for reuse in ["", "instances.reuse = 1000\n"] {
            let log = marked_under_swaps(lane, &format!("{reuse}[state]")).await;
            assert_eq!((log.len(), overlaps(&log)), (64, 0), "{lane}: {log:?}");
        }
    }
}

#[tokio::test]
async fn an_app_that_shares_its_state_is_called_several_times_at_once() {
    let log = marked_under_swaps(guest::FILES_HTTP, "[state]\nshare = true").await;
    assert_eq!(log.len(), 64, "{log:?}");
    assert!(overlaps(&log) > 0, "{log:?}");
}

#[tokio::test]
async fn the_streams_of_wasi_03_are_paid_for_as_well() {
    let host = host(guest::FILES_HTTP03, "[state]\nsize = \"1MiB\"\n[instances]\nreuse = 1000").run().await;
    assert_eq!(said(&host, "/03/write?bytes=500000").await, text(200, "written 500000"));
    assert_eq!(said(&host, "/size/data/written").await, text(200, "500000"));
    assert_eq!(said(&host, "/03/append?bytes=300000").await, text(200, "appended"));
    assert_eq!(said(&host, "/size/data/appended").await, text(200, "300000"));
    assert_eq!(said(&host, "/03/list").await, text(200, "appended\nwritten"));
    assert_eq!(said(&host, "/03/write?bytes=2000000").await.0, 507);
    assert_eq!(said(&host, "/remove/data/written").await.0, 200);
    assert_eq!(said(&host, "/03/enlarge?bytes=2000000").await.0, 507);
    let (status, opened) = said(&host, "/03/open").await;
    assert!(status == 200 && opened.contains("InsufficientMemory"), "{opened}");
    let (status, made) = said(&host, "/03/folders").await;
    assert!(status == 200 && made.contains("InsufficientSpace"), "{made}");
    assert_eq!(said(&host, "/03/write?bytes=4096").await.0, 507);
}
