//! Planning again what is left of a query: the answer to the core's question after each stage that is done.
//!
//! The answer is made when the core is about to hear it, not when it asks: by then other stages may have started, and those
//! stay as they are. The core may still refuse it as a whole, so the master's own copy of the plan changes only if the core's
//! has. Tasks of a changed stage that are made anew later read by the changed plan, as it is the only one there is.

use std::collections::HashMap;

use rsql_common::{OutputId, QueryId, Result, StageId};
use rsql_planner::adaptive::{AdaptiveContext, Change, StageStats, Written, adapt};
use rsql_planner::stages::StageGraph;

use super::jobs::Job;
use super::scheduler::Scheduler;
use crate::core::{Event, OutputFigures, StageSpec};
use crate::rpc::messages::PlanHash;
use crate::stage_plan::StagePlan;

/// A new plan that the core is being told of.
pub(super) struct NewPlan {
    job: QueryId,
    graph: StageGraph,
    changes: Vec<StageSpec>,
    /// What was done, for people.
    done: Vec<Change>,
    plans: HashMap<StageId, (PlanHash, Vec<u8>)>,
}

impl Scheduler {
    /// Notes what a stage wrote; the answer follows.
    pub(super) fn stage_done(&mut self, job: QueryId, stage: StageId, figures: &[(OutputId, OutputFigures)]) {
        if let Some(known) = self.jobs.get_mut(&job) {
            known.adaptive.progress.finish(stage, stats(figures));
        }
        let changes = Vec::new();
        self.pending.push_back(Event::Replanned { job, stage, changes });
    }

    /// Fills in the changes of an answer.
    pub(super) fn plan_again(&mut self, event: &mut Event) -> Option<NewPlan> {
        let Event::Replanned { job, changes, .. } = event else {
            return None;
        };
        let known = self.jobs.get_mut(job)?;
        for stage in &known.graph.stages {
            if self.core.planned(*job, stage.id).is_none_or(|(_, started)| started) {
                known.adaptive.progress.start(stage.id);
            }
        }
        match new_plan(*job, known) {
            Ok(Some(plan)) => {
                changes.clone_from(&plan.changes);
                Some(plan)
            }
            Ok(None) => None,
            Err(e) => {
                // The plan that stands is as right.
                tracing::warn!(%job, error = %e, "a query is not planned again");
                None
            }
        }
    }

    /// Makes a new plan the query's plan, if the core has taken it.
    pub(super) fn adopt(&mut self, new: NewPlan) {
        let is_taken = |spec: &StageSpec| {
            let planned = self.core.planned(new.job, spec.id);
            planned.is_some_and(|(planned, _)| planned == *spec)
        };
        if !new.changes.iter().all(is_taken) {
            tracing::warn!(job = %new.job, "a new plan was refused");
            return;
        }
        self.events.planned_again(new.job, &new.graph);
        if let Some(job) = self.jobs.get_mut(&new.job) {
            job.graph = new.graph;
            if let Some(metering) = &mut job.metering {
                metering.changes.extend(new.done);
            }
            job.plans.extend(new.plans);
        }
    }
}

fn new_plan(id: QueryId, job: &Job) -> Result<Option<NewPlan>> {
    let cx = AdaptiveContext {
        shape: &job.adaptive.shape,
        settings: &job.adaptive.settings,
        joins: job.adaptive.joins.as_deref(),
    };
    let Some(adapted) = adapt(&job.graph, &job.adaptive.progress, &cx) else {
        return Ok(None);
    };
    for change in &adapted.changes {
        tracing::info!(job = %id, stage = %change.stage, rule = change.rule, "planned again");
    }
    let result = adapted.graph.result().map(|r| r.id);
    let (mut plans, mut changes) = (HashMap::new(), Vec::new());
    for stage in &adapted.graph.stages {
        let is_changed = adapted.changed.contains(&stage.id);
        if is_changed {
            let plan = StagePlan {
                stage: stage.clone(),
                settings: job.adaptive.session.clone(),
                write: job
                    .write
                    .as_ref()
                    .filter(|_| Some(stage.id) == result)
                    .map(|w| (*w.spec).clone()),
                metered: job.metering.is_some(),
            };
            plans.insert(stage.id, plan.encode()?);
        }
        // What reads a stage that has another number of tasks reads other outputs.
        if is_changed || stage.inputs.iter().any(|e| adapted.changed.contains(&e.stage)) {
            let spec = job.stage_spec(stage, &adapted.graph);
            let before = job.graph.stage(stage.id).map(|s| job.stage_spec(s, &job.graph));
            if before.as_ref() != Some(&spec) {
                changes.push(spec);
            }
        }
    }
    Ok(Some(NewPlan {
        job: id,
        graph: adapted.graph,
        changes,
        done: adapted.changes,
        plans,
    }))
}

fn stats(figures: &[(OutputId, OutputFigures)]) -> StageStats {
    let map = |(_, of): &(OutputId, OutputFigures)| {
        let partitions = of.partitions.iter();
        partitions
            .map(|p| Written {
                bytes: p.bytes,
                rows: p.rows,
            })
            .collect()
    };
    StageStats::new(figures.iter().map(map).collect())
}
