//! Runs a session's plans on the cluster: distributes them, cuts them into stages, hands them to the scheduler, reads
//! the result.

mod handed;
mod stream;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use rsql_common::{QueryId, Redaction, Result, Settings};
use rsql_exec::runner::in_one_process;
use rsql_exec::{ChunkStream, PrepareContext, Run, Runner, Unplanned};
use rsql_planner::PhysicalPlan;
use rsql_planner::adaptive::{AdaptiveSettings, Progress};
use rsql_planner::distribute::{ClusterShape, DistributeContext, distribute};
use rsql_planner::stages::{self, StageGraph};
use rsql_shuffle::QueryKey;
use tokio::runtime::Handle;

use crate::core::{JobLimits, JobSpec, LeaderEpoch};
use crate::events::FailedStatement;
use crate::master::{AdaptiveJob, Inbox, Mail, Submission};
use crate::security::Identity;
use crate::shuffle_reads::Reader;
use crate::stage_plan::StagePlan;

/// Queries that a master may number within one millisecond of its start.
const NUMBERS_PER_MILLI: u64 = 1 << 12;

/// The runner of a master.
#[derive(Debug)]
pub(crate) struct ClusterRunner {
    inbox: Inbox,
    reader: Arc<Reader>,
    next: AtomicU64,
}

impl ClusterRunner {
    pub(crate) fn new(inbox: Inbox, epoch: LeaderEpoch, identity: &Identity, runtime: Handle) -> Self {
        Self {
            inbox,
            reader: Arc::new(Reader::new(identity, runtime)),
            // No master of this cluster that came before has used these numbers.
            next: AtomicU64::new(epoch.0.wrapping_mul(NUMBERS_PER_MILLI)),
        }
    }

    /// The cluster as it is now, under a statement's settings.
    fn shape(&self, settings: &Settings) -> Result<ClusterShape> {
        let (executors, slots) = self.inbox.ask(|s| s.size())?;
        ClusterShape::from_settings(settings, executors, slots)
    }
}

impl Runner for ClusterRunner {
    fn prepare(&self, plan: PhysicalPlan, cx: &PrepareContext<'_>) -> Result<PhysicalPlan> {
        let shape = self.shape(cx.settings)?;
        if shape.executors <= 1 {
            return in_one_process(plan, cx);
        }
        distribute(
            plan,
            &DistributeContext {
                shape: &shape,
                registry: cx.registry,
                ids: cx.ids,
            },
        )
    }

    fn stages(&self, plan: &PhysicalPlan, settings: &Settings) -> Result<Option<StageGraph>> {
        stages::cut(plan.clone(), &self.shape(settings)?).map(Some)
    }

    fn start(&self, run: Run) -> Result<Box<dyn ChunkStream>> {
        let shape = self.shape(&run.settings)?;
        let graph = stages::cut((*run.plan).clone(), &shape)?;
        let settings: Vec<(String, String)> = run
            .settings
            .overrides()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect();
        let metered = run.cx.metrics.is_some();
        let mut plans = HashMap::new();
        let result = graph.result().map(|r| r.id);
        for stage in &graph.stages {
            let write = run.write.as_ref().filter(|_| Some(stage.id) == result);
            let plan = StagePlan {
                stage: stage.clone(),
                settings: settings.clone(),
                write: write.map(|w| (*w.spec).clone()),
                metered,
            };
            plans.insert(stage.id, plan.encode()?);
        }
        let query = QueryId(self.next.fetch_add(1, Ordering::Relaxed));
        let (updates, news) = mpsc::channel();
        let key = QueryKey::for_query(&run.settings);
        let spec = JobSpec {
            description: run.description.to_string(),
            user: String::new(),
            pool: run.settings.get("spark.scheduler.pool").unwrap_or_default().to_string(),
            writes: run.write.is_some(),
            limits: limits(&run.settings)?,
        };
        self.inbox.send(Mail::Submit(Box::new(Submission {
            query,
            spec,
            sql: Arc::clone(&run.sql),
            hidden: Redaction::from_settings(&run.settings)?,
            graph,
            plans,
            write: run.write.clone(),
            key: key.clone(),
            adaptive: AdaptiveJob {
                settings: AdaptiveSettings::from_settings(&run.settings)?,
                shape,
                joins: run.joins.clone(),
                session: settings,
                progress: Progress::default(),
            },
            metered,
            updates,
            progress: run.cx.progress.clone(),
        })))?;
        Ok(Box::new(stream::ClusterStream::new(
            query,
            run,
            key,
            news,
            self.inbox.clone(),
            Arc::clone(&self.reader),
        )))
    }

    fn unplanned(&self, failed: Unplanned<'_>) {
        if let Some(failed) = FailedStatement::of(failed) {
            // A master that has stopped has nobody to tell.
            _ = self.inbox.send(Mail::Unplanned(Box::new(failed)));
        }
    }
}

/// What a session may say about its own queries.
fn limits(settings: &Settings) -> Result<JobLimits> {
    let attempts = match settings.is_set("spark.task.maxFailures") {
        true => Some(u32::try_from(settings.usize("spark.task.maxFailures")?).unwrap_or(u32::MAX)),
        false => None,
    };
    let run = match settings.millis("rsql.cluster.query.timeout")? {
        0 => None,
        millis => Some(millis),
    };
    let queue = match settings.is_set("rsql.cluster.query.queueTimeout") {
        true => Some(settings.millis("rsql.cluster.query.queueTimeout")?),
        false => None,
    };
    let bytes = |key: &str| match settings.usize(key) {
        Ok(0) => Ok(None),
        bytes => bytes.map(|b| u64::try_from(b).ok()),
    };
    Ok(JobLimits {
        run,
        queue,
        output_bytes: bytes("rsql.cluster.query.maxOutputBytes")?,
        result_bytes: bytes("spark.driver.maxResultSize")?,
        attempts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_limits_its_queries() {
        assert_eq!(limits(&Settings::default()).unwrap(), JobLimits::default());
        let settings = [
            ("rsql.cluster.query.timeout", "3s"),
            ("rsql.cluster.query.queueTimeout", "2s"),
            ("rsql.cluster.query.maxOutputBytes", "1k"),
            ("spark.driver.maxResultSize", "1g"),
            ("spark.task.maxFailures", "7"),
        ];
        let settings = settings
            .iter()
            .fold(Settings::default(), |s, (key, value)| s.with(key, value).unwrap());
        let wanted = JobLimits {
            run: Some(3_000),
            queue: Some(2_000),
            output_bytes: Some(1 << 10),
            result_bytes: Some(1 << 30),
            attempts: Some(7),
        };
        assert_eq!(limits(&settings).unwrap(), wanted);
    }
}
