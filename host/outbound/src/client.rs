//! The client of one app: what it asks for is held against its rules, and sent over connections of its own.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use guesthouse_types::target::Scheme;
use guesthouse_types::target::Target;
use guesthouse_types::target::TargetError;
use http::HeaderMap;
use http::HeaderName;
use http::Request;
use http::Response;
use http::Uri;
use http::header;
use http::uri::PathAndQuery;
use http_body::Body;
use http_body_util::BodyExt as _;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy;
use tokio::time::timeout;

use crate::connect::Connector;
use crate::error::OutboundError;
use crate::error::chain;
use crate::host::Host;
use crate::internal;
use crate::internal::Call;
use crate::internal::Caller;
use crate::internal::InternalError;
use crate::internal::app_of;
use crate::permits::Connections;
use crate::pools::Pools;
use crate::response::Incoming;
use crate::response::ResponseBody;
use crate::rules::Rules;
use crate::rules::target_of;
use crate::trust::TrustError;

/// What one app may take of the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections that are open at once.
    pub connections_max: usize,
    /// How long a connection may take to open, once its name was found.
    pub connect: Duration,
    /// How long the head of an answer may take beyond that.
    pub first_byte: Duration,
    /// How long an answer's body may stand still.
    pub between_bytes: Duration,
    /// Length of an answer's body, in bytes.
    pub response_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 32,
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(30),
            between_bytes: Duration::from_secs(30),
            response_bytes_max: 64 << 20,
        }
    }
}

/// What a guest asks for one request: each at most what its app has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Option<Duration>,
    /// For the head.
    pub first_byte: Option<Duration>,
    /// Between two pieces of the body.
    pub between_bytes: Option<Duration>,
}

/// The client of one app's revision, for requests with bodies `B`.
pub struct Client<B> {
    rules: Rules,
    limits: Limits,
    host: Arc<Host>,
    pools: Arc<Pools<B>>,
    /// Why nothing can be asked for over TLS, if that is so.
    untrusting: Option<TrustError>,
}

impl<B> Client<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// With connections out of `connections`. Blocks, where certificates must be read.
    pub fn new(connections: Connections, rules: Rules, limits: Limits) -> Client<B> {
        let (tls, untrusting) = connections.host().tls_of_one_app();
        let host = connections.host().clone();
        let connector = Connector::new(connections.clone(), rules.clone(), limits.connect);
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let https = https.enable_all_versions().wrap_connector(connector);
        let pools = Pools::new(https, &connections, host.tasks.clone());
        Client { rules, limits, host, pools, untrusting }
    }

    /// What a request of `app` to `uri` needs in its manifest, where everything is let out without one (`dev`).
    pub fn needed(&self, app: &str, uri: &Uri) -> Option<String> {
        self.rules.any_host_is_private.then(|| self.host.wanted.add(app, &target_of(uri).ok()?))?
    }

    /// Sends `request`, whose URI names the target, and gives the head of the answer as soon as it is there.
    ///
    /// A connection that was kept and turns out to be closed is replaced once, if nothing was sent on it. Redirects are
    /// answers, nothing is decompressed, and no cookie is kept. Dropping the future gives the request up.
    pub async fn send(
        &self,
        request: Request<B>,
        asked: Timeouts,
        caller: Caller,
    ) -> Result<Response<ResponseBody>, OutboundError> {
        let target = target_of(request.uri())?;
        self.rules.check(&target)?;
        let within = |asked: Option<Duration>, most: Duration| asked.map_or(most, |asked| asked.min(most));
        let (most, between) = (self.limits.response_bytes_max, within(asked.between_bytes, self.limits.between_bytes));
        if let Some(app) = app_of(&target) {
            let answered = self.ask_app(app, prepared(request, &target)?, &target, caller).await;
            let response = answered.map_err(|why| OutboundError::Internal { target: target.clone(), why })?;
            return Ok(response.map(|body| ResponseBody::new(Incoming::Inside(body), target, most, between)));
        }
        if let Some(mock) = &self.host.mock {
            let request = prepared(request, &target)?;
            let answer = mock.answer(request.method(), request.uri());
            let response = answer.map_err(|request| OutboundError::NotMocked { request })?;
            return Ok(response.map(|body| ResponseBody::new(Incoming::Inside(body), target, most, between)));
        }
        if let (Scheme::Https, Some(why)) = (target.scheme, &self.untrusting) {
            return Err(OutboundError::Trust { target, why: why.clone() });
        }
        let request = prepared(request, &target)?;
        let after = within(asked.connect, self.limits.connect) + within(asked.first_byte, self.limits.first_byte);
        let answered = timeout(after, self.pools.of(&target).request(request)).await;
        let answered = answered.map_err(|_| OutboundError::HeadTimeout { target: target.clone(), after })?;
        let response = answered.map_err(|error| explain(error, &target))?;
        Ok(response.map(|body| ResponseBody::new(Incoming::Outside(body), target, most, between)))
    }

    /// The same of an app of this host: with the limits of that app, for as long as whoever asks waits.
    async fn ask_app(
        &self,
        app: String,
        request: Request<B>,
        target: &Target,
        caller: Caller,
    ) -> Result<Response<internal::Body>, InternalError> {
        if target.scheme != Scheme::Http || Some(target.port) != Scheme::Http.port() {
            return Err(InternalError::OnlyHttp);
        }
        let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        self.host.internal.call(Call { caller, app, request }, &self.host.tasks).await
    }
}

