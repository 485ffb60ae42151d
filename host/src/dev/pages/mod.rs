//! The pages of `dev`: an index of all apps, how the build of an app stands that does not serve yet, a note over the pages of
//! an app whose newest source is not what serves, and what loads them again when something has changed.

mod end;
mod events;
mod hashes;
mod index;
mod note;
mod policy;
mod raised;
mod reload;
mod unbuilt;

use std::collections::BTreeMap;

use guesthouse_app::app::AppBody;
use guesthouse_app::headers::accepts_html;
use guesthouse_app::routes::RouteTable;
use guesthouse_app::routes::host_of;
use guesthouse_serve::dev_pages::DevPage;
use guesthouse_serve::dev_pages::DevPages;
use guesthouse_serve::dev_pages::DevRequest;
use guesthouse_serve::dev_pages::OverlaidBody;
use guesthouse_serve::dev_pages::Overlay;
use guesthouse_serve::dev_pages::OverlayTarget;
use guesthouse_serve::pages::Page;
use guesthouse_types::name::AppName;
use http::HeaderMap;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header::REFRESH;
use http::request::Parts;
use http::uri::Authority;
use http::uri::PathAndQuery;
use tokio_util::sync::CancellationToken;

use crate::dev::builds::Build;
use crate::dev::builds::Builds;
use crate::dev::changes::Changes;
use crate::dev::failure::Failure;
use crate::dev::failure::Places;
use crate::dev::pages::end::Ended;
use crate::dev::pages::end::is_page;
use crate::dev::pages::end::not_kept;
use crate::dev::pages::events::CHANGES;
use crate::dev::pages::events::PREFIX;
use crate::dev::pages::events::events;
use crate::dev::pages::events::nothing;
use crate::dev::pages::hashes::NOTE;
use crate::dev::pages::hashes::NOTE_STYLE;
use crate::dev::pages::hashes::RELOAD;
use crate::dev::pages::index::index;
use crate::dev::pages::note::note_of;
use crate::dev::pages::policy::Additions;
use crate::dev::pages::policy::admit;
use crate::dev::pages::raised::RAISED;
use crate::dev::pages::reload::script_of;

/// Pages by how the builds stand.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    builds: Builds,
    changes: Changes,
    /// Where the source of each app lies.
    places: BTreeMap<AppName, Places>,
    /// Whether pages load themselves again.
    reload: bool,
}

impl Pages {
    /// Shows how `builds` stand of apps whose sources lie at `places`, and has pages load themselves again after `changes` if
    /// `reload` is set.
    pub fn new(builds: Builds, changes: Changes, places: BTreeMap<AppName, Places>, reload: bool) -> Pages {
        Pages { builds, changes, places, reload }
    }

    /// What is put at the end of a page, and admitted to its policy.
    fn end_of(
        &self,
        request: &DevRequest,
        name: Option<&str>,
        failure: Option<&Failure>,
        headers: &mut HeaderMap,
    ) -> String {
        let reloads = self.reload && request.is_repeatable;
        let mut additions = Additions { connects: reloads, ..Additions::default() };
        additions.scripts.extend(reloads.then(|| RELOAD.as_str()));
        if failure.is_some() {
            additions.scripts.push(&NOTE);
            additions.styles.push(&NOTE_STYLE);
        }
        let is_admitted = admit(headers, &additions);
        let mut end = failure.map(|failure| note_of(name.unwrap_or_default(), failure)).unwrap_or_default();
        if reloads && is_admitted {
            end.push_str(&script_of(name, request.since));
        }
        end
    }
}

impl DevPages for Pages {
    fn begin(&self, head: &Parts) -> DevRequest {
        // Browsers say what an answer is for (Fetch Metadata); older ones do not.
        let wanted = head.headers.get("sec-fetch-dest").map(http::HeaderValue::as_bytes);
        let is_shown = matches!(wanted, None | Some(b"document" | b"iframe" | b"frame" | b"embed" | b"object"));
        DevRequest {
            since: self.changes.newest(),
            is_navigation: is_shown && accepts_html(&head.headers),
            is_repeatable: head.method == Method::GET,
        }
    }

    fn own(&self, asked: &PathAndQuery, stop: &CancellationToken) -> Option<Response<OverlaidBody>> {
        if !self.reload || !asked.path().starts_with(PREFIX) {
            return None;
        }
        if asked.path() != CHANGES {
            return Some(nothing());
        }
        let given = |name: &str| {
            let mut pairs = asked.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
            pairs.find_map(|(found, value)| (found == name && !value.is_empty()).then_some(value))
        };
        let since = given("since").and_then(|since| since.parse().ok()).unwrap_or_default();
        Some(events(self.changes.clone(), given("app").map(str::to_owned), since, stop.clone()))
    }

