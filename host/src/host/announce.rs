//! What becomes live, on stdout, for people: one line an app, with its URLs.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

use crate::deploy::status::Status;
use crate::name::Revision;

/// Prints a line whenever an app becomes live, is swapped, or goes. Never ends.
pub async fn announce(mut status: watch::Receiver<Arc<Status>>, addresses: Vec<SocketAddr>) -> Infallible {
    let mut shown = Shown::new();
    loop {
        let now = live(&status.borrow_and_update());
        let lines = difference(&shown, &now, &addresses);
        shown = now;
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

/// `http://127.0.0.1:8080`, and for an address that means every interface, `http://localhost:8080`.
pub fn origin(address: SocketAddr) -> String {
    let port = port(address);
    match address {
        _ if address.ip().is_unspecified() => format!("http://localhost{port}"),
        SocketAddr::V4(address) => format!("http://{}{port}", address.ip()),
        SocketAddr::V6(address) => format!("http://[{}]{port}", address.ip()),
    }
}

fn port(address: SocketAddr) -> String {
    if address.port() == 80 { String::new() } else { format!(":{}", address.port()) }
}

/// What is live: its revision and its routes.
type Shown = BTreeMap<String, (Revision, Vec<String>)>;

fn live(status: &Status) -> Shown {
    let live = status.apps.iter().filter_map(|(name, app)| Some((name.clone(), (app.live?, app.routes.clone()))));
    live.collect()
}

fn difference(before: &Shown, now: &Shown, addresses: &[SocketAddr]) -> Vec<String> {
    let width = now.keys().map(String::len).max().unwrap_or(0);
    let gone = before.keys().filter(|name| !now.contains_key(*name)).map(|name| format!("{name:<width$}   gone"));
    let came = now.iter().filter_map(|(name, (revision, routes))| {
        let what = match before.get(name) {
            Some((old, _)) if old != revision => format!("   now {revision}"),
            Some((_, old)) if old == routes => return None,
            _ => String::new(),
        };
        let urls: Vec<String> = routes.iter().map(|route| url(route, addresses)).collect();
        Some(format!("{name:<width$}   {}{what}", urls.join("   ")))
    });
    gone.chain(came).collect()
}

/// A route is `shop.localhost/` or, on any shared host, `/shop/`.
fn url(route: &str, addresses: &[SocketAddr]) -> String {
    let Some(address) = addresses.first().copied() else { return route.to_owned() };
    if !route.starts_with('/') {
        let (host, path) = route.split_at(route.find('/').unwrap_or(route.len()));
        return format!("http://{host}{}{path}", port(address));
    }
    // `localhost` may mean ::1 first to a browser, but it then tries 127.0.0.1 as well.
    let origin =
        if address.ip().is_loopback() { format!("http://localhost{}", port(address)) } else { origin(address) };
    format!("{origin}{route}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Digest;

    fn shown(apps: &[(&str, &str, &[&str])]) -> Shown {
        let app = |(name, content, routes): &(&str, &str, &[&str])| {
            let revision = Revision { code: Digest::of(content.as_bytes()), manifest: None };
            ((*name).to_owned(), (revision, routes.iter().map(|route| (*route).to_owned()).collect()))
        };
        apps.iter().map(app).collect()
    }

    fn check(before: &[(&str, &str, &[&str])], now: &[(&str, &str, &[&str])], expected: &[&str]) {
        let addresses = ["127.0.0.1:8080".parse().unwrap()];
        assert_eq!(difference(&shown(before), &shown(now), &addresses), expected);
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
        let origin = |address: &str| origin(address.parse().unwrap());
        assert_eq!(origin("127.0.0.1:8080"), "http://127.0.0.1:8080");
        assert_eq!(origin("[::1]:80"), "http://[::1]");
        assert_eq!(origin("0.0.0.0:9"), "http://localhost:9");
        assert_eq!(url("/shop/", &["192.0.2.1:80".parse().unwrap()]), "http://192.0.2.1/shop/");
        assert_eq!(url("shop.example.org/", &["0.0.0.0:80".parse().unwrap()]), "http://shop.example.org/");
    }
}
