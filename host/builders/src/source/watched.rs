//! Where source lies that a rebuild depends on.

use std::path::Path;
use std::path::PathBuf;

/// A folder with source in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watched {
    /// The folder.
    pub folder: PathBuf,
    /// Whether the folders below count as well.
    pub deep: bool,
}

impl Watched {
    /// Whether a change of `path` is a change of source.
    pub fn holds(&self, path: &Path) -> bool {
        let Ok(below) = path.strip_prefix(&self.folder) else { return false };
        // A change of the folder itself is one of its times and rights: what is in it has events of its own.
        let depth = below.components().count();
        let depth_fits = depth > 0 && (self.deep || depth == 1);
        depth_fits && below.iter().all(|part| is_source(&part.to_string_lossy()))
    }
}

/// Whether something of this name may be source: not what tools make, and not what editors leave behind.
pub fn is_source(name: &str) -> bool {
    let made = ["target", "node_modules", "__pycache__"].contains(&name);
    let left = name.starts_with('.') || name.ends_with('~') || name.ends_with(".tmp") || name.ends_with(".swp");
    !made && !left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_and_editors_write_is_no_source() {
        let deep = Watched { folder: "/app".into(), deep: true };
        for source in ["/app/src/lib.rs", "/app/Cargo.toml", "/app/wit/deps/x.wit"] {
            assert!(deep.holds(source.as_ref()), "{source}");
        }
        for other in
            ["/app/target/x.rs", "/app/.git/index", "/app/src/.lib.rs.swp", "/app/src/lib.rs~", "/other/lib.rs"]
        {
            assert!(!deep.holds(other.as_ref()), "{other}");
        }
        let shallow = Watched { folder: "/app".into(), deep: false };
        assert!(shallow.holds("/app/Cargo.toml".as_ref()));
        assert!(!shallow.holds("/app/other/src/lib.rs".as_ref()));
    }

    #[test]
    fn where_the_folder_itself_lies_does_not_matter() {
        let deep = Watched { folder: "/home/me/.work/target/app".into(), deep: true };
        assert!(deep.holds("/home/me/.work/target/app/src/lib.rs".as_ref()));
    }
}
