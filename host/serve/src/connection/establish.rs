//! One connection, from its first bytes to its end: a proxy's header, TLS, then hyper.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use guesthouse_tls::handshake::Agreed;
use guesthouse_tls::handshake::Shaken;
use guesthouse_tls::handshake::shake;
use http::Request;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http1;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::graceful::GracefulConnection;
use tokio_util::task::TaskTracker;
use tracing::debug;

use crate::connection::detect::detect;
use crate::connection::proxy_protocol::read_header;
use crate::connection::socket::Socket;
use crate::connection::trace::Tracer;
use crate::handle::handle;
use crate::listen::listener_mode::ListenerKind;
use crate::listen::listener_mode::ListenerMode;
use crate::listen::stream::Plain;
use crate::listen::stream::Stream;
use crate::request::context::ConnectionContext;
use crate::request::context::ServeContext;
use crate::settings::ServeSettings;
use crate::track::activity::Activity;
use crate::track::chunks::Framing;
use crate::track::open_connections::OpenConnection;
use crate::track::timeouts::CloseOrder;
use crate::track::timeouts::Protocol;

/// What a connection's buffer holds beside the longest head: a body of this size comes with its head in one read, and is
/// answered in one write. A connection with short requests has a buffer of 8 KiB; it grows as reads fill it. On HTTP/2 it
/// is what each stream holds ready for the socket: hyper's own figure is 400 KiB, for each of a hundred streams.
const PIECE_BYTES: usize = 64 << 10;

/// hyper's own figure. Another one costs it some time for each request, so it is not set without need.
const HYPER_FIELDS_MAX: usize = 100;

/// Streams at once on one connection: what RFC 9113 section 6.5.2 recommends as the least, and what Envoy's edge has.
const STREAMS_MAX: u32 = 100;

/// What one stream may have sent of a body that nobody has read yet: 2.5 MiB/s over a line of 100 ms.
const STREAM_WINDOW_BYTES: u32 = 256 << 10;

/// The same for a connection: as much as all its streams together. Were it less, a few bodies that nobody reads would keep
/// every other one on the connection from being sent, to other apps as well (RFC 9113 section 5.2.2).
const CONNECTION_WINDOW_BYTES: u32 = STREAMS_MAX * STREAM_WINDOW_BYTES;

/// A peer that does not answer a ping in this time is gone; it is sent one after as much silence.
const PING: Duration = Duration::from_secs(20);

/// At a stop: for a visitor who was let in just now, or is sending a head, and whose request is on its way.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// How to speak each protocol: made once, used by every connection.
pub struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<Tracked>,
}

impl Protocols {
    /// Sets all bounds. What hyper does for each stream of HTTP/2 runs on `tracker`.
    ///
    /// hyper's time-outs for heads are off: the watch over all connections has ours, which also bound the time before the
    /// protocol is known, and which cost no timer for each request.
    pub fn new(settings: &ServeSettings, tracker: TaskTracker) -> Protocols {
        let mut http1 = http1::Builder::new();
        http1.header_read_timeout(None).half_close(false).max_buf_size(settings.head_bytes_max + PIECE_BYTES);
        http1.max_header_size(settings.head_bytes_max);
        if settings.fields_max != HYPER_FIELDS_MAX {
            http1.max_headers(settings.fields_max);
        }
        let mut http2 = http2::Builder::new(Tracked(tracker));
        http2.timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PING);
        http2.max_concurrent_streams(STREAMS_MAX).max_send_buf_size(PIECE_BYTES);
        http2.initial_stream_window_size(STREAM_WINDOW_BYTES).initial_connection_window_size(CONNECTION_WINDOW_BYTES);
        http2.max_header_list_size(u32::try_from(settings.head_bytes_max).unwrap_or(u32::MAX));
        Protocols { http1, http2 }
    }
}

/// Runs a stream's task on the tracker, so that nothing outlives the host.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tracked {
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}

/// A visitor who was just let in.
pub struct Arrival {
    /// What they come through.
    pub stream: Plain,
    /// Whom the socket is connected with, where that has an address.
    pub peer: Option<IpAddr>,
    /// The listener that they came to.
    pub mode: Arc<ListenerMode>,
    /// Their place among the open connections.
    pub place: OpenConnection,
    /// Shows what arrives.
    pub tracer: Option<Box<Tracer>>,
}

/// A visitor with whom HTTP can be spoken.
struct Known {
    socket: Socket,
    protocol: Protocol,
    context: ConnectionContext,
    place: OpenConnection,
}

/// Serves a connection until it is closed by either side. It is cut when its [`Activity`] is told so.
pub async fn serve(arrival: Arrival, shared: Arc<ServeContext>, protocols: &Protocols) {
    let activity = arrival.place.activity.clone();
    tokio::select! {
        biased;
        () = speak(arrival, shared, &activity, protocols) => {}
        () = activity.told(CloseOrder::Cut) => {}
    }
}

