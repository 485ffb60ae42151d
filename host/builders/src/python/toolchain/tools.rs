//! What Python apps are built with, in the cache: componentize-py and pip in an environment of their own, our SDK, and the
//! compiled standard library.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use guesthouse_types::name::Digest;
use guesthouse_types::private;
use include_dir::Dir;
use include_dir::DirEntry;
use include_dir::include_dir;
use tokio::process::Command;
use tokio::time::Instant;

use crate::cache::tools::Cache;
use crate::progress::say;
use crate::progress::seconds;
use crate::python::toolchain::environment::alone;
use crate::python::toolchain::environment::that_builds;
use crate::python::toolchain::environment::with_network;
use crate::python::toolchain::interpreter::find;
use crate::python::toolchain::pip::PipSettings;
use crate::python::world::World;
use crate::run::output;

/// It has CPython 3.14 within itself.
const COMPONENTIZE: &str = "0.25.1";
/// The newest that runs in Python 3.9.
const PIP: &str = "26.0.1";

/// The part of the SDK that becomes a part of apps.
static PACKAGE: Dir = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/python/guesthouse");
/// The worlds of the WIT that an app is built for.
static WIT: Dir = include_dir!("$CARGO_MANIFEST_DIR/../../sdk/python/wit");
static PIP_FOR_GUEST: &str = include_str!("pip_for_guest.py");
static WHEEL: &str = include_str!("../wheels/wheel.py");
/// The tools' files, by their hashes.
static PINNED: &str = include_str!("tools.txt");

/// Everything that is installed, ready to be called.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The Python that tools run in.
    python: PathBuf,
    /// What is in [`PACKAGE`], [`WIT`] and [`PIP_FOR_GUEST`].
    sdk: PathBuf,
    /// The standard library, compiled.
    pub stdlib: PathBuf,
}

/// All that a build depends on besides the source: the tools' versions and our own part.
pub fn versions() -> String {
    format!("componentize-py {COMPONENTIZE}, pip {PIP}, sdk {}", sdk_digest())
}

/// All that the choice of packages depends on besides the requirements.
pub fn resolver() -> String {
    format!("pip {PIP}, for the guest {}, {}", Digest::of(PIP_FOR_GUEST.as_bytes()), Digest::of(WHEEL.as_bytes()))
}

/// The Python that guests have.
pub fn guest() -> String {
    format!("componentize-py {COMPONENTIZE}")
}

fn sdk_digest() -> Digest {
    let mut all = Vec::new();
    for (path, content) in files(&PACKAGE).into_iter().chain(files(&WIT)) {
        all.extend_from_slice(format!("{} {}\n", path.display(), Digest::of(content)).as_bytes());
    }
    all.extend_from_slice(PIP_FOR_GUEST.as_bytes());
    all.extend_from_slice(WHEEL.as_bytes());
    Digest::of(&all)
}

/// The files of a folder in the binary that are source. What a Python leaves beside them when it runs them is not.
fn files<'dir>(dir: &'dir Dir<'dir>) -> Vec<(&'dir Path, &'dir [u8])> {
    let mut found = Vec::new();
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(below) => found.extend(files(below)),
            DirEntry::File(file) if file.path().extension().is_some_and(|end| end == "py" || end == "wit") => {
                found.push((file.path(), file.contents()));
            }
            DirEntry::File(_) => {}
        }
    }
    found.sort();
    found
}

impl Tools {
    /// Those in the cache; what is not there yet is installed or made, and said to be.
    pub async fn ready(cache: &Cache) -> anyhow::Result<Tools> {
        let interpreter = find().await?;
        let (major, minor) = interpreter.version;
        let pinned = Digest::of(PINNED.as_bytes());
        let name = format!("{major}.{minor}-pip-{PIP}-componentize-py-{COMPONENTIZE}-{}", pinned.short());
        let mut folder = cache.made("python", &name, async |to| install(&interpreter.executable, to).await).await?;
        // A link to the machine's Python, which may have gone since.
        if !folder.join("bin/python").exists() {
            private::clear(&folder).with_context(|| format!("cannot remove `{}`", folder.display()))?;
            folder = cache.made("python", &name, async |to| install(&interpreter.executable, to).await).await?;
        }
        let python = folder.join("bin/python");
        let digest = sdk_digest();
        let sdk = cache.made("sdk", &format!("python-{}", digest.short()), async |folder| unpack(folder)).await?;
        let mut tools = Tools { python, sdk, stdlib: PathBuf::new() };
        let name = format!("componentize-py-{COMPONENTIZE}-{}", digest.short());
        let compiled = cache.made("stdlib", &name, async |folder| tools.compile_stdlib(folder).await).await?;
        tools.stdlib = compiled.join("stdlib.bundle");
        Ok(tools)
    }

