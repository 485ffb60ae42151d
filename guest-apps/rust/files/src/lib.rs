//! Reads and writes files in the gateway lane, where its path says.

use guest_support::files;
use guesthouse::Request;
use guesthouse::Response;
use guesthouse::ResponseExt;
use guesthouse::http::StatusCode;

guesthouse::app!(handle, health = probe);

fn handle(request: Request) -> Response {
    let (status, text) = files::answer(request.uri().path(), request.uri().query().unwrap_or_default());
    Response::text(text).with_status(StatusCode::from_u16(status).expect("the status is one of HTTP's"))
}

/// Before it serves, it leaves something wherever it can.
fn probe() -> Result<(), String> {
    for place in ["/data/probed", "/tmp/probed"] {
        let _ = std::fs::write(place, "before anybody asked");
    }
    Ok(())
}
