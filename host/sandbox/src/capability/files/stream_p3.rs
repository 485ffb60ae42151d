//! Streams of `wasi:filesystem@0.3`: into a file, which pays for what is written, and out of a folder, whose listing counts as
//! the guest's memory.

use std::ffi::CStr;
use std::fs::File;
use std::io::IoSlice;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::vec::IntoIter;

use rustix::fs::FileType;
use rustix::io::ReadWriteFlags;
use rustix::io::pwritev2;
use tokio::sync::oneshot;
use wasmtime::StoreContextMut;
use wasmtime::component::Destination;
use wasmtime::component::Source;
use wasmtime::component::StreamConsumer;
use wasmtime::component::StreamProducer;
use wasmtime::component::StreamResult;
use wasmtime::component::VecBuffer;
use wasmtime_wasi::p3::bindings::filesystem::types::DescriptorType;
use wasmtime_wasi::p3::bindings::filesystem::types::DirectoryEntry;
use wasmtime_wasi::p3::bindings::filesystem::types::ErrorCode;

use crate::bounds::memory::Share;
use crate::capability::files::handles::Backing;
use crate::capability::files::listing::entries;
use crate::capability::files::listing::weigh;

/// What is taken from the guest at once.
const PIECE_BYTES_MAX: usize = 64 << 10;

/// Entries of a folder that are handed over at once.
const ENTRIES_AT_ONCE: usize = 64;

/// How a stream ends.
pub(crate) type End = oneshot::Sender<Result<(), ErrorCode>>;

/// A stream into a file.
pub(crate) struct Metered {
    file: Arc<File>,
    ground: Backing,
    /// Where it writes; `None` is at the end.
    offset: Option<u64>,
    writing: Option<Work<usize>>,
    end: Option<End>,
}

type Work<T> = Pin<Box<dyn Future<Output = Result<T, ErrorCode>> + Send>>;

impl Metered {
    pub(crate) fn new(file: Arc<File>, ground: Backing, offset: Option<u64>, end: End) -> Metered {
        Metered { file, ground, offset, writing: None, end: Some(end) }
    }

    fn close(&mut self, result: Result<(), ErrorCode>) {
        // The guest may not want to know.
        let _ = self.end.take().map(|end| end.send(result));
    }
}

impl<D: 'static> StreamConsumer<D> for Metered {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        store: StoreContextMut<D>,
        source: Source<Self::Item>,
        _finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let mut source = source.as_direct(store);
        let this = &mut *self;
        let writing = this.writing.get_or_insert_with(|| {
            let piece = source.remaining();
            let piece = piece[..piece.len().min(PIECE_BYTES_MAX)].to_vec();
            Box::pin(write(this.file.clone(), this.ground.clone(), piece, this.offset))
        });
        // What has begun to be written is written, whether or not the guest still waits for it.
        let written = ready!(writing.as_mut().poll(context));
        this.writing = None;
        match written {
            Ok(count) => {
                source.mark_read(count);
                this.offset = this.offset.map(|offset| offset.saturating_add(count as u64));
                Poll::Ready(Ok(StreamResult::Completed))
            }
            Err(code) => {
                this.close(Err(code));
                Poll::Ready(Ok(StreamResult::Dropped))
            }
        }
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.close(Ok(()));
    }
}

async fn write(file: Arc<File>, ground: Backing, piece: Vec<u8>, offset: Option<u64>) -> Result<usize, ErrorCode> {
    if !ground.takes_write(offset, piece.len()).await {
        return Err(ErrorCode::InsufficientSpace);
    }
    let written = tokio::task::spawn_blocking(move || match offset {
        Some(offset) => file.write_at(&piece, offset),
        None => Ok(pwritev2(&*file, &[IoSlice::new(&piece)], 0, ReadWriteFlags::APPEND)?),
    });
    Ok(written.await.map_err(|_| ErrorCode::Io)??)
}

/// What is in a folder.
pub(crate) struct Listing {
    looking: Option<Work<Listed>>,
    found: Option<Listed>,
    end: Option<End>,
}

struct Listed {
    left: IntoIter<DirectoryEntry>,
    _share: Share,
}

impl Listing {
    /// Looks into `folder`, for a guest whose memory `share` is.
    pub(crate) fn new(folder: Arc<File>, share: Share, end: End) -> Listing {
        let looking = tokio::task::spawn_blocking(move || look(&folder, share));
        let looking = async move { looking.await.map_err(|_| ErrorCode::Io)? };
        Listing { looking: Some(Box::pin(looking)), found: None, end: Some(end) }
    }

    fn close(&mut self, result: Result<(), ErrorCode>) {
        // The guest may not want to know.
        let _ = self.end.take().map(|end| end.send(result));
    }
}

fn look(folder: &File, mut share: Share) -> Result<Listed, ErrorCode> {
    if !share.grow(weigh(folder)?) {
        return Err(ErrorCode::InsufficientMemory);
    }
    let entry = |(name, kind): (Box<CStr>, FileType)| {
        let name = name.into_c_string().into_string().map_err(|_| ErrorCode::IllegalByteSequence)?;
        Ok(DirectoryEntry { name, type_: type_of(kind) })
    };
    let found = entries(folder)?.into_iter().map(entry).collect::<Result<Vec<_>, ErrorCode>>()?;
    Ok(Listed { left: found.into_iter(), _share: share })
}

fn type_of(kind: FileType) -> DescriptorType {
    match kind {
        FileType::Directory => DescriptorType::Directory,
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Symlink => DescriptorType::SymbolicLink,
        _ => DescriptorType::Other(None),
    }
}

impl<D: 'static> StreamProducer<D> for Listing {
    type Item = DirectoryEntry;
    type Buffer = VecBuffer<DirectoryEntry>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let wanted = destination.remaining(&mut store).unwrap_or(ENTRIES_AT_ONCE);
        if wanted == 0 {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        if let Some(looking) = &mut self.looking {
            match looking.as_mut().poll(context) {
                Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(found)) => self.found = Some(found),
                Poll::Ready(Err(code)) => self.close(Err(code)),
            }
            self.looking = None;
        }
        let next: Vec<DirectoryEntry> = match &mut self.found {
            Some(found) => found.left.by_ref().take(wanted.min(ENTRIES_AT_ONCE)).collect(),
            None => Vec::new(),
        };
        if next.is_empty() {
            self.close(Ok(()));
            return Poll::Ready(Ok(StreamResult::Dropped));
        }
        destination.set_buffer(next.into());
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        self.close(Ok(()));
    }
}