    /// What pip is told on this machine.
    pub async fn pip_settings(&self) -> anyhow::Result<PipSettings> {
        PipSettings::read(&self.python).await
    }

    /// pip, as it resolves for the guest (`pip_for_guest.py`). None of its settings are known to it.
    pub fn pip_for_guest(&self, job: &Path) -> Command {
        let mut command = self.isolated(with_network(&self.python));
        command.arg(self.sdk.join("pip_for_guest.py")).arg(job);
        command
    }

    /// pip as it is. None of its settings are known to it.
    pub fn pip(&self) -> Command {
        let mut command = self.isolated(with_network(&self.python));
        command.args(["-m", "pip"]);
        command
    }

    /// pip, as it runs builds of packages. `home` is an empty folder.
    pub fn pip_that_builds(&self, home: &Path) -> Command {
        let mut command = self.isolated(that_builds(&self.python, home));
        command.args(["-m", "pip"]);
        command
    }

    /// The same, in the environment at `env`.
    pub fn pip_that_builds_in(&self, env: &Path, home: &Path) -> Command {
        let mut command = self.pip_that_builds(home);
        command.arg("--python").arg(env.join("bin/python"));
        command
    }

    /// What makes an environment without pip.
    pub fn venv(&self, home: &Path) -> Command {
        let mut command = self.isolated(that_builds(&self.python, home));
        command.args(["-m", "venv", "--without-pip"]);
        command
    }

    /// `wheel.py`.
    pub fn wheel(&self, what: &str) -> Command {
        let mut command = self.isolated(with_network(&self.python));
        command.arg(self.sdk.join("wheel.py")).arg(what);
        command
    }

    /// componentize-py for `world` and the entry module `entry`, with these folders in the guest: `/0`, `/1` (the SDK), `/2`, `/3`.
    pub fn componentize(&self, world: World, entry: &str, folders: [&Path; 3], empty: &Path, to: &Path) -> Command {
        let mut command = self.isolated(alone(&self.python, empty));
        // It finds the guest's packages by asking a Python on the PATH, unless there is none.
        command
            .args(["-c", "import sys; from componentize_py import script; sys.argv[0] = 'componentize-py'; script()"]);
        command.arg("-d").arg(self.sdk.join("wit")).args(["-w", world.name(), "componentize", entry]);
        let [app, packages, own] = folders;
        for folder in [app, &self.sdk.join("package"), packages, own] {
            command.arg("-p").arg(folder);
        }
        command.arg("-o").arg(to).current_dir(own);
        command
    }

    /// Neither `PYTHONPATH` nor the user's own packages count.
    fn isolated(&self, mut command: Command) -> Command {
        command.arg("-I");
        command
    }

    /// Writes the headers in `found` to `folder`, below `include`, with the configuration of the guest's Python: it says so
    /// itself (`sysconfig`).
    pub async fn headers(&self, found: &Path, folder: &Path) -> anyhow::Result<()> {
        let entry = "import glob\n\nfor file in glob.glob(\"/python/_sysconfigdata*.py\"):\n    \
                     open(\"/3/guest.py\", \"w\").write(open(file).read())\n\n\n\
                     class IncomingHandler:\n    def handle(self, request, response_out):\n        pass\n\n\n\
                     class Lifecycle:\n    def health(self):\n        pass\n";
        let (empty, own) = (folder.join("empty"), folder.join("own"));
        fs::create_dir(&empty).and_then(|()| fs::create_dir(&own))?;
        fs::write(own.join("guesthouse_configuration.py"), entry)?;
        let to = own.join("made.wasm");
        let mut componentize =
            self.componentize(World::App, "guesthouse_configuration", [&empty, &empty, &own], &empty, &to);
        let ended = output(&mut componentize).await;
        let ended = ended.context("cannot start componentize-py")?;
        let guest = own.join("guest.py");
        if !guest.is_file() {
            let said = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
            bail!("the guest's Python does not say how it was built: {said}");
        }
        let mut write = self.wheel("headers");
        let written =
            output(write.arg(found).arg(&guest).arg(folder.join("include"))).await.context("cannot start Python")?;
        if !written.status.success() {
            bail!("CPython's headers cannot be read: {}", String::from_utf8_lossy(&written.stderr).trim());
        }
        fs::remove_dir_all(own)?;
        fs::remove_dir(empty)?;
        Ok(())
    }

