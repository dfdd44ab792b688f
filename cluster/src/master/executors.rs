//! The executors a master knows: their numbers, connections and addresses.

use std::collections::{BTreeMap, HashMap, VecDeque};

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
    departed: bool,
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
    /// Those that went and are still known, in the order in which they did.
    departed: VecDeque<ExecutorId>,
    next: u32,
    epoch: u64,
}

/// Executors that are known after they went. One that lives on learns from its next heartbeat that it counts no more; if it is
/// heard of later still, it is taken on as a new one.
const RETAINED: usize = 100;

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
        let next = &mut self.next;
        let id = *self.by_incarnation.entry(incarnation).or_insert_with(|| {
            let id = ExecutorId(*next);
            *next = next.saturating_add(1);
            id
        });
        let executor = self.by_id.entry(id).or_insert_with(|| Executor {
            spec: registration.spec.clone(),
            shuffle_dir: registration.shuffle_dir.clone(),
            alive: true,
            departed: false,
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

    /// An executor went: it counts no more, and is forgotten when many others have gone after it.
    pub fn depart(&mut self, id: ExecutorId) {
        let Some(executor) = self.by_id.get_mut(&id) else {
            return;
        };
        if !std::mem::replace(&mut executor.departed, true) {
            self.departed.push_back(id);
        }
        executor.alive = false;
        while self.departed.len() > RETAINED
            && let Some(oldest) = self.departed.pop_front()
        {
            self.by_id.remove(&oldest);
            self.by_incarnation.retain(|_, known| *known != oldest);
        }
    }

    /// Closes the connection after what was said.
    pub fn hang_up(&mut self, id: ExecutorId) {
        if let Some(executor) = self.by_id.get_mut(&id) {
            executor.connection = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::messages::protocol;

    fn connect(executors: &mut Executors, life: u128) -> ExecutorId {
        let registration = Registration {
            protocol: protocol(),
            spec: ExecutorSpec {
                host: "h".into(),
                endpoint: "h:1".into(),
                slots: 1,
                memory: 1,
            },
            attempts: Vec::new(),
            shuffle_dir: String::new(),
            pid: 1,
        };
        let (to, _) = tokio::sync::mpsc::unbounded_channel();
        executors.connect(Incarnation(life), 0, registration, to)
    }

    #[test]
    fn executors_that_went_are_forgotten_in_time_and_numbers_are_not_used_twice() {
        let mut executors = Executors::new(1);
        let stays = connect(&mut executors, 0);
        for life in 1..=1_000 {
            let id = connect(&mut executors, life);
            assert_eq!(u128::from(id.0), life);
            executors.depart(id);
            executors.depart(id);
        }
        assert_eq!(executors.iter().count(), 1 + RETAINED);
        assert!(executors.get(stays).is_some_and(|e| e.alive));
        assert!(executors.id(Incarnation(1)).is_none());
        let late = executors.id(Incarnation(1_000)).unwrap();
        assert!(
            !executors.get(late).unwrap().alive,
            "it still hears that it is not wanted"
        );
        assert_eq!(connect(&mut executors, 1).0, 1_001);
    }
}