    fn instead_of_404(&self, table: &RouteTable, authority: &Authority, path: &str) -> Option<DevPage> {
        if path == "/" && !is_below(&host_of(authority), &table.origins().domain) {
            let page = index(table, &self.builds, authority);
            return Some(DevPage { status: StatusCode::OK, page, app: None, is_refreshed: false });
        }
        let (name, build) = unbuilt::find(table, &self.builds, authority, path)?;
        Some(unbuilt_page(name, &build))
    }

    fn instead_of_503(&self, name: &AppName) -> Option<DevPage> {
        // While it is built, the host's own page says what is waited for.
        let build = self.builds.of(name).filter(|build| *build != Build::Running)?;
        Some(unbuilt_page(name.clone(), &build))
    }

    fn overlay(&self, request: &DevRequest, to: OverlayTarget<'_>, headers: &mut HeaderMap, body: AppBody) -> Overlay {
        let name = to.app;
        if headers.remove(RAISED).is_some() && request.is_navigation {
            raised::of_page(headers);
            // What stands there is the error itself: nothing lies over it.
            let end = self.end_of(request, Some(name.as_str()), None, headers);
            not_kept(headers);
            let places = self.places.get(name).cloned().unwrap_or_default();
            return Overlay::Instead(raised::page(body, name.clone(), places, to.id.clone(), end));
        }
        if !request.is_navigation || !is_page(headers) {
            return Overlay::None(body);
        }
        let build = self.builds.of(name);
        let failure = match &build {
            Some(Build::Failed(failure)) => Some(&**failure),
            Some(Build::Running) | None => None,
        };
        let end = self.end_of(request, Some(name.as_str()), failure, headers);
        if end.is_empty() {
            return Overlay::None(body);
        }
        not_kept(headers);
        let added = end.len() as u64;
        Overlay::Over { body: Box::pin(Ended::new(body, end.into())), added }
    }

    fn end_of_page(&self, request: &DevRequest, name: Option<&str>, headers: &mut HeaderMap) -> String {
        let end = self.end_of(request, name, None, headers);
        if !end.is_empty() {
            // It knows better when to look again.
            headers.remove(REFRESH);
        }
        end
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|label| label.ends_with('.'))
}

/// How the build of `name` stands, which does not serve yet.
fn unbuilt_page(name: AppName, build: &Build) -> DevPage {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let (happened, failure) = match build {
        Build::Running => (format!("`{name}` is being built."), None),
        Build::Failed(failure) => (format!("The source of `{name}` {}.", failure.happened()), Some(failure)),
    };
    let mut page = Page::about(status, happened);
    page.advice = "It is served as soon as it is built.".to_owned();
    if let Some(failure) = failure {
        page.details = Some(failure.text.clone());
        page.marked = Some(failure.html.clone());
    }
    DevPage { status, page, app: Some(name), is_refreshed: true }
}

#[cfg(test)]
mod tests {
    use guesthouse_app::routes::Entry;
    use guesthouse_app::routes::Origins;
    use guesthouse_app::routes::Target;
    use guesthouse_serve::pages::Format;

    use super::*;

    #[test]
    fn the_root_of_the_domain_and_no_other_has_the_index() {
        let origins = Origins { domain: "localhost".to_owned(), hosts: Vec::new(), path_routes: true };
        let name = AppName::parse("shop").unwrap();
        let entry = Entry { name, target: Target::Waiting("<compiling>".to_owned()), declared: Vec::new() };
        let table = RouteTable::build(vec![entry], origins);
        let pages = Pages::default();
        let page = |authority, path| pages.instead_of_404(&table, &Authority::from_static(authority), path);
        let index = page("localhost:81", "/").unwrap();
        assert_eq!((index.status, index.app, index.is_refreshed), (StatusCode::OK, None, false));
        let html = index.page.render(Format::Html, "x-1");
        assert!(html.contains("<a href=\"http://shop.localhost:81/\">"), "{html}");
        assert!(
            html.contains("<a href=\"http://localhost:81/shop/\">") && html.contains("&lt;compiling&gt;"),
            "{html}"
        );
        assert_eq!((page("other.localhost:81", "/"), page("localhost:81", "/other/")), (None, None));
    }
}
