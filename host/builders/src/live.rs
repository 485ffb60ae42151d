//! What `dev` mounts over a component that has no app in it.

use std::path::Path;
use std::path::PathBuf;

use guesthouse_types::name::AppName;

/// An app whose edits are seen by its instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveApp<'a> {
    /// Its name.
    pub name: &'a AppName,
    /// Where its source lies.
    pub source: &'a Path,
    /// What its instances read.
    pub reads: Reads,
}

/// What instances read of a source that is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// The source itself.
    Source,
    /// What a build makes of it.
    Made,
}

impl LiveApp<'_> {
    /// The folder that is mounted. What builds make lies below `made`.
    pub fn mounted(&self, made: &Path) -> PathBuf {
        match self.reads {
            Reads::Source => self.source.to_owned(),
            Reads::Made => made_of(self.name, made),
        }
    }
}

/// The folder for what is made of the source of `name`. `api/users` lies beside `api`, not in it: no app sees another's.
pub fn made_of(name: &AppName, made: &Path) -> PathBuf {
    made.join(name.as_str().replace('/', "+"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_lies_apart_for_each_app() {
        let mounted = |name, reads| {
            let name = AppName::parse(name).unwrap();
            LiveApp { name: &name, source: Path::new("/src"), reads }.mounted(Path::new("/live"))
        };
        assert_eq!(mounted("api", Reads::Source), Path::new("/src"));
        assert_eq!(mounted("api", Reads::Made), Path::new("/live/api"));
        assert_eq!(mounted("api/users", Reads::Made), Path::new("/live/api+users"));
    }
}
