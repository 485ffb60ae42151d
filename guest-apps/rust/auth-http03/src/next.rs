//! The way to what stands behind: `wasi:http/handler` as an import, which the crate `wasip3` has as an export only.

use wasip3::http::types::ErrorCode;
use wasip3::http::types::Request;
use wasip3::http::types::Response;

mod bindings {
    wasip3::wit_bindgen::generate!({
        path: "wit",
        world: "chain",
        runtime_path: "wasip3::wit_bindgen::rt",
        with: {
            "wasi:http/types@0.3.2": wasip3::http::types,
            "wasi:http/handler@0.3.2": generate,
        },
    });
}

/// Passes the request on, and waits for the head of the response.
pub async fn handle(request: Request) -> Result<Response, ErrorCode> {
    bindings::wasi::http::handler::handle(request).await
}
