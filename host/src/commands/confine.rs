//! What the compile child takes from itself before it looks at a component: it is attacker-controlled work.

use std::fs;
use std::path::Path;

use landlock::ABI;
use landlock::Access as _;
use landlock::AccessFs;
use landlock::AccessNet;
use landlock::BitFlags;
use landlock::Ruleset;
use landlock::RulesetAttr as _;
use landlock::RulesetCreatedAttr as _;
use landlock::RulesetError;
use landlock::Scope;
use landlock::path_beneath_rules;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::Signal;

use crate::cli::flags::CompileFlags;

/// What is asked of the kernel. An older one does what it knows of it.
const LANDLOCK: ABI = ABI::V6;

/// Limits this process to what `flags` say. It must have one thread.
pub fn confine(flags: &CompileFlags) -> Result<(), String> {
    bound(flags).map_err(|error| error.to_string())?;
    let mut reads: Vec<_> = vec![flags.input.as_path()];
    reads.extend(flags.shared.iter().chain(&flags.earlier).map(|path| path.as_path()));
    // Its folder, and nobody else's, for it is a draft's own.
    let writes = flags.output.parent().unwrap_or(Path::new("."));
    shut_in(&reads, writes).map_err(|error| error.to_string())
}

fn bound(flags: &CompileFlags) -> rustix::io::Result<()> {
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

/// From now on nothing but these files can be opened, nothing but this folder written to, no port be used, and no other
/// process be reached (landlock(7)), whatever a component makes of the compiler. A kernel without Landlock, or one that
/// has it switched off, leaves it at the limits.
fn shut_in(reads: &[&Path], writes: &Path) -> Result<(), RulesetError> {
    let file = AccessFs::from_file(LANDLOCK);
    let made: BitFlags<AccessFs> = AccessFs::MakeReg | AccessFs::RemoveFile | AccessFs::WriteFile | AccessFs::Truncate;
    Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .add_rules(path_beneath_rules(reads, file & AccessFs::ReadFile))?
        .add_rules(path_beneath_rules([writes], made))?
        .restrict_self()?;
    Ok(())
}
