//! Which waiting attempt goes to which executor.
//!
//! Jobs take turns (`pools.rs`); inside a job stages and tasks go in order. A task goes to who has its data, waits a bounded
//! time for a host that is busy (`locality.rs`), then goes anywhere. An executor where the task failed is avoided as long as
//! another one may be used. A task that needs more memory than a slot's share, or a whole executor, gets one held for it.

use std::collections::BTreeSet;

use rsql_common::{ExecutorId, OutputId, QueryId, StageId};

use super::action::{Action, InputOutput, Launch};
use super::ids::{AttemptId, TaskId};
use super::locality::Near;
use super::slips::Slip;
use super::state::{Answer, Executor, Occupied, Place, Stage, State, Task};
use super::status::{AttemptStatus, ExecutorStatus, StageStatus};

/// What to do with a waiting attempt.
enum Choice {
    /// Start it there, with so much memory, alone or not.
    Go {
        executor: ExecutorId,
        memory: u64,
        exclusive: bool,
        probe: bool,
    },
    /// Keep this executor for it.
    Hold(ExecutorId),
    /// Not now.
    Wait,
}

impl State {
    /// Fills free slots.
    pub(super) fn schedule(&mut self) {
        self.release_holds();
        self.weigh_inputs();
        while self.has_free_slots() {
            if !self.turns().into_iter().any(|job| self.launch_one(job)) {
                return;
            }
        }
    }

    pub(super) fn has_free_slots(&self) -> bool {
        self.executors.values().any(|e| takes_tasks(e) && e.free_slots() > 0)
    }

    /// Ends holds whose attempt cannot start now. One that waits for its input must not keep the executor that would make it.
    fn release_holds(&mut self) {
        let startable = |id: AttemptId| {
            let stage = self.stage(id.task)?;
            let task = stage.tasks.get(id.task.task as usize)?;
            let attempt = task.attempts.get(id.attempt as usize)?;
            let may_run = matches!(stage.status, StageStatus::Ready | StageStatus::Running);
            let waits = attempt.status == AttemptStatus::Created && task.not_before <= self.now;
            (may_run && waits && task.wanted && !task.blocked).then_some(())
        };
        let stale: Vec<ExecutorId> = self
            .executors
            .iter()
            .filter(|(_, e)| e.held_for.is_some_and(|id| startable(id).is_none()))
            .map(|(id, _)| *id)
            .collect();
        for id in stale {
            if let Some(executor) = self.executors.get_mut(&id) {
                executor.held_for = None;
            }
        }
    }

