//! The packages that an app needs, installed for the guest into the cache: exactly those files that were resolved, once for
//! each list of requirements.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use anyhow::Context as _;
use anyhow::bail;
use guesthouse_types::name::Digest;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::cache::tools::Cache;
use crate::progress::say;
use crate::progress::seconds;
use crate::python::index::native;
use crate::python::index::raised;
use crate::python::index::resolve::Chosen;
use crate::python::index::resolve::Source;
use crate::python::index::resolve::is_unreached;
use crate::python::index::resolve::read;
use crate::python::index::resolve::why;
use crate::python::needs::requirements::Requirements;
use crate::python::toolchain::pip::PipSettings;
use crate::python::toolchain::pip::fingerprint;
use crate::python::toolchain::tools::Tools;
use crate::python::toolchain::tools::resolver;
use crate::python::wheels::about;
use crate::python::wheels::kept;
use crate::python::wheels::left_out;
use crate::python::wheels::make::Wheel;
use crate::python::wheels::make::wheel;
use crate::python::wheels::native::recipe::recipe_digest;
use crate::python::wheels::plain::without_compilers;
use crate::python::wheels::shop::Workshop;
use crate::python::wheels::stand_in;
use crate::python::wheels::switches;
use crate::run::output;

/// What was resolved counts for so long. Then it is asked again what there is, unless versions and hashes are fixed.
const RESOLVED_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Where packages lie in an entry of the cache.
const SITE: &str = "site";
const CHOSEN: &str = "chosen.json";

/// `tzdata` for whoever wants a hash of each package: the one that we know.
const TZDATA: &str = "tzdata==2026.4 --hash=sha256:c2169a8b0a7a5e9674da5a135ccdfb2b3e671b333ed9fed17b41f73c34476e81";

/// Installed packages.
#[derive(Debug)]
pub struct Packages {
    /// The folder that they lie in.
    pub site: PathBuf,
    chosen: Vec<Chosen>,
}

impl Packages {
    /// The same for the same files, whenever they were resolved.
    pub fn digest(&self) -> Digest {
        let line = |one: &Chosen| {
            let Chosen { name, version, url, revision, sha256, source, .. } = one;
            // A file is the same wherever it comes from.
            let what = if sha256.is_empty() { format!("{url} {revision}") } else { sha256.clone() };
            let how = match source {
                Source::Compiled => format!("compiled {}", recipe_digest()),
                Source::LeftOut => "left out".to_owned(),
                Source::StoodIn => "stood in".to_owned(),
                Source::Pure | Source::Wasi | Source::Build | Source::Native => String::new(),
            };
            format!("{name} {version} {what} {how}\n")
        };
        Digest::of(self.chosen.iter().map(line).collect::<String>().as_bytes())
    }

    /// Says which ones there are, and what the author should know of some of them. `when` is `in 2.1 s`, or `as before`:
    /// what was installed for an earlier build is explained again, since that may have been somebody else's.
    pub fn tell(&self, when: &str) {
        self.notes().iter().for_each(|note| say(format_args!("  {note}")));
        if let Some(told) = self.told() {
            say(format_args!("  dependencies {when}: {told}"));
        }
    }

    fn notes(&self) -> Vec<String> {
        let left_out = |one: &Chosen| {
            let why = left_out::why(&one.name)?;
            Some(format!("left out `{}` {}: {why}", one.name, one.version))
        };
        let note = |one: &Chosen| match one.source {
            Source::LeftOut => left_out(one),
            Source::StoodIn => Some(stand_in::note(one)),
            Source::Pure | Source::Wasi | Source::Build | Source::Compiled | Source::Native => raised::note(one),
        };
        self.chosen.iter().filter_map(note).collect()
    }

    /// `flask 3.1.3, markupsafe 3.0.4 (from its source)`; nothing, if there are none.
    fn told(&self) -> Option<String> {
        let told = |one: &Chosen| {
            let how = match one.source {
                Source::Pure | Source::Native => "",
                Source::Wasi => " (for WASI)",
                Source::Build => " (from its source)",
                Source::Compiled => " (compiled for the guest)",
                Source::LeftOut => " (left out)",
                Source::StoodIn => " (stood in)",
            };
            format!("{} {}{how}", one.name, one.version)
        };
        (!self.chosen.is_empty()).then(|| self.chosen.iter().map(told).collect::<Vec<_>>().join(", "))
    }

