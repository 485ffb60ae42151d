//! Folders of the host: what a guest is granted, and what one instance sees of it.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;

use tokio_util::task::TaskTracker;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::FsPerms;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::WasiCtxView;
use wasmtime_wasi::WasiView;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::filesystem::WasiFilesystemView as _;
use wasmtime_wasi::p2::bindings::filesystem::preopens::Host as _;

use crate::depot::Depot;
use crate::folder::Folder;
use crate::folder::Folders;
use crate::folder::Source;
use crate::handles::Handles;
use crate::handles::OpenFiles;
use crate::handles::Room;
use crate::memory::Account;
use crate::memory::Share;
use crate::scratch::Scratch;

/// A store whose guest may see folders.
pub(crate) trait Filing: WasiView {
    /// What it sees, if anything.
    fn files(&mut self) -> Option<&mut Attached>;
}

/// All folders of the host in which guests write.
pub(crate) struct Depots {
    /// Held for one look only.
    known: Mutex<HashMap<PathBuf, Weak<Depot>>>,
    open: Arc<OpenFiles>,
}

/// What one guest is granted.
pub(crate) struct Grant {
    seen: Vec<Seen>,
    scratch: PathBuf,
    /// Where scratches are counted that stand for something else.
    probed: Arc<Depot>,
    one_at_a_time: bool,
    open: Arc<OpenFiles>,
}

#[derive(Clone)]
struct Seen {
    guest: String,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Scratch(Arc<Depot>),
    Kept(PathBuf, Arc<Depot>),
    ReadOnly(PathBuf),
}

/// What one instance sees.
pub(crate) struct Attached {
    pub(crate) handles: Handles,
    /// The memory of the guest's instances together: what the host keeps for listings counts.
    pub(crate) memory: Arc<Account>,
    /// Listings that are open, by their number.
    pub(crate) listings: HashMap<u32, Share>,
    /// Dropped with the instance.
    _scratches: Vec<Scratch>,
}

impl Depots {
    pub(crate) fn new(open_files_max: usize) -> Depots {
        Depots { known: Mutex::default(), open: Arc::new(OpenFiles::new(open_files_max)) }
    }

    /// What a guest is granted that is to see `folders`. Blocks.
    pub(crate) fn grant(&self, folders: &Folders) -> io::Result<Option<Grant>> {
        if folders.seen.is_empty() {
            return Ok(None);
        }
        let scratch = real(&folders.scratch)?;
        let bytes_max = folders.seen.iter().map(|folder| match folder.source {
            Source::Scratch { bytes_max } | Source::Kept { bytes_max, .. } => bytes_max,
            Source::ReadOnly { .. } => 0,
        });
        let most = bytes_max.max().unwrap_or_default();
        let mut seen = Vec::new();
        for Folder { guest, source } in &folders.seen {
            let place = match source {
                Source::Scratch { bytes_max } => Place::Scratch(self.at(&scratch, *bytes_max)),
                Source::Kept { host, bytes_max } => {
                    let host = real(host)?;
                    let depot = self.at(&host, *bytes_max);
                    Place::Kept(host, depot)
                }
                Source::ReadOnly { host } => Place::ReadOnly(real(host)?),
            };
            seen.push(Seen { guest: guest.clone(), place });
        }
        let tmp = seen.iter().find_map(|seen| match &seen.place {
            Place::Scratch(depot) => Some(depot.clone()),
            Place::Kept(..) | Place::ReadOnly(_) => None,
        });
        let probed = tmp.unwrap_or_else(|| self.at(&scratch, most));
        let (one_at_a_time, open) = (folders.one_at_a_time, self.open.clone());
        Ok(Some(Grant { seen, scratch, probed, one_at_a_time, open }))
    }

    /// One folder is one depot, whoever writes in it.
    fn at(&self, folder: &Path, bytes_max: u64) -> Arc<Depot> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(depot) = known.get(folder).and_then(Weak::upgrade) {
            depot.set_bytes_max(bytes_max);
            return depot;
        }
        known.retain(|_, depot| depot.strong_count() > 0);
        let depot = Arc::new(Depot::new(folder, bytes_max));
        known.insert(folder.to_owned(), Arc::downgrade(&depot));
        depot
    }
}

