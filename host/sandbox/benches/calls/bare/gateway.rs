//! The gateway lane, called through wasmtime's own bindings.

use wasmtime::Store;
use wasmtime::component::InstancePre;

use self::bindings::App;
use self::bindings::AppPre;
use self::bindings::guesthouse::gateway::types::Request;
use crate::bare::Door;
use crate::bare::State;

#[allow(missing_docs, clippy::all, reason = "generated from `wit/gateway.wit`")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "guesthouse:gateway/app",
        exports: { default: async },
    });
}

/// `guesthouse:gateway/app`.
pub struct Gateway(AppPre<State>);

impl Door for Gateway {
    type Exports = App;

    fn new(linked: InstancePre<State>) -> wasmtime::Result<Gateway> {
        AppPre::new(linked).map(Gateway)
    }

    async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<App> {
        self.0.instantiate_async(store).await
    }

    async fn ask(store: &mut Store<State>, app: &App) -> wasmtime::Result<()> {
        let answer = app.guesthouse_gateway_handler().call_handle(store, &request()).await?;
        let response = answer.map_err(wasmtime::Error::msg)?;
        assert_eq!(response.status, 200);
        assert!(!response.body.is_empty());
        Ok(())
    }
}

/// What the sandbox makes of the request in `ours`.
fn request() -> Request {
    Request {
        method: "GET".to_owned(),
        scheme: "http".to_owned(),
        authority: "localhost:8080".to_owned(),
        mount: "/hello".to_owned(),
        path: "/".to_owned(),
        query: None,
        headers: vec![("host".to_owned(), b"localhost:8080".to_vec())],
        body: Vec::new(),
        peer: Some("127.0.0.1".to_owned()),
        id: "18f3a2b4c5d6-42".to_owned(),
    }
}
