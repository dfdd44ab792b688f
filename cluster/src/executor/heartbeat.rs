//! The executor's sign of life, on a thread, runtime and connection of its own: work never delays it.

use std::sync::Arc;
use std::time::Duration;

use rsql_common::{Error, Result};
use tonic::transport::Channel;

use super::process::{Ending, Shared};
use crate::rpc::connect::{channel, from_status};
use crate::rpc::messages::Heartbeat;
use crate::rpc::services::liveness::liveness_client::LivenessClient;
use crate::security::{MASTER_NAME, mutual_client};

/// Time between heartbeats; the master's lease is a multiple of it.
pub const INTERVAL: Duration = Duration::from_secs(3);
/// A heartbeat that takes longer is given up, and the next one goes out.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Starts the thread; it lives as long as the process.
pub(super) fn start(shared: &Arc<Shared>) -> Result<()> {
    let shared = Arc::clone(shared);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new()
        .name("rsql-heartbeat".into())
        .spawn(move || runtime.block_on(beat(shared)))
        .map_err(Error::from)?;
    Ok(())
}

async fn beat(shared: Arc<Shared>) {
    let tls = mutual_client(&shared.identity, MASTER_NAME);
    let mut client = match channel(&shared.config.master, tls) {
        Ok(channel) => LivenessClient::new(channel),
        Err(e) => return shared.end(Ending::Unwanted(e.to_string())),
    };
    // The first one comes when the master has had time to take the registration.
    tokio::time::sleep(INTERVAL).await;
    loop {
        match tokio::time::timeout(TIMEOUT, once(&mut client, &shared)).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return shared.end(Ending::Unwanted("the master holds it for dead".into())),
            Ok(Err(e)) => tracing::warn!(error = %e, "heartbeat failed"),
            Err(_) => tracing::warn!("heartbeat timed out"),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn once(client: &mut LivenessClient<Channel>, shared: &Shared) -> Result<bool> {
    let message = Heartbeat {
        incarnation: shared.incarnation,
        memory_used: shared.memory.used() as u64,
        running: u32::try_from(shared.tasks.running()).unwrap_or(u32::MAX),
    };
    let reply = client.heartbeat(message).await.map_err(from_status)?;
    Ok(reply.into_inner().known)
}
