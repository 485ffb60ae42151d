//! Who comes, and where to: what the requests of one connection share.

use std::net::IpAddr;
use std::sync::Arc;

use guesthouse_app::routes::RouteReader;
use guesthouse_tls::certificate::Certificate;
use guesthouse_tls::certificates::Certificates;
use http::HeaderMap;
use http::uri::Scheme;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::compress::encoder::Encoders;
use crate::listen::listener_mode::ListenerMode;
use crate::request::forwarded;
use crate::request::request_id::RequestIds;
use crate::settings::ServeSettings;
use crate::track::activity::Activity;

/// What all requests share.
pub struct ServeContext {
    /// What we were told once.
    pub settings: ServeSettings,
    /// Which app answers for what.
    pub routes: RouteReader,
    /// Names for requests.
    pub ids: RequestIds,
    /// Who compresses bodies.
    pub encoders: Encoders,
    /// The answers to those who validate names for certificates.
    pub certificates: Option<Arc<Certificates>>,
    /// Where runs what outlives a request.
    pub tracker: TaskTracker,
    /// The wish that the host may end, for answers that would have no end.
    pub stop: CancellationToken,
}

/// What the requests of one connection share.
pub struct ConnectionContext {
    /// What all requests share.
    pub shared: Arc<ServeContext>,
    /// What the connection is doing.
    pub activity: Arc<Activity>,
    /// Who sends, where that has an address.
    pub peer: Option<IpAddr>,
    /// Whether it is a proxy whose word is taken.
    pub is_trusted: bool,
    /// The listener that they came to.
    pub mode: Arc<ListenerMode>,
    /// What the connection's TLS was made with.
    pub certificate: Option<Arc<Certificate>>,
}

/// Who sent a request, and how.
pub struct Sender {
    /// The visitor's address, where that is known.
    pub peer: Option<IpAddr>,
    /// The scheme that the visitor used.
    pub scheme: Scheme,
}

impl ConnectionContext {
    /// The sender of a request with these fields: by the word of a trusted proxy, else as the connection has it.
    pub fn sender(&self, headers: &HeaderMap) -> Sender {
        let own = if self.certificate.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
        if !self.is_trusted {
            return Sender { peer: self.peer, scheme: own };
        }
        let visitor = forwarded::visitor(headers, &self.shared.settings.trusted);
        Sender { peer: visitor.or(self.peer), scheme: forwarded::scheme(headers).unwrap_or(own) }
    }

    /// The id of a request with these fields: a trusted proxy's, else one of ours.
    pub fn id(&self, headers: &HeaderMap) -> Arc<str> {
        let given = if self.is_trusted { forwarded::id(headers) } else { None };
        given.unwrap_or_else(|| self.shared.ids.next())
    }
}
