//! Every way in which a file gets into the folder, changes there, and leaves it.

use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::time::Duration;
use std::time::SystemTime;

use guesthouse::config::Config;
use guesthouse_deploy::settings::WatchMode;
use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;
use guesthouse_types::name::Digest;
use http::StatusCode;

use crate::harness::folder::AppsFolder;
use crate::harness::host::Running;
use crate::harness::host::TestHost;
use crate::harness::host::config;

async fn host() -> Running {
    TestHost::new().app("revision", guest::revision(1)).run().await
}

async fn check_serves(host: &Running, number: u32) {
    host.until_live("revision", Digest::of(&guest::revision(number))).await;
    assert_eq!(host.get("/revision/").await.text(), guest::revision_text(number));
}

#[tokio::test]
async fn a_rename_serves() {
    let host = host().await;
    host.apps.rename_in("revision.wasm", guest::revision(2));
    check_serves(&host, 2).await;
}

#[tokio::test]
async fn a_plain_copy_serves() {
    let host = host().await;
    host.apps.copy_over("revision.wasm", guest::revision(2));
    check_serves(&host, 2).await;
}

#[tokio::test]
async fn a_new_app_serves_and_a_removed_one_is_gone() {
    let host = host().await;
    host.drop_in("api/users", guest::revision(3)).await;
    assert_eq!(host.get("/api/users/").await.text(), guest::revision_text(3));
    host.apps.remove("api/users.wasm");
    host.until("it is gone", |status| !status.apps.contains_key("api/users")).await;
    assert_eq!(host.get("/api/users/").await.status, StatusCode::NOT_FOUND);
    check_serves(&host, 1).await;
}

#[tokio::test]
async fn a_slow_copy_in_chunks_is_never_seen_half() {
    let host = host().await;
    let bytes = guest::revision(2);
    let mut file = File::create(host.apps.file("revision.wasm")).unwrap();
    for chunk in bytes.chunks(bytes.len() / 6 + 1) {
        file.write_all(chunk).unwrap();
        file.flush().unwrap();
        // Longer than the settle time (100 ms here): the upload pauses, and what is there is a truncated component.
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert_eq!(host.get("/revision/").await.status, StatusCode::OK);
    }
    drop(file);
    check_serves(&host, 2).await;
}

#[tokio::test]
async fn a_truncated_upload_waits_for_its_rest() {
    let host = host().await;
    let bytes = guest::revision(2);
    host.apps.copy_over("revision.wasm", &bytes[..bytes.len() / 2]);
    let why = host.until_state("revision", AppState::Pending).await;
    assert!(why.contains("not complete"), "{why}");
    assert_eq!(host.get("/revision/").await.text(), guest::revision_text(1));
    let mut file = File::options().append(true).open(host.apps.file("revision.wasm")).unwrap();
    file.write_all(&bytes[bytes.len() / 2..]).unwrap();
    drop(file);
    check_serves(&host, 2).await;
}

#[tokio::test]
async fn the_same_mtime_and_size_with_other_bytes_is_another_revision() {
    let host = host().await;
    let path = host.apps.file("revision.wasm");
    let mtime = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, guest::revision(2)).unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(mtime).unwrap();
    check_serves(&host, 2).await;
}

#[tokio::test]
async fn an_older_mtime_is_no_obstacle() {
    let host = host().await;
    let temporary = host.apps.file(".new");
    fs::write(&temporary, guest::revision(2)).unwrap();
    File::options().write(true).open(&temporary).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    fs::rename(&temporary, host.apps.file("revision.wasm")).unwrap();
    check_serves(&host, 2).await;
    host.apps.rename_in("revision.wasm", guest::revision(1));
    check_serves(&host, 1).await;
}

