//! The state machines of jobs, stages, attempts and executors: their states, and every transition there is.
//!
//! A status changes through `State::advance` and nothing else. What the tables do not list does not happen: terminal
//! states absorb (I8), and a change that is asked for all the same is refused and told to the log. The tables are data, so
//! that a test can show each line of them exercised.

use std::fmt::Debug;

use serde::Serialize;

/// A state machine given by the table of its transitions.
pub trait Machine: Copy + Eq + Ord + Debug + 'static {
    /// What the machine is of, for messages.
    const NAME: &'static str;
    /// Every transition.
    const TRANSITIONS: &'static [(Self, Self)];

    /// Whether the state is never left.
    fn is_terminal(self) -> bool {
        Self::TRANSITIONS.iter().all(|(from, _)| *from != self)
    }

    /// Whether `self` may become `to`.
    fn may_become(self, to: Self) -> bool {
        Self::TRANSITIONS.contains(&(self, to))
    }
}

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum JobStatus {
    /// Waits for admission.
    Queued,
    /// Its plan is being made.
    Planning,
    /// Its stages run, or its result is being read.
    Running,
    /// Its writers are done, the commit was ordered. Nothing but the answer leads out of here.
    Committing,
    /// Over, with success.
    Finished,
    /// Over, with an error.
    Failed,
    /// Over, since someone wanted it.
    Cancelled,
}

impl Machine for JobStatus {
    const NAME: &'static str = "job";
    const TRANSITIONS: &'static [(Self, Self)] = &[
        (Self::Queued, Self::Planning),
        (Self::Queued, Self::Failed),
        (Self::Queued, Self::Cancelled),
        (Self::Planning, Self::Running),
        (Self::Planning, Self::Failed),
        (Self::Planning, Self::Cancelled),
        (Self::Running, Self::Committing),
        (Self::Running, Self::Finished),
        (Self::Running, Self::Failed),
        (Self::Running, Self::Cancelled),
        (Self::Committing, Self::Finished),
        (Self::Committing, Self::Failed),
    ];
}

/// Where a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum StageStatus {
    /// Something it needs is not there: outputs of a stage before, bounds, or a new plan.
    Waiting,
    /// Its tasks may start.
    Ready,
    /// At least one task was started.
    Running,
    /// Every output that somebody needs is there.
    Done,
}

impl Machine for StageStatus {
    const NAME: &'static str = "stage";
    const TRANSITIONS: &'static [(Self, Self)] = &[
        (Self::Waiting, Self::Ready),
        // Nobody reads it any more, a new plan says.
        (Self::Waiting, Self::Done),
        // What it reads was lost before a task started.
        (Self::Ready, Self::Waiting),
        (Self::Ready, Self::Running),
        // Its readers finished with what they had.
        (Self::Ready, Self::Done),
        (Self::Running, Self::Done),
        // Outputs were lost or proved wrong; the epoch rises.
        (Self::Done, Self::Running),
    ];
}

/// Where an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum AttemptStatus {
    /// Waits for a slot.
    Created,
    /// Was sent to an executor.
    Assigned,
    /// The executor took it on.
    Accepted,
    /// It runs.
    Running,
    /// Its output was complete, and first.
    Succeeded,
    /// It failed by itself.
    Failed,
    /// It was stopped.
    Killed,
    /// Its executor was lost.
    Lost,
}

impl Machine for AttemptStatus {
    const NAME: &'static str = "attempt";
    const TRANSITIONS: &'static [(Self, Self)] = &[
        (Self::Created, Self::Assigned),
        (Self::Created, Self::Killed),
        (Self::Assigned, Self::Accepted),
        // Reports overtake each other: an end or a start may be the first that is heard.
        (Self::Assigned, Self::Running),
        (Self::Assigned, Self::Succeeded),
        (Self::Assigned, Self::Failed),
        (Self::Assigned, Self::Killed),
        (Self::Assigned, Self::Lost),
        (Self::Accepted, Self::Running),
        (Self::Accepted, Self::Succeeded),
        (Self::Accepted, Self::Failed),
        (Self::Accepted, Self::Killed),
        (Self::Accepted, Self::Lost),
        (Self::Running, Self::Succeeded),
        (Self::Running, Self::Failed),
        (Self::Running, Self::Killed),
        (Self::Running, Self::Lost),
    ];
}

/// Where an executor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum ExecutorStatus {
    /// Takes tasks, if its connection stands.
    Active,
    /// Goes away in good order: takes no tasks.
    Draining,
    /// Went away in good order.
    Released,
    /// Is given up. If it still lives it is fenced.
    Lost,
}

impl Machine for ExecutorStatus {
    const NAME: &'static str = "executor";
    const TRANSITIONS: &'static [(Self, Self)] = &[
        (Self::Active, Self::Draining),
        (Self::Active, Self::Lost),
        (Self::Draining, Self::Released),
        (Self::Draining, Self::Lost),
    ];
}
