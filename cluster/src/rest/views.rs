//! JSON of what the API shows, with Spark's field names.

use rsql_common::{QueryId, StageId};
use rsql_expr::datetime::Date;
use serde_json::{Value, json};

use crate::core::{AttemptStatus, JobStatus, Machine};
use crate::events::{ExecutorRecord, History, JobRecord, StageRecord, TaskRecord};
use crate::master::Scheduler;

/// Spark's way of writing a time.
fn time(millis: u64) -> String {
    let Date { year, month, day } = Date::from_days(i32::try_from(millis / 86_400_000).unwrap_or(i32::MAX));
    let rest = millis % 86_400_000;
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}GMT",
        rest % 1000
    )
}

pub(super) fn version() -> Value {
    json!({ "spark": format!("rsql {}", env!("CARGO_PKG_VERSION")) })
}

pub(super) fn application(history: &History) -> Value {
    json!({
        "id": history.application,
        "name": "rsql",
        "attempts": [{
            "startTime": time(history.started),
            "startTimeEpoch": history.started,
            "completed": false,
            "appSparkVersion": env!("CARGO_PKG_VERSION"),
        }],
    })
}

pub(super) fn jobs(history: &History) -> Value {
    history.jobs().rev().map(|(_, j)| job(j)).collect()
}

pub(super) fn job_of(history: &History, number: u64) -> Option<Value> {
    history.jobs().find(|(_, j)| j.number == number).map(|(_, j)| job(j))
}

fn job(job: &JobRecord) -> Value {
    let sum = |of: &dyn Fn(&StageRecord) -> usize| job.stages.values().map(of).sum::<usize>();
    let (rows, bytes) = job
        .stages
        .values()
        .map(StageRecord::written)
        .fold((0, 0), |(r, b), (rows, bytes)| (r + rows, b + bytes));
    json!({
        "jobId": job.number,
        "name": job.description,
        "description": job.description,
        "submissionTime": time(job.submitted),
        "completionTime": job.ended.map(time),
        "stageIds": job.stages.values().map(|s| s.number).collect::<Vec<_>>(),
        "status": status(job),
        "numTasks": sum(&|s| s.n_tasks),
        "numActiveTasks": sum(&|s| s.count(is_active)),
        "numCompletedTasks": sum(&StageRecord::complete),
        "numFailedTasks": sum(&|s| s.count(is_failed)),
        "numKilledTasks": sum(&|s| s.count(|t| t == AttemptStatus::Killed)),
        "numActiveStages": sum(&|s| usize::from(s.submitted.is_some() && s.completed.is_none())),
        "numCompletedStages": sum(&|s| usize::from(s.completed.is_some())),
        "rowsRead": job.stages.values().map(|s| s.read().0).sum::<u64>(),
        "bytesRead": job.stages.values().map(|s| s.read().1).sum::<u64>(),
        "rowsWritten": rows,
        "bytesWritten": bytes,
    })
}

fn status(job: &JobRecord) -> &'static str {
    match job.status {
        JobStatus::Queued | JobStatus::Planning | JobStatus::Running | JobStatus::Committing => "RUNNING",
        JobStatus::Finished => "SUCCEEDED",
        JobStatus::Failed | JobStatus::Cancelled => "FAILED",
    }
}

fn is_active(status: AttemptStatus) -> bool {
    !status.is_terminal() && status != AttemptStatus::Created
}

fn is_failed(status: AttemptStatus) -> bool {
    matches!(status, AttemptStatus::Failed | AttemptStatus::Lost)
}

fn all_stages(history: &History) -> impl Iterator<Item = (QueryId, &JobRecord, StageId, &StageRecord)> {
    history
        .jobs()
        .rev()
        .flat_map(|(query, job)| job.stages.iter().rev().map(move |(id, s)| (query, job, *id, s)))
}

pub(super) fn stages(history: &History) -> Value {
    all_stages(history).map(|(_, job, _, s)| stage(job, s)).collect()
}

