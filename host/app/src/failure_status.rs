//! Which status a request has that got no response, whoever asked (RFC 9110, section 15).

use guesthouse_sandbox::fault::Fault;
use guesthouse_sandbox::request::BodyError;
use http::StatusCode;

use crate::app::CallError;
use crate::request_buffer::BufferError;

/// Of a call.
pub fn of_call(error: &CallError) -> StatusCode {
    match error {
        CallError::Buffer(BufferError::TooLarge(_)) => StatusCode::PAYLOAD_TOO_LARGE,
        CallError::Admission(_) | CallError::Buffer(_) => StatusCode::SERVICE_UNAVAILABLE,
        CallError::GaveWay => StatusCode::REQUEST_TIMEOUT,
        CallError::Fault(Fault::RequestBody(error)) => of_body(error),
        CallError::Fault(fault) => of_fault(fault),
    }
}

/// Of a request whose body ended early.
pub fn of_body(error: &BodyError) -> StatusCode {
    match error {
        BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::Silent(_) | BodyError::Slow { .. } => StatusCode::REQUEST_TIMEOUT,
        BodyError::Broken(_) => StatusCode::BAD_REQUEST,
    }
}

/// Of a guest's failure, where its request's body was whole.
pub fn of_fault(fault: &Fault) -> StatusCode {
    match fault {
        Fault::Cpu(_) | Fault::Head(_) | Fault::Unset(_) | Fault::BodyIdle(_) => StatusCode::GATEWAY_TIMEOUT,
        Fault::Full(_) | Fault::Retired => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    }
}
