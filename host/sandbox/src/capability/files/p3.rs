//! The same functions as in `p2`, of `wasi:filesystem@0.3`.

use std::fs::File;
use std::sync::Arc;

use tokio::sync::oneshot;
use wasmtime::StoreContextMut;
use wasmtime::component::Access;
use wasmtime::component::Accessor;
use wasmtime::component::FutureReader;
use wasmtime::component::Linker;
use wasmtime::component::Resource;
use wasmtime::component::StreamReader;
use wasmtime_wasi::FsPerms;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::filesystem::WasiFilesystem;
use wasmtime_wasi::filesystem::WasiFilesystemView as _;
use wasmtime_wasi::p3::bindings::filesystem::types::DescriptorFlags;
use wasmtime_wasi::p3::bindings::filesystem::types::DirectoryEntry;
use wasmtime_wasi::p3::bindings::filesystem::types::ErrorCode;
use wasmtime_wasi::p3::bindings::filesystem::types::HostDescriptorWithStore;
use wasmtime_wasi::p3::bindings::filesystem::types::OpenFlags;
use wasmtime_wasi::p3::bindings::filesystem::types::PathFlags;
use wasmtime_wasi::p3::filesystem::FilesystemResult;

use crate::bounds::memory::Share;
use crate::capability::answer::answer;
use crate::capability::files::attached::FilesView;
use crate::capability::files::handles::Backing;
use crate::capability::files::stream_p3::Listing;
use crate::capability::files::stream_p3::Metered;
use crate::capability::offered::VERSION_03;

type Fd = Resource<Descriptor>;
type Ended = FutureReader<Result<(), ErrorCode>>;

/// Puts these in place of wasmtime's, which are linked already.
pub(crate) fn link<T: FilesView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(&format!("wasi:filesystem/types@{VERSION_03}"))?;
    types.func_wrap_concurrent(
        "[method]descriptor.open-at",
        |store: &Accessor<T>, (fd, follow, path, open, flags): (Fd, PathFlags, String, OpenFlags, DescriptorFlags)| {
            Box::pin(async move { answer(open_at(store, fd, follow, path, open, flags).await) })
        },
    )?;
    types.func_wrap_concurrent("[method]descriptor.set-size", |store: &Accessor<T>, (fd, size): (Fd, u64)| {
        Box::pin(async move { answer(set_size(store, fd, size).await) })
    })?;
    types.func_wrap_concurrent(
        "[method]descriptor.create-directory-at",
        |store: &Accessor<T>, (fd, path): (Fd, String)| {
            Box::pin(async move {
                let made = match takes_entry(store, &fd).await {
                    Ok(()) => WasiFilesystem::create_directory_at(&inner(store), fd, path).await,
                    Err(error) => Err(error),
                };
                answer(made)
            })
        },
    )?;
    types.func_wrap_concurrent(
        "[method]descriptor.symlink-at",
        |store: &Accessor<T>, (fd, old, new): (Fd, String, String)| {
            Box::pin(async move {
                let made = match takes_entry(store, &fd).await {
                    Ok(()) => WasiFilesystem::symlink_at(&inner(store), fd, old, new).await,
                    Err(error) => Err(error),
                };
                answer(made)
            })
        },
    )?;
    types.func_wrap_concurrent(
        "[method]descriptor.link-at",
        |store: &Accessor<T>, (fd, follow, old, to, new): (Fd, PathFlags, String, Fd, String)| {
            Box::pin(async move {
                let made = match takes_within_one(store, &fd, &to).await {
                    Ok(()) => WasiFilesystem::link_at(&inner(store), fd, follow, old, to, new).await,
                    Err(error) => Err(error),
                };
                answer(made)
            })
        },
    )?;
    types.func_wrap_concurrent(
        "[method]descriptor.rename-at",
        |store: &Accessor<T>, (fd, old, to, new): (Fd, String, Fd, String)| {
            Box::pin(async move {
                let made = match takes_within_one(store, &fd, &to).await {
                    Ok(()) => WasiFilesystem::rename_at(&inner(store), fd, old, to, new).await,
                    Err(error) => Err(error),
                };
                answer(made)
            })
        },
    )?;
    types.func_wrap_concurrent(
        "[method]descriptor.unlink-file-at",
        |store: &Accessor<T>, (fd, path): (Fd, String)| {
            Box::pin(async move {
                let ground = ground_of(store, &fd);
                let removed = WasiFilesystem::unlink_file_at(&inner(store), fd, path).await;
                ground.iter().for_each(Backing::has_changed);
                answer(removed)
            })
        },
    )?;
    types.func_wrap_concurrent(
        "[method]descriptor.remove-directory-at",
        |store: &Accessor<T>, (fd, path): (Fd, String)| {
            Box::pin(async move {
                let ground = ground_of(store, &fd);
                let removed = WasiFilesystem::remove_directory_at(&inner(store), fd, path).await;
                ground.iter().for_each(Backing::has_changed);
                answer(removed)
            })
        },
    )?;
    types.func_wrap("[method]descriptor.read-directory", |store: StoreContextMut<'_, T>, (fd,): (Fd,)| {
        Ok((read_directory(store, fd)?,))
    })?;
    types
        .func_wrap("[method]descriptor.read-via-stream", |store: StoreContextMut<'_, T>, (fd, offset): (Fd, u64)| {
            Ok((read_via_stream(store, fd, offset)?,))
        })?;
    types.func_wrap(
        "[method]descriptor.write-via-stream",
        |store: StoreContextMut<'_, T>, (fd, bytes, offset): (Fd, StreamReader<u8>, u64)| {
            Ok((take_in(store, fd, bytes, Some(offset))?,))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.append-via-stream",
        |store: StoreContextMut<'_, T>, (fd, bytes): (Fd, StreamReader<u8>)| Ok((take_in(store, fd, bytes, None)?,)),
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// The store as wasmtime's own functions see it.
fn inner<T: FilesView + 'static>(store: &Accessor<T>) -> Accessor<T, WasiFilesystem> {
    store.with_getter::<WasiFilesystem>(T::filesystem)
}

