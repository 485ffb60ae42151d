//! What of the author's environment a tool gets to see: what leads to the network, and nothing that leads into an app.

use std::env;
use std::path::Path;

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
const PREFIXES: [&str; 3] = ["PIP_", "XDG_", "PYENV_"];
/// Settings of pip that would lead it elsewhere than we do.
const NOT: [&str; 19] = [
    "PIP_ABI",
    "PIP_CONSTRAINT",
    "PIP_DRY_RUN",
    "PIP_EDITABLE",
    "PIP_IMPLEMENTATION",
    "PIP_NO_BINARY",
    "PIP_NO_DEPS",
    "PIP_ONLY_BINARY",
    "PIP_PLATFORM",
    "PIP_PREFIX",
    "PIP_PYTHON",
    "PIP_PYTHON_VERSION",
    "PIP_QUIET",
    "PIP_REPORT",
    "PIP_REQUIREMENT",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
];

/// A command that sees what a tool needs that asks an index. No code of the author's is run by it.
pub fn with_network(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command.envs(env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_of_the_network)));
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
    let is_proxy = name.to_ascii_uppercase().ends_with("_PROXY");
    let is_named = NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    (is_named || is_proxy) && !NOT.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_index_stays_and_everything_else_goes() {
        for name in ["PATH", "PIP_INDEX_URL", "PIP_NO_INDEX", "HTTPS_PROXY", "no_proxy", "REQUESTS_CA_BUNDLE"] {
            assert!(is_of_the_network(name), "{name}");
        }
        for name in ["PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET", "PIP_USER", "SECRET_KEY", "AWS_SECRET_ACCESS_KEY"] {
            assert!(!is_of_the_network(name), "{name}");
        }
    }
}
