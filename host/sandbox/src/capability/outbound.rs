//! Outgoing HTTP: it links, so that any component starts, and every request is refused.

use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::RequestOptions;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::WasiHttpHooks;
use wasmtime_wasi_http::WasiHttpView;

use crate::output::GuestLog;
use crate::tag::Tag;

pub(crate) fn link<T: WasiHttpView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

pub(crate) fn link_03<T: WasiHttpView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p3::add_to_linker(linker)
}

/// What one visitor's response may hold of the host's memory before it is sent.
const CHUNK_BYTES_MAX: usize = 64 << 10;

/// One instance's way out.
pub(crate) struct Outbound {
    log: Arc<GuestLog>,
    tag: Tag,
}

impl Outbound {
    pub(crate) fn new(log: &Arc<GuestLog>, tag: &Tag) -> Outbound {
        Outbound { log: log.clone(), tag: tag.clone() }
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
        let text = format!("refused an outgoing request to {target}: outbound HTTP is not granted");
        self.tag.with(|request_id| self.log.note(request_id, &text));
        Box::new(std::future::ready(Err(Error::HttpRequestDenied)))
    }

    /// Bytes of a body that are copied out of the guest at once (0.3).
    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES_MAX
    }
}
