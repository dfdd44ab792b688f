//! What a seed stands for: jobs, executors, a configuration and how hostile the world is. Printed when a seed fails.

use std::collections::{BTreeMap, BTreeSet};

use rsql_common::{QueryId, StageId};
use rsql_planner::physical::Rerun;

use super::rng::Rng;
use crate::core::{Config, JobLimits, JobSpec, Millis, Pool, PoolMode, Read, StageSpec, TaskSpec};

/// Everything that is drawn before the run starts.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) config: Config,
    pub(super) executors: u64,
    pub(super) slots: u64,
    pub(super) hosts: u64,
    pub(super) jobs: Vec<JobPlan>,
    /// When the faults end.
    pub(super) calm_at: Millis,
    /// Mean time between faults.
    pub(super) fault_every: Millis,
    /// Longest delay of a message, in general.
    pub(super) delay: u64,
    /// Messages that come twice, and that come very late, in a thousand.
    pub(super) unruly: u64,
    /// Whether executors that die are replaced.
    pub(super) replace: bool,
    /// Attempts that fail by I/O, in a thousand; memory and bugs are rarer.
    pub(super) flaky: u64,
}

/// A job.
#[derive(Debug)]
pub(super) struct JobPlan {
    pub(super) id: QueryId,
    pub(super) at: Millis,
    pub(super) spec: JobSpec,
    pub(super) stages: Vec<StageSpec>,
    /// Stages that promise equal rows or groups and do not keep it.
    pub(super) liars: BTreeSet<StageId>,
    /// A task that fails by the user's fault.
    pub(super) user_error: Option<(StageId, u32)>,
    /// A task that takes its executor down.
    pub(super) poison: Option<(StageId, u32)>,
    /// When the client gives up.
    pub(super) cancel_at: Option<Millis>,
    /// Whether planning fails.
    pub(super) unplannable: bool,
    /// Whether the reader stops after the first output.
    pub(super) limit: bool,
}

impl Scenario {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let hostile = rng.range(0, 4);
        let mut config = Config::default();
        config.speculation.enabled = rng.chance(400);
        config.exclusion.enabled = rng.chance(700);
        if rng.chance(150) {
            config.max_resubmits = 5;
        }
        if rng.chance(200) {
            config.admission.max_running = 1;
            config.admission.queue_timeout = rng.range(5_000, 60_000);
            config.admission.max_queued = rng.range(0, 3) as usize;
        }
        if rng.chance(300) {
            config.pools = BTreeMap::from([(
                "etl".to_string(),
                Pool {
                    mode: PoolMode::Fair,
                    weight: 2,
                    min_share: 1,
                    max_running: Some(1),
                },
            )]);
        }
        let calm_at = rng.range(5_000, 90_000);
        let n_jobs = rng.range(1, 4);
        let jobs = (0..n_jobs).map(|n| JobPlan::draw(rng, n + 1, calm_at)).collect();
        Self {
            config,
            executors: rng.range(1, 5),
            slots: rng.range(1, 3),
            hosts: rng.range(1, 4),
            jobs,
            calm_at,
            fault_every: [1_000_000, 30_000, 8_000, 2_500][hostile as usize],
            delay: [5, 50, 400, 3_000][rng.range(0, 4) as usize],
            unruly: rng.range(0, 80),
            replace: rng.chance(850),
            flaky: [0, 10, 60, 250][rng.range(0, 4) as usize],
        }
    }
}

impl JobPlan {
    fn draw(rng: &mut Rng, number: u64, calm_at: Millis) -> Self {
        let id = QueryId(number);
        let n_stages = rng.range(1, 5) as u32;
        let mut stages: Vec<StageSpec> = Vec::new();
        let mut liars = BTreeSet::new();
        for stage in 0..n_stages {
            let reads_of = draw_inputs(rng, stage);
            // Some are wide enough for a lost disk to cost more outputs than a stage may fail to fetch.
            let n_tasks = if rng.chance(100) {
                rng.range(5, 10)
            } else {
                rng.range(1, 5)
            } as u32;
            let tasks = (0..n_tasks)
                .map(|task| TaskSpec {
                    reads: reads_of
                        .iter()
                        .map(|from| Read {
                            stage: StageId(*from),
                            partition: task % PARTITIONS,
                            maps: 0..stages[*from as usize].tasks.len() as u32,
                        })
                        .collect(),
                    hosts: if rng.chance(300) {
                        vec![format!("host{}", rng.range(0, 4))]
                    } else {
                        Vec::new()
                    },
                    memory: 0,
                })
                .collect();
            let rerun = match rng.range(0, 8) {
                0..4 => Rerun::Equal,
                4..6 => Rerun::Mergeable,
                _ => Rerun::Indeterminate,
            };
            if rerun != Rerun::Indeterminate && rng.chance(150) {
                liars.insert(StageId(stage));
            }
            let bounds_of = reads_of.first().filter(|_| rng.chance(200)).map(|s| StageId(*s));
            stages.push(StageSpec {
                id: StageId(stage),
                name: format!("stage {stage}"),
                tasks,
                rerun,
                bounds_of,
                replan: rng.chance(500) && stage + 1 < n_stages,
            });
        }
        let some_task = |rng: &mut Rng| {
            let stage = &stages[rng.range(0, stages.len() as u64) as usize];
            (stage.id, rng.range(0, stage.tasks.len() as u64) as u32)
        };
        let at = rng.range(0, calm_at / 2);
        Self {
            id,
            at,
            spec: JobSpec {
                description: format!("query {number}"),
                user: String::new(),
                pool: if rng.chance(500) {
                    "etl".to_string()
                } else {
                    String::new()
                },
                writes: rng.chance(300),
                limits: JobLimits {
                    run: rng.chance(100).then(|| rng.range(1_000, 120_000)),
                    ..JobLimits::default()
                },
            },
            liars,
            user_error: rng.chance(80).then(|| some_task(rng)),
            poison: rng.chance(40).then(|| some_task(rng)),
            cancel_at: rng.chance(120).then(|| at + rng.range(0, 40_000)),
            unplannable: rng.chance(20),
            limit: rng.chance(80),
            stages,
        }
    }
}

/// Partitions that every stage writes.
pub(super) const PARTITIONS: u32 = 2;

/// Earlier stages that a stage reads: the one before, so that all are read, and maybe another.
fn draw_inputs(rng: &mut Rng, stage: u32) -> Vec<u32> {
    let mut inputs = Vec::new();
    if stage > 0 {
        inputs.push(stage - 1);
        if stage > 1 && rng.chance(350) {
            inputs.push(rng.range(0, u64::from(stage) - 1) as u32);
        }
    }
    inputs
}
