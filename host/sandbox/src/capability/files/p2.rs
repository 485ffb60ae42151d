//! The functions of `wasi:filesystem@0.2` that make the disk fuller, or take something of the host's: each pays first, and is
//! wasmtime's own otherwise.

use std::fs::File;
use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;
use wasmtime::component::Resource;
use wasmtime::component::ResourceType;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::filesystem::WasiFilesystemView as _;
use wasmtime_wasi::p2::DynInputStream;
use wasmtime_wasi::p2::DynOutputStream;
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::types::DescriptorFlags;
use wasmtime_wasi::p2::bindings::filesystem::types::DirectoryEntryStream;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;
use wasmtime_wasi::p2::bindings::filesystem::types::HostDescriptor;
use wasmtime_wasi::p2::bindings::filesystem::types::HostDirectoryEntryStream;
use wasmtime_wasi::p2::bindings::filesystem::types::OpenFlags;
use wasmtime_wasi::p2::bindings::filesystem::types::PathFlags;

use crate::bounds::memory::Share;
use crate::capability::answer::answer;
use crate::capability::files::attached::FilesView;
use crate::capability::files::handles::Backing;
use crate::capability::files::listing::weigh;
use crate::capability::files::stream_p2::Metered;
use crate::capability::offered::VERSION_02;

type Fd = Resource<Descriptor>;

