//! The state directory when something is wrong with it: what is live goes on, and one clear line says what to do.

use std::fs;
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use guesthouse::host::Host;
use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;
use guesthouse_types::name::Digest;
use rustix::process::Signal;

use crate::harness::PATIENCE;
use crate::harness::host::TestHost;
use crate::harness::host::config;
use crate::harness::process::run;
use crate::harness::serving::SERVE;
use crate::harness::serving::Serving;
use crate::harness::serving::home;
use crate::harness::serving::until_file;

/// Whatever lies below `folder`, by its path.
fn below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push(path.to_string_lossy().into_owned());
        if path.is_dir() {
            found.extend(below(&path));
        }
    }
    found
}

fn drafts(state: &Path) -> Vec<String> {
    below(state).into_iter().filter(|path| path.contains(".draft")).collect()
}

/// The one artefact in the cache.
fn artefact(state: &Path) -> PathBuf {
    let mut found = below(&state.join("cache"));
    found.retain(|path| path.ends_with(".cwasm"));
    assert_eq!(found.len(), 1, "{found:?}");
    PathBuf::from(found.remove(0))
}

fn sum(artefact: &Path) -> PathBuf {
    artefact.with_added_extension("sum")
}

#[tokio::test]
async fn an_artefact_that_is_not_ours_or_damaged_is_never_loaded_and_made_again() {
    type Damage = fn(&Path);
    let damages: &[(&str, Damage)] = &[
        ("do not match its checksum", |path| {
            let mut bytes = fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
            fs::write(path, bytes).unwrap();
        }),
        ("do not match its checksum", |path| File::options().write(true).open(path).unwrap().set_len(1000).unwrap()),
        ("do not match its checksum", |path| fs::write(path, "").unwrap()),
        // As another version of the engine may have written it, with all that belongs to it.
        ("its compiled artefact is made again", |path| {
            fs::write(path, "not our machine code").unwrap();
            fs::write(sum(path), Digest::of(b"not our machine code").to_string()).unwrap();
        }),
        ("not a regular file", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir_all(path.join("in/it")).unwrap();
        }),
        ("a link", |path| {
            let elsewhere = path.with_file_name("elsewhere");
            fs::rename(path, &elsewhere).unwrap();
            symlink(elsewhere, path).unwrap();
        }),
        ("others may write to it", |path| fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap()),
        ("its checksum cannot be used", |path| fs::remove_file(sum(path)).unwrap()),
        ("its checksum cannot be used", |path| {
            fs::remove_file(sum(path)).unwrap();
            fs::create_dir_all(sum(path).join("in/it")).unwrap();
        }),
        // Nobody will ever write into it.
        ("its checksum cannot be used", |path| {
            fs::remove_file(sum(path)).unwrap();
            rustix::fs::mkfifoat(rustix::fs::CWD, sum(path), rustix::fs::Mode::RUSR).unwrap();
        }),
        ("belongs to another user (uid 65534)", |path| std::os::unix::fs::chown(path, Some(65534), None).unwrap()),
    ];
    let (home, _apps) = home();
    let state = home.path().join("state");
    Serving::published(home.path()).await.killed().await;
    let good = fs::metadata(artefact(&state)).unwrap().len();
    for (words, damage) in damages {
        if words.contains("uid") && !rustix::process::geteuid().is_root() {
            println!("only root can give a file away: not tried");
            continue;
        }
        damage(&artefact(&state));
        let serving = Serving::published(home.path()).await;
        assert_eq!(serving.get().await, guest::revision_text(1));
        assert_eq!(serving.count(words), 1, "{words}:\n{}", serving.host.log());
        assert_eq!(serving.count("WARN"), 1, "{words}:\n{}", serving.host.log());
        serving.killed().await;
        let path = artefact(&state);
        let made = fs::read(&path).unwrap();
        assert_eq!(Digest::of(&made).to_string(), fs::read_to_string(sum(&path)).unwrap(), "{words}");
        assert_eq!(made.len() as u64, good, "{words}");
    }
}

