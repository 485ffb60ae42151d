//! Which apps there are and where: for the index page that only `dev` shows.

use guesthouse_app::builds::Build;
use guesthouse_app::builds::Builds;
use guesthouse_app::routes::Entry;
use guesthouse_app::routes::RouteTable;
use guesthouse_app::routes::Target;
use http::uri::Authority;

use crate::pages::AppLine;
use crate::unbuilt::unbuilt;

/// One line for each app, with those that were never built after the others. The addresses are those that work for who
/// asked at `authority`.
pub fn app_lines(table: &RouteTable, builds: Option<&Builds>, authority: &Authority) -> Vec<AppLine> {
    let failed = |entry: &Entry| matches!(builds.and_then(|builds| builds.of(&entry.name)), Some(Build::Failed(_)));
    let origins = table.origins();
    let port = authority.port().map_or(String::new(), |port| format!(":{port}"));
    let line = |entry: &Entry| {
        let own_host = entry.name.host_label().map(|label| format!("http://{label}.{}{port}/", origins.domain));
        let on_path = origins.path_routes.then(|| format!("http://{authority}{}/", entry.name.mount()));
        let declared = entry.declared.iter().map(|route| format!("http://{}{port}{}/", route.host, route.prefix));
        let state = match &entry.target {
            Target::Live(app) if failed(entry) => format!("live, revision {}; its source does not build", app.revision),
            Target::Live(app) => format!("live, revision {}", app.revision),
            Target::Waiting(why) => format!("not ready: {why}"),
        };
        AppLine {
            name: entry.name.to_string(),
            urls: own_host.into_iter().chain(on_path).chain(declared).collect(),
            state,
        }
    };
    let unbuilt = builds.map(|builds| unbuilt(table, builds));
    let unbuilt = unbuilt.iter().flat_map(|table| table.entries());
    table.entries().iter().chain(unbuilt).map(line).collect()
}
