//! The body of an answer: bounded in length, and in how long it may stand still.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use bytes::Bytes;
use guesthouse_types::target::Target;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use tokio::time::Sleep;

use crate::error::OutboundError;
use crate::internal;

/// Why it broke off.
type Reason = Arc<dyn Error + Send + Sync>;

/// What comes in, before it is bounded.
pub(crate) enum Incoming {
    /// Over a connection.
    Outside(hyper::body::Incoming),
    /// From within the host: another app, or what stands for the outside.
    Inside(internal::Body),
}

/// An answer's body. Dropping it gives up the rest.
pub struct ResponseBody {
    incoming: Incoming,
    target: Target,
    bytes_max: u64,
    left: u64,
    within: Duration,
    /// Runs while the other end is waited for.
    patience: Option<Pin<Box<Sleep>>>,
    is_over: bool,
}

impl ResponseBody {
    pub(crate) fn new(incoming: Incoming, target: Target, bytes_max: u64, within: Duration) -> ResponseBody {
        ResponseBody { incoming, target, bytes_max, left: bytes_max, within, patience: None, is_over: false }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, OutboundError>>> {
        let target = || self.target.clone();
        let next = match &mut self.incoming {
            Incoming::Outside(body) => Pin::new(body).poll_frame(context).map_err(|error| Arc::new(error) as Reason),
            Incoming::Inside(body) => Pin::new(body).poll_frame(context).map_err(Reason::from),
        };
        let Poll::Ready(next) = next else {
            let within = self.within;
            let patience = self.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
            ready!(patience.as_mut().poll(context));
            return Poll::Ready(Some(Err(OutboundError::BodyTimeout { target: target(), after: within })));
        };
        self.patience = None;
        let frame = match next {
            None => return Poll::Ready(None),
            Some(Err(error)) => {
                return Poll::Ready(Some(Err(OutboundError::Http { target: target(), error })));
            }
            Some(Ok(frame)) => frame,
        };
        let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
        let Some(left) = self.left.checked_sub(bytes) else {
            return Poll::Ready(Some(Err(OutboundError::TooLarge { target: target(), most: self.bytes_max })));
        };
        self.left = left;
        Poll::Ready(Some(Ok(frame)))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = OutboundError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, OutboundError>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let next = ready!(self.poll(context));
        // Nothing comes after an error.
        self.is_over = !matches!(next, Some(Ok(_)));
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
            || match &self.incoming {
                Incoming::Outside(body) => body.is_end_stream(),
                Incoming::Inside(body) => body.is_end_stream(),
            }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.incoming {
            Incoming::Outside(body) => body.size_hint(),
            Incoming::Inside(body) => body.size_hint(),
        }
    }
}