#[tokio::test]
async fn a_touch_without_a_change_is_no_deploy() {
    let host = host().await;
    let mut status = host.deploy.status();
    let before = status.borrow_and_update().apps["revision"].serving;
    let file = File::options().write(true).open(host.apps.file("revision.wasm")).unwrap();
    file.set_modified(SystemTime::now()).unwrap();
    // Something that happens after the touch, so that the touch has been looked at when it is done.
    host.drop_in("other", guest::revision(2)).await;
    host.until("nothing is settling", |status| status.apps.values().all(|app| app.newest.state == AppState::Live))
        .await;
    assert_eq!(host.deploy.status().borrow().apps["revision"].serving, before);
    assert_eq!(host.deploy.status().borrow().apps["revision"].standby, None, "it was published again");
}

#[tokio::test]
async fn a_link_that_flips_swaps_the_app() {
    let test = TestHost::new();
    let releases = test.home().join("releases");
    for number in [1, 2] {
        let folder = releases.join(number.to_string());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("revision.wasm"), guest::revision(number)).unwrap();
    }
    let current = test.home().join("current");
    symlink("releases/1", &current).unwrap();
    let apps = current.clone();
    let host = test.config(move |config| config.deploy.apps = apps).run().await;
    check_serves(&host, 1).await;
    let next = current.with_extension("next");
    symlink("releases/2", &next).unwrap();
    fs::rename(next, current).unwrap();
    check_serves(&host, 2).await;
}

#[tokio::test]
async fn the_layout_of_a_mounted_config_map_works() {
    let test = TestHost::new();
    let apps = test.apps.path().to_owned();
    let publish = move |number: u32| {
        let version = format!("..{number}");
        fs::create_dir(apps.join(&version)).unwrap();
        fs::write(apps.join(&version).join("revision.wasm"), guest::revision(number)).unwrap();
        symlink(&version, apps.join("..data_tmp")).unwrap();
        fs::rename(apps.join("..data_tmp"), apps.join("..data")).unwrap();
    };
    publish(1);
    symlink("..data/revision.wasm", test.apps.file("revision.wasm")).unwrap();
    let host = test.run().await;
    check_serves(&host, 1).await;
    publish(2);
    check_serves(&host, 2).await;
}

#[tokio::test]
async fn polling_alone_is_enough() {
    let host = TestHost::new()
        .app("revision", guest::revision(1))
        .config(|config| config.deploy.watch = WatchMode::Poll)
        .run()
        .await;
    host.apps.rename_in("revision.wasm", guest::revision(2));
    check_serves(&host, 2).await;
    host.apps.copy_over("revision.wasm", guest::revision(3));
    check_serves(&host, 3).await;
}

#[tokio::test]
async fn a_folder_that_vanishes_takes_nothing_with_it() {
    let host = host().await;
    let away = host.apps.path().with_extension("away");
    fs::rename(host.apps.path(), &away).unwrap();
    host.until("an alarm", |status| !status.alarms.is_empty()).await;
    assert_eq!(host.get("/revision/").await.text(), guest::revision_text(1));
    fs::rename(&away, host.apps.path()).unwrap();
    host.until("no alarm", |status| status.alarms.is_empty()).await;
    host.apps.rename_in("revision.wasm", guest::revision(2));
    check_serves(&host, 2).await;
}

#[tokio::test]
async fn what_is_not_an_app_is_left_alone_or_refused_by_name() {
    let test = TestHost::new().app("revision", guest::revision(1));
    for ignored in [".hidden.wasm", "_draft.wasm", "half.wasm.part", "saved.wasm~", "upload.tmp", ".nfs0001.wasm"] {
        test.apps.copy_over(ignored, guest::revision(9));
    }
    test.apps.copy_over("My_App.wasm", guest::revision(9));
    fs::create_dir(test.apps.file("folder.wasm")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, test.apps.file("pipe.wasm"), rustix::fs::Mode::RUSR).unwrap();
    let outside = test.home().join("outside.wasm");
    fs::write(&outside, guest::revision(9)).unwrap();
    symlink(&outside, test.apps.file("leads-out.wasm")).unwrap();
    let host = test.run().await;
    let status = host.until("all are decided on", |status| status.ready).await;
    let refused: Vec<&String> =
        status.apps.iter().filter(|(_, app)| app.newest.state == AppState::Refused).map(|(name, _)| name).collect();
    assert!(!status.apps.keys().any(|name| name.contains("hidden") || name.contains("draft")), "{status:#?}");
    assert!(status.apps.values().all(|app| app.serving.is_none() || app.newest.why.is_none()), "{status:#?}");
    let reasons = format!("{status:#?}");
    for reason in ["My_App", "leads-out", "pipe"] {
        assert!(reasons.contains(reason), "{reason}: {refused:?} {reasons}");
    }
    check_serves(&host, 1).await;
}

