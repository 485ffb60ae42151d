//! From what serves to the route table: who gets which route.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use guesthouse_app::app::App;
use guesthouse_app::routes::Entry;
use guesthouse_app::routes::Origins;
use guesthouse_app::routes::RouteTable;
use guesthouse_app::routes::Target;
use guesthouse_types::name::AppName;
use guesthouse_types::route::Declared;

use crate::reason::Reason;
use crate::reconcile::tracked_app::TrackedApp;
use crate::status::AppState;

/// Which app holds which declared route: its owner.
pub type RouteOwners = BTreeMap<String, AppName>;

/// A declared route as one text, `shop.example/api`.
pub fn key(route: &Declared) -> String {
    if route.prefix.is_empty() { format!("{}/", route.host) } else { format!("{}{}", route.host, route.prefix) }
}

/// The app whose place in the folder beats this declared route: what is found in the folder is what people see.
pub fn shadow<'a, G>(
    route: &Declared,
    name: &AppName,
    apps: &'a BTreeMap<AppName, TrackedApp<G>>,
    origins: &Origins,
) -> Option<&'a AppName> {
    if let Some(label) = route.host.strip_suffix(origins.domain.as_str()).and_then(|label| label.strip_suffix('.'))
        && let Ok(own) = AppName::parse(label)
        && own.host_label().is_some()
        && own != *name
    {
        return apps.get_key_value(&own).map(|(own, _)| own);
    }
    let is_shared = route.host == "localhost" || route.host == origins.domain || origins.hosts.contains(&route.host);
    if !is_shared {
        return None;
    }
    if origins.path_routes {
        // Every app whose mount is this prefix or lies below it.
        let prefix = route.prefix.trim_start_matches('/');
        let below = |found: &AppName| {
            prefix.is_empty()
                || found.as_str().strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let all = match AppName::parse(prefix) {
            Ok(first) => apps.range((Bound::Included(first), Bound::Unbounded)),
            Err(_) => apps.range::<AppName, _>(..),
        };
        let mut beneath = all.map(|(found, _)| found).take_while(|found| found.as_str().starts_with(prefix));
        if let Some(found) = beneath.find(|found| *found != name && below(found)) {
            return Some(found);
        }
    }
    let index = apps.keys().find(|found| found.is_index() && *found != name);
    index.filter(|_| route.prefix.is_empty())
}

/// Why `name` may not have these routes, if it may not.
pub fn find_conflict<G>(
    routes: &[Declared],
    name: &AppName,
    apps: &BTreeMap<AppName, TrackedApp<G>>,
    owners: &RouteOwners,
    origins: &Origins,
) -> Option<String> {
    routes.iter().find_map(|route| {
        let key = key(route);
        if let Some(other) = shadow(route, name, apps, origins) {
            return Some(format!("the route `{key}` belongs to `{other}`, which is in the folder under that name"));
        }
        let holder = owners.get(&key).filter(|holder| *holder != name)?;
        apps.contains_key(holder).then(|| format!("the route `{key}` is held by `{holder}`"))
    })
}

/// The table for what is known now.
pub fn table(apps: &BTreeMap<AppName, TrackedApp<Arc<App>>>, origins: &Origins) -> RouteTable {
    let entries = apps.iter().map(|(name, tracked)| match &tracked.live {
        Some(ready) => {
            let declared = kept(&ready.routes, name, apps, origins).cloned().collect();
            Entry { name: name.clone(), target: Target::Live(ready.guest.clone()), declared }
        }
        None => Entry { name: name.clone(), target: why_not(tracked), declared: Vec::new() },
    });
    RouteTable::build(entries.collect(), origins.clone())
}

/// The hosts and prefixes that lead to an app, most telling first, as text.
pub fn shown<G>(
    name: &AppName,
    tracked: &TrackedApp<G>,
    apps: &BTreeMap<AppName, TrackedApp<G>>,
    origins: &Origins,
) -> Vec<String> {
    let mut shown = own(name, origins);
    if let Some(ready) = &tracked.live {
        shown.extend(kept(&ready.routes, name, apps, origins).map(Declared::to_string));
    }
    shown
}

/// The routes that follow from an app's name.
pub fn own(name: &AppName, origins: &Origins) -> Vec<String> {
    let mut own: Vec<String> = name.host_label().iter().map(|label| format!("{label}.{}/", origins.domain)).collect();
    if origins.path_routes || name.is_index() {
        own.push(format!("{}/", name.mount()));
    }
    own
}

/// The declared routes that no app in the folder takes away.
fn kept<'a, G>(
    routes: &'a [Declared],
    name: &'a AppName,
    apps: &'a BTreeMap<AppName, TrackedApp<G>>,
    origins: &'a Origins,
) -> impl Iterator<Item = &'a Declared> {
    routes.iter().filter(move |route| shadow(route, name, apps, origins).is_none())
}

/// What stands in the table for an app of which no revision serves.
fn why_not<G>(tracked: &TrackedApp<G>) -> Target {
    match tracked.state() {
        (state @ (AppState::Refused | AppState::Conflict), why) => Target::Refused(told(state, why)),
        // Between two decisions.
        (AppState::Live, _) => Target::Waiting(AppState::Loading.to_string()),
        (state, why) => Target::Waiting(told(state, why)),
    }
}

fn told(state: AppState, why: Option<Reason>) -> String {
    why.map_or_else(|| state.to_string(), |why| format!("{state}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(app: &str, host: &str, prefix: &str, expected: Option<&str>) {
        let name = |text: &str| AppName::parse(text).unwrap();
        let apps: BTreeMap<AppName, TrackedApp<()>> = ["shop", "api/users", "buy", "index", "x"]
            .into_iter()
            .map(|app| (name(app), TrackedApp::default()))
            .collect();
        let owners =
            RouteOwners::from([("shop.example/".to_owned(), name("shop")), ("gone.example/".to_owned(), name("gone"))]);
        let origins = Origins { domain: "localhost".into(), hosts: vec!["box.example".into()], path_routes: true };
        let route = Declared { host: host.to_owned(), prefix: prefix.to_owned() };
        let found = find_conflict(&[route], &name(app), &apps, &owners, &origins);
        assert_eq!(found.as_deref(), expected, "{host}{prefix}");
    }

    #[test]
    fn the_incumbent_keeps_its_route_and_the_folder_beats_both() {
        check("x", "shop.example", "", Some("the route `shop.example/` is held by `shop`"));
        check("shop", "shop.example", "", None);
        check("x", "gone.example", "", None);
        check("x", "shop.example", "/api", None);
        let folder = "which is in the folder under that name";
        check("x", "shop.localhost", "/a", Some(&format!("the route `shop.localhost/a` belongs to `shop`, {folder}")));
        check("x", "x.localhost", "/a", None);
        check("x", "free.localhost", "", None);
        check("x", "localhost", "/buy", Some(&format!("the route `localhost/buy` belongs to `buy`, {folder}")));
        check("x", "localhost", "/api", Some(&format!("the route `localhost/api` belongs to `api/users`, {folder}")));
        check("x", "localhost", "/ap", None);
        check("x", "localhost", "/buyer", None);
        check("x", "box.example", "", Some(&format!("the route `box.example/` belongs to `api/users`, {folder}")));
    }
}