    /// Starts the first attempt of the job that can be started.
    fn launch_one(&mut self, id: QueryId) -> bool {
        let Some(job) = self.jobs.get(&id) else { return false };
        let mut holds = Vec::new();
        let mut found = None;
        'stages: for (stage_id, stage) in &job.stages {
            if !matches!(stage.status, StageStatus::Ready | StageStatus::Running) || !stage.bounds_given(&job.stages) {
                continue;
            }
            for attempt in waiting(id, *stage_id, stage, self.now) {
                match self.choose(stage, attempt) {
                    Choice::Go {
                        executor,
                        memory,
                        exclusive,
                        probe,
                    } => {
                        found = Some((attempt, executor, memory, exclusive, probe));
                        break 'stages;
                    }
                    Choice::Hold(executor) => holds.push((executor, attempt)),
                    Choice::Wait => {}
                }
            }
        }
        for (executor, attempt) in holds {
            if let Some(executor) = self.executors.get_mut(&executor) {
                executor.held_for.get_or_insert(attempt);
            }
        }
        let Some((attempt, executor, memory, exclusive, probe)) = found else {
            return false;
        };
        self.launch(attempt, executor, memory, exclusive, probe);
        true
    }

    fn choose(&self, stage: &Stage, id: AttemptId) -> Choice {
        let Some(task) = stage.tasks.get(id.task.task as usize) else {
            return Choice::Wait;
        };
        let racing: BTreeSet<ExecutorId> = task
            .live()
            .filter_map(|n| task.attempts.get(n as usize)?.executor)
            .collect();
        let usable: Vec<(ExecutorId, &Executor)> = self
            .executors
            .iter()
            .filter(|(id, e)| takes_tasks(e) && !racing.contains(id))
            .map(|(id, e)| (*id, e))
            .collect();
        let open: Vec<_> = usable
            .iter()
            .filter(|(id, e)| !self.is_excluded(stage, *id, e))
            .copied()
            .collect();
        if open.is_empty() {
            let early = self.slipped(Slip::EarlyProbe);
            let alone = early || (task.live().count() == 1 && !self.has_open_executor(stage));
            return if alone {
                self.probe(stage, task, id, &usable)
            } else {
                Choice::Wait
            };
        }
        let elsewhere: Vec<_> = open
            .iter()
            .filter(|(id, _)| !task.avoid.contains(id))
            .copied()
            .collect();
        let candidates = if elsewhere.is_empty() { open } else { elsewhere };
        let Some(attempt) = task.attempts.get(id.attempt as usize) else {
            return Choice::Wait;
        };
        let nowhere = Near::default();
        let near = attempt.near.as_ref().unwrap_or(&nowhere);
        let (holders, rest): (Vec<_>, Vec<_>) = candidates.iter().copied().partition(|(id, _)| near.is_holder(*id));
        let (neighbours, other): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(_, e)| near.is_host_of(e));
        let go = best(&holders, task, id, false).or_else(|| best(&neighbours, task, id, false));
        if let Some(go) = go {
            return go;
        }
        let waited = self.now.saturating_sub(attempt.created.max(task.not_before));
        let some_are_near = other.len() < candidates.len();
        if some_are_near && !other.is_empty() && waited < near.patience {
            return Choice::Wait;
        }
        best(&other, task, id, false).unwrap_or_else(|| hold(&candidates, task, id))
    }

    /// Every executor is excluded, and nothing else tries the task: one attempt of the stage may try the one that failed least.
    fn probe(&self, stage: &Stage, task: &Task, id: AttemptId, usable: &[(ExecutorId, &Executor)]) -> Choice {
        let under_way = stage.probe.is_some_and(|probe| {
            self.attempt(probe)
                .is_some_and(|a| a.executor.is_some() && !super::status::Machine::is_terminal(a.status))
        });
        if under_way {
            return Choice::Wait;
        }
        let least = usable.iter().min_by_key(|(id, _)| {
            (
                stage.charges.get(id).copied().unwrap_or(0),
                task.avoid.contains(id),
                *id,
            )
        });
        match least {
            Some(least) => best(&[*least], task, id, true).unwrap_or_else(|| hold(&[*least], task, id)),
            None => Choice::Wait,
        }
    }

    fn launch(&mut self, id: AttemptId, executor_id: ExecutorId, memory: u64, exclusive: bool, probe: bool) {
        if !self.advance_assigned(id, executor_id, memory) {
            return;
        }
        let now = self.now;
        let Some(executor) = self.executors.get_mut(&executor_id) else {
            return;
        };
        executor.occupied.insert(
            id,
            Occupied {
                memory,
                exclusive,
                killed: None,
            },
        );
        if executor.held_for == Some(id) {
            executor.held_for = None;
        }
        let incarnation = executor.incarnation;
        let Some(stage) = self.stage_mut(id.task.job, id.task.stage) else {
            return;
        };
        stage.started.get_or_insert(now);
        if probe {
            stage.probe = Some(id);
        }
        self.start_stage(id);
        let Some(launch) = self.describe_launch(id, executor_id, incarnation, memory) else {
            return;
        };
        self.order(Action::Launch(launch));
    }

    fn advance_assigned(&mut self, id: AttemptId, executor: ExecutorId, memory: u64) -> bool {
        let now = self.now;
        let epoch = self.stage(id.task).map(|s| s.epoch).unwrap_or_default();
        if let Some(attempt) = self.attempt_mut(id) {
            attempt.executor = Some(executor);
            attempt.memory = memory;
            attempt.launched = Some(now);
            attempt.epoch = epoch;
        }
        self.advance(id, AttemptStatus::Assigned)
    }

    fn start_stage(&mut self, id: AttemptId) {
        let Some(stage) = self.stage(id.task) else { return };
        let (status, epoch) = (stage.status, stage.epoch);
        let tasks = stage.tasks.iter().filter(|t| t.wanted).count() as u32;
        if status != StageStatus::Ready || !self.permits(status, StageStatus::Running) {
            return;
        }
        if let Some(stage) = self.stage_mut(id.task.job, id.task.stage) {
            stage.status = StageStatus::Running;
        }
        self.log(super::lifecycle::Lifecycle::StageStarted {
            job: id.task.job,
            stage: id.task.stage,
            epoch,
            tasks,
        });
    }

    fn describe_launch(
        &self,
        id: AttemptId,
        executor: ExecutorId,
        incarnation: super::ids::Incarnation,
        memory: u64,
    ) -> Option<Launch> {
        let job = self.jobs.get(&id.task.job)?;
        let stage = job.stages.get(&id.task.stage)?;
        let task = stage.tasks.get(id.task.task as usize)?;
        let mut inputs = BTreeSet::new();
        for read in &task.spec.reads {
            let producer = job.stages.get(&read.stage)?;
            for map in read.maps.clone() {
                let state = producer.tasks.get(map as usize)?;
                if let (Some(attempt), Some(Place::Executor(executor))) = (state.standing, state.place) {
                    let output = OutputId {
                        query: id.task.job,
                        stage: read.stage,
                        map,
                        attempt,
                    };
                    inputs.insert(InputOutput { output, executor });
                }
            }
        }
        let bounds = stage.spec.bounds_of.and_then(|s| match &job.stages.get(&s)?.bounds {
            Answer::Given(bounds) => Some(bounds.clone()),
            _ => None,
        });
        Some(Launch {
            executor,
            incarnation,
            attempt: id,
            epoch: stage.epoch,
            memory,
            reads: task.spec.reads.clone(),
            inputs: inputs.into_iter().collect(),
            bounds,
        })
    }
}

