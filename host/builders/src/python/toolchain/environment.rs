//! What of the author's environment a tool gets to see: what leads to the network, and nothing that leads into an app.

use std::env;
use std::path::Path;
use std::path::PathBuf;

use tokio::process::Command;

/// Variables that pip may need to reach an index, or to write where it may.
const NAMES: [&str; 10] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "LC_ALL",
    "NETRC",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "SSH_AUTH_SOCK",
];
/// Families of them.
const PREFIXES: [&str; 2] = ["XDG_", "PYENV_"];

/// A command that sees what a tool needs that asks an index. Of pip's own settings it sees those that are set afterwards
/// ([`super::pip::PipSettings`]), and no file of them. No code of the author's is run by it.
pub fn with_network(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command.envs(env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_of_the_network)));
    command.env("PIP_CONFIG_FILE", "/dev/null");
    command
}

/// A command that sees all that pip is told on this machine, for reading it.
pub fn as_the_author(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    let is_seen = |name: &str| is_of_the_network(name) || name.starts_with("PIP_");
    command.envs(env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_seen)));
    command
}

/// A command that runs code of others, as builds of packages do: it sees the way to the index, and none of the author's keys,
/// agents and files. `home` is an empty folder.
pub fn that_builds(program: &Path, home: &Path) -> Command {
    let mut command = with_network(program);
    for name in ["NETRC", "SSH_AUTH_SOCK"] {
        command.env_remove(name);
    }
    let xdg = env::vars_os().filter(|(name, _)| name.to_str().is_some_and(|name| name.starts_with("XDG_")));
    xdg.for_each(|(name, _)| _ = command.env_remove(name));
    command.env("HOME", home);
    // What an index has sent is kept for the next build.
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    if let Some(cache) = cache.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache"))) {
        command.env("PIP_CACHE_DIR", cache.join("pip"));
    }
    command
}

/// A command that sees nothing at all. What it finds through a `PATH` would become part of the app: `componentize-py` asks
/// a Python that it finds there for packages.
pub fn alone(program: &Path, empty: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", empty).env("HOME", empty);
    command
}

fn is_of_the_network(name: &str) -> bool {
    let is_proxy = name.to_ascii_uppercase().ends_with("_PROXY") && !name.starts_with("PIP_");
    is_proxy || NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_index_stays_and_everything_else_goes() {
        for name in ["PATH", "HTTPS_PROXY", "no_proxy", "REQUESTS_CA_BUNDLE"] {
            assert!(is_of_the_network(name), "{name}");
        }
        // What pip is told comes through its settings.
        for name in ["PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PROXY", "SECRET_KEY", "AWS_SECRET_ACCESS_KEY"] {
            assert!(!is_of_the_network(name), "{name}");
        }
    }
}
