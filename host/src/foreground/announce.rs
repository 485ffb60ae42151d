//! What becomes live, on stdout, for people: one line an app, with its URLs.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use guesthouse_deploy::status::AppState;
use guesthouse_deploy::status::Status;
use guesthouse_serve::listen::listener::BindAddress;
use guesthouse_serve::listen::listener::Endpoint;
use guesthouse_serve::listen::listener::ListenerProtocol;
use guesthouse_types::name::Revision;
use tokio::sync::watch;

/// Prints `greeting`, and then a line whenever an app becomes live, is swapped, or goes. Never ends.
pub async fn announce(
    greeting: String,
    mut status: watch::Receiver<Arc<Status>>,
    endpoints: Vec<Endpoint>,
) -> Infallible {
    print(greeting).await;
    let (mut shown, mut was_ready) = (Shown::new(), false);
    let base = base(&endpoints);
    loop {
        let (now, ready) = {
            let status = status.borrow_and_update();
            (live(&status), status.ready.then(|| started(&status)))
        };
        let mut lines = difference(&shown, &now, base.as_ref());
        shown = now;
        if let Some(started) = ready.filter(|_| !was_ready) {
            was_ready = true;
            lines.extend(started);
        }
        if !lines.is_empty() {
            print(lines.join("\n")).await;
        }
        if status.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Prints `text` and a newline. Waits elsewhere while nobody reads, and does not mind when nobody will.
pub async fn print(text: String) {
    let written = tokio::task::spawn_blocking(move || writeln!(std::io::stdout().lock(), "{text}"));
    let _ = written.await;
}

/// `http://127.0.0.1:8080/`; for an address that means every interface, `http://localhost:8080/`.
pub fn told(endpoint: &Endpoint) -> String {
    match (&endpoint.place, endpoint.protocol) {
        (BindAddress::Tcp(address), ListenerProtocol::Redirect) => {
            format!("{}/, sending everybody on to https", origin("http", *address))
        }
        (BindAddress::Tcp(address), protocol) => format!("{}/", origin(scheme(protocol), *address)),
        (place, _) => place.to_string(),
    }
}

/// The scheme and the address that URLs are shown with: HTTPS where there is any.
type Base = (&'static str, SocketAddr);

fn base(endpoints: &[Endpoint]) -> Option<Base> {
    let first = |protocol: ListenerProtocol| {
        let of_speech = endpoints.iter().filter(move |endpoint| endpoint.protocol == protocol);
        of_speech.filter_map(Endpoint::tcp).map(|address| (scheme(protocol), address)).next()
    };
    first(ListenerProtocol::Https).or_else(|| first(ListenerProtocol::Http))
}

fn scheme(protocol: ListenerProtocol) -> &'static str {
    if protocol == ListenerProtocol::Https { "https" } else { "http" }
}

fn origin(scheme: &str, address: SocketAddr) -> String {
    let port = port(scheme, address);
    match address {
        _ if address.ip().is_unspecified() => format!("{scheme}://localhost{port}"),
        SocketAddr::V4(address) => format!("{scheme}://{}{port}", address.ip()),
        SocketAddr::V6(address) => format!("{scheme}://[{}]{port}", address.ip()),
    }
}

fn port(scheme: &str, address: SocketAddr) -> String {
    match (scheme, address.port()) {
        ("http", 80) | ("https", 443) => String::new(),
        (_, port) => format!(":{port}"),
    }
}

/// How the apps are that were there at the start, if there were any.
fn started(status: &Status) -> Option<String> {
    let all_live = status.apps.values().all(|app| app.newest.state == AppState::Live);
    let why = if all_live { "" } else { "; the log says why" };
    (!status.apps.is_empty()).then(|| format!("{}{why}", status.counts()))
}

/// What is live: its revision and its routes.
type Shown = BTreeMap<String, (Revision, Vec<String>)>;

fn live(status: &Status) -> Shown {
    let live = status.apps.iter().filter_map(|(name, app)| Some((name.clone(), (app.serving?, app.routes.clone()))));
    live.collect()
}

fn difference(before: &Shown, now: &Shown, base: Option<&Base>) -> Vec<String> {
    let width = now.keys().map(String::len).max().unwrap_or(0);
    let gone = before.keys().filter(|name| !now.contains_key(*name)).map(|name| format!("{name:<width$}   gone"));
    let came = now.iter().filter_map(|(name, (revision, routes))| {
        let what = match before.get(name) {
            Some((old, _)) if old != revision => format!("   now {revision}"),
            Some((_, old)) if old == routes => return None,
            _ => String::new(),
        };
        let urls: Vec<String> = routes.iter().map(|route| url(route, base)).collect();
        Some(format!("{name:<width$}   {}{what}", urls.join("   ")))
    });
    gone.chain(came).collect()
}

/// A route is `shop.localhost/` or, on any shared host, `/shop/`.
fn url(route: &str, base: Option<&Base>) -> String {
    let Some((scheme, address)) = base.copied() else { return route.to_owned() };
    if !route.starts_with('/') {
        let (host, path) = route.split_at(route.find('/').unwrap_or(route.len()));
        return format!("{scheme}://{host}{}{path}", port(scheme, address));
    }
    // `localhost` may mean ::1 first to a browser, but it then tries 127.0.0.1 as well.
    let origin = match address.ip().is_loopback() {
        true => format!("{scheme}://localhost{}", port(scheme, address)),
        false => origin(scheme, address),
    };
    format!("{origin}{route}")
}

#[cfg(test)]
mod tests {
    use guesthouse_types::name::Digest;

    use super::*;

    fn shown(apps: &[(&str, &str, &[&str])]) -> Shown {
        let app = |(name, content, routes): &(&str, &str, &[&str])| {
            let revision = Revision { code: Digest::of(content.as_bytes()), manifest: None };
            ((*name).to_owned(), (revision, routes.iter().map(|route| (*route).to_owned()).collect()))
        };
        apps.iter().map(app).collect()
    }

    fn check(before: &[(&str, &str, &[&str])], now: &[(&str, &str, &[&str])], expected: &[&str]) {
        let base = ("http", "127.0.0.1:8080".parse().unwrap());
        assert_eq!(difference(&shown(before), &shown(now), Some(&base)), expected);
    }

    #[test]
    fn what_changed_is_shown_once() {
        let shop = ("shop", "1", &["shop.localhost/", "/shop/"][..]);
        let users = ("api/users", "1", &["/api/users/"][..]);
        check(
            &[],
            &[shop, users],
            &[
                "api/users   http://localhost:8080/api/users/",
                "shop        http://shop.localhost:8080/   http://localhost:8080/shop/",
            ],
        );
        check(&[shop], &[shop], &[]);
        check(&[shop], &[], &["shop   gone"]);
        let newer = ("shop", "2", &["shop.localhost/"][..]);
        check(&[shop], &[newer], &["shop   http://shop.localhost:8080/   now d4735e3a265e"]);
    }

    #[test]
    fn addresses_become_urls() {
        let endpoint =
            |address: &str, protocol| Endpoint { place: BindAddress::Tcp(address.parse().unwrap()), protocol };
        let told = |address: &str, protocol| told(&endpoint(address, protocol));
        assert_eq!(told("127.0.0.1:8080", ListenerProtocol::Http), "http://127.0.0.1:8080/");
        assert_eq!(told("[::1]:80", ListenerProtocol::Http), "http://[::1]/");
        assert_eq!(told("[::1]:443", ListenerProtocol::Https), "https://[::1]/");
        assert_eq!(told("0.0.0.0:80", ListenerProtocol::Https), "https://localhost:80/");
        assert_eq!(told("0.0.0.0:80", ListenerProtocol::Redirect), "http://localhost/, sending everybody on to https");
        assert_eq!(url("/shop/", Some(&("http", "192.0.2.1:80".parse().unwrap()))), "http://192.0.2.1/shop/");
        assert_eq!(
            url("shop.example.org/", Some(&("https", "0.0.0.0:443".parse().unwrap()))),
            "https://shop.example.org/"
        );
        assert_eq!(url("/shop/", None), "/shop/");
        let both =
            [endpoint("127.0.0.1:8080", ListenerProtocol::Http), endpoint("127.0.0.1:8443", ListenerProtocol::Https)];
        assert_eq!(base(&both), Some(("https", "127.0.0.1:8443".parse().unwrap())));
    }
}