/// The request as it is sent: to the target in its one spelling, without what a connection or a proxy says.
fn prepared<B>(mut request: Request<B>, target: &Target) -> Result<Request<B>, OutboundError> {
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let uri = Uri::builder().scheme(target.scheme.as_str()).authority(target.authority()).path_and_query(path).build();
    let wrong = |_| OutboundError::Uri { uri: target.to_string(), why: TargetError::Host(target.authority()) };
    *request.uri_mut() = uri.map_err(wrong)?;
    *request.version_mut() = http::Version::HTTP_11;
    remove_private_fields(request.headers_mut());
    Ok(request)
}

/// Fields that are not a guest's to say to the outside: of connections (RFC 9110, section 7.6.1), of proxies, and the host's.
fn remove_private_fields(fields: &mut HeaderMap) {
    let is_private = |name: &HeaderName| {
        let name = name.as_str();
        matches!(
            name,
            "host"
                | "connection"
                | "keep-alive"
                | "upgrade"
                | "transfer-encoding"
                | "http2-settings"
                | "expect"
                | "forwarded"
                | "cookie2"
        ) || ["proxy-", "x-forwarded-", "x-guesthouse-"].iter().any(|prefix| name.starts_with(prefix))
    };
    let private: Vec<HeaderName> = fields.keys().filter(|name| is_private(name)).cloned().collect();
    for name in private {
        fields.remove(name);
    }
    if fields.get_all(header::TE).iter().any(|te| te != "trailers") {
        fields.remove(header::TE);
    }
}

/// What went wrong, from within what the library says.
fn explain(error: legacy::Error, target: &Target) -> OutboundError {
    let mut next: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(reason) = next {
        if let Some(ours) = reason.downcast_ref::<OutboundError>() {
            return ours.clone();
        }
        if let Some(tls) = reason.downcast_ref::<rustls::Error>() {
            let (target, why) = (target.clone(), tls.to_string());
            return match tls {
                rustls::Error::InvalidCertificate(_) => OutboundError::Certificate { target, why },
                _ => OutboundError::Tls { target, why },
            };
        }
        // An error of the system that carries another one names the reason behind that as its own.
        next = match reason.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(carried) => Some(carried),
            None => reason.source(),
        };
    }
    let target = target.clone();
    match error.is_connect() {
        true => OutboundError::Tls { target, why: chain(&error) },
        false => OutboundError::Http { target, error: Arc::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_connection_or_a_proxy_says_is_not_sent() {
        let mut fields = HeaderMap::new();
        for name in
            ["host", "connection", "x-forwarded-for", "proxy-authorization", "x-guesthouse-caller", "te", "accept"]
        {
            fields.insert(name, http::HeaderValue::from_static("x"));
        }
        remove_private_fields(&mut fields);
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["accept"]);
    }
}
