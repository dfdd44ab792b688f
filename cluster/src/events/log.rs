//! The event log: one JSON event a line, under the names that Spark's listeners have for them.

use rsql_common::Error;
use serde_json::{Value, json};

use super::history::{History, JobRecord};
use crate::core::{AttemptStatus, JobStatus, Lifecycle};

pub(super) fn application_start(history: &History) -> Value {
    json!({
        "Event": "SparkListenerApplicationStart",
        "App Name": "rsql",
        "App ID": history.application,
        "Timestamp": history.started,
    })
}

pub(super) fn application_end(now: u64) -> Value {
    json!({"Event": "SparkListenerApplicationEnd", "Timestamp": now})
}

/// A query as SQL execution and as job.
pub(super) fn query_start(job: &JobRecord) -> Vec<Value> {
    vec![execution_start(job), job_start(job)]
}

pub(super) fn execution_start(job: &JobRecord) -> Value {
    json!({
        "Event": "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart",
        "executionId": job.number,
        "description": job.description,
        "details": job.sql,
        "physicalPlanDescription": job.plan,
        "time": job.submitted,
    })
}

fn job_start(job: &JobRecord) -> Value {
    let stages: Vec<Value> = job
        .stages
        .values()
        .map(|s| json!({"Stage ID": s.number, "Stage Name": s.name, "Number of Tasks": s.n_tasks}))
        .collect();
    let ids: Vec<u64> = job.stages.values().map(|s| s.number).collect();
    json!({
        "Event": "SparkListenerJobStart",
        "Job ID": job.number,
        "Submission Time": job.submitted,
        "Stage Infos": stages,
        "Stage IDs": ids,
        "Properties": {"spark.scheduler.pool": job.pool, "spark.job.description": job.description},
    })
}

pub(super) fn query_end(job: &JobRecord) -> Vec<Value> {
    vec![job_end(job), execution_end(job)]
}

fn job_end(job: &JobRecord) -> Value {
    let result = match &job.error {
        None => json!({"Result": "JobSucceeded"}),
        // What is left to do of a write that has happened is in the execution's message.
        Some(_) if job.status == JobStatus::Finished => json!({"Result": "JobSucceeded"}),
        Some(e) => json!({"Result": "JobFailed", "Exception": {"Message": job.told(e), "Condition": e.condition()}}),
    };
    json!({
        "Event": "SparkListenerJobEnd",
        "Job ID": job.number,
        "Completion Time": job.ended,
        "Job Result": result,
    })
}

/// Spark's event has no condition; whoever reads it there passes over what it does not know.
pub(super) fn execution_end(job: &JobRecord) -> Value {
    json!({
        "Event": "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionEnd",
        "executionId": job.number,
        "time": job.ended,
        "errorMessage": job.error.as_ref().map(|e| job.told(e)),
        "errorCondition": job.error.as_ref().map(Error::condition),
    })
}

