//! The 0.2 lane, called through wasmtime's own `wasi:http`.

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::Empty;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::InstancePre;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::RequestOptions;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::WasiHttpHooks;
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::p2::bindings::Proxy;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;

use crate::bare::Door;
use crate::bare::State;

/// `wasi:http/proxy`.
pub struct Http02(ProxyPre<State>);

/// Outgoing requests are refused.
pub struct NoWayOut;

impl Door for Http02 {
    type Exports = Proxy;

    fn new(linked: InstancePre<State>) -> wasmtime::Result<Http02> {
        ProxyPre::new(linked).map(Http02)
    }

    async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Proxy> {
        self.0.instantiate_async(store).await
    }

    async fn ask(store: &mut Store<State>, proxy: &Proxy) -> wasmtime::Result<()> {
        let (sender, head) = oneshot::channel();
        let mut http = store.data_mut().http();
        let incoming = http.new_incoming_request(Scheme::Http, request()?)?;
        let outparam = http.new_response_outparam(sender)?;
        // The guest waits until somebody reads what it writes.
        let read = async {
            let response = head.await??;
            assert_eq!(response.status(), 200);
            let body = response.into_body().collect().await?.to_bytes();
            assert!(!body.is_empty());
            wasmtime::error::Ok(())
        };
        let (called, read) = tokio::join!(
            async { proxy.wasi_http_incoming_handler().call_handle(store, incoming, outparam).await },
            read
        );
        called.and(read)
    }
}

fn request() -> wasmtime::Result<http::Request<WasiBody>> {
    let body = Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync();
    let request = http::Request::get("http://localhost:8080/")
        .header("host", "localhost:8080")
        .header("x-forwarded-prefix", "/hello")
        .header("x-forwarded-for", "127.0.0.1")
        .header("x-forwarded-proto", "http")
        .header("x-forwarded-host", "localhost:8080")
        .header("x-request-id", "18f3a2b4c5d6-42")
        .body(body)?;
    Ok(request)
}

type Sent = wasmtime_wasi_http::Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>)>;

impl WasiHttpHooks for NoWayOut {
    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _response_done: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        Box::new(std::future::ready(Err(Error::HttpRequestDenied)))
    }
}