#[tokio::test]
async fn nothing_is_written_into_the_apps_folder() {
    let host = host().await;
    let names = |folder: &AppsFolder| -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    host.apps.rename_in("revision.wasm", guest::revision(2));
    check_serves(&host, 2).await;
    assert_eq!(names(&host.apps), ["revision.wasm"]);
    assert_eq!(fs::read(host.apps.file("revision.wasm")).unwrap(), guest::revision(2));
}

#[tokio::test]
async fn a_manifest_alone_is_a_new_revision() {
    let host = TestHost::new().app("environ", guest::bytes(guest::ENVIRON)).run().await;
    host.apps.rename_in("environ.toml", "[environment]\nGREETING = \"one\"\n");
    let has_manifest = |status: &guesthouse_deploy::status::Status| {
        status.apps["environ"].serving.is_some_and(|live| live.manifest.is_some())
    };
    host.until("the manifest holds", has_manifest).await;
    assert!(host.get("/environ/").await.text().contains("env GREETING=one"));
    host.apps.rename_in("environ.toml", "[environmnt]\nGREETING = \"two\"\n");
    let why = host.until_state("environ", AppState::Refused).await;
    assert!(why.contains("environ.toml:1") && why.contains("environment"), "{why}");
    assert!(host.get("/environ/").await.text().contains("env GREETING=one"));
}

#[tokio::test]
async fn an_env_file_gives_variables_and_a_line_that_cannot_be_read_is_waited_for() {
    let secrets = tempfile::tempdir().unwrap();
    let file = secrets.path().join("shop.env");
    let folder = secrets.path().to_owned();
    let with_secrets = move |config: &mut Config| {
        config.deploy.secrets = Some(folder.clone());
        config.deploy.policy.rules.secrets = Some(vec!["*.env".to_owned()]);
    };
    let manifest = "env_file = \"shop.env\"\n[environment]\nCOLOUR = \"red\"\n";
    let host = TestHost::new().config(with_secrets).app("environ", guest::bytes(guest::ENVIRON)).run().await;
    host.apps.rename_in("environ.toml", manifest);
    let why = host.until_state("environ", AppState::Pending).await;
    assert!(why.starts_with("waits for the secret `shop.env`: "), "{why}");
    fs::write(&file, "# mine\nexport GREETING='good morning'\nCOLOUR=blue\nwhat is this\n").unwrap();
    let told = |status: &guesthouse_deploy::status::Status| {
        status.apps["environ"].newest.why.as_deref().is_some_and(|why| why.contains("its line 4 is not `NAME=value`"))
    };
    host.until("the line is told", told).await;
    fs::write(&file, "# mine\nexport GREETING='good morning'\nCOLOUR=blue\n").unwrap();
    host.until_state("environ", AppState::Live).await;
    let has_manifest = |status: &guesthouse_deploy::status::Status| {
        status.apps["environ"].serving.is_some_and(|live| live.manifest.is_some())
    };
    host.until("the manifest holds", has_manifest).await;
    let seen = host.get("/environ/").await.text();
    assert!(seen.contains("env GREETING=good morning\n") && seen.contains("env COLOUR=red\n"), "{seen}");
}