fn file<T: FilesView>(state: &mut T, fd: &Fd) -> wasmtime::Result<Arc<File>> {
    Ok(match state.ctx().table.get(fd)? {
        Descriptor::File(file) => file.file.clone(),
        Descriptor::Dir(folder) => folder.dir.clone(),
    })
}

/// What an open file stands on. What is not known is not written to.
fn ground<T: FilesView>(state: &mut T, fd: &Fd) -> FilesystemResult<Backing> {
    let file = file(state, fd).map_err(wasmtime_wasi::TrappableError::trap)?;
    let known = state.files().and_then(|files| files.handles.ground(&file).cloned());
    Ok(known.ok_or(ErrorCode::NotPermitted)?)
}

fn ground_of<T: FilesView + 'static>(store: &Accessor<T>, fd: &Fd) -> FilesystemResult<Backing> {
    store.with(|mut access| ground(access.get(), fd))
}

/// Pays for one more entry of a folder.
async fn takes_entry<T: FilesView + 'static>(store: &Accessor<T>, fd: &Fd) -> FilesystemResult<()> {
    if ground_of(store, fd)?.takes_entry().await { Ok(()) } else { Err(ErrorCode::InsufficientSpace.into()) }
}

/// The same in the folder to which something goes. A file that went from one folder to another would be paid for in the one
/// and lie in the other.
async fn takes_within_one<T: FilesView + 'static>(store: &Accessor<T>, from: &Fd, to: &Fd) -> FilesystemResult<()> {
    if !ground_of(store, from)?.is_one_with(&ground_of(store, to)?) {
        return Err(ErrorCode::CrossDevice.into());
    }
    takes_entry(store, to).await
}

async fn open_at<T: FilesView + 'static>(
    store: &Accessor<T>,
    fd: Fd,
    follow: PathFlags,
    path: String,
    mut open: OpenFlags,
    flags: DescriptorFlags,
) -> FilesystemResult<Fd> {
    let ground = ground_of(store, &fd)?;
    // WASI has no word for too many open files.
    let room = store.with(|mut access| access.get().files().and_then(|files| files.handles.make_room()));
    let room = room.ok_or(ErrorCode::InsufficientMemory)?;
    let mut is_starved = false;
    if open.contains(OpenFlags::CREATE) && !ground.takes_entry().await {
        // What is there already can still be opened.
        if open.contains(OpenFlags::EXCLUSIVE) {
            return Err(ErrorCode::InsufficientSpace.into());
        }
        open ^= OpenFlags::CREATE;
        is_starved = true;
    }
    if open.contains(OpenFlags::TRUNCATE) {
        ground.has_changed();
    }
    let opened = match WasiFilesystem::open_at(&inner(store), fd, follow, path, open, flags).await {
        Ok(opened) => opened,
        Err(error) => {
            let code = error.downcast().map_err(wasmtime_wasi::TrappableError::trap)?;
            let code =
                if is_starved && matches!(code, ErrorCode::NoEntry) { ErrorCode::InsufficientSpace } else { code };
            return Err(code.into());
        }
    };
    store.with(|mut access| {
        let state = access.get();
        let file = file(state, &opened).map_err(wasmtime_wasi::TrappableError::trap)?;
        if let Some(files) = state.files() {
            files.handles.enter(room, &file, ground.quota_dir);
        }
        Ok(opened)
    })
}

