//! The defaults. Where a number comes from is said beside it; `docs/reference.md` lists them all.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use guesthouse_app::routes::Origins;
use guesthouse_deploy::settings::CompileSettings;
use guesthouse_deploy::settings::DeploySettings;
use guesthouse_deploy::settings::WatchMode;
use guesthouse_manifest::policy::Policy;
use guesthouse_sandbox::capability::CapabilityHostSettings;
use guesthouse_sandbox::engine::SandboxSettings;

use crate::config::memory;
use crate::telemetry::batch;

/// The deploy path's.
pub fn deploy(apps: PathBuf, state: PathBuf, origins: Origins) -> DeploySettings {
    DeploySettings {
        apps,
        state,
        functions: None,
        roots: Vec::new(),
        watch: WatchMode::Auto,
        settle: Duration::from_millis(500),
        rescan: Duration::from_secs(30),
        removal_grace: Duration::from_secs(2),
        // Interpreters such as Python make components of 20 to 50 MB.
        component_bytes_max: 128 << 20,
        store_bytes_max: 4 << 30,
        // 64 MiB of pieces; fewer where descriptors are few.
        files_max: 1024,
        upload_bytes_max: 1 << 30,
        response_bytes_max: 1 << 30,
        compile: compile(),
        policy: Policy::default(),
        secrets: None,
        origins,
        log_lines_dropped: batch::dropped,
        sources: BTreeMap::new(),
        variables: BTreeMap::new(),
    }
}

fn compile() -> CompileSettings {
    let threads = available_parallelism().map_or(1, usize::from);
    CompileSettings {
        program: own_program(),
        deadline: Duration::from_secs(120),
        memory_bytes_max: compile_memory(memory::available()),
        // One compilation uses several threads itself; the other half of the machine goes on serving.
        at_once: (threads / 2).max(1),
    }
}

/// Address space of one compilation, where so much memory is available: what the guests leave (see [`sandbox`]), and at
/// least what an ordinary component takes with the threads' stacks and arenas.
fn compile_memory(available: u64) -> u64 {
    const MOST: u64 = 4 << 30;
    const LEAST: u64 = 1 << 30;
    (available / 2).clamp(LEAST, MOST).min(available)
}

/// The very program that runs now, even if its file has been replaced meanwhile: another version's artefacts would not fit.
fn own_program() -> PathBuf {
    let link = PathBuf::from("/proc/self/exe");
    if link.exists() { link } else { std::env::current_exe().unwrap_or_else(|_| PathBuf::from("guesthouse")) }
}

/// The sandbox's, which must be ready for an app with `app_bytes_max` of memory.
pub fn sandbox(app_bytes_max: u64) -> SandboxSettings {
    let memory_total_bytes_max = memory::available() / 2;
    SandboxSettings {
        memory_total_bytes_max,
        memory_bytes_max: memory_total_bytes_max.min(app_bytes_max),
        instances_max: 512,
        capabilities: CapabilityHostSettings::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compilation_has_what_the_guests_leave() {
        for (available, expected) in
            [(512, 512), (1024, 1024), (2048, 1024), (4096, 2048), (8192, 4096), (1 << 20, 4096)]
        {
            assert_eq!(compile_memory(available << 20), expected << 20, "{available} MiB");
        }
    }
}
