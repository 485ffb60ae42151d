//! A clean copy of a source: what goes into a component, and nothing that lies about beside it.

use std::fs;
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;
use std::time::SystemTime;

use anyhow::Context as _;
use anyhow::bail;
use ignore::Match;
use ignore::WalkBuilder;
use ignore::gitignore::Gitignore;
use ignore::gitignore::GitignoreBuilder;

use crate::source::secret_names::SecretNames;

/// Beside `.gitignore`, for what is in the repository but not for the component.
const IGNORE_FILE: &str = ".guesthouseignore";

/// Never part of an app, unless `include` names it, as what is called like a secret ([`SecretNames`]). In the grammar of
/// `.gitignore`.
const NEVER: &[&str] = &[
    // What belongs to one machine.
    ".git",
    ".gitattributes",
    ".gitmodules",
    ".hg",
    ".svn",
    ".idea/",
    ".vscode/",
    ".DS_Store",
    // What tools make.
    "*.wasm",
    "node_modules/",
    "__pycache__/",
    "*.pyc",
    ".venv/",
    "venv/",
    ".tox/",
    ".pytest_cache/",
    ".mypy_cache/",
    ".ruff_cache/",
    "*.egg-info/",
    "target/",
    "/apps/",
    ".guesthouse/",
    ".guesthouseignore",
    ".gitignore",
    "guesthouse.toml",
    "*~",
    "*.swp",
];

/// A component cannot be larger by far, and most likely a folder of other things was found.
const BYTES_MAX: u64 = 256 << 20;
/// So many files have no place in an app either.
const FILES_MAX: usize = 50_000;

/// So many names are told of what was left out.
const TOLD_MAX: usize = 12;

/// 1980 began then: before it, a zip archive has no time.
const TIME: Duration = Duration::from_secs(315_532_800);

/// The files of a source that count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staged {
    /// Relative to the source, sorted.
    pub files: Vec<PathBuf>,
    /// What was left out although an author may miss it: what is called like a secret, links out of the source.
    pub left_out: Vec<String>,
    /// How large they are together.
    pub bytes: u64,
}

/// Which files of `folder` count: in a repository those that git would track, elsewhere all that `.gitignore` does not name;
/// without what `.guesthouseignore`, [`NEVER`], [`SecretNames`] and `exclude` name, and, over all of them, with `include`.
pub fn files(folder: &Path, exclude: &[String], include: &[String]) -> anyhow::Result<Staged> {
    let rules = Rules { named: rules(folder, exclude, include)?, secrets: SecretNames::below(folder)? };
    let mut staged = Staged::default();
    walk(folder, &rules, true, &mut staged)?;
    if !include.is_empty() {
        walk(folder, &rules, false, &mut staged)?;
    }
    staged.files.sort();
    staged.files.dedup();
    staged.left_out.sort();
    staged.left_out.dedup();
    for file in &staged.files {
        staged.bytes += fs::metadata(folder.join(file)).map_or(0, |metadata| metadata.len());
    }
    if staged.files.len() > FILES_MAX || staged.bytes > BYTES_MAX {
        bail!(
            "`{}` has {} files with {} MB that count as source: leave out what the app does not need, with \
             {IGNORE_FILE} or `[build] exclude`",
            folder.display(),
            staged.files.len(),
            staged.bytes / 1_000_000
        );
    }
    Ok(staged)
}

/// Copies `files` from `folder` into `to`, with times and rights that are the same every time.
pub fn copy(folder: &Path, files: &[PathBuf], to: &Path) -> anyhow::Result<()> {
    for file in files {
        let target = to.join(file);
        let copied = copy_one(&folder.join(file), &target);
        copied.with_context(|| format!("cannot copy `{}` to `{}`", file.display(), to.display()))?;
    }
    Ok(())
}

/// Copies all that lies below `folder` into `to`, which is not there yet.
pub fn copy_all(folder: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make the folder `{}`", to.display()))?;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
        let entry = entry?;
        let (target, kind) = (to.join(entry.file_name()), entry.file_type()?);
        if kind.is_symlink() {
            // None is staged, and what a guest has made leads wherever it likes.
            continue;
        }
        if kind.is_dir() {
            copy_all(&entry.path(), &target)?;
        } else {
            copy_one(&entry.path(), &target).with_context(|| format!("cannot copy to `{}`", target.display()))?;
        }
    }
    Ok(())
}

fn copy_one(from: &Path, to: &Path) -> std::io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut copy = File::options().write(true).create_new(true).open(to)?;
    std::io::copy(&mut File::open(from)?, &mut copy)?;
    copy.set_permissions(fs::Permissions::from_mode(0o644))?;
    copy.set_modified(SystemTime::UNIX_EPOCH + TIME)
}

