//! The body of an answer to HEAD: nobody gets it, and it may be shorter than its head says (RFC 9110 section 9.3.2).

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt as _;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::WasiBody;

/// A guest's body that ends where it would be found to be too short: wasmtime holds it to the length that its head has,
/// and the answer to HEAD has the length that GET would have.
pub(crate) fn unsent(body: WasiBody) -> WasiBody {
    Unsent { body, is_over: false }.boxed_unsync()
}

struct Unsent {
    body: WasiBody,
    is_over: bool,
}

impl Body for Unsent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) => Poll::Ready(Some(Ok(frame))),
            None | Some(Err(_)) => {
                self.is_over = true;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_over { SizeHint::with_exact(0) } else { self.body.size_hint() }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use http_body_util::StreamBody;

    use super::*;

    #[test]
    fn a_body_that_is_too_short_ends_well() {
        let frames = [Ok(Frame::data(Bytes::from("some"))), Err(Error::HttpResponseBodySize(None))];
        let body = StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
        let read = unsent(body).collect().now_or_never().expect("it is all there").unwrap();
        assert_eq!(read.to_bytes(), "some");
    }
}
