//! How often a component is compiled: once for each content and engine, whoever wants it; and what is not given up for newer
//! content.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use guesthouse_deploy::status::AppState;
use guesthouse_test_guests as guest;
use guesthouse_types::name::Digest;
use landlock::ABI;
use landlock::Access as _;
use landlock::AccessFs;
use landlock::CompatLevel;
use landlock::Compatible as _;
use landlock::Ruleset;
use landlock::RulesetAttr as _;

use crate::harness::host::TestHost;
use crate::harness::host::program;
use crate::harness::process::Process;
use crate::harness::process::command;
use crate::harness::within;

const COPIES: usize = 40;

/// The program under test behind a script that notes each compile child in `count`, and then does `more`.
fn counted(home: &Path, more: &str) -> (PathBuf, PathBuf) {
    let (script, count) = (home.join("compiler"), home.join("children"));
    let (noted, program) = (count.display(), program());
    let text = format!("#!/bin/sh\necho child >> '{noted}'\n{more}\nexec '{}' \"$@\"\n", program.display());
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    (script, count)
}

/// Children that were started when forty copies of `component` are decided upon, all in `state`.
async fn children(component: Vec<u8>, state: AppState) -> usize {
    let host = TestHost::new();
    let (program, count) = counted(host.home(), "");
    let host = host.config(move |config| config.deploy.compile.program = program).run().await;
    for copy in 0..COPIES {
        host.apps.rename_in(&format!("copy-{copy}.wasm"), &component);
    }
    host.until("all copies are decided upon", |status| {
        status.apps.len() == COPIES && status.apps.values().all(|app| app.newest.state == state)
    })
    .await;
    fs::read_to_string(count).unwrap().lines().count()
}

#[tokio::test]
async fn forty_copies_of_a_new_component_are_compiled_once() {
    let children = children(guest::revision(1), AppState::Live).await;
    println!("{COPIES} copies, {children} compile children");
    assert_eq!(children, 1);
}

fn has_landlock() -> bool {
    let rules = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    rules.handle_access(AccessFs::from_all(ABI::V1)).and_then(|rules| rules.create()).is_ok()
}

#[tokio::test]
async fn a_compile_child_writes_nowhere_but_into_its_own_folder() {
    if !has_landlock() {
        eprintln!("NOT TESTED: where a compile child may write, because this kernel has no Landlock, or it is off");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (draft, shared) = (home.path().join("draft"), home.path().join("functions"));
    fs::create_dir(&draft).unwrap();
    fs::create_dir(&shared).unwrap();
    fs::write(shared.join("python.functions"), "what all apps share").unwrap();
    let compile = async |later: PathBuf| {
        let mut command = command(&["compile", "--target", "plain"], home.path());
        command.arg("--input").arg(guest::component(guest::HELLO)).arg("--output").arg(draft.join("artefact"));
        command.arg("--later").arg(later).args(["--memory-bytes-max", "4294967296", "--cpu-seconds-max", "100"]);
        Process::spawn(&mut command).ended().await
    };
    let ended = compile(draft.join("functions")).await;
    assert!(ended.status.success() && draft.join("functions").exists(), "{}", ended.stderr);
    // A component that has taken the compiler over has no more rights than this: it can neither put something beside what
    // others are compiled from nor write over it.
    for name in ["python.functions", "other.functions"] {
        let ended = compile(shared.join(name)).await;
        assert_eq!(ended.status.code(), Some(3), "{}", ended.stderr);
        assert!(ended.stderr.contains("ermission denied"), "{}", ended.stderr);
    }
    assert_eq!(fs::read_to_string(shared.join("python.functions")).unwrap(), "what all apps share");
    assert_eq!(fs::read_dir(&shared).unwrap().count(), 1);
}

#[tokio::test]
async fn drops_faster_than_they_are_compiled_do_not_keep_the_swap_from_happening() {
    let host = TestHost::new().app("shop", guest::revision(1));
    let home = host.home().to_owned();
    // Each child waits until the test lets it go, by its number.
    let wait = format!(
        "number=$(wc -l < '{0}/children'); while [ ! -e '{0}/go-'$number ]; do sleep 0.02; done",
        home.display()
    );
    let (program, count) = counted(&home, &wait);
    let let_go = |number: u32| fs::write(home.join(format!("go-{number}")), "").unwrap();
    let_go(1);
    let settings = move |config: &mut guesthouse::config::Config| {
        (config.deploy.compile.program, config.deploy.compile.at_once) = (program, 4);
    };
    let host = host.config(settings).run().await;
    let code = |number: u32| Digest::of(&guest::revision(number));
    let live = |number: u32| {
        host.until("a revision serves", move |status| {
            status.apps["shop"].serving.is_some_and(|live| live.code == code(number))
        })
    };
    live(1).await;
    // The second one is given up for the third; the third one goes on beside the fourth.
    for number in 2..=4 {
        host.apps.rename_in("shop.wasm", guest::revision(number));
        within("the next child", async {
            while fs::read_to_string(&count).unwrap().lines().count() < number as usize {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    let_go(3);
    assert_eq!(live(3).await.apps["shop"].newest.state, AppState::Loading, "the newest is still being made");
    let_go(4);
    live(4).await;
}