#[tokio::test]
async fn a_manifest_with_a_digest_waits_for_its_code() {
    let host = host().await;
    let next = guest::revision(2);
    host.apps.rename_in("revision.toml", format!("sha256 = \"{}\"\n", Digest::of(&next)));
    host.until_state("revision", AppState::Pending).await;
    assert_eq!(host.get("/revision/").await.text(), guest::revision_text(1));
    host.apps.rename_in("revision.wasm", &next);
    check_serves(&host, 2).await;
}

#[tokio::test]
async fn a_wish_above_the_ceiling_names_both_values() {
    let host = TestHost::new()
        .app("revision", guest::revision(1))
        .manifest("revision", "[limits]\nmemory = \"64GiB\"\n")
        .run()
        .await;
    let why = host.until_state("revision", AppState::Refused).await;
    assert!(why.contains("64GiB") && why.contains("memory"), "{why}");
}

#[tokio::test]
async fn a_restart_serves_the_last_good_revision_while_the_newest_is_refused() {
    let host = host().await;
    host.apps.rename_in("revision.wasm", b"<!doctype html>");
    host.until_state("revision", AppState::Refused).await;
    let (test, _) = host.stop().await;
    let host = test.run().await;
    assert_eq!(host.get("/revision/").await.text(), guest::revision_text(1));
    host.until_state("revision", AppState::Refused).await;
    host.drop_in("revision", guest::revision(2)).await;
    assert_eq!(host.get("/revision/").await.text(), guest::revision_text(2));
}

#[tokio::test]
async fn a_file_deleted_while_the_host_was_down_is_not_resurrected() {
    let host = host().await;
    let (test, _) = host.stop().await;
    test.apps.remove("revision.wasm");
    let host = test.app("other", guest::revision(2)).run().await;
    assert_eq!(host.get("/revision/").await.status, StatusCode::NOT_FOUND);
    assert_eq!(host.get("/other/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_damaged_cache_is_made_again() {
    let host = host().await;
    let cache = host.state().join("cache");
    let (test, _) = host.stop().await;
    let mut damaged = 0;
    for entry in fs::read_dir(&cache).unwrap() {
        let path = entry.unwrap().path();
        let length = fs::metadata(&path).unwrap().len();
        if length > 10_000 {
            let mut bytes = fs::read(&path).unwrap();
            bytes[length as usize / 2] ^= 0xff;
            fs::write(&path, bytes).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0, "there is a cache to damage");
    let host = test.run().await;
    check_serves(&host, 1).await;
}

#[tokio::test]
async fn a_second_host_on_the_same_state_is_refused() {
    let host = host().await;
    let home = host.state().parent().unwrap().to_owned();
    let error = guesthouse::host::Host::bind(config(&home, host.apps.path())).err().expect("the state is locked");
    let text = format!("{error:#}");
    assert!(text.contains("another") && text.contains(&std::process::id().to_string()), "{text}");
}

#[tokio::test]
async fn a_missing_folder_is_an_error_at_start() {
    let home = tempfile::tempdir().unwrap();
    let error =
        guesthouse::host::Host::bind(config(home.path(), &home.path().join("nowhere"))).err().expect("no folder");
    assert!(format!("{error:#}").contains("nowhere"), "{error:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_written_is_written_once_there_is_room() {
    let host = TestHost::new().config(|config| config.deploy.rescan = Duration::from_millis(100)).run().await;
    // Nothing can be renamed over a folder: the state cannot be written, as on a full disk.
    let file = host.state().join("state.json");
    let _ = std::fs::remove_file(&file);
    std::fs::create_dir(&file).unwrap();
    std::fs::write(file.join("in-the-way"), "").unwrap();
    host.drop_in("revision", guest::revision(1)).await;
    host.until("the alarm is raised", |status| status.alarms.iter().any(|alarm| alarm.contains("state"))).await;
    std::fs::remove_dir_all(&file).unwrap();
    host.until("the alarm is over", |status| status.alarms.is_empty()).await;
    // Nothing has changed since, and the host has not ended.
    assert!(std::fs::read_to_string(&file).unwrap().contains(&Digest::of(&guest::revision(1)).to_string()));
}