fn rules(folder: &Path, exclude: &[String], include: &[String]) -> anyhow::Result<Gitignore> {
    let mut rules = GitignoreBuilder::new(folder);
    let included = include.iter().map(|glob| format!("!{glob}"));
    let all = NEVER.iter().map(|glob| (*glob).to_owned()).chain(exclude.iter().cloned()).chain(included);
    for glob in all {
        rules.add_line(None, &glob).with_context(|| format!("`{glob}` is no pattern of files"))?;
    }
    Ok(rules.build()?)
}

/// What counts and what does not.
#[derive(Clone)]
struct Rules {
    /// By name, with what the author says last.
    named: Gitignore,
    secrets: SecretNames,
}

/// Adds the files below `folder`: all that the rules do not forbid, or, without regard to ignore files, those only that
/// the rules name as included.
fn walk(folder: &Path, rules: &Rules, with_ignore_files: bool, staged: &mut Staged) -> anyhow::Result<()> {
    let mut builder = WalkBuilder::new(folder);
    builder.standard_filters(false);
    if with_ignore_files {
        // Rules of folders above count within one repository; outside of any they are about something else. So do those
        // that git has besides: `.git/info/exclude`, and its user's own.
        let in_repository = folder.ancestors().any(|folder| folder.join(".git").exists());
        builder.git_ignore(true).require_git(false).parents(in_repository).add_custom_ignore_filename(IGNORE_FILE);
        builder.git_exclude(in_repository).git_global(in_repository);
    }
    let (own_rules, root) = (rules.clone(), folder.to_owned());
    let (closed, closing) = mpsc::channel();
    builder.filter_entry(move |entry| {
        let is_secret = is_secret_folder(entry.path(), &root, &own_rules);
        if is_secret && with_ignore_files {
            let _ = closed.send(entry.path().to_owned());
        }
        !is_secret && !is_closed(entry.path(), &root, &own_rules)
    });
    for entry in builder.build() {
        let entry = entry.with_context(|| format!("cannot read the source `{}`", folder.display()))?;
        let Ok(below) = entry.path().strip_prefix(folder) else { continue };
        if entry.file_type().is_some_and(|kind| kind.is_dir()) {
            continue;
        }
        match rules.named.matched(below, false) {
            Match::None if with_ignore_files && rules.secrets.has(below) => {
                staged.left_out.push(below.display().to_string());
            }
            Match::None if with_ignore_files => add(folder, below, staged),
            Match::Whitelist(_) => add(folder, below, staged),
            Match::None | Match::Ignore(_) => {}
        }
    }
    for folder_closed in closing.try_iter() {
        let below = folder_closed.strip_prefix(folder).unwrap_or(&folder_closed);
        staged.left_out.push(format!("{}/", below.display()));
    }
    Ok(())
}

fn is_secret_folder(path: &Path, root: &Path, rules: &Rules) -> bool {
    inner_folder(path, root).is_some_and(|below| rules.secrets.has_folder(below))
}

/// Whether it is a folder that nobody looks into: one that the rules name, or a virtual environment of whatever name.
fn is_closed(path: &Path, root: &Path, rules: &Rules) -> bool {
    let is_named = |below: &Path| rules.named.matched(below, true).is_ignore() || path.join("pyvenv.cfg").is_file();
    inner_folder(path, root).is_some_and(is_named)
}

fn inner_folder<'path>(path: &'path Path, root: &Path) -> Option<&'path Path> {
    let below = path.strip_prefix(root).ok()?;
    (!below.as_os_str().is_empty() && path.is_dir() && !path.is_symlink()).then_some(below)
}

/// Adds a file, or what a link leads to, as long as that is a file of the source too.
fn add(folder: &Path, below: &Path, staged: &mut Staged) {
    let path = folder.join(below);
    let is_inside =
        |real: PathBuf| real.is_file() && folder.canonicalize().is_ok_and(|folder| real.starts_with(folder));
    match path.is_symlink() {
        true if !path.canonicalize().is_ok_and(is_inside) => {
            staged.left_out.push(format!("{} (a link)", below.display()));
        }
        _ if path.is_file() => staged.files.push(below.to_owned()),
        // Pipes and sockets.
        _ => {}
    }
}

