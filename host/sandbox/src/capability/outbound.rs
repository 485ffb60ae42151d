//! Outgoing HTTP: it links, so that any component starts, and every request is refused.

use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::RequestOptions;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::WasiHttpHooks;
use wasmtime_wasi_http::WasiHttpView;

use crate::output::GuestLog;

pub(crate) fn link<T: WasiHttpView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

pub(crate) fn link_03<T: WasiHttpView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p3::add_to_linker(linker)
}

/// One instance's way out.
pub(crate) struct Outbound {
    log: Arc<GuestLog>,
    request_id: String,
}

impl Outbound {
    pub(crate) fn new(log: &Arc<GuestLog>, request_id: &str) -> Outbound {
        Outbound { log: log.clone(), request_id: request_id.to_owned() }
    }
}

type Sent = wasmtime_wasi_http::Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>)>;

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _response_done: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let target = request.uri().authority().map_or("(no authority)", |authority| authority.as_str());
        self.log
            .note(&self.request_id, &format!("refused an outgoing request to {target}: outbound HTTP is not granted"));
        Box::new(std::future::ready(Err(Error::HttpRequestDenied)))
    }
}
