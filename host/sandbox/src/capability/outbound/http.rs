//! HTTP of one instance: its outgoing requests go to the client that its app was granted, or are refused. What it answers
//! with is bounded here too.

use std::sync::Arc;

use guesthouse_outbound::client::Client;
use guesthouse_outbound::client::Timeouts;
use guesthouse_outbound::error::OutboundError;
use http_body_util::BodyExt as _;
use tokio_util::task::TaskTracker;
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::RequestOptions;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::WasiHttpCtx;
use wasmtime_wasi_http::WasiHttpCtxView;
use wasmtime_wasi_http::WasiHttpHooks;

use crate::bounds::host_memory::HostMemory;
use crate::bounds::log_context::LogContext;
use crate::capability::contract::Attaching;
use crate::capability::outbound::error_code::error;
use crate::capability::outbound::kept_body::KeptBody;
use crate::capability::outbound::note::Note;
use crate::capability::outbound::note::Notes;

/// What one visitor's response may hold of the host's memory before it is sent.
const CHUNK_BYTES_MAX: usize = 64 << 10;

/// What one instance has of `wasi:http`.
pub(crate) struct Http {
    ctx: WasiHttpCtx,
    hooks: Hooks,
}

/// What is asked of us on its way out.
struct Hooks {
    /// Nothing, if nothing was granted.
    client: Option<Arc<Client<KeptBody>>>,
    notes: Notes,
    log_context: LogContext,
    tasks: TaskTracker,
    /// What the host keeps for the instance.
    host_memory: HostMemory,
}

impl Http {
    pub(crate) fn new(client: Option<Arc<Client<KeptBody>>>, notes: Notes, at: &Attaching<'_>) -> Http {
        let (log_context, tasks) = (at.log_context.clone(), at.tasks.clone());
        let host_memory = HostMemory::new(at.concurrent_max);
        Http { ctx: WasiHttpCtx::new(), hooks: Hooks { client, notes, log_context, tasks, host_memory } }
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

/// Tells the log why, and gives what the guest is told.
fn fault(note: &Note, why: &OutboundError) -> Error {
    note.failed("request", why);
    error(why)
}

fn timeouts(options: Option<RequestOptions>) -> Timeouts {
    let RequestOptions { connect_timeout, first_byte_timeout, between_bytes_timeout } = options.unwrap_or_default();
    Timeouts { connect: connect_timeout, first_byte: first_byte_timeout, between_bytes: between_bytes_timeout }
}

/// A request's target as the guest wrote it.
fn asked_for(uri: &http::Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    uri.authority().map_or_else(|| "nothing".to_owned(), |authority| format!("{scheme}://{authority}"))
}

type Sent = wasmtime_wasi_http::Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>)>;

impl WasiHttpHooks for Hooks {
    /// Nothing is left to do for the request once its answer has begun: connections run by themselves.
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_done: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        // A body that it began before was this request's.
        self.log_context.forget_body();
        let note = self.notes.now();
        let (client, caller, tasks) = (self.client.clone(), self.notes.caller(), self.tasks.clone());
        if let Some(needed) = client.as_ref().and_then(|client| client.needed(note.app(), request.uri())) {
            note.tell(&needed);
        }
        Box::new(async move {
            let request = request.map(|body| KeptBody::new(body, tasks));
            let sent = match &client {
                Some(client) => client.send(request, timeouts(options), caller).await,
                None => Err(OutboundError::NotGranted(asked_for(request.uri()))),
            };
            match sent {
                Ok(response) => {
                    let body = response.map(|body| body.map_err(move |error| fault(&note, &error)).boxed_unsync());
                    let done: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(std::future::ready(Ok(())));
                    Ok((body, done))
                }
                Err(error) => Err(fault(&note, &error)),
            }
        })
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
    use guesthouse_outbound::host::Host;
    use guesthouse_outbound::host::HostSettings;
    use guesthouse_outbound::rules::Rules;
    use guesthouse_types::destination::Destination;
    use http_body_util::Empty;

    use super::*;
    use crate::bounds::output::GuestLog;
    use crate::capability::outbound::grant::Granted;
    use crate::capability::outbound::settings::OutboundSettings;

    /// What is decided of a request to `target`. Nothing is sent by this: the answer is there at once.
    fn check_refused(client: Option<&Arc<Client<KeptBody>>>, target: &str) {
        let log = Arc::new(GuestLog::new("shop", "1", 100));
        let log_context = LogContext::new("r-1");
        let notes = Notes::new(&log, &log_context);
        let (client, tasks, host_memory) = (client.cloned(), TaskTracker::new(), HostMemory::new(1));
        let mut hooks = Hooks { client, notes, log_context, tasks, host_memory };
        let body: WasiBody = Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync();
        let request = http::Request::get(target).body(body).unwrap();
        let decided = hooks.send_request(request, None, Box::new(std::future::ready(Ok(()))));
        let decided = Box::into_pin(decided).now_or_never().expect("it is decided without waiting");
        assert!(matches!(decided, Err(Error::HttpRequestDenied | Error::HttpRequestUriInvalid)), "{target}");
    }

    #[tokio::test]
    async fn what_is_not_asked_for_is_refused_before_anything_is_looked_up() {
        let destinations = vec![Destination::parse("https://api.example.com").unwrap()];
        let settings = OutboundSettings { rules: Rules { destinations, ..Rules::default() }, ..Default::default() };
        let client = Granted::new(&Arc::new(Host::new(&HostSettings::default())), &settings).http;
        for client in [None, Some(&client)] {
            for host in [
                "10.0.0.1",
                "127.0.0.1",
                "169.254.169.254",
                "[::1]",
                "[64:ff9b::a00:1]",
                "metadata.google.internal",
                "localhost",
                "example.com",
                "93.184.216.34",
                "api.example.com.evil.example",
            ] {
                check_refused(client, &format!("http://{host}/"));
                check_refused(client, &format!("https://{host}:8443/latest/meta-data/"));
            }
            check_refused(client, "http://api.example.com/");
            check_refused(client, "https://user@api.example.com/");
            check_refused(client, "/without-an-authority");
        }
    }
}