    /// All of them.
    pub fn chosen(&self) -> &[Chosen] {
        &self.chosen
    }

    fn of(folder: &Path) -> anyhow::Result<Packages> {
        let chosen = fs::read(folder.join(CHOSEN)).context("cannot read what was chosen")?;
        let chosen = serde_json::from_slice(&chosen).context("cannot read what was chosen")?;
        Ok(Packages { site: folder.join(SITE), chosen })
    }
}

/// Those that are there already.
pub fn known(cache: &Cache, requirements: &Requirements) -> Option<Packages> {
    Packages::of(&cache.there("deps", &entry(cache, requirements, SystemTime::now()).name)?).ok()
}

/// Installs what the source in `folder` requires, unless that was done before. Where no index answers, what was resolved
/// before that is taken.
pub async fn install(
    cache: &Cache,
    tools: &Tools,
    folder: &Path,
    requirements: &Requirements,
) -> anyhow::Result<Packages> {
    let begun = Instant::now();
    let Entry { key, name, outdated } = entry(cache, requirements, SystemTime::now());
    if !requirements.is_empty() {
        say(format_args!("  resolving {} for Python 3.14 in WebAssembly…", requirements.origin));
    }
    let installed = cache.made("deps", &name, async |draft| make(cache, tools, folder, requirements, draft).await);
    let packages = match installed.await {
        Ok(installed) => Packages::of(&installed)?,
        Err(error) => {
            let is_unreached = error.downcast_ref::<Unreached>().is_some();
            let Some(before) = cache.newest("deps", &key).filter(|_| is_unreached) else { return Err(error) };
            say(format_args!("  warning: {error}: the packages stay as they were resolved before"));
            Packages::of(&before)?
        }
    };
    cache.forget("deps", &outdated);
    packages.tell(&seconds(begun.elapsed()));
    Ok(packages)
}

/// Where packages are kept.
struct Entry {
    /// What it is called without its age.
    key: String,
    /// What it is called.
    name: String,
    /// What no build reads any more.
    outdated: Vec<String>,
}

/// The same for the same requirements, tools and indexes. What an index has newer counts after [`RESOLVED_FOR`].
fn entry(cache: &Cache, requirements: &Requirements, now: SystemTime) -> Entry {
    let places =
        if requirements.is_empty() { String::new() } else { format!("{}{}", fingerprint(), kept::asked(cache)) };
    let rules = format!("{:?}{}{}", left_out::names(), stand_in::text(), raised::text());
    let made = format!("{}{}{rules}", recipe_digest(), switches::text());
    let all = format!("{}\n{made}\n{}\n{places}", resolver(), requirements.text);
    let key = format!("{}-", Digest::of(all.as_bytes()).short());
    let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let turn = since_1970.as_secs() / RESOLVED_FOR.as_secs();
    if requirements.are_fixed() || requirements.is_empty() {
        return Entry { name: format!("{key}fixed"), key, outdated: Vec::new() };
    }
    // The one before may be read by a build that began a moment ago.
    let outdated = (2..=8).filter_map(|back| Some(format!("{key}{}", turn.checked_sub(back)?))).collect();
    Entry { name: format!("{key}{turn}"), key, outdated }
}

/// No index, or nothing behind an address, answers.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreached(String);

/// An error with all that pip says of it.
fn failed(what: &str, stderr: &[u8]) -> anyhow::Error {
    let stderr = String::from_utf8_lossy(stderr);
    let text = format!("{what}: {}", why(&stderr));
    if is_unreached(&stderr) { Unreached(text).into() } else { anyhow::Error::msg(text) }
}

