//! How much memory this process may use: the machine's, or its control group's where that is less.

use std::fs;
use std::path::Path;

/// In bytes. Where nothing is known, 2 GiB.
pub fn available() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    let group =
        fs::read_to_string("/proc/self/cgroup").ok().and_then(|text| group_limit(&text, "/sys/fs/cgroup".as_ref()));
    machine.into_iter().chain(group).min().unwrap_or(2 << 30)
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// The least `memory.max` on the way from our group (the line `0::/…`, cgroups(7)) up to `root`.
fn group_limit(membership: &str, root: &Path) -> Option<u64> {
    let group = membership.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let limit = |group: &Path| fs::read_to_string(root.join(group).join("memory.max")).ok()?.trim().parse().ok();
    Path::new(group).ancestors().filter_map(limit).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_says_its_memory_in_kibibytes() {
        assert_eq!(total("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16 << 20));
        assert_eq!(total("nothing"), None);
    }

    #[test]
    fn the_least_limit_of_all_groups_above_counts() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        fs::write(root.path().join("a/memory.max"), "1000\n").unwrap();
        fs::write(root.path().join("a/b/memory.max"), "max\n").unwrap();
        assert_eq!(group_limit("0::/a/b\n", root.path()), Some(1000));
        assert_eq!(group_limit("0::/\n", root.path()), None);
        assert_eq!(group_limit("12:memory:/a\n", root.path()), None);
    }
}
