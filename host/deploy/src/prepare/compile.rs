//! Compiles a component in a child process: attacker-controlled work that cannot be cancelled otherwise.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use guesthouse_sandbox::engine::functions::Tally;
use guesthouse_types::units::Span;
use rustix::process::Signal;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::prepare::queue::CompileQueue;
use crate::reason::Failure;
use crate::reason::ReasonCode;
use crate::settings::COMPILE_TROUBLE;
use crate::settings::CompileSettings;

/// How much of a child's complaint is kept.
const STDERR_BYTES_MAX: u64 = 16 << 10;

/// Starts children, some at once, the smallest component first, and the largest in time.
pub struct Compiler {
    settings: CompileSettings,
    queue: Arc<CompileQueue>,
    /// For runtimes, one at a time: no app waits for what is done ahead of others.
    ahead: Arc<CompileQueue>,
}

/// One compilation.
#[derive(Clone, Copy, Debug)]
pub struct CompileJob<'a> {
    /// For which engine.
    pub target: &'a str,
    /// The component.
    pub input: &'a Path,
    /// Its length.
    pub bytes: u64,
    /// Where the artefact goes. The child can write to no other folder than the one in which it lies.
    pub output: &'a Path,
    /// It is a runtime of ours, and a pack of its functions is wanted.
    pub is_runtime: bool,
}

/// What is known of functions before they are compiled: see `host/deploy/src/prepare/packs.rs`.
#[derive(Clone, Debug, Default)]
pub struct Packed {
    /// Packs that all apps share.
    pub shared: Vec<PathBuf>,
    /// The pack of the app's earlier revisions.
    pub earlier: Option<PathBuf>,
    /// Where the pack for its next one goes, beside the artefact.
    pub later: Option<PathBuf>,
}

/// The child runs behind everybody else: so many times the deadline pass before what it cannot have done by then is
/// given up. What it can do meanwhile is bounded by its CPU time.
const CROWDED: u32 = 5;

impl Compiler {
    /// A compiler within the bounds of `settings`.
    pub fn new(settings: CompileSettings) -> Compiler {
        let queue = CompileQueue::new(settings.at_once.max(1));
        Compiler { settings, queue, ahead: CompileQueue::new(1) }
    }

    /// Compiles what `job` says, with the functions that `packs` finds when its turn has come. Dropping the future kills the
    /// child.
    pub async fn compile(&self, job: &CompileJob<'_>, packs: impl AsyncFnOnce() -> Packed) -> Result<Tally, Failure> {
        let queue = if job.is_runtime { &self.ahead } else { &self.queue };
        let _turn = queue.permit(job.bytes).await;
        let packed = packs().await;
        let deadline = self.settings.deadline.saturating_mul(CROWDED);
        match tokio::time::timeout(deadline, self.child(job, &packed)).await {
            Ok(Ok((status, said))) => judge(status, &said).map(|()| tally(&said)),
            Ok(Err(error)) => {
                let program = self.settings.program.display();
                Err(Failure::retry(ReasonCode::Compiler, format!("cannot start the compiler `{program}`: {error}")))
            }
            Err(_) => Err(Failure::refused(ReasonCode::CompileLimits, overdue(deadline))),
        }
    }