async fn speak(arrival: Arrival, shared: Arc<ServeContext>, activity: &Arc<Activity>, protocols: &Protocols) {
    let meeting = establish(arrival, shared, activity);
    let Some(Known { mut socket, protocol, context, place: _place }) = in_time(meeting, activity).await else { return };
    activity.speaks(protocol);
    let context = Arc::new(context);
    if protocol == Protocol::Http1 {
        socket.watch_chunks();
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let context = context.clone();
        // Here rather than in `handle`: hyper may read on before it begins with that.
        if protocol == Protocol::Http1 && !request.body().is_end_stream() {
            let length = request.body().size_hint().exact();
            context.activity.body_follows(length.map_or(Framing::Chunked, Framing::Length));
        }
        async move { Ok::<_, Infallible>(handle(&context, request).await) }
    });
    let io = TokioIo::new(socket);
    match protocol {
        Protocol::Http1 => drive(protocols.http1.serve_connection(io, service), activity, no_request(activity)).await,
        Protocol::Http2 => drive(protocols.http2.serve_connection(io, service), activity, pending()).await,
    }
}

/// Waits for a visitor's first words. The watch cuts who says nothing; at a stop nobody new is waited for.
async fn in_time(meeting: impl Future<Output = io::Result<Option<Known>>>, activity: &Activity) -> Option<Known> {
    let mut meeting = pin!(meeting);
    let met = tokio::select! {
        biased;
        met = meeting.as_mut() => met,
        () = activity.told(CloseOrder::Close) => tokio::time::timeout(LAST_WORDS, meeting).await.ok()?,
    };
    met.unwrap_or_else(|error| {
        debug!(target: "guesthouse::serve", "a connection ended before its first request: {error}");
        None
    })
}

/// Everything before the first request: who it is, and what they speak. `None` when there is nothing more to say.
async fn establish(arrival: Arrival, shared: Arc<ServeContext>, activity: &Arc<Activity>) -> io::Result<Option<Known>> {
    let Arrival { mut stream, peer, mode, mut place, tracer } = arrival;
    let trusted = &shared.settings.trusted;
    let mut visitor = peer;
    let mut is_trusted = trusted.is(peer);
    if mode.proxy_protocol && is_trusted {
        match read_header(&mut stream).await? {
            Some(behind) => {
                visitor = Some(behind);
                is_trusted = trusted.is(visitor);
                place.belongs_to(behind)?;
            }
            // Whoever it is, the proxy does not say that it knows: what its requests say of a visitor may be anybody's word.
            None => is_trusted = false,
        }
    }
    let (stream, certificate, agreed) = match &mode.kind {
        ListenerKind::Http | ListenerKind::Redirect => (Stream::Plain(stream), None, Agreed::Open),
        ListenerKind::Https(certificates) => {
            // Boxed: whoever comes without TLS is not to keep room for a handshake.
            let Shaken { stream, certificate, protocol } = Box::pin(shake(stream, certificates)).await?;
            (Stream::Tls(Box::new(stream)), Some(certificate), protocol)
        }
    };
    let mut socket = Socket::new(stream, activity.clone(), tracer);
    let protocol = match agreed {
        Agreed::Challenge => None,
        Agreed::Http2 => Some(Protocol::Http2),
        Agreed::Http1 => Some(Protocol::Http1),
        Agreed::Open => detect(&mut socket).await?,
    };
    let context =
        ConnectionContext { shared, activity: activity.clone(), peer: visitor, is_trusted, mode, certificate };
    Ok(protocol.map(|protocol| Known { socket, protocol, context, place }))
}

/// At a stop, HTTP/1: ends when there is no request to wait for. hyper closes a connection by itself on which nothing came,
/// but would wait for the rest of a head as long as its visitor does. On HTTP/2 the watch has a bound for that.
async fn no_request(activity: &Activity) {
    tokio::time::sleep(LAST_WORDS).await;
    if !activity.owes_nothing() {
        // The request's own end is the connection's.
        pending().await
    }
}

/// Drives a connection to its end. Told to close, it finishes what has begun: `connection: close`, or GOAWAY. `nothing` ends
/// when nothing has.
async fn drive<C: GracefulConnection>(connection: C, activity: &Activity, nothing: impl Future<Output = ()>)
where
    C::Error: std::fmt::Display,
{
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        // The connection first: what has already arrived is taken before we say that we close.
        biased;
        ended = connection.as_mut() => ended,
        () = activity.told(CloseOrder::Close) => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                biased;
                ended = connection => ended,
                () = nothing => return,
            }
        }
    };
    if let Err(error) = ended {
        debug!(target: "guesthouse::serve", "a connection ended early: {error}");
    }
}
