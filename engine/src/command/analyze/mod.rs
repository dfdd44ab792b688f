//! EXPLAIN ANALYZE: what each node of a plan did.
//!
//! ```text
//! Scan lineitem … [rows: 1139264, bytes: 36.5 MB, time: 85.113 ms, scan: 1 of 3 row groups and 2 of 40 page ranges
//!   pruned (1068576 rows), 420 rows filtered, …, read 12.1 MB, decompressed 30.0 MB]
//! ```
//!
//! Times are of all workers together; memory is the most that was reserved at one time. On a cluster the stages are shown
//! as they ended up, with figures of the attempts whose output counted, and how they came to differ from what was planned:
//!
//! ```text
//! stage1: 1 task, single, read whole [tasks: 1, rows: 5, bytes: 120 B, time: 4.000 ms, longest task: 4.000 ms]
//! |  HashAggregate final … [rows: 5, bytes: 80 B, time: 0.210 ms, memory: 1.1 kB]
//! …
//! adaptive: CoalesceShufflePartitions on stage1
//! ```

mod text;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use rsql_common::{Result, StageId};
use rsql_exec::metrics::{PlanMetrics, StageRun, StagedRun};
use rsql_exec::pipeline::Flow;
use rsql_planner::{StageNotes, explain_physical_with, explain_stages_with};

use crate::query::{PlannedQuery, StatementCx};

/// Runs the plan and writes behind each node what it did.
pub(super) fn analyze(cx: &StatementCx<'_>, planned: &PlannedQuery) -> Result<String> {
    let mut task = cx.new_task()?;
    let metrics = Arc::new(PlanMetrics::default());
    task.metrics = Some(Arc::clone(&metrics));
    let start = std::time::Instant::now();
    let mut stream = cx.start(planned, Arc::new(task))?;
    rsql_exec::runner::for_each_chunk(stream.as_mut(), &mut |_| Ok(Flow::Continue))?;
    let staged = stream.staged_run();
    drop(stream);
    let elapsed = start.elapsed();
    let mut out = String::from("== Analyzed Physical Plan ==\n");
    match &staged {
        Some(run) => out.push_str(&explain_stages_with(&run.graph, &Notes(run))),
        None => {
            let nodes = metrics.figures();
            let note = |node: usize| nodes.get(node).map(text::node);
            out.push_str(&explain_physical_with(&planned.physical, &note));
        }
    }
    for (what, time) in [
        ("analysis", planned.analysis),
        ("optimization", planned.optimization),
        ("lowering", planned.lowering),
        ("execution", elapsed),
    ] {
        _ = writeln!(out, "{what}: {}", text::millis(time));
    }
    if let Some(run) = &staged {
        out.push_str(&changes(run));
    }
    Ok(out)
}

/// What stands behind stages and nodes.
struct Notes<'a>(&'a StagedRun);

impl Notes<'_> {
    fn of(&self, stage: StageId) -> Option<&StageRun> {
        self.0.stages.get(&stage)
    }
}

impl StageNotes for Notes<'_> {
    fn stage(&self, stage: StageId) -> Option<String> {
        self.of(stage).map(text::stage)
    }

    fn node(&self, stage: StageId, node: usize) -> Option<String> {
        self.of(stage)?.nodes.get(node).map(text::node)
    }
}

/// One line for each thing that was done to a stage; what was done again as more became known stands once.
fn changes(run: &StagedRun) -> String {
    let mut told = BTreeSet::new();
    let new = run.changes.iter().filter(|change| told.insert(**change));
    new.map(|c| format!("adaptive: {} on {}\n", c.rule, c.stage)).collect()
}
