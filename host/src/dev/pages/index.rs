//! The index page: which apps there are and where.

use guesthouse_app::routes::Entry;
use guesthouse_app::routes::RouteTable;
use guesthouse_app::routes::Target;
use guesthouse_serve::pages::AppLine;
use guesthouse_serve::pages::Page;
use http::StatusCode;
use http::uri::Authority;

use crate::dev::builds::Build;
use crate::dev::builds::Builds;
use crate::dev::pages::unbuilt::unbuilt;

/// The page for who asked at `authority`.
pub fn index(table: &RouteTable, builds: &Builds, authority: &Authority) -> Page {
    let apps = app_lines(table, builds, authority);
    let happened = match apps.len() {
        0 => "No app is here yet. Drop a component into the apps folder: `hello.wasm` answers at `/hello/`.".to_owned(),
        _ => "These apps are here.".to_owned(),
    };
    Page { title: "Guesthouse".to_owned(), apps, ..Page::about(StatusCode::OK, happened) }
}

/// One line for each app, with those that were never built after the others. The addresses are those that work for who
/// asked at `authority`.
fn app_lines(table: &RouteTable, builds: &Builds, authority: &Authority) -> Vec<AppLine> {
    let failed = |entry: &Entry| matches!(builds.of(&entry.name), Some(Build::Failed(_)));
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
            Target::Refused(why) => why.clone(),
        };
        AppLine {
            name: entry.name.to_string(),
            urls: own_host.into_iter().chain(on_path).chain(declared).collect(),
            state,
        }
    };
    table.entries().iter().chain(unbuilt(table, builds).entries()).map(line).collect()
}
