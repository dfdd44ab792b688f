//! The judge: what is made of what, and whether the invariants I1 to I8 hold.
//!
//! Each output gets a *meaning*: a number that stands for its rows as far as the answer goes. Honest tasks give the meaning
//! that their inputs imply; indeterminate tasks and liars give another one each time. An answer is right exactly if, over
//! everything that went into it, each map task appears with one meaning.

use std::collections::{BTreeMap, BTreeSet};

use rsql_common::{Error, ErrorKind, ExecutorId, OutputId, QueryId, StageId};
use rsql_planner::physical::Rerun;

use super::rng::mix;
use super::scenario::Scenario;
use super::world::World;
use crate::core::state::{Place, State};
use crate::core::{Action, AttemptId, AttemptStatus, Bounds, Event, Machine, OutputFigures, PartitionFigures, TaskId};

/// An output as it was made.
#[derive(Debug)]
struct Made {
    meaning: u64,
    inputs: Vec<OutputId>,
}

/// What the judge remembers.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    made: BTreeMap<OutputId, Made>,
    /// Outputs that clients have.
    pub(super) taken: BTreeMap<QueryId, BTreeSet<OutputId>>,
    /// Clients that wanted no more.
    pub(super) stopped: BTreeSet<QueryId>,
    /// Copies made by drains.
    pub(super) copies: BTreeSet<(ExecutorId, OutputId)>,
    /// Ends of attempts.
    ended: BTreeMap<AttemptId, AttemptStatus>,
    /// Failures that tasks sent.
    failures: BTreeMap<TaskId, BTreeMap<AttemptId, ErrorKind>>,
    /// Tasks of which the master knows that the user is at fault.
    user_failed: BTreeSet<TaskId>,
    bounds: BTreeMap<(QueryId, StageId), Option<Bounds>>,
    winners: BTreeMap<QueryId, Vec<OutputId>>,
    /// Jobs that ended well.
    pub(super) finished: u64,
}

impl Oracle {
    /// Makes an output.
    pub(super) fn make(
        &mut self,
        attempt: AttemptId,
        rerun: Rerun,
        liar: bool,
        inputs: Vec<OutputId>,
        partitions: u32,
    ) -> OutputFigures {
        let task = attempt.task;
        let mut meaning = mix(task.job.0 << 20 | u64::from(task.stage.0) << 10 | u64::from(task.task));
        for input in &inputs {
            let input = self.made.get(input).map_or(0, |m| m.meaning);
            meaning = mix(meaning ^ mix(input));
        }
        if liar || rerun == Rerun::Indeterminate {
            meaning = mix(meaning ^ u64::from(attempt.attempt + 1));
        }
        // Partial aggregates are cut into other rows each time, and mean the same.
        let rows = if rerun == Rerun::Mergeable {
            mix(meaning ^ u64::from(attempt.attempt))
        } else {
            meaning
        };
        let partitions = (0..u64::from(partitions))
            .map(|p| PartitionFigures {
                bytes: 100,
                rows: 10,
                hash: (mix(rows ^ p), rows),
            })
            .collect();
        self.made.insert(attempt.output(), Made { meaning, inputs });
        OutputFigures {
            partitions,
            ..OutputFigures::default()
        }
    }

    pub(super) fn note_failure(&mut self, attempt: AttemptId, error: &Error) {
        self.failures
            .entry(attempt.task)
            .or_default()
            .insert(attempt, error.kind());
    }

    pub(super) fn note_event(&mut self, event: &Event, counts: bool) {
        if let Event::Report {
            report: crate::core::Report::Failed { attempt, error },
            ..
        } = event
            && error.kind() == ErrorKind::User
            && counts
        {
            self.user_failed.insert(attempt.task);
        }
    }

