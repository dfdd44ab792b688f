//! Whose turn it is: admission of jobs, and their order when a slot is free.
//!
//! Pools come in Spark's order: those below their minimum share first, the neediest of them leading, then by slots in use for
//! each unit of weight. Inside a pool jobs come as they were submitted (FIFO) or the one that uses least first (FAIR).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rsql_common::QueryId;

use super::action::Action;
use super::config::{Pool, PoolMode};
use super::lifecycle::Lifecycle;
use super::state::{Job, State};
use super::status::{JobStatus, Machine};

/// The name of the pool that jobs of unknown pools run in.
pub const DEFAULT_POOL: &str = "default";

impl State {
    fn pool_of(&self, job: &Job) -> (&str, &Pool) {
        match self.config.pools.get_key_value(&job.spec.pool) {
            Some((name, pool)) => (name, pool),
            None => (DEFAULT_POOL, &self.config.default_pool),
        }
    }

    /// Lets waiting jobs in, first come first served, past pools that are full.
    pub(super) fn admit(&mut self) {
        loop {
            let mut running: BTreeMap<&str, usize> = BTreeMap::new();
            let mut total = 0;
            for job in self.jobs.values() {
                if job.status != JobStatus::Queued && !job.status.is_terminal() {
                    *running.entry(self.pool_of(job).0).or_default() += 1;
                    total += 1;
                }
            }
            if total >= self.config.admission.max_running {
                return;
            }
            let next = self
                .jobs
                .iter()
                .filter(|(_, job)| job.status == JobStatus::Queued)
                .filter(|(_, job)| {
                    let (name, pool) = self.pool_of(job);
                    let running = running.get(name).copied().unwrap_or(0);
                    pool.max_running.is_none_or(|max| running < max)
                })
                .min_by_key(|(_, job)| job.order)
                .map(|(id, _)| *id);
            let Some(id) = next else { return };
            self.advance_job(id, JobStatus::Planning);
            self.log(Lifecycle::Job {
                job: id,
                status: JobStatus::Planning,
                error: None,
            });
            self.order(Action::Plan { job: id });
        }
    }

    /// Running jobs, the one whose turn it is first.
    pub(super) fn turns(&self) -> Vec<QueryId> {
        let mut slots: BTreeMap<QueryId, u64> = BTreeMap::new();
        for attempt in self.executors.values().flat_map(|e| e.occupied.keys()) {
            *slots.entry(attempt.task.job).or_default() += 1;
        }
        let used = |id: &QueryId| slots.get(id).copied().unwrap_or(0);
        let mut pools: BTreeMap<&str, (&Pool, u64, Vec<QueryId>)> = BTreeMap::new();
        for id in self.running_jobs() {
            let Some(job) = self.jobs.get(&id) else { continue };
            let (name, pool) = self.pool_of(job);
            let entry = pools.entry(name).or_insert((pool, 0, Vec::new()));
            entry.1 += used(&id);
            entry.2.push(id);
        }
        let mut pools: Vec<_> = pools.into_iter().collect();
        pools.sort_by(|(a_name, a), (b_name, b)| neediest(a.0, a.1, b.0, b.1).then_with(|| a_name.cmp(b_name)));
        let mut turns = Vec::new();
        for (_, (pool, _, mut jobs)) in pools {
            let order = |id: &QueryId| self.jobs.get(id).map_or(0, |j| j.order);
            match pool.mode {
                PoolMode::Fifo => jobs.sort_by_key(order),
                PoolMode::Fair => jobs.sort_by_key(|id| (used(id), order(id))),
            }
            turns.append(&mut jobs);
        }
        turns
    }
}

/// Which of two pools, using so many slots, comes first.
fn neediest(a: &Pool, a_used: u64, b: &Pool, b_used: u64) -> Ordering {
    let below = |pool: &Pool, used: u64| used < u64::from(pool.min_share);
    match (below(a, a_used), below(b, b_used)) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (true, true) => (a_used * u64::from(b.min_share)).cmp(&(b_used * u64::from(a.min_share))),
        (false, false) => (a_used * u64::from(b.weight.max(1))).cmp(&(b_used * u64::from(a.weight.max(1)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(weight: u32, min_share: u32) -> Pool {
        Pool {
            weight,
            min_share,
            ..Pool::default()
        }
    }

    #[test]
    fn pools_below_their_share_come_first_then_by_weight() {
        let cases = [
            ((pool(1, 0), 0), (pool(1, 0), 1), Ordering::Less),
            ((pool(2, 0), 2), (pool(1, 0), 1), Ordering::Equal),
            ((pool(3, 0), 2), (pool(1, 0), 1), Ordering::Less),
            ((pool(1, 2), 1), (pool(9, 0), 0), Ordering::Less),
            ((pool(1, 2), 2), (pool(1, 0), 0), Ordering::Greater),
            ((pool(1, 4), 1), (pool(1, 2), 1), Ordering::Less),
        ];
        for ((a, a_used), (b, b_used), expected) in cases {
            assert_eq!(
                neediest(&a, a_used, &b, b_used),
                expected,
                "{a:?} {a_used} {b:?} {b_used}"
            );
        }
    }
}
