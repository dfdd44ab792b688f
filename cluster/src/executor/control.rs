//! The stream between executor and master, opened by the executor and opened again when it breaks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rsql_common::Result;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_stream::wrappers::ReceiverStream;

use super::heartbeat;
use super::process::{Ending, Shared};
use crate::rpc::connect::{MESSAGE_LIMIT, channel, from_status};
use crate::rpc::messages::{ExecutorMessage, MasterMessage, Registration, ToExecutor, protocol};
use crate::rpc::services::control::control_client::ControlClient;
use crate::security::{MASTER_NAME, mutual_client};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// An executor whose master is away for longer ends: whatever it holds was given up long ago.
const PATIENCE: Duration = Duration::from_secs(120);

/// Keeps the stream open until the executor is to end.
pub(super) async fn run(shared: Arc<Shared>) -> Ending {
    let mut heard = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        match session(&shared, &mut heard).await {
            Ok(ending) => return ending,
            Err(e) => tracing::warn!(error = %e, "the control stream broke"),
        }
        if heard.elapsed() > PATIENCE {
            return Ending::MasterGone;
        }
        if heard.elapsed() < LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One connection, from registration until it breaks (an error) or the executor is to end.
async fn session(shared: &Arc<Shared>, heard: &mut Instant) -> Result<Ending> {
    let tls = mutual_client(&shared.identity, MASTER_NAME);
    let mut client = ControlClient::new(channel(&shared.config.master, tls)?).max_decoding_message_size(MESSAGE_LIMIT);
    let (say, said) = mpsc::channel(64);
    let register = ExecutorMessage::Register(Registration {
        protocol: protocol(),
        spec: shared.spec.clone(),
        attempts: shared.tasks.unfinished(),
        shuffle_dir: shared.shuffle_dir.clone(),
        pid: std::process::id(),
    });
    // The channel is empty and open: nothing to wait for.
    _ = say.send(shared.outbox.wrap(register)).await;
    let mut hear = client
        .attach(ReceiverStream::new(said))
        .await
        .map_err(from_status)?
        .into_inner();
    let mut registered = false;
    let mut pace = tokio::time::interval(heartbeat::INTERVAL);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = hear.message() => {
                let Some(message) = message.map_err(from_status)? else {
                    return Err(rsql_common::Error::io("the master closed the control stream"));
                };
                *heard = Instant::now();
                if !shared.outbox.heard(message.epoch, message.ack, message.seq) {
                    continue;
                }
                if matches!(message.body, MasterMessage::Registered { .. }) && !registered {
                    registered = true;
                    shared.outbox.reconnected();
                }
                if let Some(ending) = obey(shared, message) {
                    return Ok(ending);
                }
            }
            // Not kept: the next one says more, and an attempt's end says all.
            _ = pace.tick(), if registered => {
                for report in shared.tasks.progress() {
                    if say.send(shared.outbox.wrap(ExecutorMessage::Report(report))).await.is_err() {
                        return Err(rsql_common::Error::io("the control stream is closed"));
                    }
                }
            }
            message = shared.outbox.next(), if registered => {
                if say.send(message).await.is_err() {
                    return Err(rsql_common::Error::io("the control stream is closed"));
                }
            }
        }
    }
}

/// Does what the master says; an ending if it says so.
fn obey(shared: &Arc<Shared>, message: ToExecutor) -> Option<Ending> {
    match message.body {
        MasterMessage::Registered { executor, .. } => {
            tracing::info!(%executor, "registered");
            shared.tasks.registered(executor);
        }
        MasterMessage::Refused(e) => return Some(Ending::Unwanted(e.to_string())),
        MasterMessage::Acknowledge => {}
        MasterMessage::Launch(launch) => shared.tasks.launch(*launch),
        MasterMessage::Kill(attempt) => shared.tasks.kill(attempt),
        MasterMessage::Drop(outputs) => shared.tasks.drop_outputs(outputs),
        MasterMessage::Copy(copies) => shared.tasks.copy(copies),
        MasterMessage::Forget(query) => shared.tasks.forget(query),
        MasterMessage::Release => return Some(Ending::Released),
        MasterMessage::Fence => return Some(Ending::Unwanted("the master gave it up".into())),
    }
    None
}