    pub(super) fn check_action(&mut self, core: &State, action: &Action) -> Result<(), String> {
        match action {
            Action::Launch(launch) => {
                let task = launch.attempt.task;
                if self.user_failed.contains(&task) {
                    return Err(format!("I7: {task} runs again after the user's error"));
                }
                let mut expected = BTreeSet::new();
                for read in &launch.reads {
                    expected.extend(read.maps.clone().map(|map| (read.stage, map)));
                }
                let named: Vec<_> = launch.inputs.iter().map(|i| (i.output.stage, i.output.map)).collect();
                if named.len() != expected.len() || !named.iter().all(|n| expected.contains(n)) {
                    return Err(format!(
                        "I2: {:?} reads {named:?} instead of {expected:?}",
                        launch.attempt
                    ));
                }
                if let Some(input) = launch.inputs.iter().find(|i| !self.made.contains_key(&i.output)) {
                    return Err(format!(
                        "I2: {:?} reads {:?}, which nobody made",
                        launch.attempt, input.output
                    ));
                }
                let bounds = self
                    .bounds
                    .entry((task.job, task.stage))
                    .or_insert(launch.bounds.clone());
                if *bounds != launch.bounds {
                    return Err(format!("{task}: two attempts route by different bounds"));
                }
            }
            Action::Commit { job, winners } => {
                let tasks = core
                    .jobs
                    .get(job)
                    .and_then(|j| j.stages.get(&j.result))
                    .map_or(0, |s| s.tasks.len());
                let maps: BTreeSet<u32> = winners.iter().map(|w| w.map).collect();
                if maps.len() != tasks || winners.len() != tasks {
                    return Err(format!("I3: {job} commits {winners:?} of {tasks} writers"));
                }
                let first = self.winners.entry(*job).or_insert_with(|| winners.clone());
                if first != winners {
                    return Err(format!("I3: {job} commits other outputs the second time"));
                }
                self.check_meaning(winners)?;
            }
            Action::Kill { executor, attempt, .. } if core.slip.is_none() => {
                let place = core.task(attempt.task).and_then(|t| t.place);
                let here = matches!(place, Some(Place::Executor(holder)) if holder == *executor);
                if here && core.output_stands(*attempt) {
                    return Err(format!(
                        "I2: {attempt:?} is stopped on {executor}, where readers are sent to it"
                    ));
                }
            }
            Action::Log(crate::core::Lifecycle::Refused { transition }) => {
                return Err(format!("I8: refused {transition}"));
            }
            _ => {}
        }
        Ok(())
    }

