//! What an executor has said and the master has not acknowledged: kept, and said again on the next connection.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::core::{AttemptId, Incarnation, Report};
use crate::rpc::messages::{ExecutorMessage, FromExecutor};

/// Messages in order of their sequence numbers.
#[derive(Debug)]
pub struct Outbox {
    incarnation: Incarnation,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    kept: VecDeque<(u64, ExecutorMessage)>,
    /// Sequence number of the message said last.
    said: u64,
    /// Messages up to here went out on the present connection.
    sent: u64,
    epoch: u64,
    received: u64,
}

impl Outbox {
    /// An empty one.
    pub fn new(incarnation: Incarnation) -> Self {
        Self {
            incarnation,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Says something.
    pub fn say(&self, body: ExecutorMessage) {
        let mut state = self.state.lock();
        state.said += 1;
        let seq = state.said;
        state.kept.push_back((seq, body));
        drop(state);
        self.changed.notify_one();
    }

    /// A new connection: everything that is kept goes out again.
    pub fn reconnected(&self) {
        let mut state = self.state.lock();
        state.sent = state.kept.front().map_or(state.said, |(seq, _)| seq - 1);
    }

    /// The master has everything up to `ack` and sent message `received` under `epoch`. False if the message is from a
    /// master that was replaced.
    pub fn heard(&self, epoch: u64, ack: u64, received: u64) -> bool {
        let mut state = self.state.lock();
        if epoch < state.epoch {
            return false;
        }
        state.epoch = epoch;
        state.received = state.received.max(received);
        while state.kept.front().is_some_and(|(seq, _)| *seq <= ack) {
            state.kept.pop_front();
        }
        true
    }

    /// Wraps a message that is not kept.
    pub fn wrap(&self, body: ExecutorMessage) -> FromExecutor {
        let state = self.state.lock();
        FromExecutor {
            incarnation: self.incarnation,
            epoch: state.epoch,
            seq: 0,
            ack: state.received,
            body,
        }
    }

    /// The next message that has not gone out on this connection; waits for it.
    pub async fn next(&self) -> FromExecutor {
        loop {
            let waiting = self.changed.notified();
            if let Some(message) = self.take() {
                return message;
            }
            waiting.await;
        }
    }

    fn take(&self) -> Option<FromExecutor> {
        let mut state = self.state.lock();
        let (seq, body) = state.kept.iter().find(|(seq, _)| *seq > state.sent)?.clone();
        state.sent = seq;
        Some(FromExecutor {
            incarnation: self.incarnation,
            epoch: state.epoch,
            seq,
            ack: state.received,
            body,
        })
    }

    /// Attempts that an unacknowledged message is about.
    pub fn attempts(&self) -> Vec<AttemptId> {
        let about = |(_, message): &(u64, ExecutorMessage)| match message {
            ExecutorMessage::Report(report)
            | ExecutorMessage::Succeeded(report, ..)
            | ExecutorMessage::Wrote(report, _) => attempt_of(report),
            ExecutorMessage::Register(_) | ExecutorMessage::Acknowledge | ExecutorMessage::Copied { .. } => None,
        };
        self.state.lock().kept.iter().filter_map(about).collect()
    }

    /// True when the master has acknowledged everything.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.state.lock().kept.is_empty()
    }
}

fn attempt_of(report: &Report) -> Option<AttemptId> {
    match report {
        Report::Accepted { attempt }
        | Report::Refused { attempt }
        | Report::Running { attempt }
        | Report::Progress { attempt, .. }
        | Report::Succeeded { attempt, .. }
        | Report::Failed { attempt, .. }
        | Report::Killed { attempt } => Some(*attempt),
        Report::Heartbeat | Report::Leaving { .. } | Report::Moved { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seqs(outbox: &Outbox) -> Vec<u64> {
        std::iter::from_fn(|| outbox.take()).map(|m| m.seq).collect()
    }

    #[test]
    fn what_is_not_acknowledged_goes_out_again() {
        let outbox = Outbox::new(Incarnation(1));
        (0..3).for_each(|_| outbox.say(ExecutorMessage::Acknowledge));
        assert_eq!(seqs(&outbox), [1, 2, 3]);
        assert!(seqs(&outbox).is_empty());
        assert!(outbox.heard(1, 1, 7));
        outbox.reconnected();
        assert_eq!(seqs(&outbox), [2, 3]);
        assert!(outbox.heard(1, 3, 8));
        assert!(outbox.is_empty());
        outbox.reconnected();
        outbox.say(ExecutorMessage::Acknowledge);
        assert_eq!(seqs(&outbox), [4]);
    }

    #[test]
    fn a_replaced_master_is_not_heard() {
        let outbox = Outbox::new(Incarnation(1));
        outbox.say(ExecutorMessage::Acknowledge);
        assert!(outbox.heard(5, 0, 1));
        assert!(!outbox.heard(4, 1, 2));
        assert!(!outbox.is_empty());
    }
}
