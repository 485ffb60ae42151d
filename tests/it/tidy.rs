//! The project's laws, checked on its source (`docs/ARCHITECTURE.md`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

/// Where the sources of each crate lie.
const CRATES: [&str; 11] = [
    "host/src",
    "host/app/src",
    "host/builders/src",
    "host/component/src",
    "host/deploy/src",
    "host/manifest/src",
    "host/outbound/src",
    "host/sandbox/src",
    "host/serve/src",
    "host/tls/src",
    "host/types/src",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("`host` lies in the checkout").to_owned()
}

fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A source file of the host or the sandbox.
struct Source {
    /// As in `serve/admit`, and `serve` for `serve/mod.rs`.
    module: String,
    path: PathBuf,
    text: String,
}

fn sources(below: &str) -> Vec<Source> {
    let folder = root().join(below);
    // Tests may look at a room from anywhere.
    let is_product = |path: &PathBuf| !path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"));
    files_below(&folder, "rs")
        .into_iter()
        .filter(is_product)
        .map(|path| {
            let module = path.strip_prefix(&folder).unwrap().with_extension("").to_string_lossy().into_owned();
            let module = module.trim_end_matches("/mod").to_owned();
            let text = fs::read_to_string(&path).unwrap();
            Source { module, path, text }
        })
        .collect()
}

/// The sources of all crates.
fn all() -> Vec<Source> {
    CRATES.iter().flat_map(|below| sources(below)).collect()
}

impl Source {
    /// The folder that it lies in, or its own name at the top.
    fn folder(&self) -> &str {
        self.module.split('/').next().expect("a split has a first part")
    }

    /// The product's part: without what is for tests alone, be it a line or a whole module at the file's end.
    fn product(&self) -> String {
        let mut product = String::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            if !line.trim_start().starts_with("#[cfg(test)]") && !line.trim_start().starts_with("#[cfg(any(test,") {
                product.push_str(line);
                product.push('\n');
                continue;
            }
            // Attributes belong to what follows them.
            let item = lines.by_ref().find(|line| !line.trim_start().starts_with("#["));
            if item.is_some_and(|item| item.starts_with("mod ") && item.ends_with('{')) {
                break;
            }
        }
        product
    }

    /// The modules of this crate that the file imports, as in `serve/admit`.
    fn imports(&self, modules: &BTreeSet<String>) -> BTreeSet<String> {
        let product = self.product();
        let uses = product.lines().map(str::trim).filter_map(|line| line.strip_prefix("use crate::"));
        uses.filter_map(|import| {
            let mut path = import.trim_end_matches(';').split(" as ").next()?.replace("::", "/");
            loop {
                if modules.contains(&path) {
                    return Some(path);
                }
                path = path.rsplit_once('/')?.0.to_owned();
            }
        })
        .collect()
    }
}

#[test]
fn each_outside_library_has_its_folder() {
    const FOLDERS: &[(&str, &[&str])] = &[
        ("notify", &["dev"]),
        ("sd_notify", &["foreground"]),
        ("clap", &["cli", "main", "telemetry"]),
        ("landlock", &["commands"]),
    ];
    for source in sources("host/src") {
        for (library, folders) in FOLDERS {
            let used = source.product().contains(&format!("use {library}::"));
            assert!(!used || folders.contains(&source.folder()), "{}: uses {library}", source.path.display());
        }
        for wasmtime in ["wasmtime::", "wasmtime_wasi::", "wasmtime_wasi_http::"] {
            assert!(!source.text.contains(wasmtime), "{}: wasmtime belongs to the sandbox", source.path.display());
        }
    }
}

#[test]
fn a_file_never_imports_its_own_folder() {
    for below in CRATES {
        let sources = sources(below);
        let modules: BTreeSet<String> = sources.iter().map(|source| source.module.clone()).collect();
        for source in &sources {
            let Some((folder, _)) = source.module.rsplit_once('/') else { continue };
            assert!(!source.imports(&modules).contains(folder), "{}: imports its mod.rs", source.path.display());
        }
    }
}

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Those that go round in a circle.
fn circle(mut arrows: Arrows) -> Arrows {
    // What imports nothing that is left cannot be part of a circle.
    loop {
        let done: Vec<String> = arrows
            .iter()
            .filter(|(_, to)| to.iter().all(|to| !arrows.contains_key(to)))
            .map(|(from, _)| from.clone())
            .collect();
        if done.is_empty() {
            break;
        }
        done.iter().for_each(|module| drop(arrows.remove(module)));
    }
    // Modules that only lead into a circle are left as well: take away those nobody left imports.
    loop {
        let imported: BTreeSet<String> = arrows.values().flatten().cloned().collect();
        let before = arrows.len();
        arrows.retain(|module, _| imported.contains(module));
        if arrows.len() == before {
            return arrows;
        }
    }
}

