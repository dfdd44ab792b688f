//! Every figure that the scheduler goes by.

use std::collections::BTreeMap;

use super::ids::Millis;

/// Settings of the scheduler. [`Config::default`] holds the values that `docs/settings.md` names.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Attempts a task (`spark.task.maxFailures`).
    pub max_attempts: u32,
    /// Attempts a task that fail by a bug of ours.
    pub max_internal: u32,
    /// Executor deaths that a task may be present at before it counts as their cause.
    pub max_deaths: u32,
    /// Times in a row that a stage may fail to fetch its input (`spark.stage.maxConsecutiveAttempts`).
    pub max_fetch_failures: u32,
    /// Times that outputs of a job may be lost or proved wrong.
    pub max_resubmits: u32,
    /// First wait after an I/O failure; doubles each time.
    pub backoff: Millis,
    /// Longest wait after an I/O failure.
    pub max_backoff: Millis,
    /// Without a heartbeat for this long, an executor's word is not needed to believe that it cannot be reached.
    pub suspect_after: Millis,
    /// Without a heartbeat for this long, an executor is lost.
    pub lease: Millis,
    /// A late tick by more than this means that the master itself stood still: leases are extended.
    pub stall: Millis,
    /// Time within which an executor has to take an attempt on.
    pub accept_timeout: Millis,
    /// Time after which an unanswered kill is sent again.
    pub kill_timeout: Millis,
    /// Time after which an executor that does not kill a task is drained.
    pub reap_timeout: Millis,
    /// Time after which an unanswered commit is ordered again.
    pub commit_timeout: Millis,
    /// How long jobs wait for an executor when there is none.
    pub executor_grace: Millis,
    /// How long a task waits for a host that has its data (`spark.locality.wait`).
    pub locality_wait: Millis,
    /// Who may run at once.
    pub admission: Admission,
    /// When executors and hosts are avoided.
    pub exclusion: Exclusion,
    /// Second attempts for slow tasks.
    pub speculation: Speculation,
    /// Pools by name (`spark.scheduler.allocation.file`).
    pub pools: BTreeMap<String, Pool>,
    /// What jobs without a pool and of unknown pools run in: the pool `default`.
    pub default_pool: Pool,
    /// Jobs that are kept to be shown after their end (`spark.ui.retainedJobs`).
    pub retained_jobs: usize,
}

/// Who may run at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Admission {
    /// Jobs that run.
    pub max_running: usize,
    /// Jobs that wait.
    pub max_queued: usize,
    /// How long a job may wait.
    pub queue_timeout: Millis,
}

/// When executors and hosts are avoided (`spark.excludeOnFailure.*`).
#[derive(Debug, Clone, PartialEq)]
pub struct Exclusion {
    /// Whether at all.
    pub enabled: bool,
    /// Failures on an executor in a stage that close it to the stage.
    pub stage_failures: u32,
    /// Failures on an executor within [`Exclusion::window`] that close it to all.
    pub executor_failures: u32,
    /// See above.
    pub window: Millis,
    /// Closed executors of a host that close the host.
    pub host_executors: u32,
    /// How long it lasts.
    pub expiry: Millis,
}

/// Second attempts for slow tasks (`spark.speculation.*`).
#[derive(Debug, Clone, PartialEq)]
pub struct Speculation {
    /// Whether at all.
    pub enabled: bool,
    /// Percent of a stage's tasks that have to be done.
    pub quantile: u32,
    /// Multiple of the median run time, in percent.
    pub multiplier: u32,
    /// Run time at least.
    pub min_runtime: Millis,
    /// Extra attempts in percent of a stage's tasks; one is always allowed.
    pub extra: u32,
}

/// How jobs share executors.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// Among its own jobs.
    pub mode: PoolMode,
    /// Share among pools.
    pub weight: u32,
    /// Slots it gets before others get more than theirs.
    pub min_share: u32,
    /// Jobs of it that run at once, if there is a limit.
    pub max_running: Option<usize>,
}

/// Order of the jobs of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolMode {
    /// First come, first served.
    Fifo,
    /// Who runs least comes first.
    Fair,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            mode: PoolMode::Fifo,
            weight: 1,
            min_share: 0,
            max_running: None,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            max_internal: 2,
            max_deaths: 3,
            max_fetch_failures: 4,
            max_resubmits: 16,
            backoff: 500,
            max_backoff: 30_000,
            suspect_after: 15_000,
            lease: 30_000,
            stall: 10_000,
            accept_timeout: 10_000,
            kill_timeout: 10_000,
            reap_timeout: 120_000,
            commit_timeout: 30_000,
            executor_grace: 30_000,
            locality_wait: 3_000,
            admission: Admission {
                max_running: 64,
                max_queued: 1_024,
                queue_timeout: 600_000,
            },
            exclusion: Exclusion {
                enabled: true,
                stage_failures: 2,
                executor_failures: 4,
                window: 600_000,
                host_executors: 2,
                expiry: 3_600_000,
            },
            speculation: Speculation {
                enabled: false,
                quantile: 75,
                multiplier: 300,
                min_runtime: 10_000,
                extra: 10,
            },
            pools: BTreeMap::new(),
            default_pool: Pool::default(),
            retained_jobs: 200,
        }
    }
}
