//! Folders and ports.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;

use guesthouse_serve::listen::listener::Endpoint;
use rustix::fs::Access;

use crate::commands::doctor::finding::Finding;
use crate::commands::doctor::finding::State;
use crate::commands::doctor::finding::rounded;
use crate::config::Config;

/// With less room than this, no new drop is taken.
const SPACE_MIN: u64 = 64 << 20;

/// With less room than this, a few large apps fill it.
const SPACE_FEW: u64 = 2 << 30;

/// Of the host that `config` is for.
pub fn findings(config: &Config) -> Vec<Finding> {
    let (apps, state) = (&config.deploy.apps, &config.deploy.state);
    let runs = UnixStream::connect(state.join("admin.sock")).is_ok();
    let ports = config.listen.iter().filter_map(Endpoint::tcp).map(|address| port(address, runs));
    [apps_folder(apps), state_folder(state, runs)].into_iter().chain(ports).collect()
}

fn apps_folder(apps: &Path) -> Finding {
    let shown = apps.display();
    let (state, text) = match fs::read_dir(apps) {
        Ok(entries) => {
            let is_component =
                |entry: &fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "wasm");
            let components = entries.flatten().filter(is_component).count();
            (State::Ok, format!("{shown}, {components} of `.wasm` in it"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            (State::Fail, format!("{shown} does not exist: `mkdir -p {shown}`, or name another folder"))
        }
        Err(error) => (State::Fail, format!("{shown} cannot be read: {error}")),
    };
    Finding::serving("apps folder", state, text)
}

fn state_folder(folder: &Path, runs: bool) -> Finding {
    let shown = folder.display();
    let there = folder.ancestors().find(|path| path.exists()).unwrap_or(folder);
    let may_write = rustix::fs::access(there, Access::WRITE_OK | Access::EXEC_OK);
    let free = rustix::fs::statvfs(there).map_or(0, |space| space.f_bavail * space.f_frsize);
    let used = if runs { ", a host uses it" } else { "" };
    let (state, text) = match may_write {
        Err(error) => (
            State::Fail,
            format!("{shown} cannot be written to (`{}`: {error}): choose another with `--state DIR`", there.display()),
        ),
        Ok(()) if free < SPACE_MIN => {
            (State::Fail, format!("{shown} has {} left, {} are needed", rounded(free), rounded(SPACE_MIN)))
        }
        Ok(()) if free < SPACE_FEW => (State::Note, format!("{shown} has only {} left{used}", rounded(free))),
        Ok(()) => (State::Ok, format!("{shown}, {} free{used}", rounded(free))),
    };
    Finding::serving("state folder", state, text)
}

fn port(address: SocketAddr, runs: bool) -> Finding {
    let (state, text) = match TcpListener::bind(address) {
        Ok(_) => (State::Ok, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && runs => {
            (State::Ok, format!("{address} is used, as the state folder is: a host runs"))
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            (State::Fail, format!("{address} is used by another program: choose another with `--listen ADDR:PORT`"))
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => (
            State::Fail,
            format!(
                "{address} is for root alone: let systemd pass the socket (docs/edge.md), or allow the program to take it \
                 with `setcap cap_net_bind_service=+ep`"
            ),
        ),
        Err(error) => (State::Fail, format!("{address} cannot be listened on: {error}")),
    };
    Finding::serving("port", state, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_free_or_says_why_not() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        assert_eq!(port(address, true).state, State::Ok);
        let busy = port(address, false);
        assert!(busy.state == State::Fail && busy.text.contains("--listen"), "{busy:?}");
        drop(taken);
        assert_eq!(port(address, false).state, State::Ok);
    }

    #[test]
    fn a_folder_that_is_missing_says_how_to_make_it() {
        let home = tempfile::tempdir().unwrap();
        let apps = home.path().join("apps");
        let missing = apps_folder(&apps);
        assert_eq!(missing.state, State::Fail);
        assert!(missing.text.contains(&format!("mkdir -p {}", apps.display())), "{missing:?}");
        fs::create_dir(&apps).unwrap();
        fs::write(apps.join("shop.wasm"), "").unwrap();
        fs::write(apps.join("shop.toml"), "").unwrap();
        assert_eq!(apps_folder(&apps).text, format!("{}, 1 of `.wasm` in it", apps.display()));
        assert_ne!(state_folder(&home.path().join("later/state"), false).state, State::Fail);
        assert_eq!(state_folder("/proc/nowhere".as_ref(), false).state, State::Fail);
    }
}