#[test]
fn imports_go_one_way() {
    for below in CRATES {
        let sources = sources(below);
        let modules: BTreeSet<String> = sources.iter().map(|source| source.module.clone()).collect();
        let arrows = sources.iter().map(|source| (source.module.clone(), source.imports(&modules))).collect();
        let circle = circle(arrows);
        assert!(circle.is_empty(), "{below}: a circle among {circle:#?}");
    }
}

#[test]
fn folders_go_one_way() {
    for below in CRATES {
        let sources = sources(below);
        let modules: BTreeSet<String> = sources.iter().map(|source| source.module.clone()).collect();
        let mut arrows = Arrows::new();
        for source in sources.iter().filter(|source| source.module != "lib") {
            let folders = arrows.entry(source.folder().to_owned()).or_default();
            let imported =
                source.imports(&modules).into_iter().map(|module| module.split('/').next().unwrap().to_owned());
            folders.extend(imported.filter(|folder| folder != source.folder()));
        }
        let circle = circle(arrows);
        assert!(circle.is_empty(), "{below}: a circle among the folders {circle:#?}");
    }
}

/// The modules of the SDK that a line of Python imports, as in `asgi.loop`.
fn imported_in_python(line: &str, modules: &BTreeSet<String>) -> Vec<String> {
    let names = match line.trim_start().strip_prefix("from guesthouse") {
        Some(rest) => {
            let (package, names) = rest.split_once(" import ").unwrap_or((rest, ""));
            let package = package.trim_start_matches('.');
            let inner = names.trim_matches(['(', ')']).split(',').filter_map(|name| name.split_whitespace().next());
            let inner = inner.map(|name| format!("{package}.{name}").trim_start_matches('.').to_owned());
            inner.chain([package.to_owned()]).collect::<Vec<_>>()
        }
        None => line
            .trim_start()
            .strip_prefix("import guesthouse.")
            .map(|name| name.trim().to_owned())
            .into_iter()
            .collect(),
    };
    names.into_iter().filter(|name| modules.contains(name)).collect()
}

#[test]
fn imports_go_one_way_in_python_too() {
    let folder = root().join("sdk/python/guesthouse");
    let files = files_below(&folder, "py");
    let name = |path: &Path| {
        let module = path.strip_prefix(&folder).unwrap().with_extension("").to_string_lossy().replace('/', ".");
        module.trim_end_matches(".__init__").to_owned()
    };
    let modules: BTreeSet<String> = files.iter().map(|path| name(path)).collect();
    let mut arrows = Arrows::new();
    for path in &files {
        let text = fs::read_to_string(path).unwrap();
        let imported = text.lines().flat_map(|line| imported_in_python(line, &modules));
        arrows.insert(name(path), imported.collect());
    }
    assert!(arrows["entry"].contains("threads") && arrows["asgi.gateway"].len() > 1, "{arrows:#?}");
    let circle = circle(arrows);
    assert!(circle.is_empty(), "a circle among {circle:#?}");
}

#[test]
fn what_is_dangerous_stands_where_the_documents_say() {
    const PLACES: &[(&str, &[&str])] = &[
        ("unsafe {", &["host/src/host/arenas.rs", "host/sandbox/src/engine/precompiled.rs"]),
        ("unbounded_channel()", &["host/deploy/src/jobs.rs", "host/sandbox/src/instances/shared.rs"]),
    ];
    for source in all() {
        let path = source.path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        for (what, places) in PLACES {
            let stands = source.product().contains(what);
            assert!(!stands || places.contains(&path.as_str()), "{path}: `{what}`");
        }
    }
}

