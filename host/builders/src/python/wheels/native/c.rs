//! What C and C++ packages are compiled with: zig, which comes from the package index, and CPython's headers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use guesthouse_types::name::Digest;

use crate::python::wheels::given::Failed;
use crate::python::wheels::given::Given;
use crate::python::wheels::native::headers;
use crate::python::wheels::shop::Workshop;
use crate::python::wheels::shop::tool;

/// zig, by the hashes of its files.
const ZIG: &str = include_str!("ziglang.txt");
/// One program for all that a build calls.
const CC: &str = include_str!("cc.py");

/// All that a C wheel depends on besides its source and the headers.
pub fn recipe() -> String {
    format!("{} {}", Digest::of(ZIG.as_bytes()), Digest::of(CC.as_bytes()))
}

/// What the build of a C package is given. Files of ours are written to `folder`.
pub async fn given(shop: &Workshop<'_>, folder: &Path) -> Result<Given, Failed> {
    let headers = headers::of_guest(shop).await?;
    let zig = zig(shop).await?;
    let [cc, cxx, ar] = programs(folder)?;
    let environment = vec![
        ("CC", cc.clone()),
        ("CXX", cxx.clone()),
        ("LDSHARED", format!("{cc} -shared")),
        ("LDCXXSHARED", format!("{cxx} -shared")),
        ("AR", ar),
        ("GUESTHOUSE_ZIG", zig.join("ziglang/zig").display().to_string()),
        ("GUESTHOUSE_HEADERS", headers.display().to_string()),
        ("ZIG_GLOBAL_CACHE_DIR", folder.join("zig").display().to_string()),
        ("_PYTHON_HOST_PLATFORM", "wasi-wasm32".to_owned()),
    ];
    Ok(Given {
        with: "zig".to_owned(),
        tools: vec![zig],
        environment: environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        programs: Vec::new(),
    })
}

/// The same for crates that compile C: they ask for no headers of Python.
pub async fn for_rust(shop: &Workshop<'_>, folder: &Path) -> Result<(PathBuf, Vec<(String, String)>), Failed> {
    let zig = zig(shop).await?;
    let [cc, cxx, ar] = programs(folder)?;
    let environment = [
        ("CC_wasm32_wasip2", cc),
        ("CXX_wasm32_wasip2", cxx),
        ("AR_wasm32_wasip2", ar),
        ("GUESTHOUSE_ZIG", zig.join("ziglang/zig").display().to_string()),
        ("ZIG_GLOBAL_CACHE_DIR", folder.join("zig").display().to_string()),
    ];
    Ok((zig, environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}

async fn zig(shop: &Workshop<'_>) -> anyhow::Result<PathBuf> {
    tool(shop, "ziglang", ZIG, "a compiler for C and C++, 90 MB").await
}

fn programs(folder: &Path) -> anyhow::Result<[String; 3]> {
    let mut paths = [const { String::new() }; 3];
    for (path, name) in paths.iter_mut().zip(["cc", "c++", "ar"]) {
        let file = folder.join(name);
        program(&file, CC)?;
        *path = file.display().to_string();
    }
    Ok(paths)
}

/// Writes a program that builds call.
pub fn program(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = fs::write(path, text).and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)));
    written.context("cannot write to the cache")
}