#[tokio::test]
async fn damaged_content_is_stored_again_and_never_compiled() {
    let (home, _apps) = home();
    let content = home.path().join(format!("state/store/{}.wasm", Digest::of(&guest::revision(1))));
    Serving::published(home.path()).await.killed().await;
    // The same length, another number: compiled, it would answer wrongly.
    fs::write(&content, guest::revision(3)).unwrap();
    fs::remove_dir_all(home.path().join("state/cache")).unwrap();
    let mut serving = Serving::published(home.path()).await;
    serving.host.logs("the stored content").await;
    assert_eq!(serving.get().await, guest::revision_text(1));
    assert_eq!(fs::read(&content).unwrap(), guest::revision(1));
}

#[tokio::test]
async fn a_damaged_journal_a_damaged_status_and_drafts_are_no_obstacle() {
    let (home, _apps) = home();
    let state = home.path().join("state");
    Serving::published(home.path()).await.killed().await;
    for draft in ["state.json.7-0.draft", "status.json.7-0.draft", "store/x.wasm.7-0.draft", "cache/y.7-0.draft.tmp"] {
        fs::write(state.join(draft), "half").unwrap();
    }
    fs::write(state.join("state.json"), "{\"layout\":1,\"apps\":{\"rev").unwrap();
    fs::write(state.join("status.json"), [0xff; 100]).unwrap();
    let serving = Serving::published(home.path()).await;
    assert_eq!(serving.get().await, guest::revision_text(1));
    assert_eq!(serving.count("ERROR"), 1, "{}", serving.host.log());
    assert_eq!(serving.count("state.json.damaged`; starting without it"), 1, "{}", serving.host.log());
    serving.host.signal(Signal::TERM);
    assert_eq!(serving.host.ended().await.status.code(), Some(0));
    assert_eq!(drafts(&state), [""; 0]);
    let status = fs::read_to_string(state.join("status.json")).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&status).is_ok(), "{status}");

    fs::remove_file(state.join("state.json")).unwrap();
    fs::create_dir(state.join("state.json")).unwrap();
    let mut serving = Serving::published(home.path()).await;
    serving.host.logs("serving goes on").await;
    assert_eq!(serving.get().await, guest::revision_text(1));
    fs::remove_dir(state.join("state.json")).unwrap();
    serving.host.logs("no longer: cannot write").await;
    assert!(fs::read_to_string(state.join("state.json")).unwrap().contains("revision"));
}

#[tokio::test]
async fn a_second_host_ends_with_the_pid_of_the_first_which_goes_on() {
    let (home, apps) = home();
    let serving = Serving::published(home.path()).await;
    let ended = run(SERVE, home.path()).await;
    assert_eq!(ended.status.code(), Some(1));
    let who = format!("in use by process {}", serving.host.pid());
    assert!(ended.stderr.contains(&who) && ended.stderr.contains("--state"), "{}", ended.stderr);
    assert_eq!(serving.get().await, guest::revision_text(1));
    apps.rename_in("revision.wasm", guest::revision(2));
    serving.until(2).await;
}

#[tokio::test]
async fn a_state_directory_that_is_removed_under_the_host_is_made_anew() {
    let host = TestHost::new().app("revision", guest::revision(1)).run().await;
    // In one step, for the host may be writing.
    fs::rename(host.state(), host.state().with_extension("away")).unwrap();
    assert_eq!(host.get("/revision/").await.text(), guest::revision_text(1));
    host.drop_in("revision", guest::revision(2)).await;
    host.until("an alarm", |status| status.alarms.iter().any(|alarm| alarm.contains("made anew"))).await;
    host.until("no alarm", |status| status.alarms.is_empty()).await;
    assert_eq!(host.get("/revision/").await.text(), guest::revision_text(2));
    // It is as good as the first one: locked, and enough for a restart.
    let error = Host::bind(config(host.state().parent().unwrap(), host.apps.path())).err().expect("it is locked");
    assert!(format!("{error:#}").contains("in use by"), "{error:#}");
    host.apps.rename_in("revision.wasm", "<!doctype html>");
    host.until_state("revision", AppState::Refused).await;
    let (test, _) = host.stop().await;
    let host = test.run().await;
    assert_eq!(host.get("/revision/").await.text(), guest::revision_text(2));
}

