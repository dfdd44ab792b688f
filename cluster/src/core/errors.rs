//! The errors that the scheduler itself ends jobs with, each with what to do about it.

use rsql_common::{Error, ErrorKind, ExecutorId, OutputId};

use super::ids::{Millis, TaskId};

/// Too many jobs wait.
pub(super) fn queue_full(max: usize) -> Error {
    Error::exhausted(format!(
        "{max} queries are waiting already; try again in a few seconds, or raise the number that may wait"
    ))
}

/// A job waited too long.
pub(super) fn queue_timeout(waited: Millis) -> Error {
    Error::exhausted(format!(
        "the query waited {} s for others to end; try again later, or raise the number that may run at once",
        waited / 1000
    ))
}

/// A job ran too long.
pub(super) fn run_timeout(limit: Millis) -> Error {
    Error::exhausted(format!("the query ran longer than its limit of {} s", limit / 1000))
}

/// A result is too large.
pub(super) fn result_limit(limit: u64) -> Error {
    Error::exhausted(format!(
        "the query's result is larger than spark.driver.maxResultSize, {limit} bytes; add a LIMIT, write it to a table, or raise \
         the setting"
    ))
}

/// A job wrote too much.
pub(super) fn output_limit(limit: u64) -> Error {
    Error::exhausted(format!(
        "the query's stages wrote more than {limit} bytes; raise rsql.cluster.query.maxOutputBytes if that is meant to be"
    ))
}

/// No executor, for too long.
pub(super) fn no_executors(grace: Millis) -> Error {
    Error::new(ErrorKind::ExecutorLost, "CLUSTER.NO_EXECUTORS").with_message(format!(
        "No executor has been there for {} s. Start workers, or see why theirs ended.",
        grace / 1000
    ))
}

/// A task that kills.
pub(super) fn poison(task: TaskId, deaths: u32) -> Error {
    Error::new(ErrorKind::ExecutorLost, "CLUSTER.POISON_TASK").with_message(format!(
        "The {task} was running on {deaths} executors when they died; it is not tried on another one."
    ))
}

/// Outputs keep being lost.
pub(super) fn too_many_resubmits(max: u32, last: OutputId) -> Error {
    Error::new(ErrorKind::ExecutorLost, "CLUSTER.TOO_MANY_RESUBMITS").with_message(format!(
        "Outputs of the query were lost more than {max} times, the last one by task {} of {}.",
        last.map, last.stage
    ))
}

/// Other rows came out, and the first ones are with the client.
pub(super) fn nondeterministic(output: OutputId) -> Error {
    Error::new(ErrorKind::ExecutorLost, "CLUSTER.NONDETERMINISTIC_INPUT").with_message(format!(
        "Task {} of {} had to run again and gave other rows, but rows that came of the first ones were handed out already. \
         Run the query again.",
        output.map, output.stage
    ))
}

/// Nowhere to run.
pub(super) fn all_excluded(task: TaskId, executors: &[(ExecutorId, String)], last: Option<&Error>) -> Error {
    let list: Vec<String> = executors.iter().map(|(id, host)| format!("{id} on {host}")).collect();
    let last = last.map_or_else(String::new, |e| format!(" The last failure was: {e}"));
    Error::new(ErrorKind::ExecutorLost, "CLUSTER.ALL_EXECUTORS_EXCLUDED").with_message(format!(
        "The {task} cannot run: every executor failed too often ({}).{last}",
        list.join(", ")
    ))
}

/// A task goes in circles.
pub(super) fn too_many_detours(task: TaskId, last: Option<&Error>) -> Error {
    last.cloned().unwrap_or_else(|| {
        Error::new(ErrorKind::ExecutorLost, "CLUSTER.TASK_NOT_ACCEPTED").with_message(format!(
            "The {task} was sent out again and again, and no executor took it on."
        ))
    })
}
