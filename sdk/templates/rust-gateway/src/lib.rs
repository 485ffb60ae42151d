//! my-app: a page with a form, and what the form answers.

use guesthouse::Request;
use guesthouse::RequestExt;
use guesthouse::Response;
use guesthouse::ResponseExt;
use guesthouse::escape;
use guesthouse::http::Method;

guesthouse::app!(handle);

// Each request meets a fresh instance. An app that does much before its first answer may ask to be used again:
// guesthouse::settings!("[instances]\nreuse = 1000");

fn handle(request: Request) -> Response {
    match (request.uri().path(), request.method()) {
        ("/", &Method::GET | &Method::HEAD) => {
            let name = request.query_value("name").unwrap_or_default();
            Response::html(page(&request, &name))
        }
        // Sent on with a GET, so that reloading does not send the form again.
        ("/greet", &Method::POST) => {
            let name = request.form_value("name").unwrap_or_default();
            let target = format!("/?name={}", guesthouse::form::encode(&name));
            Response::see_other(request.link(&target))
        }
        ("/", _) => Response::method_not_allowed("GET, HEAD"),
        ("/greet", _) => Response::method_not_allowed("POST"),
        _ => Response::not_found(),
    }
}

/// Links begin with the mount: the app may lie at `/my-app/` as well as on a host of its own.
fn page(request: &Request, name: &str) -> String {
    let name = if name.is_empty() { "world" } else { name };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<title>my-app</title>\n<h1>Hello, {}</h1>\n\
         <form method=\"post\" action=\"{}\">\n\
         <input name=\"name\" placeholder=\"your name\" required> <button>Greet</button>\n</form>\n</html>\n",
        escape::html(name),
        request.link("/greet"),
    )
}

#[cfg(test)]
mod tests {
    use guesthouse::http::HeaderValue;
    use guesthouse::http::header;

    use super::*;

    fn send(method: Method, target: &str, form: &str) -> Response {
        let mut request = Request::new(form.as_bytes().to_vec());
        *request.method_mut() = method;
        *request.uri_mut() = target.parse().unwrap();
        let media_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        request
            .headers_mut()
            .insert(header::CONTENT_TYPE, media_type);
        handle(request)
    }

    fn text(response: &Response) -> &str {
        std::str::from_utf8(response.body()).unwrap()
    }

    #[test]
    fn a_visitor_is_greeted_by_name() {
        assert!(text(&send(Method::GET, "/", "")).contains("Hello, world"));
        assert!(text(&send(Method::GET, "/?name=Ada", "")).contains("Hello, Ada"));
    }

    #[test]
    fn a_name_is_text_and_nothing_else() {
        let page = send(Method::GET, "/?name=%3Cscript%3E", "");
        assert!(text(&page).contains("Hello, &lt;script&gt;"));
    }

    #[test]
    fn a_form_leads_back_to_the_page() {
        let answer = send(Method::POST, "/greet", "name=Ada+L");
        assert_eq!(answer.status(), 303);
        assert_eq!(answer.headers()[header::LOCATION], "/?name=Ada%20L");
    }

    #[test]
    fn what_is_not_there_is_told() {
        assert_eq!(send(Method::GET, "/nowhere", "").status(), 404);
        assert_eq!(send(Method::PUT, "/", "").status(), 405);
    }
}
