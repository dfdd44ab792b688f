//! What holds in the scheduler's state between any two steps.

use crate::core::slips::Slip;
use crate::core::state::{Job, Place, Stage, State, Task};
use crate::core::{AttemptId, AttemptStatus, ExecutorStatus, JobStatus, Machine, StageStatus, TaskId};

/// The first invariant that does not hold.
pub(super) fn check(core: &State) -> Result<(), String> {
    for (id, executor) in &core.executors {
        if executor.status != ExecutorStatus::Active && executor.status != ExecutorStatus::Draining {
            return Err(format!("{id} is {:?} and still listed", executor.status));
        }
        let granted: u64 = executor.occupied.values().map(|o| o.memory).sum();
        if granted > executor.spec.memory || executor.occupied.len() > executor.spec.slots as usize {
            return Err(format!("{id} has more granted than it has"));
        }
        if executor.occupied.len() > 1 && executor.occupied.values().any(|o| o.exclusive) {
            return Err(format!("{id} runs something beside an exclusive task"));
        }
        for (attempt, slot) in &executor.occupied {
            let live = core.attempt(*attempt).is_some_and(|a| !a.status.is_terminal());
            if !live && slot.killed.is_none() {
                return Err(format!("I6: {attempt:?} is over and holds a slot of {id}"));
            }
        }
    }
    for (id, job) in &core.jobs {
        for (stage_id, stage) in &job.stages {
            for (number, task) in (0..).zip(&stage.tasks) {
                let task_id = TaskId {
                    job: *id,
                    stage: *stage_id,
                    task: number,
                };
                check_task(core, job, stage, task, task_id).map_err(|e| format!("{task_id:?}: {e}"))?;
            }
        }
    }
    Ok(())
}

fn check_task(core: &State, job: &Job, stage: &Stage, task: &Task, id: TaskId) -> Result<(), String> {
    let live: Vec<u32> = task.live().collect();
    if job.status.is_terminal() {
        return match (live.is_empty(), task.place) {
            (true, None) => Ok(()),
            _ => Err(format!("I6: {live:?} and {:?} are left of a job that is over", task.place)),
        };
    }
    for number in &live {
        let Some(attempt) = task.attempts.get(*number as usize) else { continue };
        let attempt_id = AttemptId {
            task: id,
            attempt: *number,
        };
        let placed = attempt.executor.and_then(|e| core.executors.get(&e));
        if attempt.status != AttemptStatus::Created && placed.is_none_or(|e| !e.occupied.contains_key(&attempt_id)) {
            return Err(format!("{attempt_id:?} is {:?} where nothing runs it", attempt.status));
        }
        if task.blocked && attempt.status != AttemptStatus::Created {
            return Err(format!("{attempt_id:?} reads what is not there"));
        }
    }
    if core.slip != Some(Slip::EarlyCommit) && !task.wanted && !live.is_empty() {
        return Err(format!("{live:?} run for nobody"));
    }
    if let Some(Place::Executor(executor)) = task.place
        && !core.executors.contains_key(&executor)
    {
        return Err(format!("its output is on {executor}, which is gone"));
    }
    if task.wanted && task.place.is_some() {
        return Err("it is wanted and there".to_string());
    }
    let may_run = matches!(stage.status, StageStatus::Ready | StageStatus::Running);
    if job.status == JobStatus::Running && task.wanted && may_run && live.is_empty() {
        return Err("I5: it is wanted and nobody tries".to_string());
    }
    if job.status == JobStatus::Running && task.wanted && may_run && !task.blocked {
        for read in &task.spec.reads {
            let producer = job.stages.get(&read.stage);
            let mut maps = read.maps.clone().filter_map(|m| producer.and_then(|p| p.tasks.get(m as usize)));
            if maps.any(|m| m.place.is_none()) {
                return Err(format!("may start although outputs of {} are missing", read.stage));
            }
        }
    }
    check_winners(task)
}

/// I1: one winner for each epoch, and the one that stands is a winner.
fn check_winners(task: &Task) -> Result<(), String> {
    let won: Vec<_> = task.attempts.iter().filter(|a| a.status == AttemptStatus::Succeeded).collect();
    for (n, first) in won.iter().enumerate() {
        if won.iter().skip(n + 1).any(|second| second.epoch == first.epoch) {
            return Err(format!("I1: two attempts won in {:?}", first.epoch));
        }
    }
    let standing = task.standing.and_then(|n| task.attempts.get(n as usize));
    if standing.is_some_and(|a| a.status != AttemptStatus::Succeeded) {
        return Err(format!("I1: {:?} stands and did not win", task.standing));
    }
    Ok(())
}
