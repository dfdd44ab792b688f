//! A model of an executor: it takes attempts, holds outputs, can be cut off, frozen or killed.

use std::collections::{BTreeMap, BTreeSet};

use rsql_common::{ExecutorId, OutputId};

use crate::core::{AttemptId, ExecutorSpec, Incarnation, Launch, LeaderEpoch, Millis, Report, Sender};

/// The only term in a simulation; messages of other terms are forged.
pub(super) const LEADER: LeaderEpoch = LeaderEpoch(7);

/// One life of an executor.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) id: ExecutorId,
    pub(super) incarnation: Incarnation,
    pub(super) spec: ExecutorSpec,
    pub(super) alive: bool,
    /// Counts connections: what was sent on an earlier one is mostly lost.
    pub(super) connection: u32,
    pub(super) connected: bool,
    /// Whether heartbeats arrive.
    pub(super) beats: bool,
    /// Whether others can read its outputs.
    pub(super) serves: bool,
    /// Until when the process stands still.
    pub(super) frozen_until: Millis,
    pub(super) running: BTreeMap<AttemptId, Launch>,
    /// Attempts that do not heed a kill.
    pub(super) deaf: BTreeSet<AttemptId>,
    /// Attempts that were killed in vain: they hang until the process ends.
    pub(super) hung: BTreeSet<AttemptId>,
    pub(super) held: BTreeSet<OutputId>,
    pub(super) corrupt: BTreeSet<OutputId>,
    /// Ends that were not acknowledged, in order.
    pub(super) unacked: BTreeMap<AttemptId, Report>,
    pub(super) leaving: bool,
}

impl Machine {
    pub(super) fn new(id: ExecutorId, incarnation: Incarnation, spec: ExecutorSpec) -> Self {
        Self {
            id,
            incarnation,
            spec,
            alive: true,
            connection: 0,
            connected: true,
            beats: true,
            serves: true,
            frozen_until: 0,
            running: BTreeMap::new(),
            deaf: BTreeSet::new(),
            hung: BTreeSet::new(),
            held: BTreeSet::new(),
            corrupt: BTreeSet::new(),
            unacked: BTreeMap::new(),
            leaving: false,
        }
    }

    pub(super) fn sender(&self) -> Sender {
        Sender {
            leader: LEADER,
            executor: self.id,
            incarnation: self.incarnation,
        }
    }

    /// What it tells when it comes back: everything whose end the master may not know.
    pub(super) fn attempts(&self) -> Vec<AttemptId> {
        self.running.keys().chain(self.unacked.keys()).copied().collect()
    }

    /// Everything of an attempt is freed.
    pub(super) fn forget(&mut self, attempt: AttemptId) {
        self.running.remove(&attempt);
        self.held.remove(&attempt.output());
        self.unacked.remove(&attempt);
    }
}