fn takes_tasks(executor: &Executor) -> bool {
    executor.status == ExecutorStatus::Active && executor.disconnected.is_none()
}

/// Attempts of the stage that could start now.
pub(super) fn waiting(job: QueryId, stage_id: StageId, stage: &Stage, now: super::ids::Millis) -> Vec<AttemptId> {
    let mut found = Vec::new();
    for (number, task) in (0..).zip(&stage.tasks) {
        if !task.wanted || task.blocked || task.not_before > now {
            continue;
        }
        let created = task.live().find(|n| {
            task.attempts
                .get(*n as usize)
                .is_some_and(|a| a.status == AttemptStatus::Created)
        });
        if let Some(attempt) = created {
            let task = TaskId {
                job,
                stage: stage_id,
                task: number,
            };
            found.push(AttemptId { task, attempt });
        }
    }
    found
}

/// Memory that the task gets on the executor, and whether it must be alone there.
fn grant(task: &Task, executor: &Executor) -> (u64, bool) {
    let asked = if task.memory == 0 {
        executor.share()
    } else {
        task.memory
    };
    let exclusive = task.exhausted >= 2 || asked > executor.spec.memory;
    if exclusive {
        (executor.spec.memory, true)
    } else {
        (asked, false)
    }
}

/// The emptiest executor that the attempt fits on.
fn best(among: &[(ExecutorId, &Executor)], task: &Task, attempt: AttemptId, probe: bool) -> Option<Choice> {
    among
        .iter()
        .filter(|(_, e)| fits(e, task, attempt))
        .min_by_key(|(id, e)| (std::cmp::Reverse(e.free_slots()), *id))
        .map(|(id, e)| {
            let (memory, exclusive) = grant(task, e);
            Choice::Go {
                executor: *id,
                memory,
                exclusive,
                probe,
            }
        })
}

fn fits(executor: &Executor, task: &Task, attempt: AttemptId) -> bool {
    let (memory, exclusive) = grant(task, executor);
    executor.held_for.is_none_or(|held| held == attempt)
        && executor.free_slots() > 0
        && !executor.occupied.values().any(|o| o.exclusive)
        && executor.free_memory() >= memory
        && (!exclusive || executor.occupied.is_empty())
}

/// Keeps the emptiest executor for an attempt that needs more than a slot.
fn hold(among: &[(ExecutorId, &Executor)], task: &Task, attempt: AttemptId) -> Choice {
    if among.iter().any(|(_, e)| e.held_for == Some(attempt)) {
        return Choice::Wait;
    }
    among
        .iter()
        .filter(|(_, e)| e.held_for.is_none() && grant(task, e).0 > e.share())
        .min_by_key(|(id, e)| (e.occupied.len(), *id))
        .map_or(Choice::Wait, |(id, _)| Choice::Hold(*id))
}
