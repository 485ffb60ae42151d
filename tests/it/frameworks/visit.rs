//! A visitor of one app, who keeps cookies as a browser does.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::header::CONTENT_TYPE;
use http::header::COOKIE;
use http::header::HOST;
use http::header::SET_COOKIE;
use http_body_util::Full;

use crate::frameworks::hall::hall;
use crate::harness::client::Client;
use crate::harness::client::Reply;

/// One visitor of one app, at the app's own host.
pub struct Visit {
    client: Client,
    host: String,
    cookies: BTreeMap<String, String>,
}

impl Visit {
    /// None where the samples cannot be built.
    pub async fn of(app: &str) -> Option<Visit> {
        let address = hall().await?;
        let host = format!("{app}.localhost:{}", address.port());
        Some(Visit { client: Client::new(address), host, cookies: BTreeMap::new() })
    }

    /// The port of the host that is asked.
    pub fn port(&self) -> &str {
        self.host.rsplit(':').next().expect("a split has a last part")
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.ask(Method::GET, path, "", Bytes::new()).await
    }

    pub async fn head(&mut self, path: &str) -> Reply {
        self.ask(Method::HEAD, path, "", Bytes::new()).await
    }

    /// Posts a form as a page does.
    pub async fn post(&mut self, path: &str, form: &str) -> Reply {
        self.ask(Method::POST, path, "application/x-www-form-urlencoded", Bytes::from(form.to_owned())).await
    }

    /// Posts one file under the name `file`.
    pub async fn upload(&mut self, path: &str, name: &str, content: &[u8]) -> Reply {
        let head = format!(
            "--limit\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        let body = [head.as_bytes(), content, b"\r\n--limit--\r\n"].concat();
        self.ask(Method::POST, path, "multipart/form-data; boundary=limit", body.into()).await
    }

    pub async fn ask(&mut self, method: Method, path: &str, kind: &str, body: Bytes) -> Reply {
        let request = self.request(method, path, kind, body);
        let reply = self.client.send(request).await;
        self.keep(&reply);
        reply
    }

    /// The same, where the connection may break or the body be cut.
    pub async fn try_get(&mut self, path: &str) -> Result<Reply, hyper::Error> {
        let request = self.request(Method::GET, path, "", Bytes::new());
        self.client.try_send(request).await
    }

    fn request(&self, method: Method, path: &str, kind: &str, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.host);
        if !kind.is_empty() {
            request = request.header(CONTENT_TYPE, kind);
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        request.body(Full::new(body)).unwrap()
    }

    fn keep(&mut self, reply: &Reply) {
        for cookie in reply.headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let pair = cookie.split(';').next().expect("a split has a first part");
            let (name, value) = pair.split_once('=').expect("a cookie is a name and a value");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// What a page's hidden field of Django's against forged forms holds.
    pub fn token(page: &str) -> String {
        let (_, rest) = page.split_once("name=\"csrfmiddlewaretoken\" value=\"").expect("the form has a token");
        rest.split('"').next().expect("a split has a first part").to_owned()
    }
}
