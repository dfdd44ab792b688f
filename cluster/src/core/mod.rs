//! The scheduler core: a pure state machine, [`step()`]`(&mut State, Event, now) -> Vec<Action>`.
//!
//! No I/O, no clock, no random numbers, only ordered maps: equal events give equal actions. The shell owns sockets, clock and
//! files. It feeds [`Event`]s, carries [`Action`]s out in their order, and calls with [`Event::Tick`] at
//! [`State::next_deadline`] if nothing else happens before. That is the whole contract, so a simulation can stand in for it.
//!
//! # Tour
//! Read in this order:
//! 1. `spec.rs`, `event.rs`, `action.rs`, `ids.rs`: what goes in and out. `config.rs`: every figure that decides something.
//! 2. `status.rs`: the state machines of jobs, stages, attempts and executors as tables of transitions.
//! 3. `state.rs`: what is remembered. `step.rs`: the one file that matches over all events.
//! 4. `job.rs`, `stage.rs`, `attempt.rs`: how a query gets on when nothing goes wrong. `stage.rs` holds the central idea: demand
//!    starts at the result, and everything else (readiness, lineage, dropping of outputs) follows from it.
//! 5. `failure.rs` (the table of failure kinds), `lineage.rs` (lost and changed outputs, and when a second attempt may stand in
//!    for the first), `executor.rs` (lost and drained executors), `exclusion.rs`.
//! 6. `pools.rs`, `placement.rs`, `locality.rs`, `speculation.rs`: who runs where. `timers.rs`: everything that is due by time.
//! 7. `snapshot.rs`, `lifecycle.rs`: what people see of it.
//!
//! # Invariants
//! Checked after each step of the simulation (`sim/`), each by an independent judge:
//! - I1 For each task and stage epoch at most one attempt wins.
//! - I2 A task reads exactly the winners named in its launch; everything that went into an answer contains each task's rows in
//!   one version only.
//! - I3 Nothing of a write is visible before the one commit, which names one winner for each writer; then it stays.
//! - I4 A message of another term or another life of an executor changes nothing.
//! - I5 Every job ends.
//! - I6 What is over holds no slots, no memory and no outputs.
//! - I7 Errors of the statement are never retried; errors of the infrastructure show only when retries are spent.
//! - I8 Terminal states absorb.
//!
//! # What the shell has to keep to
//! - Executor numbers rise with each registration and are never given twice. Messages of one control stream arrive in order, or
//!   not at all; terminal reports are repeated until acknowledged.
//! - `Register` names every attempt whose end the master may not know, those with unacknowledged reports included.
//! - [`Action::Plan`], [`Action::Replan`], [`Action::ComputeBounds`] and [`Action::Commit`] are always answered.
//! - A kill of an attempt that is finished deletes its output; one of an attempt that is unknown is answered all the same.

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
mod locality;
mod placement;
mod pools;
#[cfg(test)]
mod scripts;
#[cfg(test)]
mod sim;
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
pub use pools::DEFAULT_POOL;
pub use snapshot::{AttemptSnapshot, ExecutorSnapshot, JobSnapshot, StageSnapshot};
pub use spec::{Bounds, ExecutorSpec, JobLimits, JobSpec, OutputFigures, PartitionFigures, Read, StageSpec, TaskSpec};
pub use state::State;
pub use status::{AttemptStatus, ExecutorStatus, JobStatus, Machine, StageStatus};
pub use step::step;
