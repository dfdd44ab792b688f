//! What a master is told when it starts.

use std::net::IpAddr;
use std::path::PathBuf;

use rsql_common::{Error, Result, Settings};

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
        let s = &self.settings;
        let count = |key: &str| Ok::<_, Error>(u32::try_from(s.usize(key)?).unwrap_or(u32::MAX));
        let mut config = core::Config {
            max_attempts: count("spark.task.maxFailures")?.max(1),
            max_fetch_failures: count("spark.stage.maxConsecutiveAttempts")?.max(1),
            lease: s.millis("rsql.cluster.executor.lease")?,
            executor_grace: s.millis("rsql.cluster.executor.grace")?,
            locality_wait: s.millis("spark.locality.wait")?,
            ..core::Config::default()
        };
        config.suspect_after = config.lease / 2;
        config.speculation.enabled = s.bool("spark.speculation");
        config.exclusion.enabled = s.bool("spark.excludeOnFailure.enabled");
        config.default_pool.mode = match s.get("spark.scheduler.mode") {
            Some(mode) if mode.eq_ignore_ascii_case("FAIR") => core::PoolMode::Fair,
            _ => core::PoolMode::Fifo,
        };
        Ok(config)
    }
}
