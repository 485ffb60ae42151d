//! Man pages and completions: every command has them.

use std::collections::BTreeSet;
use std::fs;

use clap::CommandFactory as _;
use guesthouse::cli::flags::Cli;

use crate::harness::process::run;

/// The commands that `--help` shows, as man pages are named: `guesthouse`, `guesthouse-wheels`, `guesthouse-wheels-build`.
fn pages(command: &clap::Command, name: &str, found: &mut BTreeSet<String>) {
    found.insert(format!("{name}.1"));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help") {
        pages(below, &format!("{name}-{}", below.get_name()), found);
    }
}

#[tokio::test]
async fn every_command_has_a_man_page_with_its_flags_and_examples() {
    let home = tempfile::tempdir().unwrap();
    let ended = run(&["man", "pages"], home.path()).await;
    assert!(ended.status.success(), "{ended:?}");
    let written = fs::read_dir(home.path().join("pages")).unwrap();
    let written: BTreeSet<String> = written.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let mut expected = BTreeSet::new();
    pages(&Cli::command(), "guesthouse", &mut expected);
    assert_eq!(written, expected);

    for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = command.get_name();
        let page = fs::read_to_string(home.path().join(format!("pages/guesthouse-{name}.1"))).unwrap();
        for flag in command.get_arguments().filter_map(|flag| flag.get_long()) {
            let flag = flag.replace('-', "\\-");
            assert!(page.contains(&format!("\\-\\-{flag}")), "{name}: {flag}");
        }
        assert!(page.contains("Examples:"), "{name}: {page}");
    }
}

#[tokio::test]
async fn each_shell_can_read_its_completions() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let ended = run(&["completions", shell], home.path()).await;
        assert!(ended.status.success(), "{ended:?}");
        fs::write(home.path().join(shell), ended.stdout).unwrap();
        match tokio::process::Command::new(shell).arg("-n").arg(home.path().join(shell)).output().await {
            Ok(output) => assert!(output.status.success() && output.stderr.is_empty(), "{output:?}"),
            Err(error) => eprintln!("NOT TESTED: completions in {shell}: {error}"),
        }
    }
}
