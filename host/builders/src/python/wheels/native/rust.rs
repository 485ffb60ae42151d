//! What Rust packages are compiled with: the toolchain that is there, maturin, and flags that make a shared library of
//! WebAssembly.

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use guesthouse_types::name::Digest;

use crate::python::wheels::given::Failed;
use crate::python::wheels::given::Given;
use crate::python::wheels::native::c;
use crate::python::wheels::shop::Workshop;
use crate::python::wheels::shop::tool;
use crate::run::output;
use crate::toolchain;
use crate::toolchain::TARGET;

/// maturin, by the hashes of its files.
const MATURIN: &str = include_str!("maturin.txt");
/// What PyO3 would ask a Python for, if there were one to be asked.
const PYO3: &str = "implementation=CPython\nversion=3.14\nshared=true\nabi3=false\npointer_width=32\nbuild_flags=\n\
                    suppress_build_script_link_lines=true\next_suffix=.cpython-314-wasm32-wasi.so\n";
/// PyO3 before 0.27 names `std::os::wasi` in a way that stable compilers do not allow for this target.
const RUSTC: &str = include_str!("rustc-for-guest.sh");
/// Position-independent, without an entry, and libc and Python are imports.
const FLAGS: [&str; 8] = [
    "-Crelocation-model=pic",
    "-Ctarget-feature=-crt-static",
    "-Clink-self-contained=no",
    "-Clink-arg=-shared",
    "-Clink-arg=--no-export-dynamic",
    "-Clink-arg=--skip-wit-component",
    "-Clink-arg=--unresolved-symbols=import-dynamic",
    "-Clink-arg=--strip-debug",
];

/// All that a Rust wheel depends on besides its source. The compiler's version is none of it: a team builds once.
pub fn recipe() -> String {
    format!("{} {PYO3} {FLAGS:?} {}", Digest::of(MATURIN.as_bytes()), Digest::of(RUSTC.as_bytes()))
}

/// What the build of the source in `source` is given. Files of ours are written to `folder`.
pub async fn given(shop: &Workshop<'_>, source: &Path, folder: &Path, target: &Path) -> Result<Given, Failed> {
    let rustc = output(toolchain::tool("rustc", folder).arg("--version")).await;
    let Ok(rustc) = rustc else {
        let why = "it is written in Rust, and compiling it needs a Rust toolchain, which https://rustup.rs installs";
        return Err(Failed::Refused(why.to_owned()));
    };
    let version = String::from_utf8_lossy(&rustc.stdout).split(' ').nth(1).unwrap_or("of unknown version").to_owned();
    if let Err(error) = toolchain::ensure_target(folder).await {
        return Err(Failed::Refused(format!("{error:#}")));
    }
    let maturin = tool(shop, "maturin", MATURIN, "a build tool for Rust packages, 10 MB").await?;
    let shown = |path: &Path| path.display().to_string();
    if shown(folder).contains(char::is_whitespace) {
        let why = format!(
            "cargo takes no flags with a space in them, and `{}` has one: set $GUESTHOUSE_TOOLS",
            shown(folder)
        );
        return Err(Failed::Refused(why));
    }
    // The linker is told of a C library by its name; all of it is imported.
    fs::write(folder.join("libc.a"), "!<arch>\n").context("cannot write to the cache")?;
    let (pyo3, wrapper) = (folder.join("pyo3.cfg"), folder.join("rustc-for-guest"));
    fs::write(&pyo3, PYO3).context("cannot write to the cache")?;
    c::program(&wrapper, RUSTC)?;
    let home = |name: &str, below: &str| {
        let home = env::var_os(name).map(PathBuf::from);
        home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(below))).unwrap_or_default()
    };
    let (cargo, rustup) = (home("CARGO_HOME", ".cargo"), home("RUSTUP_HOME", ".rustup"));
    let flags = format!("{} -Clink-arg=-L{}", FLAGS.join(" "), shown(folder));
    let mut environment = vec![
        ("PYO3_CONFIG_FILE", shown(&pyo3)),
        ("CARGO_BUILD_TARGET", TARGET.to_owned()),
        ("CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS", flags),
        ("CARGO_TARGET_DIR", shown(target)),
        ("RUSTC_WRAPPER", shown(&wrapper)),
        ("_PYTHON_HOST_PLATFORM", "wasi-wasm32".to_owned()),
        ("CARGO_HOME", shown(&cargo)),
        ("RUSTUP_HOME", shown(&rustup)),
    ];
    // A `rust-toolchain.toml` in the source would have rustup fetch another one.
    if let Ok(active) = output(toolchain::tool("rustup", folder).args(["show", "active-toolchain"])).await
        && let Some(name) = String::from_utf8_lossy(&active.stdout).split_whitespace().next()
    {
        environment.push(("RUSTUP_TOOLCHAIN", name.to_owned()));
    }
    let mut given = Given {
        with: format!("Rust {version}"),
        tools: vec![maturin],
        environment: environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        programs: Vec::new(),
    };
    if has_c(source) {
        let (zig, environment) = c::for_rust(shop, folder).await?;
        given.with.push_str(" and zig");
        given.tools.push(zig);
        given.environment.extend(environment);
    }
    Ok(given)
}

/// Whether crates of it compile C: they do so with the crate `cc`.
fn has_c(source: &Path) -> bool {
    let locks = ignore::WalkBuilder::new(source).standard_filters(false).max_depth(Some(4)).build().flatten();
    locks
        .filter(|entry| entry.file_name() == "Cargo.lock")
        .any(|entry| fs::read_to_string(entry.path()).is_ok_and(|text| text.contains("name = \"cc\"")))
}
