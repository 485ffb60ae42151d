//! Commands in a system that lies in a folder.

use std::path::Path;

use tokio::process::Command;

use crate::harness::process::command_of;

/// Runs in the system at `$1`, which has `/proc` and `/dev` for as long, as an engine or a service manager gives them.
const ENTER: &str = "root=$1; shift; mkdir -p \"$root/proc\" \"$root/dev\" && mount -t proc proc \"$root/proc\" \
    && mount --rbind /dev \"$root/dev\" && exec chroot \"$@\"";

/// A command in the system at `root`, as this user. It needs root.
pub fn enter(root: &Path, user: &str, arguments: &[&str]) -> Command {
    let root_text = root.display().to_string();
    let user = format!("--userspec={user}");
    let start = ["--mount", "--propagation", "private", "sh", "-c", ENTER, "sh", &root_text, &user, &root_text];
    let mut command = command_of(Path::new("unshare"), &[&start[..], arguments].concat(), root);
    command.env("HOME", "/").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env_remove("TMPDIR");
    command
}