#[test]
fn nothing_is_exported_twice() {
    for below in CRATES {
        for source in sources(below) {
            for (at, line) in source.product().lines().enumerate() {
                let again = line.trim_start().starts_with("pub use ") && !source.text.contains("generated from");
                assert!(!again, "{}:{}: re-exports {line}", source.path.display(), at + 1);
            }
        }
    }
}

#[test]
fn tasks_are_spawned_where_they_are_awaited() {
    for source in all() {
        let detached = source.product().contains("tokio::spawn(") || source.product().contains("tokio::task::spawn(");
        assert!(!detached, "{}: a detached task", source.path.display());
    }
}

/// What Cargo compiles, each crate with its features: of the program alone, or for the tests as well.
fn compiled(more: &[&str]) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--offline", "--locked", "--prefix", "none", "--format", "{p} {f}"]).args(more);
    let output = cargo.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

#[test]
fn one_build_serves_both_commands() {
    let run = compiled(&["--package", "guesthouse", "--edges", "no-dev"]);
    let test = compiled(&["--workspace", "--edges", "normal,build,dev"]);
    let twice: Vec<_> = run.difference(&test).collect();
    assert!(
        !run.is_empty() && twice.is_empty(),
        "`cargo test` asks for more of these than the program does, so that they and all that depend on them are compiled twice \
         (docs/decisions/0059): {twice:#?}"
    );
}

/// What follows the name of each macro that writes to the log.
fn logged(product: &str) -> impl Iterator<Item = &str> {
    ["trace!(", "debug!(", "info!(", "warn!(", "error!("].into_iter().flat_map(move |name| {
        product.match_indices(name).filter_map(move |(at, _)| {
            let is_whole = !product[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
            is_whole.then(|| product[at + name.len()..].trim_start())
        })
    })
}

#[test]
fn targets_of_the_log_are_named_and_documented() {
    let documented = fs::read_to_string(root().join("docs/operating.md")).unwrap();
    let mut targets = BTreeSet::new();
    for source in all() {
        for line in logged(&source.product()) {
            let target = line.strip_prefix("target:").map(str::trim_start);
            let shown = &line[..line.len().min(60)];
            let target = target.unwrap_or_else(|| panic!("{}: no target: {shown}", source.path.display()));
            // A constant's is written where it is defined.
            let Some(name) = target.strip_prefix('"').and_then(|rest| rest.split('"').next()) else { continue };
            assert!(
                documented.contains(&format!("| `{name}` |")),
                "{}: `{name}` is not documented",
                source.path.display()
            );
            targets.insert(name.to_owned());
        }
    }
    assert!(targets.contains("guesthouse::deploy") && targets.contains("guesthouse::serve"), "{targets:?}");
    // A filter of ours that named another one would leave everything out, in silence.
    let config = fs::read_to_string(root().join("host/src/config/mod.rs")).unwrap();
    let filtered: Vec<_> = config.split("guesthouse::").skip(1).filter_map(|rest| rest.split_once("=info")).collect();
    assert!(!filtered.is_empty());
    for (name, _) in filtered {
        assert!(targets.contains(&format!("guesthouse::{name}")), "`{name}` is filtered, and nothing writes to it");
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for below in CRATES.into_iter().chain(["tests", "sdk", "guest-apps/rust"]) {
        for path in files_below(&root().join(below), "rs")
            .iter()
            .filter(|path| !path.components().any(|part| part.as_os_str() == "target"))
        {
            let text = fs::read_to_string(path).unwrap();
            assert!(text.starts_with("//!"), "{}: has no `//!` line", path.display());
        }
    }
}

#[test]
fn paths_named_in_the_documents_exist() {
    let documents = files_below(&root().join("docs"), "md")
        .into_iter()
        .chain(["README.md", "CHANGELOG.md"].map(|name| root().join(name)));
    const OURS: &[&str] = &["host/", "guest-apps/", "samples/", "wit/", "sdk/", "tests/", "bench/", "docs/", ".ci/"];
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for quoted in text.split('`').skip(1).step_by(2) {
            let path = quoted.trim_end_matches('/');
            let is_a_path =
                OURS.iter().any(|ours| quoted.starts_with(ours)) && !quoted.contains(['*', ' ', '<', '\n', '…']);
            assert!(!is_a_path || root().join(path).exists(), "{}: names `{quoted}`", document.display());
        }
    }
}
