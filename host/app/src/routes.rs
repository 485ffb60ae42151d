//! The one meeting place of the two paths: which app answers for a host and a path.
//!
//! The table is an immutable snapshot behind one pointer. `deploy` holds the only [`RouteWriter`]; every request reads one
//! snapshot through a [`RouteReader`] and keeps what it found to its end. A hot swap is one pointer store.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Weak;

use arc_swap::ArcSwap;
use arc_swap::Guard;
use guesthouse_types::name::AppName;
use guesthouse_types::route::Declared;

use crate::app::App;

/// Makes an empty table, with its one writer and a reader.
pub fn routes(origins: Origins) -> (RouteWriter, RouteReader) {
    let nothing_yet = RouteTable::build(Vec::new(), origins).before_first_scan();
    let table = Arc::new(ArcSwap::from_pointee(nothing_yet));
    (RouteWriter { table: table.clone() }, RouteReader { table })
}

/// The right to publish. Purposely not `Clone`: one task writes.
pub struct RouteWriter {
    table: Arc<ArcSwap<RouteTable>>,
}

impl RouteWriter {
    /// Makes `table` the one that the next request sees.
    pub fn publish(&mut self, table: RouteTable) {
        self.table.store(Arc::new(table));
    }
}

/// The right to look.
#[derive(Clone)]
pub struct RouteReader {
    table: Arc<ArcSwap<RouteTable>>,
}

impl RouteReader {
    /// The table of this moment. Do not hold it across an await: take out what you need.
    pub fn snapshot(&self) -> Guard<Arc<RouteTable>> {
        self.table.load()
    }

    /// The same, which keeps no table.
    pub fn downgrade(&self) -> WeakRouteReader {
        WeakRouteReader { table: Arc::downgrade(&self.table) }
    }
}

/// The right to look for as long as somebody else has it: for what is reached from the table itself.
pub struct WeakRouteReader {
    table: Weak<ArcSwap<RouteTable>>,
}

impl WeakRouteReader {
    /// The right to look, if there still is a table.
    pub fn upgrade(&self) -> Option<RouteReader> {
        self.table.upgrade().map(|table| RouteReader { table })
    }
}

/// Which hosts are ours, and how apps are found on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    /// `shop` answers at `shop.<domain>`. Lower case, without port.
    pub domain: String,
    /// More hosts that the operator declared, lower case, without port.
    pub hosts: Vec<String>,
    /// Whether `/shop/` on a shared host leads to `shop`.
    pub path_routes: bool,
}

/// One app's place in the table.
pub struct Entry {
    /// The app.
    pub name: AppName,
    /// What answers for it.
    pub target: Target,
    /// The routes that its manifest declares and the operator allows, beside those that follow from its name.
    pub declared: Vec<Declared>,
}

/// What answers for an app.
#[derive(Clone)]
pub enum Target {
    /// A revision that serves.
    Live(Arc<App>),
    /// The app is known, but none of its revisions can serve yet: why, for the operator.
    Waiting(String),
    /// The app is known, and what lies there will not serve until somebody changes something: why, for the operator.
    Refused(String),
}

/// Where an app answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteMatch {
    /// The prefix that leads to it (`/shop`), or empty when it has none.
    pub mount: Arc<str>,
    /// Whether others answer, or may come to answer, on the same host: for browsers all of them are one.
    pub shares_origin: bool,
}

/// What a look into the table gave.
pub enum Found<'table> {
    /// An app.
    App {
        /// Its name.
        name: &'table AppName,
        /// What answers for it.
        target: &'table Target,
        /// Where it answers.
        place: &'table RouteMatch,
    },
    /// The path names a mount without its slash: go to the same with a slash (308).
    MissingSlash,
    /// Nobody knows yet: the apps folder has not been looked at since the start (503).
    NotYet,
    /// The host is ours, but nothing answers there (404).
    Nothing,
    /// The host is not ours (421).
    Foreign,
}

