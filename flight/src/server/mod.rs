//! The Flight SQL server.
//!
//! Each client has an engine session of its own, a sibling of the one the server was started with. Reading order:
//! `sessions` (who is who), `session` (what a client holds), `service` (the requests), `info` and `prepared` (before a
//! statement runs), `rows` (while it runs), `metadata`, `sql_info`, `type_info`, `keys` (what drivers ask), `options`,
//! `actions`, `ingest`.

mod actions;
mod connection;
mod front;
mod handles;
mod info;
mod ingest;
mod keys;
mod metadata;
mod options;
mod parameters;
mod prepared;
mod rows;
mod service;
mod session;
mod sessions;
mod sql_info;
mod type_info;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_flight::flight_service_server::FlightServiceServer;
use rsql_common::{Error, Result};
use rsql_engine::Session;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tonic::transport::{Identity, ServerTlsConfig};

use crate::auth::Credentials;
use front::Front;
use service::Service;
use sessions::Sessions;

/// JDBC drivers put unknown URL properties into headers.
const MAX_HEADER_BYTES: u32 = 64 << 10;
const MAX_MESSAGE_BYTES: usize = 64 << 20;
const RUNTIME_THREADS: usize = 2;
/// A client that vanished without a word is noticed after so long.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// What clients may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Open sessions.
    pub sessions: usize,
    /// Prepared statements of a session; the least recently used goes.
    pub prepared: usize,
    /// Tickets of a session; the least recently used goes.
    pub statements: usize,
    /// A session, ticket or prepared statement that nobody uses ends after this.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 1000,
            prepared: 1000,
            statements: 1000,
            idle: Duration::from_secs(30 * 60),
        }
    }
}

/// Certificate and key, both PEM.
#[derive(Debug, Clone)]
pub struct ServerTls {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Where and for whom to listen.
#[derive(Debug)]
pub struct ServerConfig {
    /// Address; port 0 takes any.
    pub address: SocketAddr,
    /// What the address was set with, for errors about it; may be empty.
    pub flag: &'static str,
    /// Who may come in; on a loopback address everybody may when there are none.
    pub credentials: Option<Credentials>,
    /// Encrypts connections.
    pub tls: Option<ServerTls>,
    /// What clients may use.
    pub limits: Limits,
}

impl ServerConfig {
    /// A server on a loopback port of the system's choice, for everybody on the machine.
    pub fn loopback() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            flag: "",
            credentials: None,
            tls: None,
            limits: Limits::default(),
        }
    }
}

/// A server that runs; stops when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    sessions: Arc<Sessions>,
    stop: Option<oneshot::Sender<()>>,
    runtime: Option<Runtime>,
}

impl Server {
    /// Starts a server whose sessions are siblings of `root`.
    pub fn start(config: ServerConfig, root: Session) -> Result<Self> {
        let credentials = config.credentials.filter(|c| !c.is_empty());
        if !config.address.ip().is_loopback() && (credentials.is_none() || config.tls.is_none()) {
            return Err(Error::usage(format!(
                "{} can be reached from other machines: listening there takes credentials and TLS.",
                config.address
            )));
        }
        let mut builder = tonic::transport::Server::builder()
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            .http2_keepalive_interval(Some(KEEPALIVE))
            .http2_keepalive_timeout(Some(KEEPALIVE));
        if let Some(tls) = &config.tls {
            let (certificate, key) = (
                rsql_common::read_bytes(&tls.certificate)?,
                rsql_common::read_bytes(&tls.key)?,
            );
            builder = builder
                .tls_config(ServerTlsConfig::new().identity(Identity::from_pem(certificate, key)))
                .map_err(|e| unusable(tls, &e))?;
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(RUNTIME_THREADS)
            .thread_name("rsql-flight")
            .enable_all()
            .build()?;
        let listener = runtime
            .block_on(TcpListener::bind(config.address))
            .map_err(|e| Error::cannot_listen(config.address, config.flag, &e))?;
        let address = listener.local_addr()?;
        let sessions = Arc::new(Sessions::new(root, credentials, config.limits));
        let front = FlightServiceServer::new(Front(Service::new(Arc::clone(&sessions))?))
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(usize::MAX);
        let (stop, stopped) = oneshot::channel::<()>();
        let incoming = connection::incoming(listener, Arc::clone(&sessions));
        runtime.spawn(async move {
            let until = async {
                // An error means that the server was dropped, which stops it too.
                _ = stopped.await;
            };
            if let Err(e) = builder
                .add_service(front)
                .serve_with_incoming_shutdown(incoming, until)
                .await
            {
                tracing::error!(error = %e, "the Flight SQL server ended");
            }
        });
        runtime.spawn(expire_idle(Arc::clone(&sessions), config.limits.idle));
        Ok(Self {
            address,
            sessions,
            stop: Some(stop),
            runtime: Some(runtime),
        })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Number of open sessions.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.sessions.close_all();
        if let Some(stop) = self.stop.take() {
            // An error means that the server has ended already.
            _ = stop.send(());
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn expire_idle(sessions: Arc<Sessions>, idle: Duration) {
    let pause = (idle / 4).clamp(Duration::from_millis(100), Duration::from_secs(30));
    loop {
        tokio::time::sleep(pause).await;
        sessions.expire(Instant::now());
    }
}

fn unusable(tls: &ServerTls, e: &dyn std::error::Error) -> Error {
    Error::usage(format!(
        "The certificate {} and the key {} cannot be used, which have to be PEM: {}.",
        tls.certificate.display(),
        tls.key.display(),
        crate::chain(e)
    ))
}
