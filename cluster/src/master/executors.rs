//! The executors a master knows: their numbers, connections and addresses.

use std::collections::{BTreeMap, HashMap};

use rsql_common::ExecutorId;
use tokio::sync::mpsc::UnboundedSender;

use crate::core::{ExecutorSpec, Incarnation};
use crate::rpc::messages::{MasterMessage, Registration, ToExecutor};

/// One executor, in one life.
#[derive(Debug)]
pub(crate) struct Executor {
    pub spec: ExecutorSpec,
    pub shuffle_dir: String,
    /// Counts: false once the scheduler has given it up.
    pub alive: bool,
    pub memory_used: u64,
    pub running: u32,
    connection: Option<(u64, UnboundedSender<ToExecutor>)>,
    said: u64,
    heard: u64,
    /// Something was sent since the last acknowledgement was due.
    spoken: bool,
}

/// By number, which is never used twice.
#[derive(Debug, Default)]
pub(crate) struct Executors {
    by_id: BTreeMap<ExecutorId, Executor>,
    by_incarnation: HashMap<Incarnation, ExecutorId>,
    epoch: u64,
}

impl Executors {
    pub fn new(epoch: u64) -> Self {
        Self {
            epoch,
            ..Self::default()
        }
    }

    /// Takes an executor on, or its new connection.
    pub fn connect(
        &mut self,
        incarnation: Incarnation,
        connection: u64,
        registration: Registration,
        to: UnboundedSender<ToExecutor>,
    ) -> ExecutorId {
        let next = ExecutorId(u32::try_from(self.by_id.len()).unwrap_or(u32::MAX));
        let id = *self.by_incarnation.entry(incarnation).or_insert(next);
        let executor = self.by_id.entry(id).or_insert_with(|| Executor {
            spec: registration.spec.clone(),
            shuffle_dir: registration.shuffle_dir.clone(),
            alive: true,
            memory_used: 0,
            running: 0,
            connection: None,
            said: 0,
            heard: 0,
            spoken: false,
        });
        executor.connection = Some((connection, to));
        id
    }

    /// The number of a life.
    pub fn id(&self, incarnation: Incarnation) -> Option<ExecutorId> {
        self.by_incarnation.get(&incarnation).copied()
    }

    /// The life that a number was given to.
    pub fn incarnation(&self, id: ExecutorId) -> Option<Incarnation> {
        let mut lives = self.by_incarnation.iter();
        lives
            .find(|(_, known)| **known == id)
            .map(|(incarnation, _)| *incarnation)
    }

    pub fn get(&self, id: ExecutorId) -> Option<&Executor> {
        self.by_id.get(&id)
    }

    pub fn get_mut(&mut self, id: ExecutorId) -> Option<&mut Executor> {
        self.by_id.get_mut(&id)
    }

    pub fn iter(&self) -> impl Iterator<Item = (ExecutorId, &Executor)> {
        self.by_id.iter().map(|(id, e)| (*id, e))
    }

    /// Executors that count and are connected.
    pub fn connected(&self) -> usize {
        self.by_id
            .values()
            .filter(|e| e.alive && e.connection.is_some())
            .count()
    }

    /// False if the message was heard before.
    pub fn hear(&mut self, id: ExecutorId, seq: u64) -> bool {
        let Some(executor) = self.by_id.get_mut(&id) else {
            return false;
        };
        if seq == 0 {
            return true;
        }
        executor.spoken = false;
        let new = seq > executor.heard;
        executor.heard = executor.heard.max(seq);
        new
    }

    /// Forgets a connection unless there is a newer one.
    pub fn disconnect(&mut self, id: ExecutorId, connection: u64) -> bool {
        let Some(executor) = self.by_id.get_mut(&id) else {
            return false;
        };
        let current = executor.connection.as_ref().is_some_and(|(c, _)| *c == connection);
        if current {
            executor.connection = None;
        }
        current
    }

    /// Says something, if there is a connection; the scheduler's timeouts see to what is lost.
    pub fn say(&mut self, id: ExecutorId, body: MasterMessage) {
        let epoch = self.epoch;
        let Some(executor) = self.by_id.get_mut(&id) else {
            return;
        };
        executor.said += 1;
        executor.spoken = true;
        let message = ToExecutor {
            epoch,
            seq: executor.said,
            ack: executor.heard,
            body,
        };
        if let Some((_, to)) = &executor.connection
            && to.send(message).is_err()
        {
            // The connection's end is reported by its own task.
            executor.connection = None;
        }
    }

    /// Acknowledges what was heard unless something else that was said did so.
    pub fn acknowledge(&mut self, id: ExecutorId) {
        if self.by_id.get(&id).is_some_and(|e| !e.spoken) {
            self.say(id, MasterMessage::Acknowledge);
        }
    }

    /// Closes the connection after what was said.
    pub fn hang_up(&mut self, id: ExecutorId) {
        if let Some(executor) = self.by_id.get_mut(&id) {
            executor.connection = None;
        }
    }
}
