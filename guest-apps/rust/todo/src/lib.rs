//! A small but real app in the gateway lane: routes, forms, redirects, and a list that lives in the visitor's browser.
//!
//! An instance is fresh for every request and there is nothing to store in, so that the list travels as a cookie.

mod list;
mod page;

use guesthouse::Request;
use guesthouse::RequestExt;
use guesthouse::Response;
use guesthouse::ResponseExt;
use guesthouse::http::HeaderValue;
use guesthouse::http::Method;
use guesthouse::http::StatusCode;
use guesthouse::http::header;

use crate::list::List;

const COOKIE: &str = "todo";
const COOKIE_SECONDS: u32 = 365 * 24 * 3600;

guesthouse::app!(handle, health = list::check);

fn handle(request: Request) -> Response {
    let list = request.cookie(COOKIE).map(List::from_cookie).unwrap_or_default();
    match (request.uri().path(), request.method()) {
        ("/", &Method::GET | &Method::HEAD) => Response::html(page::of(&request, &list)),
        ("/add" | "/toggle" | "/delete" | "/clear", &Method::POST) => change(&request, list),
        ("/", _) => Response::method_not_allowed("GET, HEAD"),
        ("/add" | "/toggle" | "/delete" | "/clear", _) => Response::method_not_allowed("POST"),
        _ => Response::html(page::not_found(&request)).with_status(StatusCode::NOT_FOUND),
    }
}

/// Changes the list, and sends the browser back to it with a GET, so that reloading does not change it once more.
fn change(request: &Request, mut list: List) -> Response {
    let item = || request.form_value("item").and_then(|item| item.parse().ok());
    let changed = match request.uri().path() {
        "/add" => list.add(&request.form_value("text").unwrap_or_default()),
        "/toggle" => list.toggle(item()),
        "/delete" => list.delete(item()),
        _ => list.clear(),
    };
    match changed {
        Ok(()) => Response::see_other(request.link("/")).with_header(header::SET_COOKIE, cookie(request, &list)),
        Err(refusal) => {
            Response::html(page::refused(request, &refusal.to_string())).with_status(StatusCode::BAD_REQUEST)
        }
    }
}

/// `SameSite` keeps the cookie away from forms on other sites, so that nobody else changes the list. `Secure` is left
/// out over plain HTTP, where the browser would not keep the cookie.
fn cookie(request: &Request, list: &List) -> HeaderValue {
    let secure = if request.scheme() == "https" { "; Secure" } else { "" };
    let (value, path) = (list.to_cookie(), request.link("/"));
    let text = format!("{COOKIE}={value}; Path={path}; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(text).expect("an encoded list and a checked mount are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(method: Method, path: &str, form: &str) -> Response {
        let mut request = Request::new(form.as_bytes().to_vec());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(header::CONTENT_TYPE, kind);
        request.headers_mut().insert(header::COOKIE, HeaderValue::from_static("todo=0Buy%20milk"));
        handle(request)
    }

    #[test]
    fn a_change_is_answered_with_the_new_list_and_a_way_back() {
        let answer = send(Method::POST, "/add", "text=Call+Ann");
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()[header::LOCATION]),
            (303, &HeaderValue::from_static("/"))
        );
        assert!(
            answer.headers()[header::SET_COOKIE].to_str().unwrap().starts_with("todo=0Buy%20milk~0Call%20Ann; Path=/;")
        );
    }

    #[test]
    fn each_route_says_what_it_takes() {
        let check =
            |method, path, form, status| assert_eq!(send(method, path, form).status().as_u16(), status, "{path}");
        check(Method::GET, "/", "", 200);
        check(Method::PUT, "/", "", 405);
        check(Method::GET, "/add", "", 405);
        check(Method::POST, "/add", "text=", 400);
        check(Method::POST, "/toggle", "item=0", 303);
        check(Method::POST, "/toggle", "item=7", 400);
        check(Method::POST, "/delete", "item=x", 400);
        check(Method::POST, "/clear", "", 303);
        check(Method::GET, "/else", "", 404);
    }
}
