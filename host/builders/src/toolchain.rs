//! Rust's own tools: how they are called, and the target that apps are built for.

use std::env;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::anyhow;
use anyhow::bail;
use tokio::process::Command;

use crate::progress::say;

/// What apps are built for.
pub const TARGET: &str = "wasm32-wasip2";

/// A tool, called in `folder`, so that its `rust-toolchain.toml` and `.cargo/config.toml` hold. It dies with us.
pub fn tool(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(name);
    command.current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    // When we are called through `cargo run`, that cargo has left its mark on our environment. It is not meant for ours.
    let inside_cargo = env::var_os("CARGO").is_some();
    for (name, _) in env::vars_os() {
        if inside_cargo && name.to_str().is_some_and(is_of_outer_cargo) {
            command.env_remove(name);
        }
    }
    command
}

/// What a cargo that calls us has set for us (The Cargo Book, "Environment Variables Cargo Sets"), and its rustup.
fn is_of_outer_cargo(name: &str) -> bool {
    let exact = ["CARGO", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "CARGO_MAKEFLAGS", "OUT_DIR"];
    let of_rustup = ["RUSTUP_TOOLCHAIN", "RUSTUP_TOOLCHAIN_SOURCE", "RUST_RECURSION_COUNT"];
    let prefixes = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_"];
    exact.contains(&name) || of_rustup.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// Says what to do when a tool cannot even be started.
pub fn explain_missing(tool: &str, error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::NotFound => {
            anyhow!("cannot find `{tool}`: building Rust apps needs Rust, which https://rustup.rs installs")
        }
        _ => anyhow::Error::new(error).context(format!("cannot start `{tool}`")),
    }
}

/// What the Rust of `folder` calls itself, as in `cargo 1.95.0`.
pub async fn version(folder: &Path) -> anyhow::Result<String> {
    let asked = tool("cargo", folder).arg("--version").output().await;
    let asked = asked.map_err(|error| explain_missing("cargo", error))?;
    let said = String::from_utf8_lossy(&asked.stdout);
    let words: Vec<&str> = said.split_whitespace().take(2).collect();
    Ok(words.join(" "))
}

/// Whether it can build for [`TARGET`].
pub async fn has_target(folder: &Path) -> anyhow::Result<bool> {
    Ok(libraries(folder).await?.is_dir())
}

/// Sees to it that the toolchain which holds in `folder` can build for [`TARGET`].
pub async fn ensure_target(folder: &Path) -> anyhow::Result<()> {
    if has_target(folder).await? {
        return Ok(());
    }
    say(format_args!("the Rust target {TARGET} is not installed: running `rustup target add {TARGET}`"));
    let added = tool("rustup", folder).args(["target", "add", TARGET]).status().await;
    if added.is_ok_and(|status| status.success()) && has_target(folder).await? {
        return Ok(());
    }
    bail!(
        "the Rust target {TARGET} is missing, and `rustup target add {TARGET}` did not bring it. Where rustup's server cannot \
         be reached, Debian's packages can build the app: `apt-get install rustc-web cargo-web rust-web-src wasi-libc`, then \
         in the app's folder `RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 /usr/bin/cargo build --release \
         -Zbuild-std=std,panic_abort --target {TARGET}` with the linker `wasm-component-ld`, and copy the .wasm file into \
         the apps folder"
    )
}

async fn libraries(folder: &Path) -> anyhow::Result<PathBuf> {
    let asked = tool("rustc", folder).args(["--print", "target-libdir", "--target", TARGET]).output().await;
    let asked = asked.map_err(|error| explain_missing("rustc", error))?;
    if !asked.status.success() {
        let said = String::from_utf8_lossy(&asked.stderr);
        bail!("`rustc` in `{}` does not know the target {TARGET}: {}", folder.display(), said.trim());
    }
    let path = String::from_utf8(asked.stdout).context("`rustc --print target-libdir` did not print a path")?;
    Ok(PathBuf::from(path.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outer_cargo_leaves_no_mark_but_the_users_wishes_stay() {
        for mark in ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_BIN_EXE_x", "RUSTUP_TOOLCHAIN", "OUT_DIR"]
        {
            assert!(is_of_outer_cargo(mark), "{mark}");
        }
        for wish in ["RUSTFLAGS", "CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_OFFLINE", "RUSTUP_HOME", "PATH"] {
            assert!(!is_of_outer_cargo(wish), "{wish}");
        }
    }

    #[test]
    fn a_missing_tool_is_one_clear_sentence() {
        let error = explain_missing("cargo", io::ErrorKind::NotFound.into());
        let expected = "cannot find `cargo`: building Rust apps needs Rust, which https://rustup.rs installs";
        assert_eq!(error.to_string(), expected);
    }
}