#[tokio::test]
async fn an_emptied_store_and_cache_are_filled_again_while_the_host_runs() {
    let host = TestHost::new().app("revision", guest::revision(1)).run().await;
    for folder in ["cache", "store"] {
        fs::remove_dir_all(host.state().join(folder)).unwrap();
    }
    host.drop_in("revision", guest::revision(2)).await;
    assert_eq!(host.get("/revision/").await.text(), guest::revision_text(2));
    assert_eq!(host.deploy.status().borrow().alarms, [""; 0]);
    let (test, _) = host.stop().await;
    let host = test.run().await;
    assert_eq!(host.get("/revision/").await.text(), guest::revision_text(2));
}

#[tokio::test]
async fn a_host_killed_at_any_moment_comes_back_with_the_last_good_revision_or_the_next() {
    const KILLS: u32 = 20;
    let (home, apps) = home();
    let state = home.path().join("state");
    for good in 1..=KILLS {
        let serving = Serving::published(home.path()).await;
        serving.until(good).await;
        // What serves is remembered a moment later.
        let (journal, digest) = (state.join("state.json"), Digest::of(&guest::revision(good)).to_string());
        let remembered = tokio::time::timeout(PATIENCE / 2, until_file(&journal, &digest)).await;
        let shown = || format!("{}\n{}", fs::read_to_string(&journal).unwrap_or_default(), serving.host.log());
        assert!(remembered.is_ok(), "{good} is not remembered:\n{}", shown());
        apps.rename_in("revision.wasm", guest::revision(good + 1));
        // Any moment between the rename and the end of the swap. Nothing is expected to have happened by then.
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
        tokio::time::sleep(Duration::from_micros(u64::from(nanos / 1000) % 400_000)).await;
        serving.killed().await;

        let serving = Serving::published(home.path()).await;
        let found = serving.get().await;
        let allowed = [guest::revision_text(good), guest::revision_text(good + 1)];
        assert!(allowed.contains(&found), "{found} after {good}:\n{}", serving.host.log());
        serving.until(good + 1).await;
        assert_eq!(serving.count("WARN") + serving.count("ERROR"), 0, "{}", serving.host.log());
        serving.killed().await;
    }
    let serving = Serving::published(home.path()).await;
    serving.host.signal(Signal::TERM);
    assert_eq!(serving.host.ended().await.status.code(), Some(0));
    assert_eq!(drafts(&state), [""; 0]);
    // A component, an artefact and its checksum for each revision; four folders, journal, status, lock.
    let files = below(&state).len();
    assert!(files <= 3 * (KILLS as usize + 1) + 7, "{files} files are left: {:#?}", below(&state));
}

#[tokio::test]
async fn the_file_says_what_the_status_says_however_soon_it_changes() {
    let host = TestHost::new().config(|config| config.deploy.component_bytes_max = 1 << 20).run().await;
    // Neither is read, so that it is refused while the file is still being written in which it is looked at; nothing else is
    // to be remembered that would have it written once more.
    host.apps.rename_in("large.wasm", vec![0; (1 << 20) + 1]);
    let why = host.until_state("large", AppState::Refused).await;
    until_file(&host.state().join("status.json"), &format!("\"why\": {}", serde_json::to_string(&why).unwrap())).await;
    host.apps.rename_in("shop.toml", vec![b'#'; (256 << 10) + 1]);
    host.apps.rename_in("shop.wasm", guest::revision(1));
    let why = host.until_state("shop", AppState::Refused).await;
    until_file(&host.state().join("status.json"), &format!("\"why\": {}", serde_json::to_string(&why).unwrap())).await;
}
