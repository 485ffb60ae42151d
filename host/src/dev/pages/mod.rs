//! The pages of `dev`: an index of all apps, how the build of an app stands that does not serve yet, and a note over the
//! pages of an app whose source does not build.

mod index;
mod note;
mod unbuilt;

use guesthouse_app::app::AppBody;
use guesthouse_app::routes::RouteTable;
use guesthouse_app::routes::host_of;
use guesthouse_serve::dev_pages::DevPage;
use guesthouse_serve::dev_pages::DevPages;
use guesthouse_serve::dev_pages::Overlay;
use guesthouse_serve::pages::Page;
use guesthouse_types::name::AppName;
use http::HeaderMap;
use http::StatusCode;
use http::uri::Authority;

use crate::dev::builds::Build;
use crate::dev::builds::Builds;
use crate::dev::pages::index::index;
use crate::dev::pages::note::Noted;
use crate::dev::pages::note::is_page;
use crate::dev::pages::note::not_kept;
use crate::dev::pages::note::note_of;

/// Pages by how the builds stand.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    /// The builds of the apps that are worked on here.
    pub builds: Builds,
}

impl DevPages for Pages {
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

    fn overlay(&self, name: &AppName, headers: &mut HeaderMap, body: AppBody) -> Overlay {
        let Some(Build::Failed(why)) = self.builds.of(name) else { return Overlay::None(body) };
        if !is_page(headers) {
            return Overlay::None(body);
        }
        not_kept(headers);
        let note = note_of(name.as_str(), &why);
        let added = note.len() as u64;
        Overlay::Over { body: Box::pin(Noted::new(body, note.into())), added }
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|label| label.ends_with('.'))
}

/// How the build of `name` stands, which does not serve yet.
fn unbuilt_page(name: AppName, build: &Build) -> DevPage {
    let (happened, why) = match build {
        Build::Running => (format!("`{name}` is being built."), None),
        Build::Failed(why) => (format!("The source of `{name}` does not build."), Some(why.to_string())),
    };
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut page = Page::about(status, happened);
    page.advice = "It is served as soon as it is built.".to_owned();
    page.details = why;
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