impl Found<'_> {
    /// Whether both lead to the same app on the same mount, or to none for the same reason.
    pub fn leads_where(&self, other: &Found<'_>) -> bool {
        match (self, other) {
            (Found::App { name, place, .. }, Found::App { name: other_name, place: other_place, .. }) => {
                name == other_name && place == other_place
            }
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// Host and path → app. Immutable.
pub struct RouteTable {
    entries: Vec<Entry>,
    /// Own hosts of apps and declared ones: routes by falling length of prefix.
    by_host: HashMap<String, Vec<HostRoute>>,
    /// Mount → entry, for shared hosts.
    by_path: HashMap<Arc<str>, (usize, RouteMatch)>,
    /// The most segments that any mount has: a bound for the search.
    depth_max: usize,
    /// The app that answers at `/`.
    index: Option<usize>,
    /// Where `index` answers: among apps on mounts, or for all that a shared host has.
    of_index: [RouteMatch; 2],
    origins: Origins,
    is_before_first_scan: bool,
}

struct HostRoute {
    place: RouteMatch,
    entry: usize,
}

impl RouteTable {
    /// Builds a table. Where two entries claim one route, the one found by its name in the folder wins over a declared
    /// one, and otherwise the earlier entry: the caller orders them and reports the conflict.
    pub fn build(entries: Vec<Entry>, origins: Origins) -> RouteTable {
        let mut table = RouteTable {
            by_host: HashMap::new(),
            by_path: HashMap::new(),
            depth_max: 0,
            index: None,
            of_index: [true, false].map(|shares_origin| RouteMatch { mount: Arc::default(), shares_origin }),
            entries: Vec::new(),
            origins,
            is_before_first_scan: false,
        };
        for (at, entry) in entries.iter().enumerate() {
            if entry.name.is_index() {
                table.index = Some(at);
                continue;
            }
            if let Some(label) = entry.name.host_label() {
                table.claim(format!("{label}.{}", table.origins.domain), Arc::default(), at);
            }
            let mount: Arc<str> = entry.name.mount().into();
            table.depth_max = table.depth_max.max(mount.matches('/').count());
            let place = RouteMatch { mount: mount.clone(), shares_origin: true };
            table.by_path.entry(mount).or_insert((at, place));
        }
        for (at, entry) in entries.iter().enumerate() {
            for declared in &entry.declared {
                table.claim(declared.host.clone(), declared.prefix.as_str().into(), at);
            }
        }
        let shared: Vec<String> = table.by_host.keys().filter(|host| table.has_mounts(host)).cloned().collect();
        for (host, routes) in &mut table.by_host {
            let shares_origin = routes.len() > 1 || shared.contains(host);
            routes.iter_mut().for_each(|route| route.place.shares_origin |= shares_origin);
        }
        table.entries = entries;
        table
    }

    /// Marks the table as one of the start: what it does not know may well be there.
    pub fn before_first_scan(mut self) -> RouteTable {
        self.is_before_first_scan = true;
        self
    }

    fn claim(&mut self, host: String, prefix: Arc<str>, entry: usize) {
        let routes = self.by_host.entry(host).or_default();
        if routes.iter().all(|route| route.place.mount != prefix) {
            // A prefix says that there is, or will be, something else.
            let shares_origin = !prefix.is_empty();
            routes.push(HostRoute { place: RouteMatch { mount: prefix, shares_origin }, entry });
            routes.sort_by_key(|route| std::cmp::Reverse(route.place.mount.len()));
        }
    }

    /// Looks up a host (as [`host_of`] gives it) and a raw path.
    ///
    /// Precedence: exact host with prefix, exact host, then path by longest prefix in whole segments, then `index`.
    pub fn find<'table>(&'table self, host: &str, path: &str) -> Found<'table> {
        match self.find_known(host, path) {
            Found::Nothing | Found::Foreign if self.is_before_first_scan => Found::NotYet,
            found => found,
        }
    }

    fn find_known<'table>(&'table self, host: &str, path: &str) -> Found<'table> {
        if let Some(routes) = self.by_host.get(host) {
            for route in routes {
                match under(path, &route.place.mount) {
                    Under::Inside => return self.found(route.entry, &route.place),
                    Under::Bare => return Found::MissingSlash,
                    Under::Outside => {}
                }
            }
        }
        if !self.is_shared(host) {
            return if self.is_below_domain(host) || self.by_host.contains_key(host) {
                Found::Nothing
            } else {
                Found::Foreign
            };
        }
        if self.origins.path_routes
            && let Some(found) = self.find_by_path(path)
        {
            return found;
        }
        match self.index {
            Some(entry) => {
                let [among_others, alone] = &self.of_index;
                let is_alone = !self.origins.path_routes && !self.by_host.contains_key(host);
                self.found(entry, if is_alone { alone } else { among_others })
            }
            None => Found::Nothing,
        }
    }

    /// The longest prefix of whole segments that is a mount.
    fn find_by_path(&self, path: &str) -> Option<Found<'_>> {
        // The mount of a path without its last slash is the path itself; of the others, only as many segments matter as
        // the deepest mount has.
        let whole = std::iter::once(path.len());
        let ends = whole.chain(path.rmatch_indices('/').map(|(at, _)| at));
        let deepest = path.match_indices('/').nth(self.depth_max).map_or(path.len(), |(at, _)| at);
        for end in ends.filter(|end| *end <= deepest && *end > 0) {
            if let Some((entry, place)) = self.by_path.get(&path[..end]) {
                if end == path.len() {
                    return Some(Found::MissingSlash);
                }
                return Some(self.found(*entry, place));
            }
        }
        None
    }

    fn found<'table>(&'table self, entry: usize, place: &'table RouteMatch) -> Found<'table> {
        let Entry { name, target, .. } = &self.entries[entry];
        Found::App { name, target, place }
    }

    /// Whether apps are found on `host` by their mounts.
    fn has_mounts(&self, host: &str) -> bool {
        self.origins.path_routes && self.is_shared(host)
    }

    /// Whether `host` is one on which apps stand side by side.
    fn is_shared(&self, host: &str) -> bool {
        let origins = &self.origins;
        host == "localhost"
            || host == origins.domain
            || origins.hosts.iter().any(|declared| declared == host)
            || host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok()
    }

    fn is_below_domain(&self, host: &str) -> bool {
        host.strip_suffix(self.origins.domain.as_str()).is_some_and(|label| label.ends_with('.'))
    }

    /// All apps in the table, in the order in which they were given.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Which hosts are ours.
    pub fn origins(&self) -> &Origins {
        &self.origins
    }
}