/// What was left out, for people: the first few by name, and what brings one of them back.
pub fn told(left_out: &[String]) -> String {
    let names = left_out.iter().take(TOLD_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    match left_out.len() {
        0 => String::new(),
        count if count > TOLD_MAX => format!("{names} and {} more", count - TOLD_MAX),
        _ => names,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (file, content) in files {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        root
    }

    fn check(root: &tempfile::TempDir, exclude: &[&str], include: &[&str], expected: &[&str]) -> Vec<String> {
        let owned = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>();
        let staged = files(root.path(), &owned(exclude), &owned(include)).unwrap();
        let found: Vec<String> = staged.files.iter().map(|file| file.display().to_string()).collect();
        assert_eq!(found, expected);
        staged.left_out
    }

    #[test]
    fn secrets_databases_and_what_tools_made_stay_outside() {
        let root = tree(&[
            ("app.py", ""),
            ("shop/apps/models.py", ""),
            ("static/.well-known/x", ""),
            (".env", "A=1"),
            ("shop/.env.local", ""),
            ("tls/server.pem", ""),
            ("tls/server.key", ""),
            (".ssh/id_rsa", ""),
            ("home/id_rsa.pub", ""),
            (".git/config", ""),
            ("db.sqlite3", ""),
            ("apps/old.wasm", ""),
            ("node_modules/x/index.js", ""),
            ("shop/__pycache__/x.pyc", ""),
            ("env/pyvenv.cfg", ""),
            ("env/lib/flask.py", ""),
            ("guesthouse.toml", ""),
        ]);
        let left_out = check(&root, &[], &[], &["app.py", "shop/apps/models.py", "static/.well-known/x"]);
        let expected =
            [".env", ".ssh/", "db.sqlite3", "home/id_rsa.pub", "shop/.env.local", "tls/server.key", "tls/server.pem"];
        assert_eq!(left_out, expected);
        assert_eq!(told(&left_out), expected.join(", "));
        assert!(told(&vec!["x".to_owned(); 20]).ends_with(", x and 8 more"));
    }

    #[test]
    fn in_a_repository_what_git_leaves_alone_is_left_out_and_secrets_that_it_tracks_too() {
        let root = tree(&[
            (".git/info/exclude", "/scratch.py\n"),
            (".git/HEAD", "ref: refs/heads/main\n"),
            (".gitignore", "/local/\n"),
            ("shop/.gitignore", "generated.py\n"),
            ("shop/app.py", ""),
            ("shop/generated.py", ""),
            ("shop/local/notes.txt", ""),
            ("local/notes.txt", ""),
            ("scratch.py", ""),
            ("shop/secrets.json", "tracked, by mistake"),
        ]);
        let left_out = check(&root, &[], &[], &["shop/app.py", "shop/local/notes.txt"]);
        assert_eq!(left_out, ["shop/secrets.json"]);
        check(&root, &[], &["shop/secrets.json"], &["shop/app.py", "shop/local/notes.txt", "shop/secrets.json"]);
    }

    #[test]
    fn ignore_files_and_the_authors_own_lists_count() {
        let root = tree(&[
            (".gitignore", "*.log\n/made/\n"),
            (".guesthouseignore", "docs/\n"),
            ("app.py", ""),
            ("app.log", ""),
            ("made/style.css", ""),
            ("made/other.css", ""),
            ("docs/index.md", ""),
            ("tests/test_app.py", ""),
            ("seed.db", ""),
        ]);
        check(&root, &[], &[], &["app.py", "tests/test_app.py"]);
        check(&root, &["tests/"], &["made/style.css", "seed.db"], &["app.py", "made/style.css", "seed.db"]);
        let error = files(root.path(), &["a{".to_owned()], &[]).unwrap_err();
        assert_eq!(error.to_string(), "`a{` is no pattern of files");
    }

    #[test]
    fn a_link_is_followed_within_the_source_only() {
        let outside = tree(&[("secret", "s")]);
        let root = tree(&[("real.txt", "r")]);
        symlink("real.txt", root.path().join("inside.txt")).unwrap();
        symlink(outside.path().join("secret"), root.path().join("outside.txt")).unwrap();
        symlink(outside.path(), root.path().join("folder")).unwrap();
        let left_out = check(&root, &[], &[], &["inside.txt", "real.txt"]);
        assert_eq!(left_out, ["folder (a link)", "outside.txt (a link)"]);
    }

    #[test]
    fn a_copy_has_the_same_times_and_rights_always() {
        let root = tree(&[("a/b.py", "content")]);
        let to = tempfile::tempdir().unwrap();
        copy(root.path(), &["a/b.py".into()], to.path()).unwrap();
        let metadata = fs::metadata(to.path().join("a/b.py")).unwrap();
        assert_eq!((metadata.mtime(), metadata.mode() & 0o777), (315_532_800, 0o644));
        assert_eq!(fs::read_to_string(to.path().join("a/b.py")).unwrap(), "content");
    }
}
