//! Connections that are kept after a request, for the next one to the same place: a pool for each place, so that those of
//! one can be given up when another needs a connection and none is left.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::time::Duration;

use bytes::Bytes;
use guesthouse_types::target::Target;
use http_body::Body;
use hyper::rt::Executor;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::rt::TokioTimer;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::connect::Connector;
use crate::idle::Idle;
use crate::permits::Connections;

/// A connection that nobody uses is kept for so long.
const IDLE: Duration = Duration::from_secs(60);

/// Connections that nobody uses are kept, of each place.
const IDLE_MAX: usize = 16;

/// Places that connections are kept of. The one that was asked last goes first.
const PLACES_MAX: usize = 64;

/// The head of an answer, in bytes and in fields.
const HEAD_BYTES_MAX: usize = 64 << 10;
const FIELDS_MAX: usize = 100;

/// What may be on its way on a connection of HTTP/2, and in one stream of it, in bytes.
const CONNECTION_WINDOW: u32 = 1 << 20;
const STREAM_WINDOW: u32 = 256 << 10;

/// The pools of one app's revision, for requests with bodies `B`.
pub struct Pools<B> {
    connector: HttpsConnector<Connector>,
    tasks: TaskTracker,
    places: Mutex<HashMap<Target, Pool<B>>>,
}

/// What sends requests to one place, and keeps its connections. Clones share them; when the last one is dropped, the
/// connections that nobody uses are closed.
pub type Client<B> = legacy::Client<HttpsConnector<Connector>, B>;

struct Pool<B> {
    client: Client<B>,
    used: Instant,
}

impl<B> Pools<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// With connections by `connector`, out of `connections`.
    pub fn new(connector: HttpsConnector<Connector>, connections: &Connections, tasks: TaskTracker) -> Arc<Pools<B>> {
        let pools = Arc::new(Pools { connector, tasks, places: Mutex::default() });
        let idle: Weak<dyn Idle> = Arc::<Pools<B>>::downgrade(&pools);
        connections.give_up_first(idle);
        pools
    }

    /// The client for `target`.
    pub fn of(&self, target: &Target) -> Client<B> {
        let mut places = self.places();
        if let Some(pool) = places.get_mut(target) {
            pool.used = Instant::now();
            return pool.client.clone();
        }
        if places.len() >= PLACES_MAX {
            let oldest = places.iter().min_by_key(|(_, pool)| pool.used).map(|(target, _)| target.clone());
            oldest.map(|oldest| places.remove(&oldest));
        }
        let client = self.client();
        places.insert(target.clone(), Pool { client: client.clone(), used: Instant::now() });
        client
    }

    fn client(&self) -> Client<B> {
        legacy::Client::builder(Tracked(self.tasks.clone()))
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_MAX)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .http1_max_headers(FIELDS_MAX)
            .http2_max_header_list_size(HEAD_BYTES_MAX as u32)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .build(self.connector.clone())
    }
}

impl<B> Pools<B> {
    fn places(&self) -> MutexGuard<'_, HashMap<Target, Pool<B>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Send> Idle for Pools<B> {
    fn give_up(&self, but: Option<&Target>) {
        self.places().retain(|target, _| Some(target) == but);
    }
}

/// Runs connections as tasks that are tracked.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, connection: F) {
        self.0.spawn(connection);
    }
}

#[cfg(test)]
mod tests {
    use guesthouse_types::destination::Destination;
    use http::Request;
    use http_body_util::BodyExt as _;
    use http_body_util::Empty;
    use hyper_rustls::HttpsConnectorBuilder;
    use tokio::io::AsyncReadExt as _;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::host::Host;
    use crate::host::HostSettings;
    use crate::rules::Rules;
    use crate::rules::target_of;

    /// A place that answers each request, and keeps its connections open.
    async fn place(tasks: &TaskTracker) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let connections = tasks.clone();
        tasks.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                connections.spawn(async move {
                    let mut bytes = [0; 4096];
                    while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
                    }
                });
            }
        });
        url
    }

    fn pools(host: &Arc<Host>, own_max: usize) -> (Arc<Pools<Empty<Bytes>>>, Connections) {
        let connections = Connections::new(host, own_max);
        let rules = Rules {
            destinations: vec![Destination::parse("http://127.0.0.0/8:*").unwrap()],
            private_networks: vec!["127.0.0.0/8".parse().unwrap()],
            any_host_is_private: false,
        };
        let (tls, _) = host.tls_of_one_app();
        let connector = Connector::new(connections.clone(), rules, Duration::from_secs(5));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        (Pools::new(https.wrap_connector(connector), &connections, host.tasks.clone()), connections)
    }

    async fn ask(pools: &Pools<Empty<Bytes>>, url: &str) {
        let request = Request::get(url).body(Empty::new()).unwrap();
        let client = pools.of(&target_of(request.uri()).unwrap());
        let answer = client.request(request).await.unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "ok");
    }

    #[tokio::test]
    async fn what_one_place_keeps_is_given_up_for_another() {
        let host = Arc::new(Host::new(&HostSettings::default()));
        let (pools, connections) = pools(&host, 1);
        for url in [place(&host.tasks).await, place(&host.tasks).await, place(&host.tasks).await] {
            ask(&pools, &url).await;
            ask(&pools, &url).await;
        }
        assert!(connections.take().is_err(), "the last place's connection is kept");
        while connections.take().is_err() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_one_app_keeps_is_given_up_for_another() {
        let host = Arc::new(Host::new(&HostSettings { connections_max: 1, ..HostSettings::default() }));
        let url = place(&host.tasks).await;
        for _ in 0..2 {
            for (pools, _) in [pools(&host, 8), pools(&host, 8)] {
                ask(&pools, &url).await;
                // Not dropped: an app's pools live as long as it does.
                std::mem::forget(pools);
            }
        }
    }
}