async fn set_size<T: FilesView + 'static>(store: &Accessor<T>, fd: Fd, size: u64) -> FilesystemResult<()> {
    let ground = ground_of(store, &fd)?;
    let file = store.with(|mut access| file(access.get(), &fd)).map_err(wasmtime_wasi::TrappableError::trap)?;
    let has = file.metadata().map_or(0, |metadata| metadata.len());
    drop(file);
    if !ground.takes_size(has, size).await {
        return Err(ErrorCode::InsufficientSpace.into());
    }
    ground.has_changed();
    WasiFilesystem::set_size(&inner(store), fd, size).await
}

fn has_room_for_stream<T: FilesView>(state: &mut T) -> bool {
    state.files().is_some_and(|files| files.handles.has_room_for_stream())
}

type Read<E> = (StreamReader<E>, Ended);

fn read_via_stream<T: FilesView + 'static>(
    mut store: StoreContextMut<'_, T>,
    fd: Fd,
    offset: u64,
) -> wasmtime::Result<Read<u8>> {
    if !has_room_for_stream(store.data_mut()) {
        let (end, ended) = oneshot::channel();
        let _ = end.send(Err(ErrorCode::InsufficientMemory));
        let bytes = StreamReader::new(&mut store, Vec::new())?;
        return Ok((bytes, FutureReader::new(&mut store, ended)?));
    }
    let access = Access::<T, WasiFilesystem>::new(store, T::filesystem);
    WasiFilesystem::read_via_stream(access, fd, offset)
}

/// wasmtime's own would keep a thread of the host for as long as the guest does not read.
fn read_directory<T: FilesView + 'static>(
    mut store: StoreContextMut<'_, T>,
    fd: Fd,
) -> wasmtime::Result<Read<DirectoryEntry>> {
    let (end, ended) = oneshot::channel();
    let state = store.data_mut();
    let folder = match state.ctx().table.get(&fd)? {
        Descriptor::Dir(folder) => Ok(folder.dir.clone()),
        Descriptor::File(_) => Err(ErrorCode::NotDirectory),
    };
    let has_room = has_room_for_stream(state);
    let found = match (folder, state.files()) {
        (Ok(folder), Some(files)) if has_room => Ok((folder, Share::new(&files.memory))),
        (Err(code), _) => Err(code),
        (Ok(_), _) => Err(ErrorCode::InsufficientMemory),
    };
    let entries = match found {
        Ok((folder, share)) => StreamReader::new(&mut store, Listing::new(folder, share, end))?,
        Err(code) => {
            let _ = end.send(Err(code));
            StreamReader::new(&mut store, Vec::new())?
        }
    };
    Ok((entries, FutureReader::new(&mut store, ended)?))
}

/// A stream that is written to a file, at `offset` or at its end.
fn take_in<T: FilesView + 'static>(
    mut store: StoreContextMut<'_, T>,
    fd: Fd,
    mut bytes: StreamReader<u8>,
    offset: Option<u64>,
) -> wasmtime::Result<Ended> {
    let (end, ended) = oneshot::channel();
    let state = store.data_mut();
    let file = match state.ctx().table.get(&fd)? {
        Descriptor::File(file) if file.perms == FsPerms::ReadWrite => Ok(file.file.clone()),
        Descriptor::File(_) => Err(ErrorCode::NotPermitted),
        Descriptor::Dir(_) => Err(ErrorCode::BadDescriptor),
    };
    let ground = ground(state, &fd).map_err(|error| error.downcast().unwrap_or(ErrorCode::Io));
    match (file, ground, has_room_for_stream(state)) {
        (Ok(file), Ok(ground), true) => bytes.pipe(&mut store, Metered::new(file, ground, offset, end))?,
        (file, ground, _) => {
            let code = file.err().or(ground.err()).unwrap_or(ErrorCode::InsufficientMemory);
            bytes.close(&mut store)?;
            let _ = end.send(Err(code));
        }
    }
    FutureReader::new(&mut store, ended)
}