    /// That each task appears with one meaning in everything that went into `outputs`.
    fn check_meaning<'a>(&self, outputs: impl IntoIterator<Item = &'a OutputId>) -> Result<(), String> {
        let mut seen: BTreeMap<TaskId, (u64, OutputId)> = BTreeMap::new();
        let mut open: Vec<OutputId> = outputs.into_iter().copied().collect();
        let mut done = BTreeSet::new();
        while let Some(output) = open.pop() {
            if !done.insert(output) {
                continue;
            }
            let Some(made) = self.made.get(&output) else {
                return Err(format!("I2: nobody made {output:?}"));
            };
            let (first, other) = *seen.entry(AttemptId::of(output).task).or_insert((made.meaning, output));
            if first != made.meaning {
                return Err(format!("I2: the answer is of two minds: {other:?} and {output:?}"));
            }
            open.extend(&made.inputs);
        }
        Ok(())
    }

    pub(super) fn check_end(
        &mut self,
        core: &State,
        scenario: &Scenario,
        id: QueryId,
        outcome: &Result<(), Error>,
        commit: Option<&Result<(), Error>>,
    ) -> Result<(), String> {
        let Some(plan) = scenario.jobs.iter().find(|j| j.id == id) else {
            return Ok(());
        };
        match outcome {
            Ok(()) if plan.spec.writes => {
                if commit != Some(&Ok(())) {
                    return Err(format!("I3: {id} ended well without a commit"));
                }
                self.finished += 1;
            }
            Ok(()) => {
                let taken = self.taken.get(&id).cloned().unwrap_or_default();
                let tasks = core
                    .jobs
                    .get(&id)
                    .and_then(|j| j.stages.get(&j.result))
                    .map_or(0, |s| s.tasks.len());
                let maps: BTreeSet<u32> = taken.iter().map(|o| o.map).collect();
                if maps.len() != tasks && !self.stopped.contains(&id) {
                    return Err(format!("I2: {id} ended well with {taken:?} of {tasks} outputs"));
                }
                self.check_meaning(&taken)?;
                self.finished += 1;
            }
            Err(error) => {
                if commit == Some(&Ok(())) {
                    return Err(format!("I3: {id} failed after its commit: {error}"));
                }
                self.check_error(core, plan, id, error)?;
            }
        }
        Ok(())
    }

    /// That retries were spent before an infrastructure error shows.
    fn check_error(
        &self,
        core: &State,
        plan: &super::scenario::JobPlan,
        id: QueryId,
        error: &Error,
    ) -> Result<(), String> {
        let raw = matches!(
            error.condition(),
            "FAILED_READ_FILE.NO_HINT" | "INTERNAL_ERROR" | "RESOURCE_EXHAUSTED"
        );
        let of_a_limit = error.message().contains("quer");
        let of_a_commit = plan.spec.writes && error.message().contains("table's folder");
        if !raw || of_a_limit || of_a_commit {
            return Ok(());
        }
        let spent = self
            .failures
            .iter()
            .filter(|(task, _)| task.job == id)
            .any(|(_, failures)| {
                let counted = failures
                    .values()
                    .filter(|k| matches!(k, ErrorKind::Io | ErrorKind::Internal | ErrorKind::ResourceExhausted));
                let internal = failures.values().filter(|k| **k == ErrorKind::Internal).count();
                counted.count() >= core.config.max_attempts as usize || internal >= core.config.max_internal as usize
            });
        if spent {
            Ok(())
        } else {
            Err(format!("I7: {id} failed before its retries were spent: {error}"))
        }
    }

    /// What must hold after every step.
    pub(super) fn check_state(&mut self, core: &State) -> Result<(), String> {
        super::invariants::check(core)?;
        for (job, stage_id, stage) in core
            .jobs
            .iter()
            .flat_map(|(id, j)| j.stages.iter().map(move |(s, x)| (*id, *s, x)))
        {
            for (number, task) in (0..).zip(&stage.tasks) {
                for (attempt, state) in (0..).zip(&task.attempts).filter(|(_, a)| a.status.is_terminal()) {
                    let id = AttemptId {
                        task: TaskId {
                            job,
                            stage: stage_id,
                            task: number,
                        },
                        attempt,
                    };
                    let first = *self.ended.entry(id).or_insert(state.status);
                    if first != state.status {
                        return Err(format!("I8: {id:?} was {first:?} and is {:?}", state.status));
                    }
                }
            }
        }
        Ok(())
    }
}

impl World {
    /// That nothing is left behind (I6).
    pub(super) fn check_settled(&self) -> Result<(), String> {
        for (id, executor) in &self.core.executors {
            let Some(machine) = self.machines.get(id) else { continue };
            let hangs = |attempt: &AttemptId| machine.hung.contains(attempt);
            if !machine.alive || !machine.connected || machine.frozen_until > 0 || machine.connection > 0 {
                continue;
            }
            if let Some(attempt) = executor.occupied.keys().find(|a| !hangs(a)) {
                return Err(format!("I6: {attempt:?} still holds a slot of {id}"));
            }
            if let Some(attempt) = machine.running.keys().find(|a| !hangs(a)) {
                return Err(format!("I6: {attempt:?} still runs on {id}"));
            }
            // What was copied away goes with its executor, and one that drains with a task that hangs goes late.
            if self.core.is_draining(*id) && !machine.hung.is_empty() {
                continue;
            }
            if let Some(output) = machine
                .held
                .iter()
                .find(|o| !self.is_write(**o) && !self.oracle.copies.contains(&(*id, **o)))
            {
                return Err(format!("I6: {output:?} still lies on {id}"));
            }
        }
        Ok(())
    }

    /// Staged files of writers are swept by the commit or abort, not by executors.
    fn is_write(&self, output: OutputId) -> bool {
        let plan = self.scenario.jobs.iter().find(|j| j.id == output.query);
        plan.is_some_and(|p| p.spec.writes && p.stages.last().is_some_and(|s| s.id == output.stage))
    }
}
