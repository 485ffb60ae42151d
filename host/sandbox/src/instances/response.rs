//! A response on its way back from a guest.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::task::ready;

use bytes::Bytes;
use bytes::BytesMut;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use tokio::time::Sleep;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::WasiBody;

use crate::fault::Fault;
use crate::instances::call::Call;
use crate::instances::read_ahead::SMALL_BYTES_MAX;
use crate::instances::writer::Writer;

/// The body of a guest's response. It owns the guest that is still writing it: dropping the body ends the guest.
///
/// An error means that the guest failed after its head was sent; the connection must be cut, so that a short body never
/// looks whole.
pub struct GuestBody(Kind);

enum Kind {
    /// All of it, and its guest is gone.
    Complete(Option<Bytes>),
    /// The guest is still at it.
    Streaming(Box<Writing>),
}

impl GuestBody {
    /// A body whose guest has ended.
    pub(crate) fn complete(bytes: Bytes) -> GuestBody {
        GuestBody(Kind::Complete((!bytes.is_empty()).then_some(bytes)))
    }
}

impl Body for GuestBody {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        match &mut self.0 {
            Kind::Complete(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Streaming(writing) => {
                let polled = writing.poll_next(context);
                match &polled {
                    Poll::Ready(None) => self.end(),
                    // Nothing comes after an error, and the guest has nobody left to write to.
                    Poll::Ready(Some(Err(_))) => self.0 = Kind::Complete(None),
                    _ => {}
                }
                polled
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Kind::Complete(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Complete(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Kind::Streaming(_) => SizeHint::default(),
        }
    }
}

impl GuestBody {
    fn end(&mut self) {
        if let Kind::Streaming(mut writing) = std::mem::replace(&mut self.0, Kind::Complete(None)) {
            writing.finish_guest();
        }
    }
}

/// A guest that writes a body, and the body's other end.
pub(crate) struct Writing {
    body: WasiBody,
    writer: Writer,
    /// What came before the head was sent.
    ready: VecDeque<Frame<Bytes>>,
    ended: bool,
    /// Runs while the visitor waits for the guest.
    patience: Option<Pin<Box<Sleep>>>,
    call: Call,
}

impl Writing {
    pub(crate) fn new(body: WasiBody, writer: Writer, call: Call) -> Writing {
        Writing { body, writer, ready: VecDeque::new(), ended: false, patience: None, call }
    }

    /// Goes on until the guest stands still, or the body is complete, or it is no longer small.
    pub(crate) async fn begin(mut self) -> Result<GuestBody, Fault> {
        let mut length = 0;
        let mut only_data = true;
        std::future::poll_fn(|context| {
            while length <= SMALL_BYTES_MAX {
                match self.poll_piece(context) {
                    Poll::Ready(Some(Ok(frame))) => {
                        length += frame.data_ref().map_or(0, Bytes::len);
                        only_data &= frame.is_data();
                        self.ready.push_back(frame);
                    }
                    Poll::Ready(Some(Err(fault))) => return Poll::Ready(Err(fault)),
                    Poll::Ready(None) => {
                        self.ended = true;
                        break;
                    }
                    Poll::Pending => break,
                }
            }
            Poll::Ready(Ok(()))
        })
        .await?;
        if self.ended && only_data {
            let whole = join(std::mem::take(&mut self.ready), length);
            self.finish_guest();
            return Ok(GuestBody::complete(whole));
        }
        self.writer.end_turn();
        Ok(GuestBody(Kind::Streaming(Box::new(self))))
    }

    /// The next frame for the visitor, or a fault when the guest lets too much time pass.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if let Some(frame) = self.ready.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(next) = self.poll_piece(context) {
            self.patience = None;
            return Poll::Ready(next);
        }
        let idle = self.call.limits().body_idle;
        let patience = self.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        ready!(patience.as_mut().poll(context));
        let fault = Fault::BodyIdle(idle);
        self.take_writer().stop(&fault);
        Poll::Ready(Some(Err(fault)))
    }

    /// The next frame of the body, driving the guest whenever there is none.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let mut driven = false;
        loop {
            // The guest's own fault explains more than the broken body that follows from it, so it is looked at first:
            // an error of the body counts only when the guest has nothing to say.
            let broken = match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => return Poll::Ready(Some(Ok(frame))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(error))) => Some(error),
                Poll::Pending => None,
            };
            if let Writer::Ended(keep) = &mut self.writer {
                match (broken, keep.take()) {
                    (Some(error), _) => return Poll::Ready(Some(Err(unfinished(&error)))),
                    // It returned without finishing the body: that shows when what it left behind is gone.
                    (None, Some(keep)) => drop(keep),
                    (None, None) => return Poll::Pending,
                }
                continue;
            }
            if driven && broken.is_none() {
                return Poll::Pending;
            }
            driven = true;
            match (Pin::new(&mut self.writer).poll(context), broken) {
                (Poll::Ready(Err(fault)), _) => return Poll::Ready(Some(Err(fault))),
                (_, Some(error)) => {
                    // Nobody reads what it would still write.
                    drop(self.take_writer());
                    return Poll::Ready(Some(Err(unfinished(&error))));
                }
                // It may have written something meanwhile.
                (Poll::Ready(Ok(())) | Poll::Pending, None) => {}
            }
        }
    }

    /// The response is complete: the guest has lost its visitor, but may have something left to do.
    fn finish_guest(&mut self) {
        let Call { common, log_context, is_head, held, .. } = &mut self.call;
        let (common, log_context) = (common.clone(), log_context.clone());
        let call = Call { common, log_context, is_head: *is_head, turn: None, held: held.take() };
        self.take_writer().finish(call);
    }

    fn take_writer(&mut self) -> Writer {
        std::mem::replace(&mut self.writer, Writer::Ended(None))
    }
}

impl Drop for Writing {
    /// Whoever knows a body's length does not always read to its very end.
    fn drop(&mut self) {
        let is_done = matches!(self.writer, Writer::Ended(None));
        if !is_done && matches!(self.poll_end(), Poll::Ready(None)) {
            self.finish_guest();
        }
    }
}

impl Writing {
    fn poll_end(&mut self) -> Poll<Option<()>> {
        let polled = Pin::new(&mut self.body).poll_frame(&mut Context::from_waker(Waker::noop()));
        polled.map(|frame| frame.map(drop))
    }
}

fn unfinished(error: &Error) -> Fault {
    Fault::bad_response(&match error {
        Error::HttpResponseBodySize(Some(length)) => {
            format!("its body has {length} bytes when it ends or overflows, and its content-length says another number")
        }
        _ => format!("its body was not finished: {error}"),
    })
}

fn join(frames: VecDeque<Frame<Bytes>>, length: usize) -> Bytes {
    let mut pieces = frames.into_iter().filter_map(|frame| frame.into_data().ok());
    match (pieces.next(), pieces.next()) {
        (None, _) => Bytes::new(),
        (Some(only), None) => only,
        (Some(first), Some(second)) => {
            let mut whole = BytesMut::with_capacity(length);
            whole.extend_from_slice(&first);
            whole.extend_from_slice(&second);
            pieces.for_each(|piece| whole.extend_from_slice(&piece));
            whole.freeze()
        }
    }
}
