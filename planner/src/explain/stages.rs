//! The text of a distributed plan: its stages as a tree, each under the one that reads it.
//!
//! ```text
//! stage1: 1 task, result
//! |  TopK k#0 ASC NULLS FIRST fetch 10
//! |    StageInput stage0 [k#0] ~10 rows
//! +- stage0: 4 tasks, single, read whole
//!      TopK k#0 ASC NULLS FIRST fetch 10
//!        Scan t [k#0] ~1000 rows
//! ```

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rsql_common::StageId;

use super::physical::{explain_physical_with, name_of, partitioning};
use super::replace_numbers;
use crate::stages::{Stage, StageGraph, StageRead};

/// What is to be said of stages and their nodes beside what they are.
pub trait StageNotes {
    /// Of a stage.
    fn stage(&self, stage: StageId) -> Option<String>;

    /// Of a node of a stage's plan, by its pre-order position.
    fn node(&self, stage: StageId, node: usize) -> Option<String>;
}

/// Nothing.
impl StageNotes for () {
    fn stage(&self, _stage: StageId) -> Option<String> {
        None
    }

    fn node(&self, _stage: StageId, _node: usize) -> Option<String> {
        None
    }
}

/// The stages, the result first; a stage that several read stands where it is read first.
pub fn explain_stages(graph: &StageGraph) -> String {
    explain_stages_with(graph, &())
}

/// The same with notes, in brackets. Stages that nobody reads any more follow the result if there is something to say of
/// them.
pub fn explain_stages_with(graph: &StageGraph, notes: &dyn StageNotes) -> String {
    let mut writer = Writer {
        graph,
        notes,
        shown: BTreeSet::new(),
        out: String::new(),
    };
    if let Some(result) = graph.result() {
        writer.stage(result, "result", "", "");
    }
    // Producers come first: of those left over, the last one reads the others.
    for stage in graph.stages.iter().rev() {
        if !writer.shown.contains(&stage.id) && notes.stage(stage.id).is_some() {
            writer.stage(stage, &format!("{}, not read", spread(stage)), "", "");
        }
    }
    writer.out
}

struct Writer<'a> {
    graph: &'a StageGraph,
    notes: &'a dyn StageNotes,
    shown: BTreeSet<StageId>,
    out: String,
}

impl Writer<'_> {
    /// A stage behind `head`, and what belongs to it behind `below`.
    fn stage(&mut self, stage: &Stage, role: &str, head: &str, below: &str) {
        let id = stage.id;
        if !self.shown.insert(id) {
            _ = writeln!(self.out, "{head}{id}: see above, {role}");
            return;
        }
        let tasks = if stage.tasks == 1 { "task" } else { "tasks" };
        let note = self.notes.stage(id).map(|n| format!(" [{n}]")).unwrap_or_default();
        _ = writeln!(self.out, "{head}{id}: {} {tasks}, {role}{note}", stage.tasks);
        let bar = if stage.inputs.is_empty() { "   " } else { "|  " };
        for line in explain_physical_with(&stage.plan, &|node| self.notes.node(id, node)).lines() {
            _ = writeln!(self.out, "{below}{bar}{line}");
        }
        for (i, edge) in stage.inputs.iter().enumerate() {
            let Some(producer) = self.graph.stage(edge.stage) else {
                continue;
            };
            let (head, bar) = match i + 1 == stage.inputs.len() {
                true => ("+- ", "   "),
                false => (":- ", ":  "),
            };
            let role = match producer.sample_only {
                true => format!("{}, a sample of the keys alone", spread(producer)),
                false => format!("{}, read {}", spread(producer), how(&edge.read)),
            };
            self.stage(producer, &role, &format!("{below}{head}"), &format!("{below}{bar}"));
        }
    }
}

/// How a stage spreads its rows; keys by their names.
fn spread(stage: &Stage) -> String {
    let schema = stage.plan.schema();
    let text = partitioning(&stage.partitioning);
    replace_numbers(&text, '$', &|slot| schema.fields.get(slot).map(name_of))
}

fn how(read: &StageRead) -> &'static str {
    match read {
        StageRead::Partition => "by partition",
        StageRead::All => "whole",
        StageRead::Task => "in shares",
        StageRead::Slices(_) => "in slices",
    }
}

