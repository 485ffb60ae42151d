//! Why an outgoing request has no answer, or no whole one, or a connection does not come about. Each is a sentence for the log and for the guest.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use guesthouse_types::target::Target;
use guesthouse_types::target::TargetError;
use guesthouse_types::units::Size;
use guesthouse_types::units::Span;

use crate::internal::InternalError;
use crate::trust::TrustError;

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OutboundError {
    /// The app has no grant at all, or is only tried.
    #[error("it asked for {0}: nothing is let out here")]
    NotGranted(String),
    /// The URI names nothing that can be reached.
    #[error("`{uri}` cannot be asked for: {why}")]
    Uri {
        /// What was asked for.
        uri: String,
        /// What is wrong with it.
        why: TargetError,
    },
    /// The manifest does not ask for it.
    #[error(
        "{target} is not in its `[outbound] {}`: add \"{}\" there, and the operator's policy must allow it",
        .target.scheme.key(), .target.entry()
    )]
    NotAsked {
        /// What was asked for.
        target: Target,
    },
    /// No place that the manifest asks for has the name.
    #[error(
        "`{name}` is not looked up: no place in its `[outbound] tcp` is there; add \"{name}:PORT\", and the operator's \
         policy must allow it"
    )]
    NameNotAsked {
        /// The name.
        name: String,
    },
    /// It lies in a network that is not the public internet's.
    #[error("{target} is at {address} ({what}): {}", opened(*.is_meant, *.address))]
    Prohibited {
        /// What was asked for.
        target: Target,
        /// Where that is.
        address: IpAddr,
        /// What the range is for.
        what: &'static str,
        /// Whether what the manifest asks for says where it goes.
        is_meant: bool,
    },
    /// It is this host.
    #[error("{target} is this host itself, at {address}: an app does not call in from outside")]
    Itself {
        /// What was asked for.
        target: Target,
        /// Where that is.
        address: SocketAddr,
    },
    /// The name was not found.
    #[error("`{name}` was not found: {why}")]
    Lookup {
        /// The name.
        name: String,
        /// What the system's resolver says.
        why: String,
    },
    /// Nobody answered for the name.
    #[error("`{name}` was not found within {}", Span(*.after))]
    LookupTimeout {
        /// The name.
        name: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The app has as many connections as it may have, or the host has.
    #[error("{whose} {most} connections to the outside are all in use: `connections` under `[outbound]`")]
    Connections {
        /// `its` or `the host's`.
        whose: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// Nobody accepts there.
    #[error("{target} cannot be connected to: {error}")]
    Connect {
        /// What was asked for.
        target: Target,
        /// What the system says.
        error: Arc<io::Error>,
    },
    /// Nobody accepted in time.
    #[error("{target} did not accept within {}", Span(*.after))]
    ConnectTimeout {
        /// What was asked for.
        target: Target,
        /// How long it was waited for.
        after: Duration,
    },
    /// Nobody is trusted here.
    #[error("{target} cannot be trusted: {why}")]
    Trust {
        /// What was asked for.
        target: Target,
        /// Why.
        why: TrustError,
    },
    /// The other end is not who it should be.
    #[error("{target} has no certificate that is trusted here: {why}")]
    Certificate {
        /// What was asked for.
        target: Target,
        /// What is wrong with it.
        why: String,
    },
    /// TLS failed in another way.
    #[error("{target} does not speak TLS as it should: {why}")]
    Tls {
        /// What was asked for.
        target: Target,
        /// What went wrong.
        why: String,
    },
    /// TLS of a guest's own connection failed.
    #[error("TLS with `{name}` failed: {why}")]
    Handshake {
        /// Whose certificate was asked for.
        name: String,
        /// What went wrong.
        why: String,
    },
    /// Nobody spoke TLS in time.
    #[error("TLS with `{name}` was not begun within {}", Span(*.after))]
    HandshakeTimeout {
        /// Whose certificate was asked for.
        name: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// No head in time.
    #[error("{target} did not answer within {}", Span(*.after))]
    HeadTimeout {
        /// What was asked for.
        target: Target,
        /// How long it was waited for.
        after: Duration,
    },
    /// The body stood still.
    #[error("{target} sent nothing of its body for {}", Span(*.after))]
    BodyTimeout {
        /// What was asked for.
        target: Target,
        /// How long it was waited for.
        after: Duration,
    },
    /// The body is larger than the app may take in.
    #[error("{target} sends more than {}: `response_body` under `[outbound]`", Size(*.most))]
    TooLarge {
        /// What was asked for.
        target: Target,
        /// How much is taken in, in bytes.
        most: u64,
    },
    /// Another app of this host, which was not asked.
    #[error("{target}: {why}")]
    Internal {
        /// What was asked for.
        target: Target,
        /// Why.
        why: InternalError,
    },
    /// Nothing is answered in place of the outside.
    #[error("the mock has no answer to it: add `[[\"{request}\"]]` there")]
    NotMocked {
        /// What was asked.
        request: String,
    },
    /// HTTP broke down on the way.
    #[error("{target}: {}", chain(&**.error))]
    Http {
        /// What was asked for.
        target: Target,
        /// What the library says.
        error: Arc<dyn Error + Send + Sync>,
    },
}

fn opened(is_meant: bool, address: IpAddr) -> String {
    if !is_meant {
        return "a host of `*` reaches no such network; name the host under `[outbound]`".to_owned();
    }
    let length = if address.is_ipv4() { 32 } else { 128 };
    format!("the operator opens that with `private_networks = [\"{address}/{length}\"]` under `[policy]`")
}

/// An error with its reasons.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        let reason_text = reason.to_string();
        if !text.contains(&reason_text) {
            text = format!("{text}: {reason_text}");
        }
        source = reason.source();
    }
    text
}
