//! What happens: the input of [`step`](super::step()).

use rsql_common::{Error, ExecutorId, FetchFailure, OutputId, QueryId, StageId};
use serde::{Deserialize, Serialize};

use super::ids::{AttemptId, Incarnation, Millis, Sender};
use super::spec::{Bounds, ExecutorSpec, JobSpec, OutputFigures, StageSpec};

/// Something happened. Events of one source may come late, twice or out of order; each is safe to repeat.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A query arrives.
    Submit {
        /// A fresh id.
        job: QueryId,
        /// What it is.
        spec: JobSpec,
    },
    /// The answer to [`Action::Plan`](super::Action::Plan).
    Planned {
        /// Query.
        job: QueryId,
        /// Its stages in topological order, or why there are none.
        stages: Result<Vec<StageSpec>, Error>,
    },
    /// The answer to [`Action::Replan`](super::Action::Replan).
    Replanned {
        /// Query.
        job: QueryId,
        /// The stage that was done.
        stage: StageId,
        /// All stages that are still to run and look different now (changed or new). Only stages that have not started
        /// may change; a stage nobody reads any more is skipped by itself.
        changes: Vec<StageSpec>,
    },
    /// The answer to [`Action::ComputeBounds`](super::Action::ComputeBounds).
    BoundsReady {
        /// Query.
        job: QueryId,
        /// The sampling stage.
        stage: StageId,
        /// Its bounds.
        bounds: Result<Bounds, Error>,
    },
    /// The reader of the result holds a complete, checked copy of one output, or has let rows of it go to the client: it is
    /// needed no more, and nothing it depends on may change. A reader takes one output of each task, and no other one that is
    /// offered later.
    ResultTaken {
        /// The output.
        output: OutputId,
    },
    /// The reader of the result needs no more of it.
    ResultRead {
        /// Query.
        job: QueryId,
    },
    /// The reader of the result could not fetch one output.
    ResultFetchFailed {
        /// Query.
        job: QueryId,
        /// Which, and how.
        failure: FetchFailure,
    },
    /// The answer to [`Action::Commit`](super::Action::Commit).
    Committed {
        /// Query.
        job: QueryId,
        /// Whether the write is visible now. An error means that it never will be, unless it says that it is
        /// ([`Error::is_committed`]).
        outcome: Result<(), Error>,
    },
    /// The shell cannot do what was ordered for a query, and could not if it were ordered again.
    Broken {
        /// Query.
        job: QueryId,
        /// Why.
        error: Error,
    },
    /// Someone wants the query ended.
    Cancel {
        /// Query.
        job: QueryId,
    },
    /// The client went away.
    ClientGone {
        /// Query.
        job: QueryId,
    },
    /// An executor introduces itself, or comes back on a new connection.
    Register {
        /// Who.
        from: Sender,
        /// What it has.
        spec: ExecutorSpec,
        /// Attempts that it has not finished, or whose end was not acknowledged.
        attempts: Vec<AttemptId>,
    },
    /// An executor reports.
    Report {
        /// Who.
        from: Sender,
        /// What.
        report: Report,
    },
    /// The connection of an executor's control stream ended. Not a loss by itself.
    Disconnected {
        /// Which.
        executor: ExecutorId,
        /// Its life.
        incarnation: Incarnation,
    },
    /// The process of an executor ended, as its supervisor saw.
    Exited {
        /// Which.
        executor: ExecutorId,
        /// Its life.
        incarnation: Incarnation,
        /// Exit code, if it was not a signal.
        code: Option<i32>,
    },
    /// An executor is to go away in good order.
    Drain {
        /// Which.
        executor: ExecutorId,
        /// How long its tasks may still run.
        grace: Millis,
    },
    /// Time passed; comes at [`State::next_deadline`](super::State::next_deadline).
    Tick,
}

/// What an executor reports. Terminal reports are sent again until acknowledged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Report {
    /// It lives.
    Heartbeat,
    /// It took the attempt on; nothing was done yet.
    Accepted {
        /// Attempt.
        attempt: AttemptId,
    },
    /// It will not run the attempt: no slot, no memory, going away.
    Refused {
        /// Attempt.
        attempt: AttemptId,
    },
    /// The attempt runs.
    Running {
        /// Attempt.
        attempt: AttemptId,
    },
    /// How far the attempt is.
    Progress {
        /// Attempt.
        attempt: AttemptId,
        /// Rows and bytes so far.
        progress: Progress,
    },
    /// The attempt's output is complete.
    Succeeded {
        /// Attempt.
        attempt: AttemptId,
        /// What it wrote.
        figures: OutputFigures,
    },
    /// The attempt failed.
    Failed {
        /// Attempt.
        attempt: AttemptId,
        /// Why, typed.
        error: Error,
    },
    /// The attempt was killed as told, and everything of it is freed.
    Killed {
        /// Attempt.
        attempt: AttemptId,
    },
    /// The executor, on its own account, wants to go away (SIGTERM, spot notice).
    Leaving {
        /// How long its tasks may still run.
        grace: Millis,
    },
    /// An output was copied to another executor, the answer to [`Action::MoveOutputs`](super::Action::MoveOutputs).
    Moved {
        /// Output.
        output: OutputId,
        /// Where it is now as well.
        to: ExecutorId,
    },
}

/// How far an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Rows read.
    pub rows: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Parts of its input in a thousand, where known.
    pub permille: u32,
}
