//! No room, no right to write, no descriptors, no events: what is live goes on, and the rest comes when it can.
//!
//! A small or a read-only file system is mounted for the program alone, in a user namespace of its own: that needs
//! `unshare` and `nsenter` (util-linux), and a kernel that allows it.

use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use guesthouse_test_guests as guest;
use guesthouse_types::name::Digest;
use rustix::process::Pid;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::Signal;
use tokio::process::Command;

use crate::harness::client::Client;
use crate::harness::client::post;
use crate::harness::process::command_behind;
use crate::harness::process::run;
use crate::harness::serving::SERVE;
use crate::harness::serving::Serving;
use crate::harness::serving::home;
use crate::harness::serving::until;
use crate::harness::serving::until_file;
use crate::harness::within;

/// A small file system as the state directory.
const SMALL: &str = "mount -t tmpfs -o size=2m,mode=700 none state; exec \"$0\" \"$@\"";

/// Whoever runs the tests is root in there. `script` is for `sh`, and is given the program and its arguments.
fn walled(script: &str) -> [&str; 5] {
    ["unshare", "-Urm", "sh", "-euc", script]
}

async fn walled_host(home: &Path, script: &str) -> Serving {
    fs::create_dir_all(home.join("state")).unwrap();
    let mut serving = Serving::begin(&mut command_behind(&walled(script), SERVE, home)).await;
    serving.host.logs("`revision` is live").await;
    serving
}

/// The state directory as the program sees it.
fn state_of(serving: &Serving, home: &Path) -> PathBuf {
    let root = PathBuf::from(format!("/proc/{}/root", serving.host.pid()));
    root.join(home.strip_prefix("/").unwrap()).join("state")
}

/// Runs `script` where the program is.
async fn inside(serving: &Serving, home: &Path, script: &str) {
    let pid = serving.host.pid().to_string();
    let mut inside = Command::new("nsenter");
    inside.args(["-t", &pid, "-U", "-m", "--preserve-credentials", "sh", "-euc", script, "sh"]).arg(home);
    let ended = within("a script", inside.output()).await.unwrap();
    assert!(ended.status.success(), "{script}: {}", String::from_utf8_lossy(&ended.stderr));
}

/// Writes until nothing more fits, then gives back so many bytes.
fn fill(path: &Path, leave: u64) {
    let mut file = File::create(path).unwrap();
    let mut length = 64 << 10;
    while length > 0 {
        if file.write_all(&vec![1; length]).is_err() {
            length /= 2;
        }
    }
    file.set_len(file.metadata().unwrap().len() - leave).unwrap();
}

async fn check_full_disk(leave: u64, folder: &str) {
    let (home, apps) = home();
    let mut serving = walled_host(home.path(), SMALL).await;
    let state = state_of(&serving, home.path());
    fill(&state.join("filler"), leave);
    apps.rename_in("revision.wasm", guest::revision(2));
    let line = serving.host.logs("revision.wasm: pending:").await;
    for words in [folder, "No space left on device", "make room there", "keeps serving"] {
        assert!(line.contains(words), "no `{words}` in {line}");
    }
    apps.rename_in("other.wasm", guest::revision(7));
    serving.host.logs("other.wasm: pending:").await;
    assert_eq!(serving.get().await, guest::revision_text(1));
    serving.check_alive(home.path()).await;
    fs::remove_file(state.join("filler")).unwrap();
    serving.until(2).await;
    serving.host.logs("`other` is live").await;
    until_file(&state.join("state.json"), &Digest::of(&guest::revision(2)).to_string()).await;
    until_file(&state.join("status.json"), "\"alarms\": []").await;
    for (words, most) in [("revision.wasm: pending:", 1), ("ERROR", 1), ("refused", 0)] {
        assert!(serving.count(words) <= most, "`{words}` too often:\n{}", serving.host.log());
    }
}

#[tokio::test]
async fn a_full_disk_keeps_what_is_live_and_takes_the_rest_when_there_is_room() {
    check_full_disk(0, "state`").await;
}