/// Puts these in place of wasmtime's, which are linked already.
pub(crate) fn link<T: FilesView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(&format!("wasi:filesystem/types@{VERSION_02}"))?;
    types.func_wrap_async(
        "[method]descriptor.open-at",
        |mut store: StoreContextMut<'_, T>,
         (fd, follow, path, open, flags): (Fd, PathFlags, String, OpenFlags, DescriptorFlags)| {
            Box::new(async move { answer(open_at(store.data_mut(), fd, follow, path, open, flags).await) })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.write",
        |mut store: StoreContextMut<'_, T>, (fd, bytes, offset): (Fd, Vec<u8>, u64)| {
            Box::new(async move { answer(write(store.data_mut(), fd, bytes, offset).await) })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.set-size",
        |mut store: StoreContextMut<'_, T>, (fd, size): (Fd, u64)| {
            Box::new(async move { answer(set_size(store.data_mut(), fd, size).await) })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.create-directory-at",
        |mut store: StoreContextMut<'_, T>, (fd, path): (Fd, String)| {
            Box::new(async move { answer(create_directory_at(store.data_mut(), fd, path).await) })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.symlink-at",
        |mut store: StoreContextMut<'_, T>, (fd, old, new): (Fd, String, String)| {
            Box::new(async move { answer(symlink_at(store.data_mut(), fd, old, new).await) })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.link-at",
        |mut store: StoreContextMut<'_, T>, (fd, follow, old, to, new): (Fd, PathFlags, String, Fd, String)| {
            Box::new(async move { answer(link_at(store.data_mut(), fd, follow, old, to, new).await) })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.rename-at",
        |mut store: StoreContextMut<'_, T>, (fd, old, to, new): (Fd, String, Fd, String)| {
            Box::new(async move { answer(rename_at(store.data_mut(), fd, old, to, new).await) })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.unlink-file-at",
        |mut store: StoreContextMut<'_, T>, (fd, path): (Fd, String)| {
            Box::new(async move { answer(unlink_file_at(store.data_mut(), fd, path).await) })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.remove-directory-at",
        |mut store: StoreContextMut<'_, T>, (fd, path): (Fd, String)| {
            Box::new(async move { answer(remove_directory_at(store.data_mut(), fd, path).await) })
        },
    )?;
    types.func_wrap_async("[method]descriptor.read-directory", |mut store: StoreContextMut<'_, T>, (fd,): (Fd,)| {
        Box::new(async move { answer(read_directory(store.data_mut(), fd).await) })
    })?;
    types.func_wrap(
        "[method]descriptor.read-via-stream",
        |mut store: StoreContextMut<'_, T>, (fd, offset): (Fd, u64)| {
            answer(read_via_stream(store.data_mut(), fd, offset))
        },
    )?;
    types.func_wrap(
        "[method]descriptor.write-via-stream",
        |mut store: StoreContextMut<'_, T>, (fd, offset): (Fd, u64)| {
            answer(output_stream(store.data_mut(), fd, Some(offset)))
        },
    )?;
    types.func_wrap("[method]descriptor.append-via-stream", |mut store: StoreContextMut<'_, T>, (fd,): (Fd,)| {
        answer(output_stream(store.data_mut(), fd, None))
    })?;
    types.resource(
        "directory-entry-stream",
        ResourceType::host::<DirectoryEntryStream>(),
        |mut store: StoreContextMut<'_, T>, number| {
            let state = store.data_mut();
            if let Some(files) = state.files() {
                files.listings.remove(&number);
            }
            HostDirectoryEntryStream::drop(&mut state.filesystem(), Resource::new_own(number))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

fn file<T: FilesView>(state: &mut T, fd: &Fd) -> FsResult<Arc<File>> {
    Ok(match state.ctx().table.get(fd)? {
        Descriptor::File(file) => file.file.clone(),
        Descriptor::Dir(folder) => folder.dir.clone(),
    })
}

/// What an open file stands on. What is not known is not written to.
fn ground<T: FilesView>(state: &mut T, fd: &Fd) -> FsResult<Backing> {
    let file = file(state, fd)?;
    let known = state.files().and_then(|files| files.handles.ground(&file).cloned());
    Ok(known.ok_or(ErrorCode::NotPermitted)?)
}

/// Pays for one more entry of a folder.
async fn pay_for_entry(ground: &Backing) -> FsResult<()> {
    if ground.takes_entry().await { Ok(()) } else { Err(ErrorCode::InsufficientSpace.into()) }
}

async fn open_at<T: FilesView>(
    state: &mut T,
    fd: Fd,
    follow: PathFlags,
    path: String,
    mut open: OpenFlags,
    flags: DescriptorFlags,
) -> FsResult<Fd> {
    let ground = ground(state, &fd)?;
    // WASI has no word for too many open files.
    let room = state.files().and_then(|files| files.handles.make_room()).ok_or(ErrorCode::InsufficientMemory)?;
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
    let opened = match HostDescriptor::open_at(&mut state.filesystem(), fd, follow, path, open, flags).await {
        Ok(opened) => opened,
        Err(error) => {
            let code = error.downcast().map_err(wasmtime_wasi::TrappableError::trap)?;
            let code =
                if is_starved && matches!(code, ErrorCode::NoEntry) { ErrorCode::InsufficientSpace } else { code };
            return Err(code.into());
        }
    };
    let file = file(state, &opened)?;
    if let Some(files) = state.files() {
        files.handles.enter(room, &file, ground.quota_dir);
    }
    Ok(opened)
}

async fn write<T: FilesView>(state: &mut T, fd: Fd, bytes: Vec<u8>, offset: u64) -> FsResult<u64> {
    if !ground(state, &fd)?.takes_write(Some(offset), bytes.len()).await {
        return Err(ErrorCode::InsufficientSpace.into());
    }
    HostDescriptor::write(&mut state.filesystem(), fd, bytes, offset).await
}

async fn set_size<T: FilesView>(state: &mut T, fd: Fd, size: u64) -> FsResult<()> {
    let ground = ground(state, &fd)?;
    let has = file(state, &fd)?.metadata().map_or(0, |metadata| metadata.len());
    if !ground.takes_size(has, size).await {
        return Err(ErrorCode::InsufficientSpace.into());
    }
    ground.has_changed();
    HostDescriptor::set_size(&mut state.filesystem(), fd, size).await
}

async fn create_directory_at<T: FilesView>(state: &mut T, fd: Fd, path: String) -> FsResult<()> {
    pay_for_entry(&ground(state, &fd)?).await?;
    HostDescriptor::create_directory_at(&mut state.filesystem(), fd, path).await
}

async fn symlink_at<T: FilesView>(state: &mut T, fd: Fd, old: String, new: String) -> FsResult<()> {
    pay_for_entry(&ground(state, &fd)?).await?;
    HostDescriptor::symlink_at(&mut state.filesystem(), fd, old, new).await
}

async fn link_at<T: FilesView>(
    state: &mut T,
    fd: Fd,
    follow: PathFlags,
    old: String,
    to: Fd,
    new: String,
) -> FsResult<()> {
    let target = within_one(state, &fd, &to)?;
    pay_for_entry(&target).await?;
    HostDescriptor::link_at(&mut state.filesystem(), fd, follow, old, to, new).await
}

async fn rename_at<T: FilesView>(state: &mut T, fd: Fd, old: String, to: Fd, new: String) -> FsResult<()> {
    let target = within_one(state, &fd, &to)?;
    // A longer name may be one block more of its folder.
    pay_for_entry(&target).await?;
    HostDescriptor::rename_at(&mut state.filesystem(), fd, old, to, new).await
}

/// A file that went from one folder to another would be paid for in the one and lie in the other.
fn within_one<T: FilesView>(state: &mut T, from: &Fd, to: &Fd) -> FsResult<Backing> {
    let (from, to) = (ground(state, from)?, ground(state, to)?);
    if from.is_one_with(&to) { Ok(to) } else { Err(ErrorCode::CrossDevice.into()) }
}

async fn unlink_file_at<T: FilesView>(state: &mut T, fd: Fd, path: String) -> FsResult<()> {
    let ground = ground(state, &fd)?;
    HostDescriptor::unlink_file_at(&mut state.filesystem(), fd, path).await?;
    ground.has_changed();
    Ok(())
}

async fn remove_directory_at<T: FilesView>(state: &mut T, fd: Fd, path: String) -> FsResult<()> {
    let ground = ground(state, &fd)?;
    HostDescriptor::remove_directory_at(&mut state.filesystem(), fd, path).await?;
    ground.has_changed();
    Ok(())
}

/// wasmtime takes in a folder as a whole: that is memory of the guest's.
async fn read_directory<T: FilesView>(state: &mut T, fd: Fd) -> FsResult<Resource<DirectoryEntryStream>> {
    let folder = file(state, &fd)?;
    let bytes = tokio::task::spawn_blocking(move || weigh(&folder)).await.map_err(|_| ErrorCode::Io)??;
    let mut share = Share::new(&state.files().ok_or(ErrorCode::NotPermitted)?.memory);
    if !share.grow(bytes) {
        return Err(ErrorCode::InsufficientMemory.into());
    }
    let listing = HostDescriptor::read_directory(&mut state.filesystem(), fd).await?;
    if let Some(files) = state.files() {
        files.listings.insert(listing.rep(), share);
    }
    Ok(listing)
}

fn read_via_stream<T: FilesView>(state: &mut T, fd: Fd, offset: u64) -> FsResult<Resource<DynInputStream>> {
    room_for_stream(state)?;
    HostDescriptor::read_via_stream(&mut state.filesystem(), fd, offset)
}

/// A stream that writes at `offset`, or at the end.
fn output_stream<T: FilesView>(state: &mut T, fd: Fd, offset: Option<u64>) -> FsResult<Resource<DynOutputStream>> {
    room_for_stream(state)?;
    let ground = ground(state, &fd)?;
    let stream = match offset {
        Some(offset) => HostDescriptor::write_via_stream(&mut state.filesystem(), fd, offset)?,
        None => HostDescriptor::append_via_stream(&mut state.filesystem(), fd)?,
    };
    let Some(quota_dir) = ground.quota_dir.clone() else {
        return Ok(stream);
    };
    let table = state.ctx().table;
    let inner = table.delete(stream)?;
    let metered: DynOutputStream = Box::new(Metered::new(inner, ground, quota_dir, offset));
    Ok(table.push(metered)?)
}

fn room_for_stream<T: FilesView>(state: &mut T) -> FsResult<()> {
    match state.files() {
        Some(files) if !files.handles.has_room_for_stream() => Err(ErrorCode::InsufficientMemory.into()),
        _ => Ok(()),
    }
}
