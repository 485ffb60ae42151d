//! The kernel, the limits of this process, memory, and whom outgoing TLS would trust.

use std::fs;

use guesthouse_outbound::trust::roots;
use landlock::ABI;
use landlock::Access as _;
use landlock::AccessFs;
use landlock::CompatLevel;
use landlock::Compatible as _;
use landlock::Ruleset;
use landlock::RulesetAttr as _;
use rustix::process::Resource;

use crate::commands::doctor::finding::Finding;
use crate::commands::doctor::finding::State;
use crate::commands::doctor::finding::rounded;
use crate::config::memory;

/// Descriptors with which a thousand connections and their guests are at ease.
const FILES_MIN: u64 = 4096;

/// Each folder in the apps folder is a watch.
const WATCHES_MIN: u64 = 8192;

/// With less, the default limits of one app fill it.
const MEMORY_MIN: u64 = 512 << 20;

/// Of this machine, as this process sees it.
pub fn findings() -> Vec<Finding> {
    [files(), address_space(), memory(), watches(), landlock(), trust()].into_iter().collect()
}

fn files() -> Finding {
    let most = rustix::process::getrlimit(Resource::Nofile).maximum;
    let (state, text) = match most {
        Some(most) if most < FILES_MIN => (
            State::Note,
            format!(
                "{most} at most: connections and files of guests share them; raise it (`ulimit -Hn`, LimitNOFILE=)"
            ),
        ),
        Some(most) => (State::Ok, format!("{most} at most")),
        None => (State::Ok, "as many as there are".to_owned()),
    };
    Finding::serving("open files", state, text)
}

fn address_space() -> Finding {
    match rustix::process::getrlimit(Resource::As).current {
        None => Finding::serving("address space", State::Ok, "without a limit"),
        Some(most) => {
            let text = format!(
                "{} at most: engines reserve far more than they use, and do without their pools here; lift it (`ulimit -v \
                 unlimited`, no LimitAS=)",
                rounded(most)
            );
            Finding::serving("address space", State::Note, text)
        }
    }
}

fn memory() -> Finding {
    let bytes = memory::available();
    let state = if bytes < MEMORY_MIN { State::Note } else { State::Ok };
    Finding::serving("memory", state, format!("{}, half of it for guests", rounded(bytes)))
}

fn watches() -> Finding {
    let said = fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").unwrap_or_default();
    let (state, text) = match said.trim().parse::<u64>() {
        Ok(most) if most < WATCHES_MIN => {
            (State::Note, format!("{most} at most: `sysctl fs.inotify.max_user_watches={WATCHES_MIN}`"))
        }
        Ok(most) => (State::Ok, format!("{most} at most")),
        Err(_) => (State::Note, "inotify does not say: folders are looked at every second".to_owned()),
    };
    Finding::serving("watches", state, text)
}

/// What shuts the compiler of components in. It is made, and not put on.
fn landlock() -> Finding {
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    let made = ruleset.handle_access(AccessFs::from_all(ABI::V1)).and_then(Ruleset::create);
    match made {
        Ok(_) => Finding::serving("landlock", State::Ok, "the compiler of components is shut in"),
        Err(_) => Finding::serving(
            "landlock",
            State::Note,
            "this kernel lacks it or has it switched off: the compiler of components has its limits alone",
        ),
    }
}

fn trust() -> Finding {
    match roots(None) {
        Ok(roots) => Finding::serving("certificates", State::Ok, format!("{} authorities are trusted", roots.len())),
        Err(error) => {
            let text = format!("apps reach nothing over HTTPS: {error}");
            Finding::serving("certificates", State::Note, text)
        }
    }
}
