//! What the process finds around itself: the directories that systemd and XDG give it.

use std::env;
use std::path::Path;
use std::path::PathBuf;

use anyhow::bail;
use guesthouse_types::name::Digest;

/// The variables that matter, apart from those that are flags too.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `$STATE_DIRECTORY` (systemd.exec(5)); only its first part, where there are several.
    pub state_directory: Option<PathBuf>,
    /// `$XDG_STATE_HOME`, else `$HOME/.local/state` (XDG Base Directory Specification).
    pub state_home: Option<PathBuf>,
    /// `$CREDENTIALS_DIRECTORY` (systemd.exec(5)).
    pub credentials_directory: Option<PathBuf>,
    /// The names of the sockets that were passed to this process (`$LISTEN_FDS`, `$LISTEN_FDNAMES`; sd_listen_fds(3)).
    pub passed_sockets: Vec<String>,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Surroundings {
        // The specifications ask for absolute paths; a relative one is as good as none.
        let path = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let first = |list: std::ffi::OsString| env::split_paths(&list).next().filter(|path| path.is_absolute());
        Surroundings {
            state_directory: env::var_os("STATE_DIRECTORY").and_then(first),
            state_home: path("XDG_STATE_HOME").or_else(|| Some(path("HOME")?.join(".local/state"))),
            credentials_directory: path("CREDENTIALS_DIRECTORY"),
            passed_sockets: passed_sockets(),
        }
    }

    /// Where a host of `apps` keeps its state, when nobody says.
    pub fn state_directory(&self, apps: &Path) -> anyhow::Result<PathBuf> {
        if let Some(directory) = &self.state_directory {
            return Ok(directory.clone());
        }
        let Some(home) = &self.state_home else {
            bail!(
                "there is no place for the state: neither $STATE_DIRECTORY, $XDG_STATE_HOME nor $HOME is set, use --state"
            );
        };
        let digest = Digest::of(identity(apps).as_os_str().as_encoded_bytes());
        Ok(home.join("guesthouse").join(digest.short().to_string()))
    }
}

/// A socket without a name is called `unknown`, as systemd does. What is meant for another process does not count.
fn passed_sockets() -> Vec<String> {
    let number = |name| env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    let is_ours = env::var_os("LISTEN_PID").is_none() || number("LISTEN_PID") == Some(std::process::id());
    let count = number("LISTEN_FDS").filter(|_| is_ours).unwrap_or(0);
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let names = names.split(':').map(str::to_owned).chain(std::iter::repeat("unknown".to_owned()));
    names.take(count as usize).collect()
}

/// The same for every spelling of one apps folder. Its last part is not followed: `apps -> releases/42` stays the same
/// folder when the link is flipped.
fn identity(apps: &Path) -> PathBuf {
    match (apps.parent(), apps.file_name()) {
        (Some(parent), Some(name)) => real_path(parent).join(name),
        _ => real_path(apps),
    }
}

/// `path` with its links followed, as far as it exists.
pub fn real_path(path: &Path) -> PathBuf {
    for existing in path.ancestors() {
        if let Ok(real) = existing.canonicalize() {
            let rest = path.strip_prefix(existing).unwrap_or(Path::new(""));
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn systemd_goes_before_xdg() {
        let around = Surroundings {
            state_directory: Some("/var/lib/guesthouse".into()),
            state_home: Some("/home/me/.local/state".into()),
            ..Surroundings::default()
        };
        assert_eq!(around.state_directory("/srv/apps".as_ref()).unwrap(), Path::new("/var/lib/guesthouse"));
    }

    #[test]
    fn one_folder_has_one_state_however_it_is_spelled() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("real/apps")).unwrap();
        symlink(root.path().join("real"), root.path().join("link")).unwrap();
        let around = Surroundings { state_home: Some("/state".into()), ..Surroundings::default() };
        let state = |apps: &str| around.state_directory(&root.path().join(apps)).unwrap();
        assert_eq!(state("real/apps"), state("link/apps"));
        assert_eq!(state("real/later"), state("link/later"));
        assert_ne!(state("real/apps"), state("real/later"));
        assert!(state("real/apps").starts_with("/state/guesthouse"));
    }

    #[test]
    fn a_flipped_link_keeps_its_state() {
        let root = tempfile::tempdir().unwrap();
        let around = Surroundings { state_home: Some("/state".into()), ..Surroundings::default() };
        let state_of_release = |number: &str| {
            let (target, link) = (root.path().join(number), root.path().join("apps"));
            std::fs::create_dir(&target).unwrap();
            let _ = std::fs::remove_file(&link);
            symlink(target, &link).unwrap();
            around.state_directory(&link).unwrap()
        };
        assert_eq!(state_of_release("41"), state_of_release("42"));
    }

    #[test]
    fn without_a_place_it_says_what_to_do() {
        let error = Surroundings::default().state_directory("/srv/apps".as_ref()).unwrap_err();
        assert!(error.to_string().ends_with("use --state"), "{error}");
    }
}
