//! What no app answers here: it is ours, or `dev`'s, or is answered on another connection.

use guesthouse_app::routes::Found;
use guesthouse_app::routes::host_of;
use http::HeaderValue;

use crate::listen::listener_mode::ListenerKind;
use crate::request::admit::Admitted;
use crate::request::context::ConnectionContext;
use crate::request::refused::Refused;
use crate::response::respond::Outcome;

/// Never an app's, on no host: whoever answers here can have a certificate for the host (RFC 8555 section 8.3).
const CHALLENGES: &str = "/.well-known/acme-challenge/";

/// What becomes of such a request; `None` when it is for an app.
pub fn reserved(context: &ConnectionContext, admitted: &Admitted) -> Option<Outcome> {
    if let Some(token) = admitted.path_and_query.path().strip_prefix(CHALLENGES) {
        let answer = context.shared.certificates.as_ref().and_then(|certificates| certificates.answer_to(token));
        let nothing = || Outcome::Nothing(admitted.path_and_query.path().to_owned());
        return Some(answer.map_or_else(nothing, Outcome::Challenge));
    }
    if let Some(certificate) = &context.certificate {
        let host = host_of(&admitted.authority);
        // A browser may use one connection for all hosts that its certificate covers (RFC 9113 section 9.1.1), and no other.
        return (!certificate.names.cover(&host)).then(|| Outcome::Uncovered(host.into_owned()));
    }
    if !matches!(context.mode.kind, ListenerKind::Redirect) {
        return own(context, admitted);
    }
    let (host, asked) = (host_of(&admitted.authority), &admitted.path_and_query);
    if matches!(context.shared.routes.snapshot().find(&host, asked.path()), Found::Foreign) {
        return Some(Outcome::Foreign(host.into_owned()));
    }
    let location = match context.mode.https_port {
        443 => format!("https://{host}{asked}"),
        port => format!("https://{host}:{port}{asked}"),
    };
    Some(match HeaderValue::try_from(location) {
        Ok(location) => Outcome::Secure(location),
        Err(_) => Outcome::Refused(Refused::bad("the request's target cannot be redirected")),
    })
}

/// What `dev` answers itself, on the hosts that are its own: a page of another origin that got here by a name of its own (DNS
/// rebinding) is told nothing.
fn own(context: &ConnectionContext, admitted: &Admitted) -> Option<Outcome> {
    let pages = context.shared.settings.dev_pages.as_ref()?;
    let answer = pages.own(&admitted.path_and_query, &context.shared.stop)?;
    let host = host_of(&admitted.authority);
    match context.shared.routes.snapshot().find(&host, admitted.path_and_query.path()) {
        Found::Foreign => Some(Outcome::Foreign(host.into_owned())),
        _ => Some(Outcome::Own(Box::new(answer))),
    }
}