/// Without links: the kernel names removed files by where they really were.
fn real(path: &Path) -> io::Result<PathBuf> {
    std::fs::canonicalize(path).map_err(|error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display())))
}

impl Grant {
    /// What only one request at a time may work on.
    pub(crate) fn one_at_a_time(&self) -> Option<&Arc<Depot>> {
        if self.one_at_a_time { self.kept() } else { None }
    }

    /// The folder that outlives instances, if there is one.
    pub(crate) fn kept(&self) -> Option<&Arc<Depot>> {
        self.seen.iter().find_map(|seen| match &seen.place {
            Place::Kept(_, depot) => Some(depot),
            Place::Scratch(_) | Place::ReadOnly(_) => None,
        })
    }

    /// The same with something empty in place of what is kept: a revision that does not serve yet changes nothing.
    pub(crate) fn with_nothing_kept(&self) -> Grant {
        self.with_kept_as(|_| Place::Scratch(self.probed.clone()))
    }

    /// The same with what is kept to be read only.
    pub(crate) fn read_only(&self) -> Grant {
        self.with_kept_as(|host| Place::ReadOnly(host.to_owned()))
    }

    fn with_kept_as(&self, place: impl Fn(&Path) -> Place) -> Grant {
        let seen = self.seen.iter().map(|Seen { guest, place: kept }| {
            let place = match kept {
                Place::Kept(host, _) => place(host),
                Place::Scratch(_) | Place::ReadOnly(_) => kept.clone(),
            };
            Seen { guest: guest.clone(), place }
        });
        Grant {
            seen: seen.collect(),
            scratch: self.scratch.clone(),
            probed: self.probed.clone(),
            one_at_a_time: false,
            open: self.open.clone(),
        }
    }

    /// Gives one instance its folders.
    pub(crate) async fn attach(
        &self,
        builder: WasiCtxBuilder,
        memory: Arc<Account>,
        tasks: &TaskTracker,
    ) -> io::Result<(WasiCtx, Attached)> {
        let mut handles = Handles::new(&self.open);
        let rooms: Option<Vec<Room>> = self.seen.iter().map(|_| handles.make_room()).collect();
        let rooms = rooms.ok_or_else(|| io::Error::other("the guests of this host have too many files open"))?;
        let (seen, scratch, tasks) = (self.seen.clone(), self.scratch.clone(), tasks.clone());
        let opened = tokio::task::spawn_blocking(move || open(builder, &seen, &scratch, &tasks)).await;
        let (wasi, scratches) = opened.map_err(io::Error::other)??;
        let mut looking = Looking { ctx: wasi, table: ResourceTable::new() };
        let places = self.seen.iter().map(|seen| match &seen.place {
            Place::Scratch(depot) | Place::Kept(_, depot) => Some(depot.clone()),
            Place::ReadOnly(_) => None,
        });
        let opened = looking.filesystem().get_directories().map_err(io::Error::other)?;
        for (((descriptor, _), depot), room) in opened.into_iter().zip(places).zip(rooms) {
            if let Descriptor::Dir(folder) = looking.table.delete(descriptor).map_err(io::Error::other)? {
                handles.enter(room, &folder.dir, depot);
            }
        }
        Ok((looking.ctx, Attached { handles, memory, listings: HashMap::new(), _scratches: scratches }))
    }
}

/// Blocks.
fn open(
    mut builder: WasiCtxBuilder,
    seen: &[Seen],
    parent: &Path,
    tasks: &TaskTracker,
) -> io::Result<(WasiCtx, Vec<Scratch>)> {
    let mut scratches = Vec::new();
    for Seen { guest, place } in seen {
        let (host, perms) = match place {
            Place::Scratch(depot) => {
                scratches.push(Scratch::new(parent, depot, tasks)?);
                (scratches[scratches.len() - 1].path(), FsPerms::ReadWrite)
            }
            Place::Kept(host, _) => (host.as_path(), FsPerms::ReadWrite),
            Place::ReadOnly(host) => (host.as_path(), FsPerms::ReadOnly),
        };
        let opened = builder.preopened_dir(host, guest, perms);
        opened.map_err(|error| io::Error::other(format!("`{}`: {error:#}", host.display())))?;
    }
    Ok((builder.build(), scratches))
}

/// A context before it has its store.
struct Looking {
    ctx: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Looking {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.ctx, table: &mut self.table }
    }
}
