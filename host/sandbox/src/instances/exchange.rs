//! One request and its response in an instance of the 0.3 lane.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http::Request;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use tokio_util::sync::WaitForCancellationFutureOwned;
use wasmtime::AsContextMut;
use wasmtime::component::Accessor;
use wasmtime::component::GuestTaskId;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p3;
use wasmtime_wasi_http::p3::bindings::Service;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;

use crate::instances::shared_call::ActiveCalls;
use crate::instances::store::State;
use crate::instances::writer::Begun;

/// One request in an instance of its own, to the end of everything that it began.
pub(crate) async fn serve(
    accessor: &Accessor<State>,
    exports: &Service,
    incoming: Request<WasiBody>,
    head: oneshot::Sender<Result<Begun, ErrorCode>>,
) -> wasmtime::Result<()> {
    match answer(accessor, exports, incoming, |_| ()).await? {
        Err(code) => _ = head.send(Err(code)),
        Ok(response) => {
            let (response, gone) = watched(response, None);
            if head.send(Ok(response)).is_ok() {
                // What the guest writes, and its trailers, go through this store.
                let _ = gone.await;
            }
        }
    }
    poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
    Ok(())
}

/// Calls the guest; `began` is told which of its tasks works on this request. The outer error is the instance's end, the
/// inner one the guest's answer.
pub(crate) async fn answer(
    accessor: &Accessor<State>,
    exports: &Service,
    incoming: Request<WasiBody>,
    began: impl FnOnce(GuestTaskId),
) -> wasmtime::Result<Result<Begun, ErrorCode>> {
    let handle = exports.wasi_http_handler().func_handle();
    let (call, sent) = accessor.with(|mut access| {
        let view = access.get().http();
        let (request, sent) = p3::Request::from_http(view.hooks, incoming);
        // The future borrows nothing, but its type says that it does.
        let sent: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> = Box::pin(sent);
        let request = view.table.push(request)?;
        let call = handle.start_call_concurrent(access.as_context_mut(), (request,))?;
        wasmtime::error::Ok((call, sent))
    })?;
    began(call.task());
    match handle.finish_call_concurrent(accessor, call).await?.0 {
        Err(code) => Ok(Err(code)),
        Ok(response) => accessor.with(|mut access| {
            let response = access.get().http().table.delete(response)?;
            response.into_http(access, sent).map(Ok)
        }),
    }
}

/// The response, with a signal for when nobody reads its body any more. `calls` is of the instance, where others are in it
/// and it runs on a task of its own.
pub(crate) fn watched(response: Begun, calls: Option<&Arc<ActiveCalls>>) -> (Begun, oneshot::Receiver<()>) {
    let (here, gone) = oneshot::channel();
    let calls = calls.cloned();
    (response.map(|body| Watched { body, here: Some(here), calls, broken: None }.boxed_unsync()), gone)
}

/// A body that tells when it was read to its end, or dropped, and whose end is its guest's.
struct Watched {
    body: WasiBody,
    here: Option<oneshot::Sender<()>>,
    calls: Option<Arc<ActiveCalls>>,
    /// Once its instance was dropped before the body was complete: until it is known why.
    broken: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Watched {
    /// wasmtime ends a body in the same way when its guest says so, and when its store is dropped. (When the guest's own
    /// request polls the store, it sees the store's end first, and asks no more.)
    fn is_broken_off(&self) -> bool {
        self.here.is_some() && self.calls.as_ref().is_some_and(|calls| !calls.is_sound())
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.broken.is_none() {
            let polled = Pin::new(&mut self.body).poll_frame(context);
            if !matches!(polled, Poll::Ready(None)) {
                return polled;
            }
            if !self.is_broken_off() {
                self.here = None;
                return polled;
            }
        }
        let Watched { broken, calls, .. } = &mut *self;
        if let Some(calls) = calls {
            ready!(broken.get_or_insert_with(|| calls.gone()).as_mut().poll(context));
        }
        Poll::Ready(Some(Err(Error::HttpResponseIncomplete)))
    }

    fn is_end_stream(&self) -> bool {
        self.broken.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