async fn make(
    cache: &Cache,
    tools: &Tools,
    folder: &Path,
    requirements: &Requirements,
    draft: &Path,
) -> anyhow::Result<()> {
    let (site, files, exact) = (draft.join(SITE), draft.join("files"), draft.join("exact"));
    for path in [&site, &files, &exact] {
        fs::create_dir(path).context("cannot write to the cache")?;
    }
    let mut chosen = Vec::new();
    if !requirements.is_empty() {
        let settings = tools.pip_settings().await?;
        let unwanted = [native::names(), left_out::names()].concat();
        chosen = resolve(tools, &settings, folder, requirements, &unwanted, draft).await?;
        if let Some(lock) = &requirements.lock {
            lock.check(&chosen, &requirements.ours)?;
        }
        leave_out(&mut chosen);
        for one in chosen.iter_mut().filter(|one| one.source == Source::Native && stand_in::is_there(&one.name)) {
            one.source = Source::StoodIn;
        }
        let refused: Vec<String> = chosen.iter().filter_map(is_native).collect();
        if !refused.is_empty() {
            bail!("{}", refuse(&refused));
        }
        let options = places(&files)?;
        let shop = Workshop { tools, cache, settings: &settings, options };
        let mut refused = Vec::new();
        for one in &mut chosen {
            let kept = files.join(&one.kept);
            let made = match one.source {
                Source::LeftOut | Source::StoodIn => continue,
                Source::Pure => {
                    let file = one.kept.file_name().unwrap_or_default();
                    fs::rename(&kept, exact.join(file)).context("cannot write to the cache")?;
                    continue;
                }
                Source::Wasi => {
                    about::plain(tools, &kept, &exact).await?;
                    continue;
                }
                Source::Build | Source::Compiled | Source::Native => {
                    let work = files.join(format!("made-{}", native::normalized(&one.name)));
                    fs::create_dir(&work).context("cannot write to the cache")?;
                    wheel(&shop, one, &kept, &work).await?
                }
            };
            let path = match made {
                Wheel::Plain(path) => path,
                Wheel::Compiled(path) => {
                    one.source = Source::Compiled;
                    path
                }
                Wheel::Refused(_) if stand_in::is_there(&one.name) => {
                    one.source = Source::StoodIn;
                    continue;
                }
                Wheel::Refused(why) => {
                    refused.push(why);
                    continue;
                }
                Wheel::Offline(said) => {
                    return Err(failed(&format!("`{}` {} cannot be built", one.name, one.version), &said));
                }
            };
            fs::copy(&path, exact.join(path.file_name().unwrap_or_default())).context("cannot write to the cache")?;
        }
        if !refused.is_empty() {
            bail!("{}", refuse(&refused));
        }
        install_exactly(tools, &chosen, &exact, &site).await?;
        for one in chosen.iter().filter(|one| one.source == Source::StoodIn) {
            stand_in::put(one, &site)?;
        }
    }
    // Programs for a terminal.
    let _ = fs::remove_dir_all(site.join("bin"));
    for entry in fs::read_dir(draft)?.flatten().map(|entry| entry.path()).filter(|path| *path != site) {
        let removed = if entry.is_dir() { fs::remove_dir_all(&entry) } else { fs::remove_file(&entry) };
        removed.context("cannot write to the cache")?;
    }
    fs::write(draft.join(CHOSEN), serde_json::to_vec_pretty(&chosen)?).context("cannot write to the cache")
}

/// Marks what a guest does without.
fn leave_out(chosen: &mut [Chosen]) {
    chosen.iter_mut().filter(|one| left_out::why(&one.name).is_some()).for_each(|one| one.source = Source::LeftOut);
}

