//! Units that systemd reads, and that leave little to whoever breaks out; the configuration that is shipped.

use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use guesthouse::cli::flags::ServeFlags;
use guesthouse::config::Config;
use guesthouse::config::surroundings::Surroundings;
use rustix::fs::CWD;
use rustix::fs::FileType;
use rustix::fs::Mode;

use crate::harness::host::program;
use crate::packaging::deb;

const UNITS: [&str; 3] = ["guesthouse.service", "guesthouse.socket", "guesthouse-tls.socket"];

/// Of ten; `systemd-analyze security` calls up to 2 "OK", and a unit without any setting has 9.6.
const EXPOSURE_MAX: f32 = 2.0;

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("packaging")
}

/// Runs `systemd-analyze` over the units of `from`, in a folder in which their program is the one under test.
fn analyze(from: &Path, arguments: &[&str]) -> Option<Output> {
    let folder = tempfile::tempdir().unwrap();
    for unit in UNITS {
        let text = fs::read_to_string(from.join(unit)).unwrap();
        let program = program().display().to_string();
        let text = text.replace("/usr/local/bin/guesthouse", &program).replace("/usr/bin/guesthouse", &program);
        fs::write(folder.path().join(unit), text).unwrap();
    }
    match Command::new("systemd-analyze").args(arguments).args(UNITS).current_dir(folder.path()).output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("NOT TESTED WITH SYSTEMD: systemd-analyze cannot be run: {error}");
            None
        }
    }
}

/// That systemd has nothing to say about the units of this folder, and what an escape from them would be worth.
fn assert_good(from: &Path) {
    let Some(output) = analyze(from, &["verify", "--man=no"]) else { return };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("guesthouse")).collect();
    assert!(ours.is_empty(), "{said}");

    let unit = from.join(UNITS[0]);
    let output = Command::new("systemd-analyze").args(["security", "--offline=true", "--no-pager"]).arg(unit).output();
    let said = String::from_utf8_lossy(&output.unwrap().stdout).into_owned();
    let line =
        said.lines().find(|line| line.contains("exposure level")).unwrap_or_else(|| panic!("no level in {said}"));
    let exposure = line.split_whitespace().find_map(|word| word.parse::<f32>().ok()).unwrap();
    assert!(exposure <= EXPOSURE_MAX, "{line}");
}

#[test]
fn the_unit_leaves_little_to_whoever_breaks_out() {
    assert_good(&packaging());
}

#[tokio::test]
async fn the_units_in_the_package_for_debian_leave_as_little() {
    let Some(folder) = deb::unpacked().await else { return };
    assert_good(&folder.path().join("usr/lib/systemd/system"));
}

#[test]
fn the_host_outlives_a_compilation_that_memory_runs_out_for() {
    let unit = fs::read_to_string(packaging().join(UNITS[0])).unwrap();
    // Else systemd stops the whole service when the kernel has ended one process of it (systemd.service(5)).
    assert!(unit.lines().any(|line| line == "OOMPolicy=continue"), "{unit}");

    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("input.wasm");
    rustix::fs::mknodat(CWD, &input, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let mut child = Command::new(program());
    child.args(["compile", "--target", "plain", "--memory-bytes-max", "1073741824", "--cpu-seconds-max", "60"]);
    child.arg("--input").arg(&input).arg("--output").arg(folder.path().join("output"));
    let mut child = child.stderr(Stdio::null()).spawn().unwrap();
    // Opens when the child opens its end, which it does within its bounds.
    let end = File::options().write(true).open(&input).unwrap();
    let score = fs::read_to_string(format!("/proc/{}/oom_score_adj", child.id())).unwrap();
    drop(end);
    child.wait().unwrap();
    assert_eq!(score.trim(), "1000");
}

#[test]
fn the_configuration_that_is_shipped_is_one() {
    let text = fs::read_to_string(packaging().join("guesthouse.toml")).unwrap();
    let with_everything: String = text
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .fold(String::new(), |all, line| all + line + "\n");
    assert_ne!(text, with_everything);
    for text in [text, with_everything] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guesthouse.toml");
        fs::write(&path, text).unwrap();
        let flags =
            ServeFlags { config: Some(path), state: Some(folder.path().join("state")), ..ServeFlags::default() };
        Config::serve(&flags, &Surroundings::default()).unwrap();
    }
}
