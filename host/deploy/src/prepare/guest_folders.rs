//! The folders of the state directory that guests see: `data/<app>`, which stays, and `tmp/<app>`, which is emptied when
//! the host starts. Under `dev`, an app may see its own source.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use guesthouse_manifest::state::DATA;
use guesthouse_manifest::state::TMP;
use guesthouse_manifest::terms::Terms;
use guesthouse_sandbox::capability::files::scratch;
use guesthouse_sandbox::capability::files::settings::Folder;
use guesthouse_sandbox::capability::files::settings::Folders;
use guesthouse_sandbox::capability::files::settings::Source;
use guesthouse_types::name::AppName;
use guesthouse_types::private;
use guesthouse_types::units::Size;

/// Where an interpreter's app has its source (`sdk/python`): what is mounted there counts more than what is built in.
const SOURCE: &str = "/0";

/// What an app may write in its own source under `dev`: a database beside the code, as without a sandbox.
const SOURCE_BYTES_MAX: u64 = 4 << 30;

/// The two folders, and the sources that `dev` has mounted. All calls block.
pub struct GuestFolders {
    data: PathBuf,
    tmp: PathBuf,
    sources: BTreeMap<AppName, PathBuf>,
}

impl GuestFolders {
    /// Removes what instances of an earlier host have left in `state`, which must be ours and locked.
    pub fn open(state: &Path, sources: BTreeMap<AppName, PathBuf>) -> io::Result<GuestFolders> {
        let folders = GuestFolders { data: state.join("data"), tmp: state.join("tmp"), sources };
        let left = match fs::read_dir(&folders.tmp) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(folders),
            Err(error) => return Err(error),
        };
        for entry in left {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                scratch::remove(&entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(folders)
    }

    /// Where the source of `name` lies, if what is edited there is seen by it at once.
    pub fn live(&self, name: &AppName) -> Option<&Path> {
        self.sources.get(name).map(PathBuf::as_path)
    }

    /// What `name` sees under `terms`, made where it is not there yet.
    pub fn of(&self, name: &AppName, terms: &Terms) -> io::Result<Folders> {
        let mut seen = Vec::new();
        let source = self.sources.get(name);
        if let Some(host) = source.cloned() {
            let writes = terms.state.as_ref().is_some_and(|state| state.mounts.iter().any(|mount| mount == SOURCE));
            let source = match writes {
                true => Source::Kept { host, bytes_max: SOURCE_BYTES_MAX },
                false => Source::ReadOnly { host },
            };
            seen.push(Folder { guest: SOURCE.to_owned(), source });
        }
        if terms.limits.tmp > Size(0) {
            let source = Source::Scratch { bytes_max: terms.limits.tmp.0 };
            seen.push(Folder { guest: TMP.to_owned(), source });
        }
        if let Some(state) = &terms.state {
            let host = self.data.join(file_name(name));
            private::folder(&self.data)?;
            private::folder(&host)?;
            let mounts = std::iter::once(DATA).chain(state.mounts.iter().map(String::as_str));
            let free = mounts.filter(|mount| source.is_none() || *mount != SOURCE);
            seen.extend(free.map(|guest| {
                let source = Source::Kept { host: host.clone(), bytes_max: state.bytes_max };
                Folder { guest: guest.to_owned(), source }
            }));
        }
        if seen.is_empty() {
            return Ok(Folders::default());
        }
        let scratch = self.tmp.join(file_name(name));
        private::folder(&self.tmp)?;
        private::folder(&scratch)?;
        let one_at_a_time = terms.state.as_ref().is_some_and(|state| !state.is_shared);
        Ok(Folders { seen, scratch, one_at_a_time })
    }
}

/// `api/users` lies beside `api`, not in it: no app sees another's folder. A `+` stands in no app's name.
fn file_name(name: &AppName) -> String {
    name.as_str().replace('/', "+")
}
