//! Connections to the fetch services of other executors.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rsql_common::{Error, Result};
use tokio::runtime::Handle;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

use super::generated::shuffle_client::ShuffleClient;
use super::is_loopback;

/// Limits of fetching.
#[derive(Debug, Clone, Copy)]
pub struct FetchOptions {
    /// Bytes that one response may hold.
    pub credit: u64,
    /// Bytes that one source may have in flight or undecoded.
    pub in_flight: u64,
    /// Connections to one peer.
    pub connections: usize,
    /// Failures in a row without a byte in between that make a peer unreachable.
    pub attempts: u32,
    /// Time without a byte that makes a peer unreachable.
    pub give_up: Duration,
    /// Wait after the first failure; doubles with each.
    pub backoff: Duration,
    /// Time to connect.
    pub connect: Duration,
    /// Time between two chunks of a response.
    pub idle: Duration,
    /// Time after which the connections to a peer that nothing is read from may be closed.
    pub forget: Duration,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            credit: 8 << 20,
            in_flight: 48 << 20,
            connections: 2,
            attempts: 3,
            give_up: Duration::from_secs(15),
            backoff: Duration::from_millis(250),
            connect: Duration::from_secs(4),
            idle: Duration::from_secs(5),
            forget: Duration::from_secs(300),
        }
    }
}

/// Fetches from other executors; one a process.
pub struct FetchClient {
    runtime: Handle,
    tls: Option<ClientTlsConfig>,
    options: FetchOptions,
    /// By endpoint.
    peers: Mutex<HashMap<String, Peer>>,
}

/// Another executor.
struct Peer {
    channels: Vec<Channel>,
    used: Instant,
}

impl std::fmt::Debug for FetchClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FetchClient")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl FetchClient {
    /// A client whose network work runs on `runtime`. Without TLS it talks to loopback addresses only.
    pub fn new(runtime: Handle, tls: Option<ClientTlsConfig>, options: FetchOptions) -> Self {
        Self {
            runtime,
            tls,
            options,
            peers: Mutex::default(),
        }
    }

    pub(crate) fn options(&self) -> &FetchOptions {
        &self.options
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// The `n`-th connection to a peer. It is made when it is first used, and again when it broke.
    pub(crate) fn connection(&self, endpoint: &str, n: usize) -> Result<ShuffleClient<Channel>> {
        let now = Instant::now();
        let mut peers = self.peers.lock();
        if !peers.contains_key(endpoint) {
            // Executors come and go, each under an address of its own; nobody says which ones will not be read from again.
            peers.retain(|_, peer| now.duration_since(peer.used) < self.options.forget);
            let channels = (0..self.options.connections.max(1))
                .map(|_| self.channel(endpoint))
                .collect::<Result<Vec<_>>>()?;
            peers.insert(endpoint.to_string(), Peer { channels, used: now });
        }
        let channel = peers.get_mut(endpoint).and_then(|peer| {
            peer.used = now;
            peer.channels.get(n % peer.channels.len().max(1)).cloned()
        });
        let channel = channel.ok_or_else(|| Error::internal("a peer without connections"))?;
        Ok(ShuffleClient::new(channel))
    }

    /// Forgets the connections to a peer that cannot be reached: it is likely gone, and if not it gets new ones.
    pub(super) fn forget(&self, endpoint: &str) {
        self.peers.lock().remove(endpoint);
    }

    fn channel(&self, endpoint: &str) -> Result<Channel> {
        let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
        let wrong = |e: &tonic::transport::Error| Error::internal(format!("fetch endpoint {endpoint}: {e}"));
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let mut to = Endpoint::from_shared(format!("{scheme}://{endpoint}"))
            .map_err(|e| wrong(&e))?
            .connect_timeout(self.options.connect)
            .tcp_nodelay(true)
            .initial_stream_window_size(2 << 20)
            .initial_connection_window_size(8 << 20)
            // As much of a chunk at once as helps; the default is 16 KiB.
            .max_frame_size(256 << 10)
            .http2_keep_alive_interval(self.options.idle)
            .keep_alive_timeout(self.options.idle);
        match &self.tls {
            Some(tls) => to = to.tls_config(tls.clone()).map_err(|e| wrong(&e))?,
            None if is_loopback(host) => {}
            None => return Err(Error::internal(format!("fetching from {endpoint} needs TLS"))),
        }
        // A lazy channel binds itself to the runtime it is made in.
        let _guard = self.runtime.enter();
        Ok(to.connect_lazy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_that_nothing_is_read_from_are_forgotten() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = FetchOptions {
            forget: Duration::from_millis(20),
            ..FetchOptions::default()
        };
        let client = FetchClient::new(runtime.handle().clone(), None, options);
        for port in 1..100 {
            client.connection(&format!("127.0.0.1:{port}"), 0).unwrap();
        }
        std::thread::sleep(Duration::from_millis(30));
        client.connection("127.0.0.1:99", 1).unwrap();
        client.connection("127.0.0.1:100", 0).unwrap();
        let mut left: Vec<String> = client.peers.lock().keys().cloned().collect();
        left.sort();
        assert_eq!(left, ["127.0.0.1:100", "127.0.0.1:99"]);
        client.forget("127.0.0.1:99");
        assert_eq!(client.peers.lock().len(), 1);
    }
}
