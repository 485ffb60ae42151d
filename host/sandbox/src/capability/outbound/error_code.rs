//! What is said to a guest whose request to the outside has no answer, in the words of `wasi:http` (`error-code`).

use std::io::ErrorKind;

use guesthouse_outbound::error::OutboundError;
use guesthouse_outbound::internal::InternalError;
use wasmtime_wasi_http::Error;

/// The nearest `error-code`. What it does not say is in the guest's log.
pub(crate) fn error(error: &OutboundError) -> Error {
    match error {
        OutboundError::NotGranted(_)
        | OutboundError::NotAsked { .. }
        | OutboundError::NameNotAsked { .. }
        | OutboundError::NotMocked { .. } => Error::HttpRequestDenied,
        OutboundError::Prohibited { .. } | OutboundError::Itself { .. } => Error::DestinationIpProhibited,
        OutboundError::Uri { .. } => Error::HttpRequestUriInvalid,
        OutboundError::Lookup { why, .. } => Error::DnsError { rcode: Some(why.clone()), info_code: None },
        OutboundError::LookupTimeout { .. } => Error::DnsTimeout,
        OutboundError::Connections { .. } => Error::ConnectionLimitReached,
        OutboundError::Connect { error, .. } => match error.kind() {
            ErrorKind::ConnectionRefused => Error::ConnectionRefused,
            ErrorKind::TimedOut => Error::ConnectionTimeout,
            _ => Error::DestinationUnavailable,
        },
        OutboundError::ConnectTimeout { .. } | OutboundError::HandshakeTimeout { .. } => Error::ConnectionTimeout,
        OutboundError::Certificate { .. } | OutboundError::Trust { .. } => Error::TlsCertificateError,
        OutboundError::Tls { .. } | OutboundError::Handshake { .. } => Error::TlsProtocolError,
        OutboundError::HeadTimeout { .. } | OutboundError::BodyTimeout { .. } => Error::ConnectionReadTimeout,
        OutboundError::TooLarge { most, .. } => Error::HttpResponseBodySize(Some(*most)),
        OutboundError::Internal { why, .. } => match why {
            InternalError::NoSuchApp => Error::DestinationNotFound,
            InternalError::NotACaller { .. } => Error::HttpRequestDenied,
            InternalError::TooDeep => Error::LoopDetected,
            InternalError::Failed => Error::InternalError(None),
            InternalError::OnlyHttp => Error::HttpRequestUriInvalid,
        },
        OutboundError::Http { .. } => Error::HttpProtocolError,
    }
}