#[tokio::test]
async fn a_body_that_finds_no_room_on_the_disk_is_503_and_small_ones_are_answered() {
    let (home, apps) = home();
    apps.rename_in("flow.wasm", guest::bytes(guest::FLOW));
    apps.rename_in("flow.toml", "[request]\nbuffer = true\n");
    let mut serving = walled_host(home.path(), SMALL).await;
    serving.host.logs("`flow` is live").await;
    let filler = state_of(&serving, home.path()).join("filler");
    fill(&filler, 0);
    let status = async |bytes: usize| {
        let reply = Client::new(serving.address).send(post("/flow/read-slow?ms=0", vec![b'x'; bytes])).await;
        (reply.status.as_u16(), reply.text().contains(&format!("read {bytes}")))
    };
    assert_eq!(status(50_000).await, (200, true));
    assert_eq!(status(300_000).await, (503, false));
    fs::remove_file(filler).unwrap();
    assert_eq!(status(300_000).await, (200, true));
    assert_eq!(serving.get().await, guest::revision_text(1));
}

#[tokio::test]
async fn an_artefact_that_does_not_fit_is_no_fault_of_its_component() {
    check_full_disk(guest::revision(2).len() as u64 + (40 << 10), "state/cache`").await;
}

#[tokio::test]
async fn what_cannot_be_written_is_one_alarm_and_is_written_later() {
    let (home, apps) = home();
    let mut serving = walled_host(home.path(), SMALL).await;
    let state = state_of(&serving, home.path());
    until_file(&state.join("state.json"), "revision").await;
    fill(&state.join("filler"), 0);
    // A refusal needs no room but to be remembered and shown.
    apps.rename_in("text.wasm", "<!doctype html>");
    let line = serving.host.logs("ERROR").await;
    for words in ["cannot write to the state directory", "make room there", "serving goes on"] {
        assert!(line.contains(words), "no `{words}` in {line}");
    }
    for number in 0..3 {
        apps.rename_in(&format!("text-{number}.wasm"), format!("<!doctype html>{number}"));
        serving.host.logs(&format!("text-{number}.wasm: refused")).await;
    }
    assert_eq!(serving.get().await, guest::revision_text(1));
    assert_eq!(serving.count("ERROR"), 1, "{}", serving.host.log());
    fs::remove_file(state.join("filler")).unwrap();
    serving.host.logs("no longer: cannot write to the state directory").await;
    until_file(&state.join("state.json"), "text-2").await;
    until_file(&state.join("status.json"), "\"alarms\": []").await;
    assert_eq!(serving.count("ERROR"), 1, "{}", serving.host.log());
}

#[tokio::test]
async fn a_host_starts_on_a_full_disk_and_serves_what_it_knows() {
    let (home, _apps) = home();
    // Twice in one world; between the two, the disk is filled.
    let twice = "mount -t tmpfs -o size=2m,mode=700 none state; \"$0\" \"$@\" & echo \"first $!\" >&2; wait $! || true; \
                 head -c 4000000 /dev/zero > state/filler || true; exec \"$0\" \"$@\"";
    let mut serving = walled_host(home.path(), twice).await;
    let line = serving.host.logs("first ").await;
    let first = line.trim_start_matches("first ").parse().unwrap();
    rustix::process::kill_process(Pid::from_raw(first).unwrap(), Signal::KILL).unwrap();
    let published = async || serving.count("`revision` is live");
    let failed = |_: &usize| assert_eq!(serving.count("error: "), 0, "{}", serving.host.log());
    until("the second start", published, |count| *count == 2, failed).await;
}

