//! Serves an executor's shuffle outputs to others over mutual TLS, to those whose role may read them.

use std::sync::Arc;

use rsql_common::{Error, Result};
use rsql_shuffle::ShuffleStore;
use rsql_shuffle::service::FetchService;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::rpc::access::AccessLayer;
use crate::security::{Identity, mutual_server};

/// Starts the fetch service on a port of its own; gives its address.
pub(crate) async fn start(store: Arc<ShuffleStore>, host: &str, identity: &Identity) -> Result<String> {
    let listener = TcpListener::bind((host, 0))
        .await
        .map_err(|e| Error::cannot_listen(format!("a port of {host}"), "--host", &e))?;
    let port = listener.local_addr()?.port();
    let server = Server::builder()
        .tls_config(mutual_server(identity, false))
        .map_err(|e| Error::internal(format!("the fetch service's TLS configuration: {e}")))?
        .layer(AccessLayer)
        .add_service(FetchService::service(store))
        // Without it a small message waits for the acknowledgement of the one before: 40 ms a stage.
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
    tokio::task::spawn(async move {
        if let Err(e) = server.await {
            tracing::error!(error = %e, "the fetch service ended");
        }
    });
    Ok(format!("{host}:{port}"))
}
