//! The executor's sign of life, on a thread, runtime and connection of its own: work never delays it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use rsql_common::{Error, Result};
use tokio::sync::Notify;
use tonic::transport::{Channel, ClientTlsConfig};

use super::process::{Ending, Shared};
use crate::rpc::connect::{channel, from_status};
use crate::rpc::messages::Heartbeat;
use crate::rpc::services::liveness::liveness_client::LivenessClient;
use crate::security::{MASTER_NAME, mutual_client};

/// Time between heartbeats; the master's lease is a multiple of it.
pub const INTERVAL: Duration = Duration::from_secs(1);
/// A heartbeat that takes longer is given up, and the next one goes out.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Starts the thread; it ends when the executor has. It keeps nothing of the executor alive.
pub(super) fn start(shared: &Arc<Shared>) -> Result<()> {
    let tls = mutual_client(&shared.identity, MASTER_NAME);
    let master = shared.config.master.clone();
    let idle = shared.tasks.idle();
    let shared = Arc::downgrade(shared);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new()
        .name("rsql-heartbeat".into())
        .spawn(move || runtime.block_on(beat(&master, tls, &shared, &idle)))
        .map_err(Error::from)?;
    Ok(())
}

async fn beat(master: &str, tls: ClientTlsConfig, executor: &Weak<Shared>, idle: &Notify) {
    let mut client = match channel(master, tls) {
        Ok(channel) => LivenessClient::new(channel),
        Err(e) => {
            if let Some(executor) = executor.upgrade() {
                executor.end(Ending::Unwanted(e.to_string()));
            }
            return;
        }
    };
    loop {
        // The first one comes when the master has had time to take the registration.
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            // So that nobody holds memory for used that is free again.
            () = idle.notified() => {}
        }
        let Some(message) = executor.upgrade().map(|e| sign_of_life(&e)) else {
            return;
        };
        match tokio::time::timeout(TIMEOUT, once(&mut client, message)).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => {
                if let Some(executor) = executor.upgrade() {
                    executor.end(Ending::Unwanted("the master holds it for dead".into()));
                }
                return;
            }
            Ok(Err(e)) => tracing::warn!(error = %e, "heartbeat failed"),
            Err(_) => tracing::warn!("heartbeat timed out"),
        }
    }
}

fn sign_of_life(shared: &Shared) -> Heartbeat {
    Heartbeat {
        incarnation: shared.incarnation,
        memory_used: shared.memory.used() as u64,
        running: u32::try_from(shared.tasks.running()).unwrap_or(u32::MAX),
    }
}

async fn once(client: &mut LivenessClient<Channel>, message: Heartbeat) -> Result<bool> {
    let reply = client.heartbeat(message).await.map_err(from_status)?;
    Ok(reply.into_inner().known)
}
