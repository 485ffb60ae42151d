//! The build of the guest apps, as a stranger would do it: Cargo in their own workspace, in an environment of its own.

use std::env;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

const TARGET: &str = "wasm32-wasip2";

/// The variable that says where the guests' target folder goes, when it should not lie in the checkout.
const TARGET_ROOT: &str = "GUESTHOUSE_TEST_TARGET";

/// Builds all guests the first time. Cargo's own lock keeps the processes of a test run out of each other's way.
pub fn once() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let repository = repository();
        let target = env::var_os(TARGET_ROOT).map_or_else(|| repository.clone(), PathBuf::from);
        let target = target.join("guest-apps/target");
        ensure_target(&repository);
        build(&repository, &target);
        target.join(TARGET).join("release")
    })
}

fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("this crate lies two folders deep in the repository").to_owned()
}

fn build(repository: &Path, target: &Path) {
    let mut cargo = command("cargo", repository);
    cargo.args(["build", "--release", "--target", TARGET]).env("CARGO_TARGET_DIR", target);
    run(cargo, "cannot build the guest apps");
}

/// Installs the target where rustup does not do it by itself.
fn ensure_target(repository: &Path) {
    let mut rustc = command("rustc", repository);
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    let libraries = run(rustc, "cannot ask rustc where its libraries are");
    if Path::new(libraries.trim()).is_dir() {
        return;
    }
    eprintln!("the target {TARGET} is missing: running `rustup target add {TARGET}`");
    let mut rustup = command("rustup", repository);
    rustup.args(["target", "add", TARGET]);
    run(rustup, "cannot install the target that guest apps are built for");
}

/// A command in the guests' workspace, without what the Cargo around this test has set for itself.
fn command(program: &str, repository: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(repository.join("guest-apps"));
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(disturbs) {
            command.env_remove(name);
        }
    }
    command
}

/// Whether a variable of the Cargo around us would change what the guests are built with, or for. Where Cargo lives
/// and how it reaches the network is the machine's business and stays.
fn disturbs(name: &str) -> bool {
    let stays = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_SOURCE_", "CARGO_BUILD_JOBS"];
    let goes = ["CARGO", "RUSTC", "RUSTFLAGS", "RUSTDOC", "__CARGO"];
    goes.iter().any(|prefix| name.starts_with(prefix)) && !stays.iter().any(|prefix| name.starts_with(prefix))
}

fn run(mut command: Command, purpose: &str) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{purpose}: `{command:?}`: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{purpose}: `{command:?}` ended with {}:\n{errors}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[cfg(test)]
mod tests {
    use super::disturbs;

    #[test]
    fn the_machines_settings_stay_and_the_outer_cargos_go() {
        let check = |name, expected| assert_eq!(disturbs(name), expected, "{name}");
        check("CARGO", true);
        check("CARGO_TARGET_DIR", true);
        check("CARGO_PKG_NAME", true);
        check("CARGO_ENCODED_RUSTFLAGS", true);
        check("CARGO_BUILD_TARGET", true);
        check("RUSTFLAGS", true);
        check("RUSTC_WRAPPER", true);
        check("CARGO_HOME", false);
        check("CARGO_NET_OFFLINE", false);
        check("CARGO_REGISTRIES_CRATES_IO_PROTOCOL", false);
        check("RUSTUP_TOOLCHAIN", false);
        check("PATH", false);
    }
}