#[cfg(test)]
mod tests {
    use rsql_common::ColumnId;
    use rsql_expr::{Expr, Field, Schema, Slot, SqlType};

    use super::*;
    use crate::PhysicalPlan;
    use crate::physical::{Asked, Partitioning, Rerun, StageInput, Union, Values};
    use crate::stages::StageEdge;

    fn schema() -> Schema {
        Schema::new([Field {
            id: ColumnId(7),
            name: "k".into(),
            ty: SqlType::Long,
            nullable: false,
        }])
    }

    fn stage(id: u32, plan: PhysicalPlan, partitioning: Partitioning, inputs: &[(u32, StageRead)]) -> Stage {
        let inputs = inputs.iter().map(|(stage, read)| StageEdge {
            stage: StageId(*stage),
            read: read.clone(),
        });
        Stage {
            id: StageId(id),
            plan,
            tasks: id as usize + 1,
            partitioning,
            rerun: Rerun::Equal,
            inputs: inputs.collect(),
            sample: None,
            asked: Asked::No,
            sample_only: false,
        }
    }

    fn input(stage: u32) -> PhysicalPlan {
        PhysicalPlan::StageInput(StageInput {
            stage: StageId(stage),
            schema: schema(),
            estimate: 5.0,
        })
    }

    fn graph() -> StageGraph {
        let values = PhysicalPlan::Values(Values {
            rows: vec![],
            schema: schema(),
        });
        let key = Expr::Slot(Slot {
            index: 0,
            ty: SqlType::Long,
        });
        let hash = Partitioning::Hash {
            keys: vec![key],
            partitions: 4,
            function: Default::default(),
        };
        let union = PhysicalPlan::Union(Union {
            inputs: vec![input(0), input(1)],
            schema: schema(),
        });
        StageGraph {
            stages: vec![
                stage(0, values, Partitioning::AsProduced, &[]),
                stage(1, input(0), hash, &[(0, StageRead::Task)]),
                stage(
                    2,
                    union,
                    Partitioning::AsProduced,
                    &[(0, StageRead::All), (1, StageRead::Partition)],
                ),
            ],
        }
    }

    #[test]
    fn stages_stand_under_their_readers() {
        let text = "\
stage2: 3 tasks, result
|  Union [k#7]
|    StageInput stage0 [k#7] ~5 rows
|    StageInput stage1 [k#7] ~5 rows
:- stage0: 1 task, as produced, read whole
:     Values 0 rows [k#7]
+- stage1: 2 tasks, hash [k#7] 4 partitions, read by partition
   |  StageInput stage0 [k#7] ~5 rows
   +- stage0: see above, as produced, read in shares
";
        assert_eq!(explain_stages(&graph()), text);
    }

    struct Ran;

    impl StageNotes for Ran {
        fn stage(&self, stage: StageId) -> Option<String> {
            (stage != StageId(1)).then(|| format!("ran {}", stage.0))
        }

        fn node(&self, stage: StageId, node: usize) -> Option<String> {
            (stage == StageId(2)).then(|| format!("node {node}"))
        }
    }

    #[test]
    fn notes_stand_behind_what_they_are_about() {
        let mut graph = graph();
        graph
            .stages
            .push(stage(3, input(1), Partitioning::Single, &[(1, StageRead::All)]));
        // The last stage is the result; stage 2, which it does not read, ran all the same.
        let text = "\
stage3: 4 tasks, result [ran 3]
|  StageInput stage1 [k#7] ~5 rows
+- stage1: 2 tasks, hash [k#7] 4 partitions, read whole
   |  StageInput stage0 [k#7] ~5 rows
   +- stage0: 1 task, as produced, read in shares [ran 0]
         Values 0 rows [k#7]
stage2: 3 tasks, as produced, not read [ran 2]
|  Union [k#7] [node 0]
|    StageInput stage0 [k#7] ~5 rows [node 1]
|    StageInput stage1 [k#7] ~5 rows [node 2]
:- stage0: see above, as produced, read whole
+- stage1: see above, hash [k#7] 4 partitions, read by partition
";
        assert_eq!(explain_stages_with(&graph, &Ran), text);
    }
}
