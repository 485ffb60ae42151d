//! Apps that are worked on here and have nothing to serve yet: found where they will answer.

use guesthouse_app::routes::Entry;
use guesthouse_app::routes::Found;
use guesthouse_app::routes::RouteTable;
use guesthouse_app::routes::Target;
use guesthouse_app::routes::host_of;
use guesthouse_types::name::AppName;
use http::uri::Authority;

use crate::dev::builds::Build;
use crate::dev::builds::Builds;

/// The app that would answer for `authority` and `path` if it were built, and how its build stands. `table` does not know it.
pub fn find(table: &RouteTable, builds: &Builds, authority: &Authority, path: &str) -> Option<(AppName, Build)> {
    let unbuilt = unbuilt(table, builds);
    match unbuilt.find(&host_of(authority), path) {
        Found::App { name, .. } => builds.of(name).map(|build| (name.clone(), build)),
        _ => None,
    }
}

/// A table of the apps that `table` does not know, since they were never built.
pub fn unbuilt(table: &RouteTable, builds: &Builds) -> RouteTable {
    let is_known = |name: &AppName| table.entries().iter().any(|entry| entry.name == *name);
    let entry = |(name, build): (&AppName, &Build)| {
        let state = match build {
            Build::Running => "it is being built",
            Build::Failed(failure) => &format!("its source {}", failure.happened()),
        };
        Entry { name: name.clone(), target: Target::Waiting(state.to_owned()), declared: Vec::new() }
    };
    let builds = builds.all();
    let unknown = builds.iter().filter(|(name, _)| !is_known(name));
    RouteTable::build(unknown.map(entry).collect(), table.origins().clone())
}

#[cfg(test)]
mod tests {
    use guesthouse_app::routes::Origins;

    use super::*;

    #[test]
    fn an_app_is_found_before_it_is_built() {
        let origins = Origins { domain: "localhost".to_owned(), hosts: Vec::new(), path_routes: true };
        let name = |name: &str| AppName::parse(name).unwrap();
        let known = Entry { name: name("known"), target: Target::Waiting(String::new()), declared: Vec::new() };
        let table = RouteTable::build(vec![known], origins);
        let builds = Builds::default();
        builds.begin(&name("shop"));
        builds.begin(&name("known"));
        let find = |authority, path| find(&table, &builds, &Authority::from_static(authority), path);
        let expected = Some((name("shop"), Build::Running));
        assert_eq!(find("localhost:8080", "/shop/a"), expected);
        assert_eq!(find("shop.localhost:8080", "/"), expected);
        for (authority, path) in [("localhost", "/"), ("localhost", "/known/"), ("localhost", "/shopping/")] {
            assert_eq!(find(authority, path), None, "{authority}{path}");
        }
    }
}