/// Asks pip which packages belong together, as if each could be had, and has it fetch them: a wheel, or the source where no
/// guest could load it; for the `unwanted` ones, nothing.
pub async fn resolve(
    tools: &Tools,
    settings: &PipSettings,
    folder: &Path,
    wanted: &Requirements,
    unwanted: &[&str],
    draft: &Path,
) -> anyhow::Result<Vec<Chosen>> {
    let write = |name: &str, text: &str| {
        let path = draft.join(name);
        fs::write(&path, text).context("cannot write to the cache").map(|()| path)
    };
    let (files, report) = (draft.join("files"), draft.join("report.json"));
    let hashes = wanted.lock.as_ref().map_or_else(BTreeMap::new, |lock| lock.hashes());
    let raised = if wanted.have_hashes() || wanted.lock.is_some() { json!({}) } else { raised::job() };
    let job = json!({"files": files, "hashes": hashes, "native": unwanted, "raised": raised});
    let job = write("job.json", &job.to_string())?;
    let mut pip = without_compilers(tools.pip_for_guest(&job));
    pip.args(["install", "--dry-run", "--ignore-installed", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.arg("--report").arg(&report).current_dir(folder).args(&wanted.options);
    settings.choose(&mut pip);
    pip.envs(wanted.environment.iter().map(|(name, value)| (name, value)));
    if let Some(text) = &wanted.flat {
        pip.arg("-r").arg(write("requirements.txt", text)?);
    } else {
        wanted.files.iter().for_each(|file| {
            pip.args(["-r", file]);
        });
    }
    if let Some(lock) = &wanted.lock {
        pip.arg("-c").arg(write("lock.txt", &lock.lines().join("\n"))?);
    }
    let ours = if wanted.have_hashes() { TZDATA.to_owned() } else { wanted.ours.join("\n") };
    if !wanted.ours.is_empty() {
        pip.arg("-r").arg(write("ours.txt", &ours)?);
    }
    pip.args(&wanted.lines);
    let done = output(&mut pip).await.context("cannot start pip")?;
    if !done.status.success() {
        let origin = if wanted.origin.is_empty() { "what the app needs" } else { &wanted.origin };
        return Err(failed(&format!("{origin} cannot be resolved"), &done.stderr));
    }
    let mut chosen = read(&fs::read(report).context("pip wrote no report")?, &files)?;
    raised::mark(&files, &mut chosen);
    Ok(chosen)
}

/// Installs the wheels in `exact`, one of each package and each by its hash. Nothing is asked of any index.
async fn install_exactly(tools: &Tools, chosen: &[Chosen], exact: &Path, site: &Path) -> anyhow::Result<()> {
    let mut lines = String::new();
    for wheel in fs::read_dir(exact)?.flatten().map(|entry| entry.path()) {
        let file = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // `name-version-…` (PEP 427).
        let mut parts = file.split('-');
        let (Some(name), Some(version)) = (parts.next(), parts.next()) else { bail!("`{file}` is no wheel") };
        lines.push_str(&format!("{name}=={version} --hash=sha256:{}\n", Digest::of(&fs::read(&wheel)?)));
    }
    let is_installed = |one: &&Chosen| !matches!(one.source, Source::LeftOut | Source::StoodIn);
    let expected = chosen.iter().filter(is_installed).count();
    if lines.lines().count() != expected {
        bail!("of {expected} packages there are {} wheels: two of them have the same name", lines.lines().count());
    }
    if lines.is_empty() {
        return Ok(());
    }
    let list = exact.join("exact.txt");
    fs::write(&list, lines).context("cannot write to the cache")?;
    let mut pip = without_compilers(tools.pip());
    pip.args(["install", "--no-deps", "--no-compile", "--quiet", "--no-input", "--disable-pip-version-check"]);
    pip.args(["--python-version", "3.14", "--platform", "any", "--only-binary", ":all:", "--ignore-requires-python"]);
    pip.args(["--no-index", "--require-hashes", "--find-links"]).arg(exact).arg("-r").arg(list);
    pip.arg("--target").arg(site);
    let done = output(&mut pip).await.context("cannot start pip")?;
    if !done.status.success() {
        bail!("the packages cannot be installed: {}", why(&String::from_utf8_lossy(&done.stderr)));
    }
    Ok(())
}

/// Where pip has looked, as options of pip, with passwords. `files` is the folder that it wrote to.
pub fn places(files: &Path) -> anyhow::Result<Vec<String>> {
    Ok(Places::read(files)?.options().into_iter().map(str::to_owned).collect())
}

/// Where pip has looked, with passwords.
#[derive(Deserialize)]
struct Places {
    index_urls: Vec<String>,
    find_links: Vec<String>,
    trusted_hosts: Vec<String>,
}

impl Places {
    fn read(files: &Path) -> anyhow::Result<Places> {
        let text = fs::read(files.join("indexes.json")).context("pip does not say where it looked")?;
        serde_json::from_slice(&text).context("pip does not say where it looked")
    }

    /// What a package is built with comes from where the app's packages come from.
    fn options(&self) -> Vec<&str> {
        let Places { index_urls, find_links, trusted_hosts } = self;
        let mut options = Vec::new();
        match index_urls.split_first() {
            Some((first, others)) => {
                options.extend(["--index-url", first]);
                others.iter().for_each(|other| options.extend(["--extra-index-url", other]));
            }
            None => options.push("--no-index"),
        }
        find_links.iter().for_each(|place| options.extend(["--find-links", place]));
        trusted_hosts.iter().for_each(|host| options.extend(["--trusted-host", host]));
        options
    }
}

/// What stands in the way of a package that nobody tries to build.
fn is_native(one: &Chosen) -> Option<String> {
    let Chosen { name, version, source, needed_by, .. } = one;
    match source {
        Source::Pure | Source::Wasi | Source::LeftOut | Source::StoodIn | Source::Compiled | Source::Build => None,
        Source::Native => Some(native::refusal(name, version, needed_by, "its source is not to be had")),
    }
}

fn refuse(refused: &[String]) -> String {
    format!(
        "{} (to override the list, set `requirements = [\"…\"]` under `[build]` in guesthouse.toml)",
        refused.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, source: Source) -> Chosen {
        Chosen {
            name: name.to_owned(),
            version: "2.0".to_owned(),
            source,
            needed_by: vec!["pydantic".to_owned()],
            url: "https://x/file".to_owned(),
            revision: String::new(),
            sha256: "aa".to_owned(),
            kept: PathBuf::new(),
            raised_from: None,
        }
    }

    #[test]
    fn what_needs_native_code_is_refused_by_name() {
        assert_eq!(is_native(&one("pydantic_core", Source::Build)), None);
        let refusal = is_native(&one("rare", Source::Native)).unwrap();
        assert!(refusal.starts_with("`rare` 2.0, needed by pydantic, needs native code"), "{refusal}");
        assert!(refusal.contains("(its source is not to be had)"), "{refusal}");
        assert!(refuse(&[refusal]).contains("`requirements = "));
    }

    #[test]
    fn what_a_guest_does_without_is_left_out() {
        let mut chosen = [one("psycopg2_binary", Source::Native), one("flask", Source::Pure)];
        leave_out(&mut chosen);
        assert_eq!([chosen[0].source, chosen[1].source], [Source::LeftOut, Source::Pure]);
        assert_eq!(is_native(&chosen[0]), None);
    }

    #[test]
    fn what_is_not_as_its_author_asked_is_explained_by_what_was_installed() {
        let raised = Chosen { raised_from: Some("==1.9".to_owned()), ..one("orjson", Source::Compiled) };
        let chosen =
            vec![one("flask", Source::Pure), raised, one("Pillow", Source::StoodIn), one("uvloop", Source::LeftOut)];
        // As the cache gives them to a later build.
        let chosen = serde_json::from_slice(&serde_json::to_vec(&chosen).unwrap()).unwrap();
        let notes = Packages { site: PathBuf::new(), chosen }.notes();
        assert_eq!(notes.len(), 3, "{notes:?}");
        assert!(notes[0].starts_with("warning: `orjson==1.9` cannot run on Python 3.14"), "{notes:?}");
        assert!(notes[1].starts_with("warning: `Pillow` 2.0 is not in the guest"), "{notes:?}");
        assert_eq!(notes[2], "left out `uvloop` 2.0: the host is the server, and a guest's loop is asyncio's");
    }

    #[test]
    fn what_was_resolved_has_an_age_and_what_is_fixed_has_none() {
        let at = |weeks: u64| SystemTime::UNIX_EPOCH + RESOLVED_FOR * u32::try_from(weeks).unwrap();
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path().to_owned());
        let named = |text: &str, now| {
            entry(&cache, &Requirements { text: text.to_owned(), ..Requirements::default() }, now).name
        };
        let (first, day) = (named("flask\n", at(3000)), Duration::from_secs(24 * 60 * 60));
        assert_eq!(named("flask\n", at(3000) + day), first);
        assert_ne!(named("flask\n", at(3001)), first);
        assert_ne!(named("flask>=3\n", at(3000)), first);
        assert_eq!(first.rsplit_once('-').unwrap().1, "3000");
        let fixed = "flask==3 --hash=sha256:1\n";
        assert_eq!(named(fixed, at(3000)), named(fixed, at(3001)));
    }

    #[test]
    fn the_same_files_are_the_same_packages() {
        let with = |chosen: Vec<Chosen>| Packages { site: PathBuf::new(), chosen }.digest();
        let (here, mut there, mut other) = (one("x", Source::Pure), one("x", Source::Pure), one("x", Source::Pure));
        there.url = "https://mirror/file".to_owned();
        other.sha256 = "bb".to_owned();
        assert_eq!(with(vec![here.clone()]), with(vec![there]));
        assert_ne!(with(vec![here]), with(vec![other]));
    }

    #[test]
    fn what_builds_a_package_comes_from_where_packages_come_from() {
        let places = |index_urls: &[&str]| Places {
            index_urls: index_urls.iter().map(|url| (*url).to_owned()).collect(),
            find_links: vec!["/w".to_owned()],
            trusted_hosts: Vec::new(),
        };
        assert_eq!(places(&[]).options(), ["--no-index", "--find-links", "/w"]);
        assert_eq!(places(&["A", "B"]).options(), ["--index-url", "A", "--extra-index-url", "B", "--find-links", "/w"]);
    }
}
