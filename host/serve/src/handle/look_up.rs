//! From a host and a path to the app that answers, and to what is left of the path for it.

use std::sync::Arc;

use guesthouse_app::app::App;
use guesthouse_app::app::InFlight;
use guesthouse_app::routes::Found;
use guesthouse_app::routes::RouteMatch;
use guesthouse_app::routes::Target;
use guesthouse_app::routes::host_of;
use http::HeaderValue;
use http::uri::PathAndQuery;

use crate::access_log::Record;
use crate::access_log::RoutedTo;
use crate::request::admit::Admitted;
use crate::request::context::ServeContext;
use crate::request::path::with_plain_slashes;
use crate::request::refused::Refused;
use crate::response::respond::Outcome;

/// How often one request looks for its app. Each further look takes a swap within some instructions.
const LOOKS_MAX: usize = 8;

/// Looks for the app, and enters it. Whoever is overtaken by a swap between the two looks again: the table is stored
/// before the old revision is closed.
pub fn look_up(
    shared: &ServeContext,
    admitted: &Admitted,
    record: &mut Record,
) -> Result<(Arc<App>, InFlight, RouteMatch), Outcome> {
    for _ in 0..LOOKS_MAX {
        let (app, place) = look(shared, admitted, record)?;
        if let Some(in_flight) = app.enter() {
            return Ok((app, in_flight, place));
        }
    }
    Err(Outcome::Waiting("it is replaced faster than it can be looked up".to_owned()))
}

/// Takes one snapshot, and out of it what the request needs: the table is let go before anything is awaited.
///
/// A route is compared with the path as it was sent. Where an encoded slash stands, another reader on the way (a proxy with
/// rules for `/shop/`) may see a slash, so that a path which then would lead elsewhere is refused.
fn look(shared: &ServeContext, admitted: &Admitted, record: &mut Record) -> Result<(Arc<App>, RouteMatch), Outcome> {
    let table = shared.routes.snapshot();
    let (host, path) = (host_of(&admitted.authority), admitted.path_and_query.path());
    let found = table.find(&host, path);
    if let Some(plain) = with_plain_slashes(path)
        && !found.leads_where(&table.find(&host, &plain))
    {
        return Err(Outcome::Refused(Refused::bad(
            "with a slash for its encoded slash, the path would lead elsewhere",
        )));
    }
    match found {
        Found::App { target: Target::Live(app), place, .. } => {
            record.app = RoutedTo::Live(app.clone());
            Ok((app.clone(), place.clone()))
        }
        Found::App { target: target @ (Target::Waiting(why) | Target::Refused(why)), name, .. } => {
            record.app = RoutedTo::Waiting(name.clone());
            let page = shared.settings.dev_pages.as_ref().and_then(|pages| pages.instead_of_503(name));
            Err(match page {
                Some(page) => Outcome::Dev(Box::new(page)),
                None if matches!(target, Target::Refused(_)) => Outcome::AppRefused(why.clone()),
                None => Outcome::Waiting(why.clone()),
            })
        }
        Found::MissingSlash => Err(with_slash(&admitted.path_and_query)),
        Found::NotYet => Err(Outcome::Starting),
        Found::Nothing => {
            let pages = shared.settings.dev_pages.as_ref();
            let page = pages.and_then(|pages| pages.instead_of_404(&table, &admitted.authority, path));
            let Some(page) = page else { return Err(Outcome::Nothing(path.to_owned())) };
            if let Some(name) = &page.app {
                record.app = RoutedTo::Waiting(name.clone());
            }
            Err(Outcome::Dev(Box::new(page)))
        }
        Found::Foreign => Err(Outcome::Foreign(host.into_owned())),
    }
}

/// Where a folder or a mount is: the same with a slash. The path leads to one of them, so it begins with one slash and a name: nobody can make it `//elsewhere`.
pub fn with_slash(asked: &PathAndQuery) -> Outcome {
    let location = match asked.query() {
        Some(query) => format!("{}/?{query}", asked.path()),
        None => format!("{}/", asked.path()),
    };
    match HeaderValue::try_from(location) {
        Ok(location) => Outcome::MissingSlash(location),
        Err(_) => Outcome::Refused(Refused::bad("the request's target cannot be redirected")),
    }
}

/// What is left of a path below a mount. Nothing is copied for an app that has the host for itself.
pub fn below(mount: &str, path_and_query: &PathAndQuery) -> Option<PathAndQuery> {
    if mount.is_empty() {
        return Some(path_and_query.clone());
    }
    PathAndQuery::try_from(path_and_query.as_str().strip_prefix(mount)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mount: &str, asked: &'static str, expected: &str) {
        let below = below(mount, &PathAndQuery::from_static(asked)).unwrap();
        assert_eq!(below.as_str(), expected, "{mount} {asked}");
    }

    #[test]
    fn a_guest_sees_what_is_below_its_mount() {
        check("", "/a//b?c", "/a//b?c");
        check("/shop", "/shop/", "/");
        check("/shop", "/shop/%41?q=%", "/%41?q=%");
        check("/api/users", "/api/users//x", "//x");
    }
}