#[tokio::test]
async fn a_state_directory_that_cannot_be_used_ends_the_start_with_a_reason() {
    let (home, _apps) = home();
    let state = home.path().join("state");
    fs::create_dir(&state).unwrap();
    let script = "mount -t tmpfs -o size=2m,mode=700 none state; mount -o remount,ro state; exec \"$0\" \"$@\"";
    let mut started = command_behind(&walled(script), SERVE, home.path());
    let output = within("the program to end", started.output()).await.unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    for words in ["error: ", "state`", "Read-only file system", "--state"] {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
    fs::remove_dir(&state).unwrap();
    fs::write(&state, "").unwrap();
    let ended = run(SERVE, home.path()).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.stderr.contains("state`: not a folder"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_state_directory_that_turns_read_only_is_an_alarm_and_no_end() {
    let (home, apps) = home();
    let mut serving = walled_host(home.path(), SMALL).await;
    inside(&serving, home.path(), "cd \"$1\"; mount --bind state state; mount -o remount,bind,ro state").await;
    apps.rename_in("revision.wasm", guest::revision(2));
    let line = serving.host.logs("revision.wasm: pending:").await;
    assert!(line.contains("Read-only file system") && line.contains("mount it writable"), "{line}");
    serving.host.logs("serving goes on").await;
    assert_eq!(serving.get().await, guest::revision_text(1));
    serving.check_alive(home.path()).await;
    inside(&serving, home.path(), "cd \"$1\"; umount state").await;
    serving.until(2).await;
    serving.host.logs("no longer: cannot write").await;
    assert_eq!(serving.count("ERROR"), 1, "{}", serving.host.log());
}

#[tokio::test]
async fn without_a_free_descriptor_what_is_open_is_answered_and_drops_wait() {
    let (home, apps) = home();
    let mut serving = Serving::published(home.path()).await;
    let mut visitor = Client::new(serving.address);
    assert_eq!(visitor.get("/revision/").await.text(), guest::revision_text(1));
    let pid = Pid::from_raw(serving.host.pid().cast_signed()).unwrap();
    // The host was begun with our limits, and raised its own to the highest.
    let maximum = rustix::process::getrlimit(Resource::Nofile).maximum;
    let set = |limit| rustix::process::prlimit(Some(pid), Resource::Nofile, limit).unwrap();
    set(Rlimit { current: Some(0), maximum });
    apps.rename_in("revision.wasm", guest::revision(2));
    let line = serving.host.logs("everything goes on as it was").await;
    assert!(line.contains("ERROR") && line.contains("Too many open files"), "{line}");
    for _ in 0..20 {
        assert_eq!(visitor.get("/revision/").await.text(), guest::revision_text(1));
    }
    set(Rlimit { current: maximum, maximum });
    serving.until(2).await;
    serving.host.logs("no longer: the apps folder").await;
}

#[tokio::test]
async fn without_watches_the_folder_is_looked_at_every_second() {
    for (limit, words) in [("inotify_instances", "file events do not work"), ("inotify_watches", "watch")] {
        let (home, apps) = home();
        let script = format!("echo 0 > /proc/sys/user/max_{limit}; exec \"$0\" \"$@\"");
        let mut serving = walled_host(home.path(), &script).await;
        let line = serving.host.logs("ERROR").await;
        assert!(line.contains(words) && line.contains("looking every second"), "{line}");
        apps.rename_in("revision.wasm", guest::revision(2));
        serving.until(2).await;
        assert_eq!(serving.count("ERROR"), 1, "{}", serving.host.log());
    }
}

#[tokio::test]
async fn with_little_address_space_every_engine_does_without_its_pool() {
    let (home, apps) = home();
    // In KiB: far too little for a pool, and enough for some instances that reserve 4 GiB each.
    let limited = ["sh", "-euc", "ulimit -v 67108864; exec \"$0\" \"$@\""];
    let mut serving = Serving::begin(&mut command_behind(&limited, SERVE, home.path())).await;
    for name in ["revision", "hello-http03"] {
        apps.rename_in(&format!("{name}.wasm"), guest::bytes(name));
        serving.host.logs(&format!("`{name}` is live")).await;
        let answer = Client::new(serving.address).get(&format!("/{name}/")).await;
        assert_eq!(answer.status, 200, "{name}: {}", serving.host.log());
    }
    // Said once: where the first engine finds no room, the second does not look for it.
    assert_eq!(serving.count("not enough address space"), 1, "{}", serving.host.log());
}
