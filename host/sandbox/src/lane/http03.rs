//! The standard lane with its asynchronous half: `wasi:http/handler@0.3`, streams handed through, and several requests at
//! once in one instance for those who ask for it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::Accessor;
use wasmtime::component::InstancePre;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p3;
use wasmtime_wasi_http::p3::bindings::Service;
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;

use crate::crew::Crew;
use crate::fault::Fault;
use crate::instance::Mould;
use crate::instance::Start;
use crate::lane::message;
use crate::lane::message::Begun;
use crate::lot::Lot;
use crate::request::GuestRequest;
use crate::response::GuestBody;
use crate::store::Common;
use crate::store::State;
use crate::visit::Visit;

/// A guest of the `wasi:http/service` world.
pub(crate) struct Http03 {
    service: ServicePre<State>,
    lot: Arc<Lot<Service>>,
    /// Present when its instances answer several requests at once.
    crew: Option<Crew>,
}

impl Http03 {
    pub(crate) fn new(linked: InstancePre<State>, common: &Arc<Common>) -> wasmtime::Result<Http03> {
        let instances = &common.settings.instances;
        let service = ServicePre::new(linked)?;
        let lot = Lot::new(instances, &common.idle);
        let several = instances.are_reused() && instances.concurrent_max > 1;
        let crew = several.then(|| Crew::new(service.clone(), lot.clone(), common.clone()));
        Ok(Http03 { service, lot, crew })
    }

    pub(crate) fn mould(&self) -> &ServicePre<State> {
        &self.service
    }

    pub(crate) async fn call(
        &self,
        request: GuestRequest,
        common: &Arc<Common>,
        visit: Visit,
    ) -> Result<Response<GuestBody>, Fault> {
        let id = request.id.clone();
        let incoming = message::incoming(request)?;
        if let Some(crew) = &self.crew {
            return crew.call(incoming, id, visit).await;
        }
        let start = Start::new(self.lot.take(), self.service.engine(), common, &id);
        let (sender, head) = oneshot::channel();
        let (service, lot) = (self.service.clone(), self.lot.clone());
        let guest = async move {
            let mut instance = start.instance(&service).await?;
            let door = &instance.door;
            let ran =
                instance.store.run_concurrent(async |accessor| serve(accessor, door, incoming, sender).await).await;
            ran.flatten().map_err(|error| instance.fault(&error))?;
            Ok(lot.keep(instance))
        };
        message::respond(guest, head, visit).await
    }
}

/// One request in an instance of its own, to the end of everything that it began.
async fn serve(
    accessor: &Accessor<State>,
    door: &Service,
    incoming: Request<WasiBody>,
    head: oneshot::Sender<Result<Begun, ErrorCode>>,
) -> wasmtime::Result<()> {
    match answer(accessor, door, incoming).await? {
        Err(code) => _ = head.send(Err(code)),
        Ok(response) => {
            let (response, gone) = watched(response);
            if head.send(Ok(response)).is_ok() {
                // What the guest writes, and its trailers, go through this store.
                let _ = gone.await;
            }
        }
    }
    poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
    Ok(())
}

/// Calls the guest. The outer error is the instance's end, the inner one the guest's answer.
pub(crate) async fn answer(
    accessor: &Accessor<State>,
    door: &Service,
    incoming: Request<WasiBody>,
) -> wasmtime::Result<Result<Begun, ErrorCode>> {
    let (request, sent) = accessor.with(|mut access| {
        let (request, sent) = p3::Request::from_http(access.get().http().hooks, incoming);
        // The future borrows nothing, but its type says that it does.
        let sent: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> = Box::pin(sent);
        (request, sent)
    });
    match door.handle(accessor, request).await? {
        Err(code) => Ok(Err(code)),
        Ok(response) => accessor.with(|access| response.into_http(access, sent)).map(Ok),
    }
}

/// The response, with a signal for when nobody reads its body any more.
pub(crate) fn watched(response: Begun) -> (Begun, oneshot::Receiver<()>) {
    let (here, gone) = oneshot::channel();
    (response.map(|body| Watched { body, here: Some(here) }.boxed_unsync()), gone)
}

/// A body that tells when it was read to its end, or dropped.
struct Watched {
    body: WasiBody,
    here: Option<oneshot::Sender<()>>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) {
            self.here = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Mould for ServicePre<State> {
    type Door = Service;

    fn linked(&self) -> &InstancePre<State> {
        self.instance_pre()
    }

    fn make(&self, store: &mut Store<State>) -> impl Future<Output = wasmtime::Result<Service>> + Send {
        self.instantiate_async(store)
    }
}
