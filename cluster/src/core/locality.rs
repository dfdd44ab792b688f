//! Which executors are close to what a task reads, and how long it is worth waiting for one.
//!
//! What storage says (`TaskSpec::hosts`) comes first. A task that reads earlier stages prefers executors that hold a fifth of its
//! bytes, then their hosts, whose files it can read without the network. It waits for such a host no longer than the network
//! would take to bring the bytes, and never longer than `spark.locality.wait`: a small input is not worth an idle slot. With one
//! host there is nothing to wait for.
//!
//! Inputs are weighed once for each attempt, when it can start: partitions times maps over a stage, not for each look at it.
//! What moves in between makes the preference worse and nothing wrong.

use std::collections::{BTreeMap, BTreeSet};

use rsql_common::ExecutorId;

use super::ids::{AttemptId, Millis};
use super::placement::waiting;
use super::state::{Executor, Job, Place, State, Task};
use super::status::StageStatus;

/// More inputs than this are not weighed: they are spread evenly anyway.
const MAX_MAPS_WEIGHED: usize = 1_000;

/// Who holds one in so many bytes of a task's input is close to it.
const FAIR_SHARE: u64 = 5;

/// What a network brings at least: a gigabit a second, about.
const NETWORK_BYTES_A_MILLI: u64 = 100_000;

/// Where the input of an attempt is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Near {
    /// Executors with a share of it.
    executors: BTreeSet<ExecutorId>,
    /// Hosts with a share of it.
    hosts: BTreeSet<String>,
    /// How long to wait for one of these hosts while others are free.
    pub(super) patience: Millis,
}

impl Near {
    pub(super) fn is_holder(&self, id: ExecutorId) -> bool {
        self.executors.contains(&id)
    }

    pub(super) fn is_host_of(&self, executor: &Executor) -> bool {
        self.hosts.contains(&executor.spec.host)
    }
}

impl State {
    /// Weighs the inputs of attempts that can start and were not looked at before.
    pub(super) fn weigh_inputs(&mut self) {
        if !self.has_free_slots() {
            return;
        }
        let mut weighed: Vec<(AttemptId, Near)> = Vec::new();
        for id in self.running_jobs() {
            let Some(job) = self.jobs.get(&id) else { continue };
            for (stage_id, stage) in &job.stages {
                if !matches!(stage.status, StageStatus::Ready | StageStatus::Running) {
                    continue;
                }
                for attempt in waiting(id, *stage_id, stage, self.now) {
                    let Some(task) = stage.tasks.get(attempt.task.task as usize) else {
                        continue;
                    };
                    let known = task.attempts.get(attempt.attempt as usize).map(|a| a.near.is_some());
                    if known == Some(false) {
                        weighed.push((attempt, self.near(job, stage.tasks.len(), task)));
                    }
                }
            }
        }
        for (id, near) in weighed {
            if let Some(attempt) = self.attempt_mut(id) {
                attempt.near = Some(near);
            }
        }
    }

    fn near(&self, job: &Job, readers: usize, task: &Task) -> Near {
        if !task.spec.hosts.is_empty() {
            return Near {
                executors: BTreeSet::new(),
                hosts: task.spec.hosts.iter().cloned().collect(),
                patience: self.config.locality_wait,
            };
        }
        let reads = task.spec.reads.iter().map(|r| r.maps.len()).sum::<usize>();
        if reads == 0 || reads > MAX_MAPS_WEIGHED || readers > MAX_MAPS_WEIGHED {
            return Near::default();
        }
        let held = bytes_held(job, task);
        let total: u64 = held.values().sum();
        let is_fair = |bytes: u64| total > 0 && bytes >= total / FAIR_SHARE;
        let executors = held.iter().filter(|(_, b)| is_fair(**b)).map(|(id, _)| *id).collect();
        let mut all = self.executors.values().map(|e| &e.spec.host);
        let first = all.next();
        if all.all(|host| Some(host) == first) {
            return Near {
                executors,
                ..Near::default()
            };
        }
        let mut on_hosts: BTreeMap<&str, u64> = BTreeMap::new();
        for (id, bytes) in &held {
            if let Some(executor) = self.executors.get(id) {
                *on_hosts.entry(&executor.spec.host).or_default() += bytes;
            }
        }
        on_hosts.retain(|_, bytes| is_fair(*bytes));
        let most = on_hosts.values().max().copied().unwrap_or(0);
        Near {
            executors,
            hosts: on_hosts.into_keys().map(str::to_string).collect(),
            patience: (most / NETWORK_BYTES_A_MILLI).min(self.config.locality_wait),
        }
    }
}

/// Bytes of what the task reads, by who holds them.
fn bytes_held(job: &Job, task: &Task) -> BTreeMap<ExecutorId, u64> {
    let mut held = BTreeMap::new();
    for read in &task.spec.reads {
        let Some(producer) = job.stages.get(&read.stage) else {
            continue;
        };
        for map in read.maps.clone().filter_map(|m| producer.tasks.get(m as usize)) {
            if let (Some(Place::Executor(executor)), Some(figures)) = (map.place, map.figures()) {
                let partition = figures.partitions.get(read.partition as usize);
                *held.entry(executor).or_default() += partition.map_or(0, |p| p.bytes);
            }
        }
    }
    held
}
