//! What writes a body in fewer bytes, piece by piece; and how many of those there are.

use std::io;
use std::io::Write as _;
use std::sync::Arc;

use brotli::CompressorWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use guesthouse_app::coding::Coding;
use guesthouse_app::fill::Fill;
use guesthouse_app::places::Place;
use guesthouse_app::places::Places;
use guesthouse_app::places::pace::Pace;

/// Levels, and windows as powers of two, where more costs more than it saves: `docs/decisions/0030-compression.md`.
const ZSTD: (i32, u32) = (3, 18);
const BROTLI: (u32, u32) = (4, 18);
const GZIP: u32 = 5;

/// The smallest window that has a code (RFC 7932 section 9.1).
const BROTLI_WINDOW_MIN: u32 = 10;

/// What `CompressorWriter` collects before it writes on; the same as brotli's own default.
const BROTLI_BUFFER_BYTES: usize = 4096;

/// How many bodies may be compressed at once, over all apps: a body lives for as long as its visitor takes to read it.
#[derive(Clone)]
pub struct Encoders(Arc<Places>);

/// The right to one compressor.
pub struct Permit {
    _place: Place,
}

impl Encoders {
    /// So many at once.
    pub fn new(encoders_max: usize) -> Encoders {
        Encoders(Places::new(encoders_max, 0))
    }

    /// How many there are.
    pub fn fill(&self) -> Fill {
        self.0.fill()
    }

    /// One more, unless there are as many as there may be, or the visitor has half of them. Nobody waits: a body can go as
    /// it is.
    pub fn permit(&self, pace: &Arc<Pace>) -> Option<Permit> {
        self.0.try_take_of_share(pace, 1).map(|place| Permit { _place: place })
    }
}

/// One body's compressor, with what it has written and nobody has taken yet. It holds up to 4 MiB of memory. Dropped
/// without `finish`, what was taken from it does not look whole.
pub enum Encoder {
    /// `zstd`
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    /// `br`
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    /// `gzip`
    Gzip(GzEncoder<Vec<u8>>),
}

impl Encoder {
    /// Begins a body of so many bytes, where that is known: a short one takes little memory, and most of the time goes
    /// into getting that from the kernel. A body that breaks off may be shorter, if it is never finished.
    pub fn new(coding: Coding, length: Option<u64>) -> io::Result<Encoder> {
        Ok(match coding {
            Coding::Zstd => {
                let (level, window) = ZSTD;
                let mut zstd = zstd::stream::write::Encoder::new(Vec::new(), level)?;
                zstd.window_log(window)?;
                zstd.set_pledged_src_size(length)?;
                Encoder::Zstd(zstd)
            }
            Coding::Brotli => {
                let (level, window) = BROTLI;
                // As many bits as the length has: the smallest window that holds all of it.
                let window = length
                    .map_or(window, |length| (u64::BITS - length.leading_zeros()).clamp(BROTLI_WINDOW_MIN, window));
                Encoder::Brotli(Box::new(CompressorWriter::new(Vec::new(), BROTLI_BUFFER_BYTES, level, window)))
            }
            Coding::Gzip => Encoder::Gzip(GzEncoder::new(Vec::new(), Compression::new(GZIP))),
        })
    }

    /// Takes a piece in. Most of it may stay inside for a while.
    pub fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        match self {
            Encoder::Zstd(zstd) => zstd.write_all(piece),
            Encoder::Brotli(brotli) => brotli.write_all(piece),
            Encoder::Gzip(gzip) => gzip.write_all(piece),
        }
    }

    /// Makes everything that was taken in readable from what was written.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Encoder::Zstd(zstd) => zstd.flush(),
            Encoder::Brotli(brotli) => brotli.flush(),
            Encoder::Gzip(gzip) => gzip.flush(),
        }
    }

    /// Ends the body, and gives what is left of it.
    pub fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Encoder::Zstd(zstd) => zstd.finish(),
            Encoder::Brotli(brotli) => Ok(brotli.into_inner()),
            Encoder::Gzip(gzip) => gzip.finish(),
        }
    }

    /// What was written.
    pub fn written(&mut self) -> &mut Vec<u8> {
        match self {
            Encoder::Zstd(zstd) => zstd.get_mut(),
            Encoder::Brotli(brotli) => brotli.get_mut(),
            Encoder::Gzip(gzip) => gzip.get_mut(),
        }
    }
}
