//! What one guest was granted of the outside: a client for its requests, and TCP, over the same count of connections.

use std::sync::Arc;

use guesthouse_outbound::client::Client;
use guesthouse_outbound::host::Host;
use guesthouse_outbound::permits::Connections;
use guesthouse_outbound::tcp::Tcp;

use crate::capability::outbound::kept_body::KeptBody;
use crate::capability::outbound::settings::OutboundSettings;

/// Of one app's revision. Clones share it.
#[derive(Clone)]
pub(crate) struct Granted {
    pub(crate) http: Arc<Client<KeptBody>>,
    pub(crate) tcp: Arc<Tcp>,
}

impl Granted {
    /// Blocks, where certificates must be read.
    pub(crate) fn new(host: &Arc<Host>, settings: &OutboundSettings) -> Granted {
        let OutboundSettings { rules, limits } = settings;
        let connections = Connections::new(host, limits.connections_max);
        Granted {
            http: Arc::new(Client::new(connections.clone(), rules.clone(), limits.clone())),
            tcp: Arc::new(Tcp::new(connections, rules.clone(), limits.connect)),
        }
    }
}
