//! What a master is told when it starts.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use rsql_common::{Error, Result, Settings};

use super::pools;
use crate::core;

/// A master's place and habits.
#[derive(Debug, Clone)]
pub struct MasterConfig {
    /// Address that it listens on.
    pub host: IpAddr,
    /// Port for executors and workers; 0 picks one.
    pub port: u16,
    /// Port of the REST API; none leaves it out, 0 picks one.
    pub rest_port: Option<u16>,
    /// The join file; made if it is not there.
    pub secret_file: PathBuf,
    /// Folder of the event log; none writes no log.
    pub event_log: Option<PathBuf>,
    /// Settings of the scheduler.
    pub settings: Settings,
}

impl MasterConfig {
    /// The scheduler's settings.
    pub(super) fn core(&self) -> Result<core::Config> {
        core_config(&self.settings)
    }
}

/// The scheduler's settings, and its pools from the file that they name.
pub(crate) fn core_config(s: &Settings) -> Result<core::Config> {
    let count = |key: &str| Ok::<_, Error>(u32::try_from(s.usize(key)?).unwrap_or(u32::MAX));
    let positive = |key: &str| Ok::<_, Error>(count(key)?.max(1));
    let percent = |key: &str| Ok::<_, Error>((s.number(key)? * 100.0).round().clamp(0.0, 1e6) as u32);
    let lease = s.millis("rsql.cluster.executor.lease")?;
    let default = core::Config::default();
    let mut named = match s.get("spark.scheduler.allocation.file") {
        Some(file) if !file.is_empty() => pools::read(file)?,
        _ => BTreeMap::new(),
    };
    let usual = core::Pool {
        mode: pools::named_mode(s.get("spark.scheduler.mode").unwrap_or_default()).unwrap_or(core::PoolMode::Fifo),
        ..default.default_pool
    };
    named.entry(core::DEFAULT_POOL.to_string()).or_insert(usual);
    pools::set(&mut named, s)?;
    Ok(core::Config {
        max_attempts: positive("spark.task.maxFailures")?,
        max_internal: positive("rsql.cluster.task.maxInternalErrors")?,
        max_deaths: positive("rsql.cluster.task.maxExecutorDeaths")?,
        max_fetch_failures: positive("spark.stage.maxConsecutiveAttempts")?,
        max_resubmits: count("rsql.cluster.query.maxResubmits")?,
        backoff: s.millis("rsql.cluster.task.retryWait")?,
        max_backoff: s.millis("rsql.cluster.task.maxRetryWait")?,
        suspect_after: lease / 2,
        lease,
        reap_timeout: s.millis("spark.task.reaper.killTimeout")?,
        executor_grace: s.millis("rsql.cluster.executor.grace")?,
        locality_wait: s.millis("spark.locality.wait")?,
        admission: core::Admission {
            max_running: s.usize("rsql.cluster.queries.maxRunning")?.max(1),
            max_queued: s.usize("rsql.cluster.queries.maxQueued")?,
            queue_timeout: s.millis("rsql.cluster.query.queueTimeout")?,
        },
        exclusion: core::Exclusion {
            enabled: s.bool("spark.excludeOnFailure.enabled"),
            stage_failures: positive("spark.excludeOnFailure.stage.maxFailedTasksPerExecutor")?,
            executor_failures: positive("spark.excludeOnFailure.application.maxFailedTasksPerExecutor")?,
            host_executors: positive("spark.excludeOnFailure.application.maxFailedExecutorsPerNode")?,
            expiry: s.millis("spark.excludeOnFailure.timeout")?,
            ..default.exclusion
        },
        speculation: core::Speculation {
            enabled: s.bool("spark.speculation"),
            quantile: percent("spark.speculation.quantile")?,
            multiplier: percent("spark.speculation.multiplier")?,
            min_runtime: s.millis("spark.speculation.minTaskRuntime")?,
            ..default.speculation
        },
        default_pool: named.remove(core::DEFAULT_POOL).unwrap_or_default(),
        pools: named,
        retained_jobs: s.usize("spark.ui.retainedJobs")?,
        ..default
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_set_is_the_schedulers_own_default() {
        assert_eq!(core_config(&Settings::default()).unwrap(), core::Config::default());
    }

    #[test]
    fn each_limit_can_be_set() {
        let set = [
            ("spark.task.maxFailures", "1"),
            ("rsql.cluster.task.maxInternalErrors", "0"),
            ("rsql.cluster.task.maxExecutorDeaths", "1"),
            ("spark.stage.maxConsecutiveAttempts", "2"),
            ("rsql.cluster.query.maxResubmits", "0"),
            ("rsql.cluster.executor.lease", "6s"),
            ("spark.speculation", "true"),
            ("spark.speculation.quantile", "0.9"),
            ("spark.speculation.multiplier", "1.5"),
            ("spark.excludeOnFailure.timeout", "1m"),
            ("rsql.cluster.queries.maxRunning", "3"),
            ("spark.scheduler.mode", "fair"),
        ];
        let settings = set.iter().fold(Settings::default(), |s, (k, v)| s.with(k, v).unwrap());
        let config = core_config(&settings).unwrap();
        let limits = [
            config.max_attempts,
            config.max_internal,
            config.max_deaths,
            config.max_fetch_failures,
            config.max_resubmits,
        ];
        assert_eq!(limits, [1, 1, 1, 2, 0]);
        assert_eq!((config.lease, config.suspect_after), (6_000, 3_000));
        let speculation = &config.speculation;
        assert_eq!(
            (speculation.enabled, speculation.quantile, speculation.multiplier),
            (true, 90, 150)
        );
        assert_eq!((config.exclusion.expiry, config.admission.max_running), (60_000, 3));
        assert_eq!(config.default_pool.mode, core::PoolMode::Fair);
    }
}
