//! The folders that a guest is granted, and how they are opened for one of its instances.

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

use crate::bounds::memory::Account;
use crate::capability::contract::Kept;
use crate::capability::files::attached::Attached;
use crate::capability::files::handles::Handles;
use crate::capability::files::handles::OpenFileShare;
use crate::capability::files::handles::OpenFiles;
use crate::capability::files::quota::QuotaDir;
use crate::capability::files::scratch::Scratch;
use crate::capability::files::settings::Folder;
use crate::capability::files::settings::Folders;
use crate::capability::files::settings::Source;

/// All folders of the host in which guests write.
pub(crate) struct QuotaDirs {
    /// Held for one look only.
    known: Mutex<HashMap<PathBuf, Weak<QuotaDir>>>,
    open: Arc<OpenFiles>,
}

/// What one guest is granted.
#[derive(Clone)]
pub(crate) struct Grant {
    seen: Vec<SeenFolder>,
    scratch: PathBuf,
    /// Where scratches are counted that stand for something else.
    probed: Arc<QuotaDir>,
    one_at_a_time: bool,
    open: Arc<OpenFiles>,
}

#[derive(Clone)]
struct SeenFolder {
    guest: String,
    place: Mount,
}

#[derive(Clone)]
enum Mount {
    Scratch(Arc<QuotaDir>),
    Kept(PathBuf, Arc<QuotaDir>),
    ReadOnly(PathBuf),
}

impl QuotaDirs {
    pub(crate) fn new(open_files_max: usize) -> QuotaDirs {
        QuotaDirs { known: Mutex::default(), open: Arc::new(OpenFiles::new(open_files_max)) }
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
                Source::Scratch { bytes_max } => Mount::Scratch(self.at(&scratch, *bytes_max)),
                Source::Kept { host, bytes_max } => {
                    let host = real(host)?;
                    let quota_dir = self.at(&host, *bytes_max);
                    Mount::Kept(host, quota_dir)
                }
                Source::ReadOnly { host } => Mount::ReadOnly(real(host)?),
            };
            seen.push(SeenFolder { guest: guest.clone(), place });
        }
        let tmp = seen.iter().find_map(|seen| match &seen.place {
            Mount::Scratch(quota_dir) => Some(quota_dir.clone()),
            Mount::Kept(..) | Mount::ReadOnly(_) => None,
        });
        let probed = tmp.unwrap_or_else(|| self.at(&scratch, most));
        let (one_at_a_time, open) = (folders.one_at_a_time, self.open.clone());
        Ok(Some(Grant { seen, scratch, probed, one_at_a_time, open }))
    }

    /// One folder is one quota directory, whoever writes in it.
    fn at(&self, folder: &Path, bytes_max: u64) -> Arc<QuotaDir> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(quota_dir) = known.get(folder).and_then(Weak::upgrade) {
            quota_dir.set_bytes_max(bytes_max);
            return quota_dir;
        }
        known.retain(|_, quota_dir| quota_dir.strong_count() > 0);
        let quota_dir = Arc::new(QuotaDir::new(folder, bytes_max));
        known.insert(folder.to_owned(), Arc::downgrade(&quota_dir));
        quota_dir
    }
}

/// Without links: the kernel names removed files by where they really were.
fn real(path: &Path) -> io::Result<PathBuf> {
    std::fs::canonicalize(path).map_err(|error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display())))
}

impl Grant {
    /// The folder that outlives instances, if there is one.
    pub(crate) fn kept(&self) -> Option<Kept<'_>> {
        self.seen.iter().find_map(|seen| match &seen.place {
            Mount::Kept(_, quota_dir) => Some(Kept { turn: quota_dir.turn(), one_at_a_time: self.one_at_a_time }),
            Mount::Scratch(_) | Mount::ReadOnly(_) => None,
        })
    }

    /// The same with something empty in place of what is kept: a revision that does not serve yet changes nothing.
    pub(crate) fn with_nothing_kept(&self) -> Grant {
        self.with_kept_as(|_| Mount::Scratch(self.probed.clone()))
    }

    /// The same with what is kept to be read only.
    pub(crate) fn read_only(&self) -> Grant {
        self.with_kept_as(|host| Mount::ReadOnly(host.to_owned()))
    }

    fn with_kept_as(&self, place: impl Fn(&Path) -> Mount) -> Grant {
        let seen = self.seen.iter().map(|SeenFolder { guest, place: kept }| {
            let place = match kept {
                Mount::Kept(host, _) => place(host),
                Mount::Scratch(_) | Mount::ReadOnly(_) => kept.clone(),
            };
            SeenFolder { guest: guest.clone(), place }
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
        let rooms: Option<Vec<OpenFileShare>> = self.seen.iter().map(|_| handles.make_room()).collect();
        let rooms = rooms.ok_or_else(|| io::Error::other("the guests of this host have too many files open"))?;
        let (seen, scratch, tasks) = (self.seen.clone(), self.scratch.clone(), tasks.clone());
        let opened = tokio::task::spawn_blocking(move || open(builder, &seen, &scratch, &tasks)).await;
        let (wasi, scratches) = opened.map_err(io::Error::other)??;
        let mut looking = Looking { ctx: wasi, table: ResourceTable::new() };
        let places = self.seen.iter().map(|seen| match &seen.place {
            Mount::Scratch(quota_dir) | Mount::Kept(_, quota_dir) => Some(quota_dir.clone()),
            Mount::ReadOnly(_) => None,
        });
        let opened = looking.filesystem().get_directories().map_err(io::Error::other)?;
        for (((descriptor, _), quota_dir), room) in opened.into_iter().zip(places).zip(rooms) {
            if let Descriptor::Dir(folder) = looking.table.delete(descriptor).map_err(io::Error::other)? {
                handles.enter(room, &folder.dir, quota_dir);
            }
        }
        Ok((looking.ctx, Attached::new(handles, memory, scratches)))
    }
}

/// Blocks.
fn open(
    mut builder: WasiCtxBuilder,
    seen: &[SeenFolder],
    parent: &Path,
    tasks: &TaskTracker,
) -> io::Result<(WasiCtx, Vec<Scratch>)> {
    let mut scratches = Vec::new();
    for SeenFolder { guest, place } in seen {
        let (host, perms) = match place {
            Mount::Scratch(quota_dir) => {
                scratches.push(Scratch::new(parent, quota_dir, tasks)?);
                (scratches[scratches.len() - 1].path(), FsPerms::ReadWrite)
            }
            Mount::Kept(host, _) => (host.as_path(), FsPerms::ReadWrite),
            Mount::ReadOnly(host) => (host.as_path(), FsPerms::ReadOnly),
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
