//! Serves an executor's shuffle outputs to others over mutual TLS, to those whose role may read them.
//!
//! The port is any that is free, unless one is named so that a firewall can let it pass.

use std::sync::Arc;

use rsql_common::{Error, Result, Settings};
use rsql_shuffle::ShuffleStore;
use rsql_shuffle::service::FetchService;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::executor::ExecutorConfig;
use crate::rpc::access::AccessLayer;
use crate::security::{Identity, mutual_server};

/// Spark's name for the port that executors serve their blocks at.
const PORT: &str = "spark.blockManager.port";

/// The port that a worker's first executor is to listen on (`spark.blockManager.port`); 0 is any that is free.
pub fn fetch_port(settings: &Settings) -> Result<u16> {
    let port = settings.usize(PORT)?;
    u16::try_from(port).map_err(|_| Error::usage(format!("{PORT} is a port up to 65535, not {port}.")))
}

/// Refuses ports that cannot be listened on now, before processes are started that would fail again and again.
pub(crate) fn check_ports(config: &ExecutorConfig, executors: usize) -> Result<()> {
    if config.fetch_port == 0 {
        return Ok(());
    }
    let last = usize::from(config.fetch_port) + executors.saturating_sub(1);
    if last > usize::from(u16::MAX) {
        return Err(Error::usage(format!(
            "{executors} executors need the ports {} to {last}, which end at 65535 (--fetch-port or {PORT}).",
            config.fetch_port
        )));
    }
    for slot in 0..executors {
        let port = config.of_slot(slot).fetch_port;
        std::net::TcpListener::bind((config.host.as_str(), port)).map_err(|e| not_ours(&config.host, port, &e))?;
    }
    Ok(())
}

/// Starts the fetch service; gives its address.
pub(crate) async fn start(store: Arc<ShuffleStore>, host: &str, port: u16, identity: &Identity) -> Result<String> {
    let listener = TcpListener::bind((host, port))
        .await
        .map_err(|e| not_ours(host, port, &e))?;
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

fn not_ours(host: &str, port: u16, e: &std::io::Error) -> Error {
    match port {
        0 => Error::cannot_listen(format!("a port of {host}"), "--host", e),
        _ => Error::cannot_listen(format!("{host}:{port}"), &format!("--host, --fetch-port or {PORT}"), e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(fetch_port: u16) -> ExecutorConfig {
        ExecutorConfig {
            fetch_port,
            ..ExecutorConfig::default()
        }
    }

    #[test]
    fn a_taken_port_is_told_with_address_and_flag() {
        let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let text = check_ports(&config(port), 1).unwrap_err().to_string();
        assert!(
            text.contains(&format!("127.0.0.1:{port}")) && text.contains("--fetch-port"),
            "{text}"
        );
        drop(taken);
        check_ports(&config(port), 1).unwrap();
        check_ports(&config(0), 7).unwrap();
    }

    #[test]
    fn ports_end() {
        assert!(check_ports(&config(65535), 2).is_err());
        let of = |port: &str| fetch_port(&Settings::default().with(PORT, port).unwrap());
        assert_eq!(fetch_port(&Settings::default()).unwrap(), 0);
        assert_eq!(of("7100").unwrap(), 7100);
        assert!(of("70000").is_err() && of("-1").is_err());
    }
}
