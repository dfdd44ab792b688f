//! New plans of what is left, drawn at random: more or fewer tasks for a stage that has not started, an input less, or another
//! stage in its place, as when joins change their order.

use rsql_common::{QueryId, StageId};

use super::world::World;
use crate::core::state::Stage;
use crate::core::{StageSpec, TaskSpec};

impl World {
    /// Changed stages, which fit what has started by now; by the time the core hears of them they may not any more.
    pub(super) fn replan(&mut self, job: QueryId) -> Vec<StageSpec> {
        let Some(job) = self.core.jobs.get(&job) else {
            return Vec::new();
        };
        let open: Vec<StageId> = job
            .stages
            .iter()
            .filter(|(_, s)| !s.has_started())
            .map(|(id, _)| *id)
            .collect();
        if open.is_empty() || self.rng.chance(250) {
            return Vec::new();
        }
        let stage = open[self.rng.range(0, open.len() as u64) as usize];
        if self.rng.chance(250) {
            return self.without_input(&job.stages[&stage]);
        }
        let mut changed = job.stages[&stage].whole_spec();
        let tasks = self.rng.range(1, 6) as usize;
        changed.tasks = changed.tasks.iter().cycle().take(tasks).cloned().collect();
        // The result keeps its name, and so does whose samples somebody waits for.
        let awaited = job.stages.values().any(|s| s.spec.bounds_of == Some(stage));
        let highest = job.stages.keys().map(|id| id.0).max().unwrap_or(0);
        if stage != job.result && !awaited && self.rng.chance(300) {
            changed.id = StageId(highest + 1);
        }
        let now = changed.id;
        let readers = job.stages.values().filter(|s| s.producers().contains(&stage));
        let mut changes = vec![changed];
        for reader in readers {
            let mut spec = reader.whole_spec();
            for read in spec.tasks.iter_mut().flat_map(|t| &mut t.reads) {
                if read.stage == stage {
                    read.stage = now;
                    read.maps = 0..tasks as u32;
                }
            }
            changes.push(spec);
        }
        changes
    }

    /// The stage reads one stage less, as when that turned out empty. Its bounds stay needed.
    fn without_input(&self, stage: &Stage) -> Vec<StageSpec> {
        let mut spec = stage.whole_spec();
        let producers = stage.producers();
        let Some(dropped) = producers.iter().find(|p| spec.bounds_of != Some(**p)) else {
            return Vec::new();
        };
        if producers.len() < 2 {
            return Vec::new();
        }
        let keep = |task: &mut TaskSpec| task.reads.retain(|r| r.stage != *dropped);
        spec.tasks.iter_mut().for_each(keep);
        vec![spec]
    }
}