/// The part of an authority that routes: lower case, without port and trailing dot (RFC 9110 section 4.2.3).
pub fn host_of(authority: &http::uri::Authority) -> Cow<'_, str> {
    let host = authority.host();
    let host = host.strip_suffix('.').unwrap_or(host);
    match host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(host.to_ascii_lowercase()),
        false => Cow::Borrowed(host),
    }
}

enum Under {
    Inside,
    Bare,
    Outside,
}

fn under(path: &str, prefix: &str) -> Under {
    match path.strip_prefix(prefix) {
        Some("") if !prefix.is_empty() => Under::Bare,
        Some(rest) if prefix.is_empty() || rest.starts_with('/') => Under::Inside,
        _ => Under::Outside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(path_routes: bool) -> RouteTable {
        let entry = |name: &str, declared: Vec<Declared>| Entry {
            name: AppName::parse(name).unwrap(),
            target: Target::Waiting(String::new()),
            declared,
        };
        let declared = |host: &str, prefix: &str| Declared { host: host.to_owned(), prefix: prefix.to_owned() };
        RouteTable::build(
            vec![
                entry("shop", vec![declared("shop.example", ""), declared("example.org", "/buy")]),
                entry("api/users", vec![declared("shop.localhost", "")]),
                entry("api", vec![]),
                entry("index", vec![]),
            ],
            Origins { domain: "localhost".to_owned(), hosts: vec!["box.example".to_owned()], path_routes },
        )
    }

    fn check(path_routes: bool, host: &str, path: &str, expected: &str) {
        let table = table(path_routes);
        let found = match table.find(host, path) {
            Found::App { name, place, .. } => format!("{name} at {}/", place.mount),
            Found::MissingSlash => "slash".to_owned(),
            Found::NotYet => "not yet".to_owned(),
            Found::Nothing => "nothing".to_owned(),
            Found::Foreign => "foreign".to_owned(),
        };
        assert_eq!(found, expected, "{host}{path}");
    }

    #[test]
    fn an_app_has_a_host_of_its_own() {
        check(true, "shop.localhost", "/", "shop at /");
        check(true, "shop.localhost", "/api/users/", "shop at /");
        check(true, "api.localhost", "/x", "api at /");
        check(true, "users.localhost", "/", "nothing");
        check(true, "a.b.localhost", "/", "nothing");
    }

    #[test]
    fn paths_lead_to_apps_in_whole_segments() {
        for host in ["localhost", "127.0.0.1", "[::1]", "box.example"] {
            check(true, host, "/shop/", "shop at /shop/");
            check(true, host, "/shop", "slash");
            check(true, host, "/shops/", "index at /");
            check(true, host, "/api/users/1", "api/users at /api/users/");
            check(true, host, "/api/users", "slash");
            check(true, host, "/api/user/1", "api at /api/");
            check(true, host, "/", "index at /");
        }
        check(false, "localhost", "/shop/", "index at /");
    }

    #[test]
    fn an_encoded_slash_is_no_slash() {
        check(true, "shop.localhost", "/a%2fb", "shop at /");
        check(true, "localhost", "/shop/a%2Fb", "shop at /shop/");
        check(true, "localhost", "/api%2fusers/", "index at /");
        check(true, "localhost", "/api/users%2f1", "api at /api/");
        check(true, "localhost", "/shop%2f", "index at /");
        check(true, "example.org", "/buy%2fx", "nothing");
        let table = table(true);
        for (host, path, plain, alike) in [
            ("shop.localhost", "/a%2fb", "/a/b", true),
            ("localhost", "/shop/a%2fb", "/shop/a/b", true),
            ("localhost", "/x%2fy", "/x/y", true),
            ("nobody.localhost", "/x%2fy", "/x/y", true),
            ("localhost", "/shop%2fa", "/shop/a", false),
            ("localhost", "/api%2fusers", "/api/users", false),
            ("localhost", "/api/users%2fa", "/api/users/a", false),
            ("example.org", "/buy%2fx", "/buy/x", false),
        ] {
            assert_eq!(table.find(host, path).leads_where(&table.find(host, plain)), alike, "{host}{path}");
        }
    }

    #[test]
    fn declared_routes_come_after_those_of_the_folder() {
        check(true, "shop.example", "/", "shop at /");
        check(true, "example.org", "/buy/x", "shop at /buy/");
        check(true, "example.org", "/buy", "slash");
        check(true, "example.org", "/buyer", "nothing");
    }

    #[test]
    fn whoever_has_a_host_for_itself_shares_it_with_nobody() {
        for (path_routes, host, path, expected) in [
            (true, "shop.localhost", "/", false),
            (true, "shop.example", "/", false),
            (true, "localhost", "/shop/", true),
            (true, "localhost", "/", true),
            (true, "127.0.0.1", "/x", true),
            (true, "example.org", "/buy/", true),
            (false, "localhost", "/", false),
            (false, "example.org", "/buy/", true),
        ] {
            let table = table(path_routes);
            let Found::App { place, .. } = table.find(host, path) else { panic!("{host}{path} leads nowhere") };
            assert_eq!(place.shares_origin, expected, "{host}{path}");
        }
        // The whole of a host, beside a prefix on it, and a host that is shared besides.
        let entry = |name: &str, declared: &[(&str, &str)]| {
            let of =
                |(host, prefix): &(&str, &str)| Declared { host: (*host).to_owned(), prefix: (*prefix).to_owned() };
            let declared = declared.iter().map(of).collect();
            Entry { name: AppName::parse(name).unwrap(), target: Target::Waiting(String::new()), declared }
        };
        let origins =
            Origins { domain: "localhost".to_owned(), hosts: vec!["box.example".to_owned()], path_routes: false };
        let entries = vec![
            entry("a", &[("a.example", ""), ("box.example", "/a")]),
            entry("b", &[("a.example", "/b"), ("b.example", "")]),
            entry("index", &[]),
        ];
        let table = RouteTable::build(entries, origins);
        for (host, path, expected) in [
            ("a.example", "/", true),
            ("a.example", "/b/", true),
            ("b.example", "/", false),
            ("box.example", "/", true),
        ] {
            let Found::App { place, .. } = table.find(host, path) else { panic!("{host}{path} leads nowhere") };
            assert_eq!(place.shares_origin, expected, "{host}{path}");
        }
    }

    #[test]
    fn before_the_first_scan_nobody_is_unknown() {
        let table = table(true).before_first_scan();
        assert!(matches!(table.find("users.localhost", "/"), Found::NotYet));
        assert!(matches!(table.find("declared.example", "/"), Found::NotYet));
        assert!(matches!(table.find("localhost", "/shop/"), Found::App { .. }));
    }

    #[test]
    fn other_hosts_are_foreign() {
        check(true, "evil.example", "/shop/", "foreign");
        check(true, "xlocalhost", "/", "foreign");
        check(true, "localhost.evil.example", "/", "foreign");
    }
}
