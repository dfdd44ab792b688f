//! The judge: what is made of what, and whether the invariants I1 to I8 hold.
//!
//! Each output gets a *meaning*: a number that stands for its rows as far as the answer goes. Honest tasks give the meaning
//! that their inputs imply; indeterminate tasks and liars give another one each time. An answer is right exactly if, over
//! everything that went into it, each map task appears with one meaning.

use std::collections::{BTreeMap, BTreeSet};

use rsql_common::{Error, ExecutorId, OutputId, QueryId, StageId};
use rsql_planner::physical::Rerun;

use super::rng::mix;
use super::scenario::Scenario;
use super::spent::{Spent, came_to_nothing};
use super::world::World;
use crate::core::state::{Place, State};
use crate::core::{Action, AttemptId, AttemptStatus, Bounds, Machine, OutputFigures, PartitionFigures, TaskId};

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
    /// What speaks for failures.
    pub(super) spent: Spent,
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
        let mut honest = mix(task.job.0 << 20 | u64::from(task.stage.0) << 10 | u64::from(task.task));
        for input in &inputs {
            let input = self.made.get(input).map_or(0, |m| m.meaning);
            honest = mix(honest ^ mix(input));
        }
        let again = mix(honest ^ u64::from(attempt.attempt + 1));
        let groups = if liar || rerun == Rerun::Indeterminate {
            again
        } else {
            honest
        };
        // Partial aggregates are cut into other rows each time, and mean the same.
        let cut = if rerun == Rerun::Mergeable { again } else { groups };
        let figures = |p: u64| match mix(groups ^ p << 32) % 4 {
            0 => PartitionFigures::default(),
            _ => PartitionFigures {
                bytes: [100, 50_000_000][(groups % 2) as usize],
                rows: 10,
                hash: (mix(cut ^ p), cut),
            },
        };
        let partitions: Vec<_> = (0..u64::from(partitions)).map(figures).collect();
        // As far as can be told from the rows: that one is there, if they are partial aggregates.
        let meaning = partitions.iter().fold(honest, |meaning, p| {
            let rows = if rerun == Rerun::Mergeable { p.rows } else { p.hash.0 };
            mix(meaning ^ rows)
        });
        self.made.insert(attempt.output(), Made { meaning, inputs });
        OutputFigures {
            partitions,
            ..OutputFigures::default()
        }
    }

    /// Whether a task of the query gave other rows the second time.
    fn is_of_two_minds(&self, id: QueryId) -> bool {
        let mut seen: BTreeMap<TaskId, u64> = BTreeMap::new();
        let of_job = self.made.iter().filter(|(output, _)| output.query == id);
        of_job
            .into_iter()
            .any(|(output, made)| *seen.entry(AttemptId::of(*output).task).or_insert(made.meaning) != made.meaning)
    }

    pub(super) fn check_action(&mut self, core: &State, action: &Action) -> Result<(), String> {
        self.spent.note_action(core.now, action);
        match action {
            Action::Launch(launch) => {
                let task = launch.attempt.task;
                if self.spent.is_users_fault(task) {
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
                let of_the_commit = commit.is_some_and(|c| c.as_ref() == Err(error));
                let taken = self.taken.get(&id).is_some_and(|t| !t.is_empty());
                if !of_the_commit {
                    self.spent.check(core, plan, error, self.is_of_two_minds(id), taken)?;
                }
            }
        }
        Ok(())
    }

    /// What must hold after every step.
    pub(super) fn check_state(&mut self, core: &State) -> Result<(), String> {
        super::invariants::check(core)?;
        self.spent.note_state(core);
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
        for job in self.scenario.jobs.iter().map(|j| j.id) {
            if came_to_nothing(&self.core, job) && !self.aborted.contains(&job) {
                return Err(format!("I6: what {job} staged is left"));
            }
        }
        for (id, executor) in &self.core.executors {
            let Some(machine) = self.machines.get(id) else { continue };
            let hangs = |attempt: &AttemptId| machine.hung.contains(attempt);
            if !machine.alive || !machine.connected || machine.frozen_until > self.now {
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
