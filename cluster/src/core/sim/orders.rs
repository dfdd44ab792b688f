//! What the world does when the core orders something: the part of the shell, of executors and of clients.

use rsql_common::{Error, ExecutorId, FetchFailure, FetchReason, OutputId, QueryId};

use super::machine::LEADER;
use super::scenario::PARTITIONS;
use super::world::{Occurrence, World};
use crate::core::{Action, AttemptId, Bounds, Event, InputOutput, Launch, Millis, Progress, Report};

impl World {
    pub(super) fn carry_out(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::Plan { job } => {
                let plan = self.scenario.jobs.iter().find(|j| j.id == job);
                let stages = match plan {
                    Some(plan) if plan.unplannable => Err(Error::user("TABLE_OR_VIEW_NOT_FOUND")),
                    Some(plan) => Ok(plan.stages.clone()),
                    None => return Err(format!("an unknown job is planned: {job}")),
                };
                self.answer(Event::Planned { job, stages });
            }
            Action::Replan { job, stage, .. } => {
                let changes = self.replan(job);
                self.answer(Event::Replanned { job, stage, changes });
            }
            Action::ComputeBounds { job, stage, outputs } => {
                let bounds = Bounds(std::sync::Arc::new(vec![outputs.len() as u8, self.rng.draw() as u8]));
                self.answer(Event::BoundsReady {
                    job,
                    stage,
                    bounds: Ok(bounds),
                });
            }
            Action::Launch(launch) => self.tell(launch.executor, Action::Launch(launch)),
            Action::Kill { executor, .. }
            | Action::DropOutputs { executor, .. }
            | Action::MoveOutputs { from: executor, .. }
            | Action::Release { executor } => self.tell(executor, action),
            Action::Fence { executor, .. } => {
                // The answer to a heartbeat also carries it, so the control stream need not stand.
                let reached = self
                    .machines
                    .get(&executor.executor)
                    .is_some_and(|m| m.beats || m.connected);
                if reached && executor.leader == LEADER {
                    let delay = self.delay();
                    self.after(delay, Occurrence::Tell(executor.executor, u32::MAX, action));
                }
            }
            Action::ResultReady { job, outputs } => {
                let offer = self.offers.entry(job).or_default();
                *offer += 1;
                let offer = *offer;
                let delay = self.delay() + self.rng.range(0, 3_000);
                self.after(delay, Occurrence::Read(job, offer, outputs));
            }
            Action::Commit { job, .. } => {
                if self.aborted.contains(&job) {
                    return Err(format!("I3: {job} commits what was thrown away"));
                }
                let refused = self.rng.chance(50);
                let first = if refused {
                    Err(Error::io("no space left in the table's folder"))
                } else {
                    Ok(())
                };
                let outcome = self.commits.entry(job).or_insert(first).clone();
                if !self.rng.chance(200) {
                    self.answer(Event::Committed { job, outcome });
                }
            }
            Action::JobEnded { job, outcome } => {
                self.over.insert(job);
                self.oracle
                    .check_end(&self.core, &self.scenario, job, &outcome, self.commits.get(&job))?;
            }
            Action::AbortWrite { job } => {
                if self.commits.get(&job) == Some(&Ok(())) {
                    return Err(format!("I3: what {job} committed is thrown away"));
                }
                self.aborted.insert(job);
            }
            Action::Log(_) => {}
        }
        Ok(())
    }

    /// The shell answers after a while, perhaps twice.
    fn answer(&mut self, event: Event) {
        let delay = self.rng.range(1, 2_000);
        if self.rng.chance(self.scenario.unruly) {
            self.after(delay + 500, Occurrence::Hear(event.clone()));
        }
        self.after(delay, Occurrence::Hear(event));
    }

    fn tell(&mut self, to: ExecutorId, action: Action) {
        let Some(machine) = self.machines.get(&to) else { return };
        let connection = machine.connection;
        // The stream keeps its order: delays vary less than what they follow.
        self.after(2, Occurrence::Tell(to, connection, action));
    }

    pub(super) fn told(&mut self, to: ExecutorId, connection: u32, action: Action) {
        let Some(machine) = self.machines.get(&to) else { return };
        let stands = connection == u32::MAX || (machine.connected && machine.connection == connection);
        if !machine.alive || !stands {
            return;
        }
        let frozen = machine.frozen_until;
        if frozen > self.now {
            self.at(frozen, Occurrence::Tell(to, connection, action));
            return;
        }
        match action {
            Action::Launch(launch) => self.take_on(to, launch),
            Action::Kill { attempt, .. } => self.kill_task(to, attempt),
            Action::DropOutputs { outputs, .. } => {
                if let Some(machine) = self.machines.get_mut(&to) {
                    machine.held.retain(|o| !outputs.contains(o));
                }
            }
            Action::MoveOutputs {
                to: target, outputs, ..
            } => {
                for output in outputs {
                    let delay = self.delay();
                    self.after(delay, Occurrence::Copied(to, target, output));
                }
            }
            Action::Release { .. } => {
                if let Some(machine) = self.machines.get_mut(&to) {
                    machine.alive = false;
                }
            }
            Action::Fence { executor, .. } => self.obey_fence(to, executor.incarnation),
            _ => {}
        }
    }

    fn take_on(&mut self, id: ExecutorId, launch: Launch) {
        let refuse = self.rng.chance(self.scenario.flaky / 20);
        let time = self.task_time();
        let Some(machine) = self.machines.get_mut(&id) else {
            return;
        };
        let attempt = launch.attempt;
        if machine.incarnation != launch.incarnation {
            return;
        }
        if machine.leaving || refuse {
            self.report_end(id, attempt, Report::Refused { attempt });
            return;
        }
        machine.running.insert(attempt, launch);
        self.report(id, Report::Accepted { attempt });
        self.report(id, Report::Running { attempt });
        if self.rng.chance(200) {
            let progress = Progress {
                rows: 10,
                bytes: 100,
                permille: 500,
            };
            self.report(id, Report::Progress { attempt, progress });
        }
        if self.rng.chance(4)
            && self.now < self.scenario.calm_at
            && let Some(machine) = self.machines.get_mut(&id)
        {
            machine.deaf.insert(attempt);
        }
        self.after(time, Occurrence::TaskEnds(id, attempt));
    }

    fn task_time(&mut self) -> Millis {
        if self.rng.chance(60) {
            self.rng.range(15_000, 60_000)
        } else {
            self.rng.range(5, 4_000)
        }
    }

    fn kill_task(&mut self, id: ExecutorId, attempt: AttemptId) {
        let Some(machine) = self.machines.get_mut(&id) else {
            return;
        };
        if machine.running.contains_key(&attempt) && machine.deaf.contains(&attempt) {
            machine.hung.insert(attempt);
            return;
        }
        machine.forget(attempt);
        self.report_end(id, attempt, Report::Killed { attempt });
    }

    fn obey_fence(&mut self, id: ExecutorId, incarnation: crate::core::Incarnation) {
        let Some(machine) = self.machines.get_mut(&id) else {
            return;
        };
        if machine.incarnation != incarnation {
            return;
        }
        machine.alive = false;
        if self.scenario.replace {
            let delay = self.rng.range(100, 3_000);
            self.after(delay, Occurrence::Start);
        }
    }

    pub(super) fn copied(&mut self, from: ExecutorId, to: ExecutorId, output: OutputId) {
        let readable = self
            .machines
            .get(&from)
            .is_some_and(|m| m.alive && m.held.contains(&output));
        let target = self.machines.get_mut(&to).filter(|m| m.alive && m.serves);
        if let (true, Some(target)) = (readable, target) {
            target.held.insert(output);
            self.oracle.copies.insert((to, output));
            self.report(from, Report::Moved { output, to });
        }
    }

    pub(super) fn end_task(&mut self, id: ExecutorId, attempt: AttemptId) {
        let Some(machine) = self.machines.get(&id) else { return };
        if !machine.alive {
            return;
        }
        let frozen = machine.frozen_until;
        if frozen > self.now {
            self.at(frozen, Occurrence::TaskEnds(id, attempt));
            return;
        }
        let Some(launch) = machine.running.get(&attempt).cloned() else {
            return;
        };
        if machine.hung.contains(&attempt) {
            return;
        }
        let outcome = self.compute(id, &launch);
        let Some(machine) = self.machines.get_mut(&id) else {
            return;
        };
        match outcome {
            None => self.die(id),
            Some(Ok(figures)) => {
                machine.running.remove(&attempt);
                machine.held.insert(attempt.output());
                self.report_end(id, attempt, Report::Succeeded { attempt, figures });
            }
            Some(Err(error)) => {
                machine.running.remove(&attempt);
                self.oracle.spent.note_failure(attempt, &error);
                self.report_end(id, attempt, Report::Failed { attempt, error });
            }
        }
    }

    /// Runs a task: `None` if it takes the executor down.
    fn compute(&mut self, id: ExecutorId, launch: &Launch) -> Option<Result<crate::core::OutputFigures, Error>> {
        let attempt = launch.attempt;
        let plan = self.scenario.jobs.iter().find(|j| j.id == attempt.task.job)?;
        let here = Some((attempt.task.stage, attempt.task.task));
        let stage = plan.stages.iter().find(|s| s.id == attempt.task.stage)?;
        let (rerun, liar) = (stage.rerun, plan.liars.contains(&stage.id));
        let (user, poison) = (plan.user_error == here, plan.poison == here);
        if let Some(failure) = self.unreadable(id, &launch.inputs) {
            return Some(Err(Error::fetch_failed(failure, "cannot read")));
        }
        if poison {
            return None;
        }
        if user {
            return Some(Err(Error::user("DIVIDE_BY_ZERO")));
        }
        let flaky = self.scenario.flaky;
        if self.rng.chance(flaky) {
            return Some(Err(Error::io("connection reset")));
        }
        if self.rng.chance(flaky / 4) {
            return Some(Err(Error::exhausted("memory")));
        }
        if self.rng.chance(flaky / 10) {
            return Some(Err(Error::internal("index out of bounds")));
        }
        let inputs: Vec<OutputId> = launch.inputs.iter().map(|i| i.output).collect();
        Some(Ok(self.oracle.make(attempt, rerun, liar, inputs, PARTITIONS)))
    }

    /// The first input that cannot be read, and why.
    fn unreadable(&self, reader: ExecutorId, inputs: &[InputOutput]) -> Option<FetchFailure> {
        inputs.iter().find_map(|input| {
            let failure = |reason| FetchFailure {
                output: input.output,
                executor: input.executor,
                reason,
            };
            let Some(holder) = self.machines.get(&input.executor) else {
                return Some(failure(FetchReason::Unreachable));
            };
            let remote = input.executor != reader;
            if !holder.alive || (remote && (!holder.serves || holder.frozen_until > self.now)) {
                Some(failure(FetchReason::Unreachable))
            } else if !holder.held.contains(&input.output) {
                Some(failure(FetchReason::NotFound))
            } else if holder.corrupt.contains(&input.output) {
                Some(failure(FetchReason::Corrupt))
            } else {
                None
            }
        })
    }

    /// The client's side: one output after the other.
    pub(super) fn read(&mut self, job: QueryId, offer: u32, mut outputs: Vec<InputOutput>) {
        if self.offers.get(&job) != Some(&offer) || self.over.contains(&job) {
            return;
        }
        if outputs.is_empty() {
            self.answer(Event::ResultRead { job });
            return;
        }
        // What was taken is not taken again, whatever came to stand in its place since.
        let taken = self.oracle.taken.entry(job).or_default();
        outputs.retain(|o| !taken.iter().any(|t| t.map == o.output.map));
        if outputs.is_empty() {
            return;
        }
        let next = outputs.remove(0);
        if let Some(failure) = self.unreadable(ExecutorId(u32::MAX), &[next]) {
            self.answer(Event::ResultFetchFailed { job, failure });
            return;
        }
        self.oracle.taken.entry(job).or_default().insert(next.output);
        let delay = self.delay();
        self.after(delay, Occurrence::Hear(Event::ResultTaken { output: next.output }));
        let limit = self.scenario.jobs.iter().any(|j| j.id == job && j.limit);
        if limit {
            self.oracle.stopped.insert(job);
            self.answer(Event::ResultRead { job });
        } else if !outputs.is_empty() {
            let delay = self.rng.range(1, 5_000);
            self.after(delay, Occurrence::Read(job, offer, outputs));
        }
    }
}
