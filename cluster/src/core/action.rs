//! What is to be done: the output of [`step`](super::step()).

use rsql_common::{Error, ExecutorId, OutputId, QueryId, StageId};
use serde::{Deserialize, Serialize};

use super::ids::{AttemptId, Epoch, Incarnation, LeaderEpoch, Sender};
use super::lifecycle::Lifecycle;
use super::spec::{Bounds, OutputFigures, Read};

/// Something the shell has to do. The order matters: actions to one executor go out in it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Plan the query; answer [`Event::Planned`](super::Event::Planned).
    Plan {
        /// Query.
        job: QueryId,
    },
    /// Plan what is left again with what is known now; answer [`Event::Replanned`](super::Event::Replanned), at least with no
    /// changes. Nothing that reads the stage starts before.
    Replan {
        /// Query.
        job: QueryId,
        /// The stage that is done.
        stage: StageId,
        /// What its tasks wrote, in task order.
        figures: Vec<(OutputId, OutputFigures)>,
    },
    /// Compute range bounds from the samples of these outputs; answer [`Event::BoundsReady`](super::Event::BoundsReady).
    ComputeBounds {
        /// Query.
        job: QueryId,
        /// The sampling stage.
        stage: StageId,
        /// Its outputs, in task order.
        outputs: Vec<OutputId>,
    },
    /// Start an attempt.
    Launch(Launch),
    /// Stop an attempt, free everything of it, answer [`Report::Killed`](super::Report::Killed). Safe to repeat; an attempt
    /// that is unknown there is answered the same way.
    Kill {
        /// Where.
        executor: ExecutorId,
        /// Attempt.
        attempt: AttemptId,
        /// Why.
        why: KillReason,
    },
    /// Delete outputs.
    DropOutputs {
        /// Where.
        executor: ExecutorId,
        /// Which.
        outputs: Vec<OutputId>,
    },
    /// Copy outputs to another executor before this one goes; answer [`Report::Moved`](super::Report::Moved) for each.
    MoveOutputs {
        /// Where they are.
        from: ExecutorId,
        /// Where they shall be.
        to: ExecutorId,
        /// Which.
        outputs: Vec<OutputId>,
    },
    /// The executor holds nothing that is needed: it may end.
    Release {
        /// Which.
        executor: ExecutorId,
    },
    /// This life of an executor counts no more: it shall kill all its tasks, delete all its outputs, and register as a new
    /// one if it still lives.
    Fence {
        /// Who, as it named itself.
        executor: Sender,
        /// The current term.
        leader: LeaderEpoch,
    },
    /// The result can be read. Comes again, with other outputs, when one had to be made anew.
    ResultReady {
        /// Query.
        job: QueryId,
        /// Outputs in task order, without those that were taken.
        outputs: Vec<InputOutput>,
    },
    /// Make the write visible, with these outputs and no others; answer [`Event::Committed`](super::Event::Committed).
    /// Comes again until answered, so it must be idempotent.
    Commit {
        /// Query.
        job: QueryId,
        /// The winners, in task order.
        winners: Vec<OutputId>,
    },
    /// Throw away what the query's writers staged.
    AbortWrite {
        /// Query.
        job: QueryId,
    },
    /// The query is over.
    JobEnded {
        /// Query.
        job: QueryId,
        /// How.
        outcome: Result<(), Error>,
    },
    /// For the event log.
    Log(Lifecycle),
}

/// An attempt to start.
#[derive(Debug, Clone, PartialEq)]
pub struct Launch {
    /// Where.
    pub executor: ExecutorId,
    /// The life that it is meant for.
    pub incarnation: Incarnation,
    /// Attempt.
    pub attempt: AttemptId,
    /// Epoch of its stage.
    pub epoch: Epoch,
    /// Memory granted.
    pub memory: u64,
    /// What to read, as the task's specification says.
    pub reads: Vec<Read>,
    /// The outputs that these reads touch and where they are: exactly these may be read.
    pub inputs: Vec<InputOutput>,
    /// Bounds that its rows are routed by.
    pub bounds: Option<Bounds>,
}

/// A winning output and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InputOutput {
    /// Output.
    pub output: OutputId,
    /// Who holds it.
    pub executor: ExecutorId,
}

/// Why an attempt is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KillReason {
    /// Its query is over.
    JobOver,
    /// Another attempt was faster.
    LostRace,
    /// What it reads was lost or proved wrong.
    Stale,
    /// Its executor goes away.
    Decommission,
    /// It was not taken on in time, or was refused.
    NotAccepted,
    /// Its executor does not know it any more, or the master does not.
    Forgotten,
}
