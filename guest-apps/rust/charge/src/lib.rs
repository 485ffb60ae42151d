//! Charges a card by somebody else's API: a JSON request with a secret, its answer, and what may go wrong.
//!
//! The manifest names the place (`[outbound] http`) and gives two variables, `API_URL` and `API_KEY`.

use guesthouse::Request;
use guesthouse::RequestExt;
use guesthouse::Response;
use guesthouse::ResponseExt;
use guesthouse::fetch;
use guesthouse::http;
use guesthouse::http::Method;
use guesthouse::http::StatusCode;
use guesthouse::http::header;
use serde_json::Value;
use serde_json::json;

guesthouse::app!(handle);

const PAGE: &str = "<!doctype html><title>charge</title><form method=post action=charge>\
                    <label>Cents <input name=amount></label> <button>Charge</button></form>";

fn handle(request: Request) -> Response {
    match (request.uri().path(), request.method()) {
        ("/", &Method::GET | &Method::HEAD) => Response::html(PAGE),
        ("/charge", &Method::POST) => match request.form_value("amount").and_then(|amount| amount.parse().ok()) {
            Some(cents) => charge(cents),
            None => Response::text("an amount is a number of cents\n").with_status(StatusCode::BAD_REQUEST),
        },
        _ => Response::text("there is no such page\n").with_status(StatusCode::NOT_FOUND),
    }
}

fn charge(cents: u64) -> Response {
    match ask(cents) {
        Ok((200, answer)) => Response::text(format!("charged {cents}: {}\n", answer["id"].as_str().unwrap_or("?"))),
        Ok((status, answer)) => {
            let why = answer["error"].as_str().unwrap_or("no reason");
            Response::text(format!("the API says {status}: {why}\n")).with_status(StatusCode::BAD_GATEWAY)
        }
        Err(error) => {
            Response::text(format!("the API cannot be asked: {error}\n")).with_status(StatusCode::BAD_GATEWAY)
        }
    }
}

/// The API's status, and what it says.
fn ask(cents: u64) -> Result<(u16, Value), Box<dyn std::error::Error>> {
    let (url, key) = (std::env::var("API_URL")?, std::env::var("API_KEY")?);
    let request = http::Request::post(format!("{url}/v1/charges"))
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(json!({ "amount": cents, "currency": "eur" }).to_string().into())?;
    let answer = fetch(request)?;
    Ok((answer.status().as_u16(), serde_json::from_slice(answer.body())?))
}
