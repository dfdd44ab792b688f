//! How far a running statement is: written by whoever runs its plan, read by whoever watches.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// One stage of a running plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageProgress {
    /// Its number within the statement.
    pub stage: u32,
    /// All its tasks.
    pub tasks: u32,
    /// Tasks that run at present.
    pub running: u32,
    /// Tasks that are done.
    pub done: u32,
    /// Attempts that failed.
    pub failed: u32,
    /// Rows written so far, by tasks that are done.
    pub rows: u64,
    /// Bytes written so far, by tasks that are done.
    pub bytes: u64,
    /// Rows read so far, by tasks that run as well.
    pub read_rows: u64,
    /// Bytes read so far, by tasks that run as well.
    pub read_bytes: u64,
}

/// The progress of one statement. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Mutex<Vec<StageProgress>>>);

impl Progress {
    /// Replaces what is known of a stage, or adds it.
    pub fn update(&self, stage: StageProgress) {
        let mut stages = self.0.lock();
        match stages.iter_mut().find(|s| s.stage == stage.stage) {
            Some(known) => *known = stage,
            None => stages.push(stage),
        }
    }

    /// All stages known so far, in the order they became known.
    pub fn stages(&self) -> Vec<StageProgress> {
        self.0.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_kept_once() {
        let progress = Progress::default();
        let watched = progress.clone();
        for done in [0, 3] {
            progress.update(StageProgress {
                stage: 1,
                tasks: 4,
                done,
                ..StageProgress::default()
            });
        }
        progress.update(StageProgress {
            stage: 2,
            ..StageProgress::default()
        });
        let stages = watched.stages();
        assert_eq!(
            stages.iter().map(|s| (s.stage, s.done)).collect::<Vec<_>>(),
            [(1, 3), (2, 0)]
        );
    }
}