/// The event of a turn in the core's life, if it has one.
pub(super) fn turn(history: &History, turn: &Lifecycle, now: u64) -> Option<Value> {
    match turn {
        Lifecycle::StageStarted {
            job,
            stage,
            epoch,
            tasks,
        } => {
            let record = history.job(*job)?.stages.get(stage)?;
            Some(json!({
                "Event": "SparkListenerStageSubmitted",
                "Stage Info": {
                    "Stage ID": record.number,
                    "Stage Attempt ID": epoch.0,
                    "Stage Name": record.name,
                    "Number of Tasks": tasks,
                    "Submission Time": now,
                },
            }))
        }
        Lifecycle::StageDone { job, stage, epoch } => {
            let record = history.job(*job)?.stages.get(stage)?;
            let (rows, bytes) = record.written();
            Some(json!({
                "Event": "SparkListenerStageCompleted",
                "Stage Info": {
                    "Stage ID": record.number,
                    "Stage Attempt ID": epoch.0,
                    "Stage Name": record.name,
                    "Number of Tasks": record.n_tasks,
                    "Submission Time": record.submitted,
                    "Completion Time": now,
                    "Records Written": rows,
                    "Bytes Written": bytes,
                },
            }))
        }
        Lifecycle::Attempt { .. } => attempt(history, turn, now),
        Lifecycle::ExecutorAdded { executor, spec, .. } => Some(json!({
            "Event": "SparkListenerExecutorAdded",
            "Timestamp": now,
            "Executor ID": executor.0.to_string(),
            "Executor Info": {"Host": spec.host, "Total Cores": spec.slots},
        })),
        Lifecycle::ExecutorDraining { executor } => Some(json!({
            "Event": "rsql.ExecutorDraining",
            "Timestamp": now,
            "Executor ID": executor.0.to_string(),
        })),
        Lifecycle::ExecutorRemoved { executor, reason, .. } => Some(json!({
            "Event": "SparkListenerExecutorRemoved",
            "Timestamp": now,
            "Executor ID": executor.0.to_string(),
            "Removed Reason": reason,
        })),
        Lifecycle::ExecutorExcluded { executor, stage: None } => Some(json!({
            "Event": "SparkListenerExecutorExcluded",
            "time": now,
            "executorId": executor.0.to_string(),
        })),
        Lifecycle::HostExcluded { host } => Some(json!({
            "Event": "SparkListenerNodeExcluded",
            "time": now,
            "hostId": host,
        })),
        Lifecycle::OutputLost { output, executor } => Some(json!({
            "Event": "rsql.OutputLost",
            "Timestamp": now,
            "Executor ID": executor.0.to_string(),
            "Output": format!("{output:?}"),
        })),
        Lifecycle::RolledBack { output } => Some(json!({
            "Event": "rsql.RolledBack",
            "Timestamp": now,
            "Output": format!("{output:?}"),
        })),
        Lifecycle::Refused { transition } => Some(json!({
            "Event": "rsql.TransitionRefused",
            "Timestamp": now,
            "Transition": transition,
        })),
        Lifecycle::Job { .. } | Lifecycle::ExecutorExcluded { .. } => None,
    }
}

fn attempt(history: &History, turn: &Lifecycle, now: u64) -> Option<Value> {
    let Lifecycle::Attempt {
        attempt,
        executor,
        status,
        error,
        why,
        figures,
    } = turn
    else {
        return None;
    };
    let job = history.job(attempt.task.job)?;
    let stage = job.stages.get(&attempt.task.stage)?;
    let record = stage.tasks.get(&(attempt.task.task, attempt.attempt));
    let mut info = json!({
        "Index": attempt.task.task,
        "Attempt": attempt.attempt,
        "Launch Time": record.map(|r| r.started),
        "Executor ID": executor.map(|e| e.0.to_string()),
    });
    let name = match status {
        AttemptStatus::Assigned => "SparkListenerTaskStart",
        AttemptStatus::Succeeded | AttemptStatus::Failed | AttemptStatus::Killed | AttemptStatus::Lost => {
            info["Finish Time"] = now.into();
            "SparkListenerTaskEnd"
        }
        AttemptStatus::Created | AttemptStatus::Accepted | AttemptStatus::Running => return None,
    };
    let mut event = json!({
        "Event": name,
        "Stage ID": stage.number,
        "Stage Attempt ID": stage.epoch.0,
        "Task Info": info,
    });
    if name == "SparkListenerTaskEnd" {
        event["Task End Reason"] = match (status, error, why) {
            (AttemptStatus::Succeeded, _, _) => json!({"Reason": "Success"}),
            (AttemptStatus::Lost, _, _) => json!({"Reason": "ExecutorLostFailure"}),
            (_, Some(e), _) => json!({"Reason": reason(e), "Message": job.told(e)}),
            (_, None, why) => json!({"Reason": "TaskKilled", "Kill Reason": why.map(|w| format!("{w:?}"))}),
        };
        if let Some(figures) = figures {
            event["Task Metrics"] = json!({
                "Executor Run Time": figures.run_millis,
                "Disk Bytes Spilled": figures.spilled_bytes,
                "Input Metrics": {
                    "Bytes Read": figures.read_bytes,
                    "Records Read": figures.read_rows,
                },
                "Shuffle Write Metrics": {
                    "Shuffle Bytes Written": figures.bytes(),
                    "Shuffle Records Written": figures.rows(),
                },
            });
        }
    }
    Some(event)
}

fn reason(error: &Error) -> &'static str {
    match error.kind() {
        rsql_common::ErrorKind::FetchFailed => "FetchFailed",
        _ => "ExceptionFailure",
    }
}
