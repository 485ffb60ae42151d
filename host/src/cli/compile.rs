//! `guesthouse compile`: the child process in which the drop street has a component compiled.
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

use guesthouse_sandbox::compile::compile;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::Signal;

use crate::cli::flags::CompileFlags;
use crate::deploy::settings::COMPILE_TROUBLE;
use crate::deploy::unwritable::unwritable;

/// Why there is no artefact.
enum Failure {
    /// It cannot be compiled: trying again is of no use.
    Component(String),
    /// We cannot: trying again may help.
    Trouble(String),
}

/// Does what `flags` say, or gives the reason in one line on stderr: the drop street tells it to the author.
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
    let confined = confine(flags).map_err(|error| format!("cannot set the compiler's limits: {error}"));
    let read = || fs::read(&flags.input).map_err(|error| format!("cannot read `{}`: {error}", flags.input.display()));
    let bytes = confined.and_then(|()| read()).map_err(Failure::Trouble)?;
    let artefact = compile(&bytes, flags.target).map_err(Failure::Component)?;
    // Its name differs each time; its folder, and so the sentence, does not.
    let folder = flags.output.parent().unwrap_or(Path::new("."));
    write(&artefact, &flags.output).map_err(|error| Failure::Trouble(unwritable(folder, &error)))
}

fn confine(flags: &CompileFlags) -> rustix::io::Result<()> {
    // A host that is killed must not leave compilers behind. The kernel counts the *thread* that started us as the parent.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    be_the_first_to_go();
    limit(Resource::Core, 0, 0)?;
    limit(Resource::As, flags.memory_bytes_max, flags.memory_bytes_max)?;
    // At the soft limit comes SIGXCPU, which says what happened; at the hard one SIGKILL, before it if they are the same.
    limit(Resource::Cpu, flags.cpu_seconds_max, flags.cpu_seconds_max.saturating_add(2))?;
    rustix::process::nice(10)?;
    Ok(())
}

/// When memory runs out for the machine or the control group, the kernel ends this process rather than the host or another
/// service (proc_pid_oom_score_adj(5)). Anybody may say so of himself. Where it cannot be said, the kernel decides by size.
fn be_the_first_to_go() {
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
}

/// Lowers the soft and the hard limit; one that is already lower stays.
fn limit(resource: Resource, soft: u64, hard: u64) -> rustix::io::Result<()> {
    let ceiling = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let (current, maximum) = (Some(soft.min(ceiling)), Some(hard.min(ceiling)));
    rustix::process::setrlimit(resource, Rlimit { current, maximum })
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