    async fn child(&self, job: &CompileJob<'_>, packed: &Packed) -> io::Result<(ExitStatus, String)> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        let cpu_seconds = self.settings.deadline.as_secs().max(1) * cores;
        let mut command = Command::new(&self.settings.program);
        command
            .arg("compile")
            .args(["--target", job.target])
            .arg("--input")
            .arg(job.input)
            .arg("--output")
            .arg(job.output)
            .args(["--memory-bytes-max", &self.settings.memory_bytes_max.to_string()])
            .args(["--cpu-seconds-max", &cpu_seconds.to_string()]);
        if job.is_runtime {
            command.arg("--runtime");
        }
        for pack in &packed.shared {
            command.arg("--shared").arg(pack);
        }
        for (flag, pack) in [("--earlier", &packed.earlier), ("--later", &packed.later)] {
            if let Some(pack) = pack {
                command.arg(flag).arg(pack);
            }
        }
        let mut child = command
            .env_clear()
            // It cannot look it up, for it can open nothing but what it is given.
            .env("RAYON_NUM_THREADS", cores.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A ctrl-c in the terminal is for the host. A child killed by it would look like a bad component.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let mut stderr = child.stderr.take().expect("stderr is piped");
        let mut complaint = Vec::new();
        (&mut stderr).take(STDERR_BYTES_MAX).read_to_end(&mut complaint).await?;
        // The rest is read as well, or the child would wait for us for ever.
        tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await?;
        let status = child.wait().await?;
        Ok((status, String::from_utf8_lossy(&complaint).trim().to_owned()))
    }
}

/// Where the functions came from, if the child says so.
fn tally(said: &str) -> Tally {
    said.lines().last().and_then(|line| line.parse().ok()).unwrap_or_default()
}

const SPENT: &str = "compiling used up its CPU time: the operator may raise `deadline` in `[deploy.compile]`";

/// A refusal, though the machine's load has a part in it: what is tried again without end is what an attacker wants.
fn overdue(deadline: Duration) -> String {
    let deadline = Span(deadline);
    format!(
        "compiling took longer than {deadline}: if the machine has had more to do than usual, SIGHUP has it tried \
         again; the operator may raise `deadline` in `[deploy.compile]`"
    )
}

fn judge(status: ExitStatus, complaint: &str) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    let last = complaint.lines().last().unwrap_or_default();
    // How an operator ends processes, or a service manager the whole group: nothing was found out about the component.
    let asked = [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT].map(Signal::as_raw);
    match (status.signal(), status.code()) {
        (Some(signal), _) if asked.contains(&signal) => {
            Err(Failure::retry(ReasonCode::Compiler, format!("the compiler was ended by signal {signal}")))
        }
        (Some(signal), _) if signal == Signal::XCPU.as_raw() => Err(Failure::refused(ReasonCode::CompileLimits, SPENT)),
        (Some(signal), _) => Err(Failure::refused(
            ReasonCode::CompileLimits,
            format!(
                "the compiler was killed by signal {signal}, most likely for the memory it used (the operator may raise \
             `memory_max` in `[deploy.compile]`): {last}"
            ),
        )),
        (None, Some(1)) if !complaint.is_empty() => Err(Failure::refused(ReasonCode::Compile, complaint)),
        (None, Some(code)) if code == i32::from(COMPILE_TROUBLE) && !complaint.is_empty() => {
            Err(Failure::retry(ReasonCode::Compiler, complaint))
        }
        (None, code) => {
            Err(Failure::retry(ReasonCode::Compiler, format!("the compiler ended with {code:?}: {complaint}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use tokio::time::Instant;

    use super::*;

    fn job(output: &Path) -> CompileJob<'_> {
        CompileJob { target: "plain", input: Path::new("in.wasm"), bytes: 1, output, is_runtime: false }
    }

    async fn run(script: &str, deadline: Duration) -> (Result<(), Failure>, String) {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("compiler");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let compiler = Compiler::new(CompileSettings { program, deadline, memory_bytes_max: 1 << 30, at_once: 1 });
        let output = folder.path().join("out");
        let result = compiler.compile(&job(&output), async || Packed::default()).await;
        (result.map(|_| ()), fs::read_to_string(output).unwrap_or_default())
    }

    #[tokio::test]
    async fn the_child_is_told_what_to_do() {
        let (result, output) = run("echo \"$1 $2 $3 $4 $5 $6 $8 $9\" > \"$7\"", Duration::from_secs(20)).await;
        assert_eq!(result, Ok(()));
        assert_eq!(output, "compile --target plain --input in.wasm --output --memory-bytes-max 1073741824\n");
        let (result, _) = run("echo 'no good' >&2; exit 1", Duration::from_secs(20)).await;
        assert_eq!(result, Err(Failure::refused(ReasonCode::Compile, "no good")));
    }

    #[tokio::test]
    async fn the_child_is_told_of_packs_and_says_what_it_found_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("compiler");
        let script = "#!/bin/sh\nshift 11; echo \"$*\" > \"$(dirname \"$0\")/told\"\necho 'functions: 7 shared, 2 own, 1 compiled' >&2\n";
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let deadline = Duration::from_secs(20);
        let compiler = Compiler::new(CompileSettings { program, deadline, memory_bytes_max: 1 << 30, at_once: 1 });
        let packs = async || Packed {
            shared: vec!["a.functions".into(), "b.functions".into()],
            earlier: Some("c".into()),
            later: Some("d".into()),
        };
        let made = compiler.compile(&CompileJob { is_runtime: true, ..job(Path::new("out")) }, packs).await;
        assert_eq!(made, Ok(Tally { shared: 7, own: 2, compiled: 1 }));
        let told = fs::read_to_string(folder.path().join("told")).unwrap();
        assert_eq!(told, "--runtime --shared a.functions --shared b.functions --earlier c --later d\n");
    }

    #[tokio::test]
    async fn a_child_that_takes_too_long_is_killed() {
        let start = Instant::now();
        let (result, _) = run("exec sleep 60", Duration::from_millis(60)).await;
        assert_eq!(result, Err(Failure::refused(ReasonCode::CompileLimits, overdue(Duration::from_millis(300)))));
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[tokio::test]
    async fn a_child_that_dies_is_the_components_fault_and_a_missing_one_is_ours() {
        let (result, _) = run("kill -XCPU $$", Duration::from_secs(20)).await;
        assert_eq!(result, Err(Failure::refused(ReasonCode::CompileLimits, SPENT)));
        let (result, _) = run("kill -TERM $$", Duration::from_secs(20)).await;
        assert_eq!(result, Err(Failure::retry(ReasonCode::Compiler, "the compiler was ended by signal 15")));
        let (result, _) = run("echo 'no room' >&2; exit 3", Duration::from_secs(20)).await;
        assert_eq!(result, Err(Failure::retry(ReasonCode::Compiler, "no room")));
        let compiler = Compiler::new(CompileSettings {
            program: "/nowhere/guesthouse".into(),
            deadline: Duration::from_secs(1),
            memory_bytes_max: 1,
            at_once: 1,
        });
        let result = compiler.compile(&job(Path::new("out")), async || Packed::default()).await;
        assert!(matches!(result, Err(Failure::Retry(_))));
    }
}