pub(super) fn stage_of(history: &History, number: u64) -> Option<Value> {
    let (_, job, _, record) = all_stages(history).find(|(_, _, _, s)| s.number == number)?;
    let mut value = stage(job, record);
    value["tasks"] = record
        .tasks
        .iter()
        .map(|((index, attempt), t)| (format!("{index}.{attempt}"), task(job, *index, *attempt, t)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    Some(value)
}

pub(super) fn tasks_of(history: &History, number: u64) -> Option<Value> {
    let (_, job, _, record) = all_stages(history).find(|(_, _, _, s)| s.number == number)?;
    let tasks = record.tasks.iter();
    Some(
        tasks
            .map(|((index, attempt), t)| task(job, *index, *attempt, t))
            .collect(),
    )
}

fn stage(job: &JobRecord, stage: &StageRecord) -> Value {
    let (rows, bytes) = stage.written();
    let (read_rows, read_bytes) = stage.read();
    let status = match (stage.submitted, stage.completed, job.ended) {
        (_, Some(_), _) => "COMPLETE",
        (Some(_), None, None) => "ACTIVE",
        (Some(_), None, Some(_)) => "FAILED",
        (None, None, None) => "PENDING",
        (None, None, Some(_)) => "SKIPPED",
    };
    let parents: Vec<u64> = stage
        .parents
        .iter()
        .filter_map(|p| job.stages.get(p))
        .map(|p| p.number)
        .collect();
    json!({
        "status": status,
        "stageId": stage.number,
        "attemptId": stage.epoch.0,
        "name": stage.name,
        "description": job.description,
        "schedulingPool": job.pool,
        "numTasks": stage.n_tasks,
        "numActiveTasks": stage.count(is_active),
        "numCompleteTasks": stage.complete(),
        "numFailedTasks": stage.count(is_failed),
        "numKilledTasks": stage.count(|t| t == AttemptStatus::Killed),
        "submissionTime": stage.submitted.map(time),
        "completionTime": stage.completed.map(time),
        "inputRecords": read_rows,
        "inputBytes": read_bytes,
        "diskBytesSpilled": stage.spilled(),
        "shuffleWriteRecords": rows,
        "shuffleWriteBytes": bytes,
        "parentIds": parents,
    })
}

fn task(job: &JobRecord, index: u32, attempt: u32, task: &TaskRecord) -> Value {
    let status = match task.status {
        AttemptStatus::Succeeded => "SUCCESS",
        AttemptStatus::Failed | AttemptStatus::Lost => "FAILED",
        AttemptStatus::Killed => "KILLED",
        AttemptStatus::Created | AttemptStatus::Assigned | AttemptStatus::Accepted | AttemptStatus::Running => {
            "RUNNING"
        }
    };
    json!({
        "index": index,
        "attempt": attempt,
        "launchTime": time(task.started),
        "duration": task.ended.map(|e| e.saturating_sub(task.started)),
        "executorId": task.executor.map(|e| e.0.to_string()),
        "status": status,
        "errorMessage": task.error.as_ref().map(|e| job.told(e)),
        "taskMetrics": metrics(task),
    })
}

/// What an attempt did: all once it is done, how far it is before.
fn metrics(task: &TaskRecord) -> Value {
    let (rows, bytes) = task.read();
    let mut metrics = json!({ "inputMetrics": {"bytesRead": bytes, "recordsRead": rows} });
    if let Some(figures) = &task.figures {
        metrics["executorRunTime"] = figures.run_millis.into();
        metrics["diskBytesSpilled"] = figures.spilled_bytes.into();
        metrics["shuffleWriteMetrics"] = json!({"bytesWritten": figures.bytes(), "recordsWritten": figures.rows()});
    }
    metrics
}

pub(super) fn executors(scheduler: &Scheduler, all: bool) -> Value {
    let records = scheduler.history().executors();
    records
        .filter(|(_, e)| all || e.removed.is_none())
        .map(|(id, e)| {
            let live = scheduler.live(id).unwrap_or_default();
            executor(id.0, e, live)
        })
        .collect()
}

/// `live`: tasks that run, bytes granted.
fn executor(id: u32, executor: &ExecutorRecord, live: (u32, u64)) -> Value {
    json!({
        "id": id.to_string(),
        "hostPort": executor.endpoint,
        "host": executor.host,
        "isActive": executor.removed.is_none(),
        "isDraining": executor.draining,
        "isExcluded": executor.excluded,
        "totalCores": executor.slots,
        "maxTasks": executor.slots,
        "activeTasks": live.0,
        "memoryUsed": live.1,
        "maxMemory": executor.memory,
        "addTime": time(executor.added),
        "removeTime": executor.removed.as_ref().map(|(at, _)| time(*at)),
        "removeReason": executor.removed.as_ref().map(|(_, why)| why),
    })
}

pub(super) fn executions(history: &History) -> Value {
    history.jobs().rev().map(|(_, j)| execution(j)).collect()
}

pub(super) fn execution_of(history: &History, number: u64) -> Option<Value> {
    history
        .jobs()
        .find(|(_, j)| j.number == number)
        .map(|(_, j)| execution(j))
}

fn execution(job: &JobRecord) -> Value {
    let status = match status(job) {
        "SUCCEEDED" => "COMPLETED",
        other => other,
    };
    json!({
        "id": job.number,
        "status": status,
        "description": job.description,
        "details": job.sql,
        "planDescription": job.plan,
        "submissionTime": time(job.submitted),
        "duration": job.ended.map(|e| e.saturating_sub(job.submitted)),
        "successJobIds": if job.status == JobStatus::Finished { vec![job.number] } else { vec![] },
        "failedJobIds": if job.error.is_some() && job.status != JobStatus::Finished { vec![job.number] } else { vec![] },
        "errorMessage": job.error.as_ref().map(|e| job.told(e)),
    })
}

pub(super) fn environment(scheduler: &Scheduler) -> Value {
    let settings: Vec<Value> = scheduler
        .settings()
        .filter(|(key, _)| !is_secret(key))
        .map(|(key, value)| json!([key, value]))
        .collect();
    json!({
        "runtime": {"rsqlVersion": env!("CARGO_PKG_VERSION")},
        "sparkProperties": settings,
    })
}

/// Keys whose values are not for everybody's eyes.
fn is_secret(key: &str) -> bool {
    rsql_common::redaction::is_secret(key) || key.to_ascii_lowercase().contains("credential")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_spark_does() {
        assert_eq!(time(0), "1970-01-01T00:00:00.000GMT");
        assert_eq!(time(951_782_399_999), "2000-02-28T23:59:59.999GMT");
        assert_eq!(time(951_782_400_000), "2000-02-29T00:00:00.000GMT");
        assert_eq!(time(1_735_689_600_123), "2025-01-01T00:00:00.123GMT");
    }

    #[test]
    fn secrets_are_not_shown() {
        assert!(is_secret("spark.hadoop.fs.s3a.secret.key"));
        assert!(is_secret("fs.s3a.session.token"));
        assert!(!is_secret("spark.sql.ansi.enabled"));
    }
}
