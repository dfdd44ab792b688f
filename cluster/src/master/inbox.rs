//! What the scheduler's thread is told, from everywhere.

use std::sync::mpsc::Sender;

use rsql_common::{Error, QueryId};
use tokio::sync::{mpsc as async_mpsc, oneshot};

use super::jobs::Submission;
use crate::core::{Event, Incarnation};
use crate::events::FailedStatement;
use crate::rpc::messages::{FromExecutor, PlanHash, Registration, ToExecutor, WorkerRegistration};

/// A message for the scheduler.
pub(crate) enum Mail {
    /// A query to run.
    Submit(Box<Submission>),
    /// A statement that came to no query.
    Unplanned(Box<FailedStatement>),
    /// An event that needs no translation.
    Event(Event),
    /// An executor opened its control stream.
    Connected {
        incarnation: Incarnation,
        /// Distinguishes the connections of one incarnation.
        connection: u64,
        registration: Box<Registration>,
        to: async_mpsc::UnboundedSender<ToExecutor>,
    },
    /// An executor said something.
    Said(Box<FromExecutor>),
    /// A control stream ended.
    Disconnected { incarnation: Incarnation, connection: u64 },
    /// A sign of life; the answer is whether the executor counts.
    Heartbeat {
        incarnation: Incarnation,
        memory_used: u64,
        running: u32,
        known: oneshot::Sender<bool>,
    },
    /// A supervisor saw a process end.
    Exited {
        incarnation: Incarnation,
        code: Option<i32>,
        reason: String,
    },
    /// An executor asks for a stage's plan.
    Plan {
        hash: PlanHash,
        bytes: oneshot::Sender<Option<Vec<u8>>>,
    },
    /// A worker is there.
    Worker(WorkerRegistration),
    /// Something that wants to see what the scheduler knows.
    Look(Box<dyn FnOnce(&super::scheduler::Scheduler) + Send>),
    /// The reader of a result is gone, or done.
    ReaderGone { job: QueryId },
    /// The end.
    Stop,
}

/// Where mail goes.
#[derive(Clone)]
pub(crate) struct Inbox(pub Sender<Mail>);

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inbox")
    }
}

impl Inbox {
    /// Puts a message in; an error if the master is gone.
    pub fn send(&self, mail: Mail) -> Result<(), Error> {
        self.0.send(mail).map_err(|_| stopped())
    }

    /// Reads from the scheduler's state and waits for the answer.
    pub fn ask<T: Send + 'static>(
        &self,
        read: impl FnOnce(&super::scheduler::Scheduler) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (tell, told) = std::sync::mpsc::channel();
        self.send(Mail::Look(Box::new(move |scheduler| {
            // Whoever asked waits.
            _ = tell.send(read(scheduler));
        })))?;
        told.recv().map_err(|_| stopped())
    }

    /// Reads from the scheduler's state, on its thread.
    pub fn look<T: Send + 'static>(
        &self,
        read: impl FnOnce(&super::scheduler::Scheduler) -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Error> {
        let (tell, told) = oneshot::channel();
        self.send(Mail::Look(Box::new(move |scheduler| {
            // Whoever asked may have gone.
            _ = tell.send(read(scheduler));
        })))?;
        Ok(told)
    }
}

fn stopped() -> Error {
    Error::new(rsql_common::ErrorKind::Io, "CLUSTER.STOPPED").with_message("The master has stopped.")
}
