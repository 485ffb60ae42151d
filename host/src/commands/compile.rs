//! `guesthouse compile`: the child process in which the deploy path has a component compiled.
//!
//! Compiling is work that an attacker may shape, and it cannot be cancelled: so it happens here, within bounds that the
//! kernel enforces. There is no runtime and no log; one line on stderr says why it failed. The exit code says whose fault
//! it is: 1 is the component's, and 3 is not, so that it is worth trying again.

use std::fs;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use guesthouse_deploy::settings::COMPILE_TROUBLE;
use guesthouse_deploy::state_dir::unwritable::unwritable;
use guesthouse_sandbox::engine::compile::compile;
use guesthouse_sandbox::engine::compile::compile_runtime;
use guesthouse_sandbox::engine::functions::Functions;
use guesthouse_sandbox::engine::functions::Pack;

use crate::cli::flags::CompileFlags;
use crate::commands::confine::confine;

/// Why there is no artefact.
enum Failure {
    /// It cannot be compiled: trying again is of no use.
    Component(String),
    /// We cannot: trying again may help.
    Trouble(String),
}

/// Does what `flags` say, or gives the reason in one line on stderr: the deploy path tells it to the author.
pub fn run(flags: &CompileFlags) -> ExitCode {
    match compile_confined(flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Component(why)) => fail(&why, ExitCode::FAILURE),
        Err(Failure::Trouble(why)) => fail(&why, ExitCode::from(COMPILE_TROUBLE)),
    }
}

fn fail(why: &str, code: ExitCode) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{}", why.replace('\n', " "));
    code
}

fn compile_confined(flags: &CompileFlags) -> Result<(), Failure> {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.to_string().replace('\n', " ");
        // Nobody may be reading any more.
        let _ = writeln!(std::io::stderr(), "the compiler panicked: {message}");
    }));
    confine(flags).map_err(|error| Failure::Trouble(format!("cannot set the compiler's limits: {error}")))?;
    let bytes = read(&flags.input)?;
    if flags.runtime {
        let pack = compile_runtime(&bytes, flags.target).map_err(Failure::Component)?;
        return put(&pack, &flags.output);
    }
    if flags.later.is_none() && flags.shared.is_empty() {
        return put(&compile(&bytes, flags.target, None).map_err(Failure::Component)?, &flags.output);
    }
    let shared = flags.shared.iter().map(|path| pack(path)).collect::<Result<Vec<_>, _>>()?;
    let earlier = flags.earlier.as_deref().map(pack).transpose()?;
    let functions = Arc::new(Functions::new(shared, earlier));
    let artefact = compile(&bytes, flags.target, Some(&functions)).map_err(Failure::Component)?;
    put(&artefact, &flags.output)?;
    if let Some(later) = &flags.later {
        put(&functions.pack(), later)?;
    }
    let _ = writeln!(std::io::stderr(), "{}", functions.tally());
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::Trouble(format!("cannot read `{}`: {error}", path.display())))
}

fn pack(path: &Path) -> Result<Pack, Failure> {
    let broken = |error| Failure::Trouble(format!("cannot use `{}`: {error}", path.display()));
    Pack::parse(read(path)?).map_err(broken)
}

fn put(bytes: &[u8], path: &Path) -> Result<(), Failure> {
    // Its name differs each time, and that of its folder; where they lie, and so the sentence, does not.
    let folder = path.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    write(bytes, path).map_err(|error| Failure::Trouble(unwritable(folder, &error)))
}

/// The artefact is trusted machine code once it has its name: it gets it whole, and on the disk, or not at all.
fn write(artefact: &[u8], output: &Path) -> std::io::Result<()> {
    let mut unfinished = output.as_os_str().to_owned();
    unfinished.push(".tmp");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(artefact)?;
    file.sync_data()?;
    fs::rename(&unfinished, output)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn an_artefact_is_private_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("artefact");
        write(b"code", &output).unwrap();
        assert_eq!(fs::read(&output).unwrap(), b"code");
        assert_eq!(fs::metadata(&output).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
