//! Requests meet in one instance of the 0.3 lane: one waits for another that rings, all are counted, one may spin.

mod bell;
mod seen;

use std::cell::RefCell;
use std::hint::spin_loop;

use guest_support::memory;
use guest_support::service;
use guest_support::standard;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::ErrorCode;
use wasip3::http::types::Request;
use wasip3::http::types::Response;

use crate::seen::Serving;

thread_local! {
    /// What the last visitor of `/remember` left.
    static KEPT: RefCell<String> = RefCell::new("nothing".to_owned());
}

struct Meet;

wasip3::http::service::export!(Meet);

impl Guest for Meet {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let _serving = Serving::begin();
        let (path, query) = service::target(&request);
        let text = match path.as_str() {
            "/wait" => bell::wait().await.to_owned(),
            "/ring" => format!("rang for {}\n", bell::ring().await),
            "/spin" => loop {
                spin_loop();
            },
            "/count" => seen::report(),
            "/remember" => format!("{}\n", KEPT.replace(query)),
            "/grow" => format!("{} bytes\n", memory::keep(standard::number(&query, "mib", 1) as usize)),
            _ => return Ok(service::text(404, "/wait /ring /spin /count /remember?x /grow?mib=\n")),
        };
        Ok(service::text(200, &text))
    }
}
