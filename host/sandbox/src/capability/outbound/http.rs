//! Outgoing HTTP of one instance: every request is refused. What it answers with is bounded here too.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::RequestOptions;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::WasiHttpCtx;
use wasmtime_wasi_http::WasiHttpCtxView;
use wasmtime_wasi_http::WasiHttpHooks;

use crate::bounds::host_memory::HostMemory;
use crate::bounds::log_context::LogContext;
use crate::bounds::output::GuestLog;

/// What one visitor's response may hold of the host's memory before it is sent.
const CHUNK_BYTES_MAX: usize = 64 << 10;

/// What one instance has of `wasi:http`.
pub(crate) struct Http {
    ctx: WasiHttpCtx,
    hooks: Hooks,
}

/// What is asked of us on its way out.
struct Hooks {
    log: Arc<GuestLog>,
    log_context: LogContext,
    /// What the host keeps for the instance.
    host_memory: HostMemory,
}

impl Http {
    pub(crate) fn new(log: &Arc<GuestLog>, log_context: &LogContext, host_memory: HostMemory) -> Http {
        Http {
            ctx: WasiHttpCtx::new(),
            hooks: Hooks { log: log.clone(), log_context: log_context.clone(), host_memory },
        }
    }

    /// What wasmtime's own functions of HTTP work on, for a guest that holds `things`.
    pub(crate) fn view<'store>(&'store mut self, things: &'store mut ResourceTable) -> WasiHttpCtxView<'store> {
        self.ctx.set_field_size_limit(self.hooks.host_memory.fields_bytes_max(things));
        WasiHttpCtxView { ctx: &mut self.ctx, table: things, hooks: &mut self.hooks }
    }

    /// Its instance goes on to another request, and still holds `things`.
    pub(crate) fn renew(&mut self, things: &mut ResourceTable) {
        self.hooks.host_memory.renew(things);
    }
}

type Sent = wasmtime_wasi_http::Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>)>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _response_done: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let target = request.uri().authority().map_or("(no authority)", |authority| authority.as_str());
        let text = format!("refused an outgoing request to {target}: outbound HTTP is not granted");
        self.log_context.with(|request_id| self.log.note(request_id, &text));
        Box::new(std::future::ready(Err(Error::HttpRequestDenied)))
    }

    /// Bytes of a body that are taken from the guest at once (0.2).
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        self.log_context.begin_body();
        self.host_memory.body_bytes_max()
    }

    /// Bytes of a body that are copied out of the guest at once (0.3).
    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use http_body_util::BodyExt as _;
    use http_body_util::Empty;

    use super::*;

    /// What is decided of a request to `target`. Nothing is sent by this: the answer is there at once.
    fn check_refused(target: &str) {
        let log = Arc::new(GuestLog::new("shop", "1", 100));
        let mut hooks = Http::new(&log, &LogContext::new("r-1"), HostMemory::new(1)).hooks;
        let body: WasiBody = Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync();
        let request = http::Request::get(target).body(body).unwrap();
        let decided = hooks.send_request(request, None, Box::new(std::future::ready(Ok(()))));
        let decided = Box::into_pin(decided).now_or_never().expect("it is decided without waiting");
        assert!(matches!(decided, Err(Error::HttpRequestDenied)), "{target}");
    }

    #[test]
    fn every_private_and_special_range_is_refused_like_any_other_place() {
        for host in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.254",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::a00:1]",
            "[100::1]",
            "[2001:db8::1]",
            "[2002:a00:1::]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[ff02::1]",
            "metadata.google.internal",
            "localhost",
            "example.com",
            "93.184.216.34",
        ] {
            check_refused(&format!("http://{host}/"));
            check_refused(&format!("https://{host}:8443/latest/meta-data/"));
        }
        check_refused("/without-an-authority");
    }
}