    async fn compile_stdlib(&self, folder: &Path) -> anyhow::Result<()> {
        let begun = Instant::now();
        say(format_args!("  first use: compiling the guest's standard library, once…"));
        let entry = "from guesthouse.stdlib import write\nwrite(\"/3/stdlib.bundle\")\n\n\n\
                     class IncomingHandler:\n    def handle(self, request, response_out):\n        pass\n\n\n\
                     class Lifecycle:\n    def health(self):\n        pass\n";
        let (empty, own) = (folder.join("empty"), folder.join("own"));
        fs::create_dir(&empty).and_then(|()| fs::create_dir(&own))?;
        fs::write(own.join("guesthouse_stdlib.py"), entry)?;
        let made = own.join("stdlib.bundle");
        let to = own.join("made.wasm");
        let mut componentize = self.componentize(World::App, "guesthouse_stdlib", [&empty, &empty, &own], &empty, &to);
        let ended = output(&mut componentize).await;
        let ended = ended.context("cannot start componentize-py")?;
        if !made.is_file() {
            bail!("the guest's standard library cannot be compiled: {}", String::from_utf8_lossy(&ended.stderr).trim());
        }
        fs::rename(&made, folder.join("stdlib.bundle"))?;
        fs::remove_dir_all(own)?;
        fs::remove_dir(empty)?;
        say(format_args!("  compiled in {}", seconds(begun.elapsed())));
        Ok(())
    }
}

/// Makes an environment at `folder` with the pinned tools in it. It is moved afterwards: only its `bin/python` is called.
async fn install(python: &Path, folder: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    say(format_args!("  first use: installing componentize-py {COMPONENTIZE} and pip {PIP} (50 MB, once)…"));
    let mut make = with_network(python);
    let made = output(make.args(["-I", "-m", "venv"]).arg(folder)).await.context("cannot start Python")?;
    if !made.status.success() {
        let said = [made.stdout, made.stderr].concat();
        bail!(
            "`{} -m venv` failed (Debian: apt-get install python3-venv): {}",
            python.display(),
            String::from_utf8_lossy(&said).trim()
        );
    }
    let (python, list) = (folder.join("bin/python"), folder.join("tools.txt"));
    fs::write(&list, PINNED).context("cannot write to the cache")?;
    let mut pip = with_network(&python);
    pip.args(["-I", "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"]);
    pip.args(["--only-binary", ":all:", "--require-hashes", "-r"]).arg(&list);
    PipSettings::read(&python).await?.look(&mut pip);
    let done = output(&mut pip).await.context("cannot start pip")?;
    if !done.status.success() {
        bail!(
            "the tools cannot be installed, which needs the network once: {}",
            String::from_utf8_lossy(&done.stderr).trim()
        );
    }
    say(format_args!("  installed in {}", seconds(begun.elapsed())));
    Ok(())
}

fn unpack(folder: &Path) -> anyhow::Result<()> {
    for (dir, name) in [(&PACKAGE, "package/guesthouse"), (&WIT, "wit")] {
        for (path, content) in files(dir) {
            let path = folder.join(name).join(path);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(path, content)?;
        }
    }
    fs::write(folder.join("pip_for_guest.py"), PIP_FOR_GUEST)?;
    fs::write(folder.join("wheel.py"), WHEEL)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_is_in_the_binary_and_only_its_source() {
        let home = tempfile::tempdir().unwrap();
        unpack(home.path()).unwrap();
        for file in ["package/guesthouse/entry.py", "package/guesthouse/bundle/store.py", "wit/world.wit"] {
            assert!(home.path().join(file).is_file(), "{file}");
        }
        let http = home.path().join("wit/deps/http");
        assert!(http.read_dir().unwrap().count() > 0, "what the world includes is there too");
        assert!(!home.path().join("package/guesthouse/__pycache__").exists());
        assert!(versions().starts_with("componentize-py 0.25.1, pip "));
    }

    #[test]
    fn each_tool_is_pinned_by_the_hashes_of_its_files() {
        for pin in [format!("pip=={PIP} \\\n"), format!("componentize-py=={COMPONENTIZE} \\\n")] {
            let (_, rest) = PINNED.split_once(&pin).unwrap_or_else(|| panic!("no `{pin}`"));
            assert!(rest.starts_with("    --hash=sha256:"), "{rest}");
        }
        assert_eq!(PINNED.matches("==").count(), 2);
    }
}
