//! The scheduler core: a pure state machine, [`step`]`(&mut State, Event, now) -> Vec<Action>`.
mod action;
mod attempt;
mod config;
mod errors;
mod event;
mod exclusion;
mod executor;
mod failure;
mod ids;
mod job;
mod lifecycle;
mod lineage;
mod placement;
mod pools;
mod slips;
mod snapshot;
mod spec;
mod speculation;
mod stage;
mod state;
mod status;
mod step;
mod timers;
mod validate;

pub use action::{Action, InputOutput, KillReason, Launch};
pub use config::{Admission, Config, Exclusion, Pool, PoolMode, Speculation};
pub use event::{Event, Progress, Report};
pub use ids::{AttemptId, Epoch, Incarnation, LeaderEpoch, Millis, Sender, TaskId};
pub use lifecycle::Lifecycle;
pub use snapshot::{AttemptSnapshot, ExecutorSnapshot, JobSnapshot, StageSnapshot};
pub use spec::{
    Bounds, ExecutorSpec, JobLimits, JobSpec, OutputFigures, PartitionFigures, Read, StageSpec, TaskSpec,
};
pub use state::State;
pub use status::{AttemptStatus, ExecutorStatus, JobStatus, Machine, StageStatus};
pub use step::step;
