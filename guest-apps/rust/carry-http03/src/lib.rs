//! Tries in the 0.3 lane to carry state from one request to the next, and tells what it found and what it left.

use guest_support::carry;
use guest_support::service;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::ErrorCode;
use wasip3::http::types::Request;
use wasip3::http::types::Response;

struct Carry;

wasip3::http::service::export!(Carry);

impl Guest for Carry {
    async fn handle(_request: Request) -> Result<Response, ErrorCode> {
        Ok(service::text(200, &carry::report()))
    }
}
