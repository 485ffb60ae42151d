//! A response on its way back from a guest.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http_body::Frame;
use http_body::SizeHint;

use crate::fault::Fault;

/// The body of a guest's response. It owns the guest that is still writing it: dropping the body ends the guest.
///
/// An error means that the guest failed after its head was sent; the connection must be cut, so that a short body never
/// looks whole.
pub struct GuestBody(());

impl http_body::Body for GuestBody {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        todo!()
    }

    fn is_end_stream(&self) -> bool {
        todo!()
    }

    fn size_hint(&self) -> SizeHint {
        todo!()
    }
}
