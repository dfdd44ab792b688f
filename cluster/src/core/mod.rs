//! The scheduler core: a pure state machine, `step(&mut State, Event, now) -> Vec<Action>`.
//!
//! The shell owns sockets, clock and files: it feeds events, carries actions out, and calls with [`Event::Tick`] at
//! `State::next_deadline()`.
mod action;
mod config;
mod event;
mod ids;
mod lifecycle;
mod spec;
mod status;

pub use action::{Action, InputOutput, KillReason, Launch};
pub use config::{Admission, Config, Exclusion, Pool, PoolMode, Speculation};
pub use event::{Event, Progress, Report};
pub use ids::{AttemptId, Epoch, Incarnation, LeaderEpoch, Millis, Sender, TaskId};
pub use lifecycle::Lifecycle;
pub use spec::{Bounds, ExecutorSpec, JobLimits, JobSpec, OutputFigures, PartitionFigures, Read, StageSpec, TaskSpec};
pub use status::{AttemptStatus, ExecutorStatus, JobStatus, Machine, StageStatus};
