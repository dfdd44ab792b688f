//! Runtime filters across stages: a scan whose rows a join in a later stage would drop learns the join's keys first.
//!
//! ```text
//!   stage2  Join build stage1                    stage2  Join build stage1
//!             StageInput stage0                            StageInput stage0
//!             StageInput stage1                            StageInput stage1
//!   stage0  Scan big                       =>    stage0  Join LeftSemi publishes: rf7
//!   stage1  Scan small, filtered                           Scan big  runtime filters: rf7
//!                                                          StageInput stage3
//!                                                stage3  HashAggregate [key]
//!                                                          StageInput stage1
//! ```
//!
//! The keys are a stage like any other, read by every task of the scan's stage, so what holds of stages holds of filters:
//! they are waited for, made again when they are lost, and when they come out different what was filtered by them is rolled
//! back. A semi join keeps exactly the rows that have a partner; the scan drops most of the others by the filter that the
//! semi join publishes within the task, before their other columns are read.
//!
//! The scan waits for the other side, so that side has to be small by estimate, smaller than what it filters, and the join
//! has to drop a good part of that.

use std::collections::{BTreeMap, BTreeSet};

use rsql_common::{FilterId, StageId};
use rsql_expr::{Expr, Schema, Slot};

use super::{Stage, StageEdge, StageGraph, StageRead};
use crate::PhysicalPlan;
use crate::adaptive::check_stage;
use crate::distribute::{ClusterShape, rerun_of, rows};
use crate::logical::{JoinHint, JoinKind};
use crate::physical::{AggregateMode, Asked, HashAggregate, HashJoin, Partitioning, Scan, Side, StageInput};

/// The scan has at least so many times the rows of the side that it waits for.
const WORTH: f64 = 4.0;

/// The join is expected to keep at most this part of the rows of the side that is filtered.
const KEEPS: f64 = 0.5;

/// A join whose built side is an earlier stage's rows.
struct Publisher {
    /// The join's stage.
    join: StageId,
    /// The built side's.
    build: StageId,
    /// Over the built side's rows.
    key: Expr,
    /// Rows expected of it.
    rows: f64,
}

/// Lets scans in other stages know the keys of the joins that their filters come from. A stage that the verifier does not
/// approve with its filter stays without; those of `before` stay as they are.
pub(super) fn lay(graph: &mut StageGraph, before: &BTreeSet<StageId>, shape: &ClusterShape) {
    let mut publishers = BTreeMap::new();
    for stage in graph.stages.iter().filter(|s| !before.contains(&s.id)) {
        publishers_in(&stage.plan, stage, &mut publishers);
    }
    publishers.retain(|_, p| p.rows <= shape.filter_rows);
    for (filter, publisher) in &publishers {
        let waits: Vec<StageId> = graph
            .stages
            .iter()
            .filter(|s| s.id != publisher.join && !before.contains(&s.id))
            .filter(|s| gains(&s.plan, *filter, publisher.rows))
            .map(|s| s.id)
            .filter(|id| !depends(&graph.stages, publisher.build, *id))
            .collect();
        if waits.is_empty() {
            continue;
        }
        let Some(keys) = keys_of(&graph.stages, publisher) else {
            continue;
        };
        let (id, schema) = (keys.id, keys.plan.schema().clone());
        graph.stages.push(keys);
        for waiting in waits {
            let Some(mut stage) = graph.stage(waiting).cloned() else {
                continue;
            };
            wait(&mut stage.plan, *filter, id, &schema, publisher.rows);
            stage.inputs.push(StageEdge {
                stage: id,
                read: StageRead::All,
            });
            if check_stage(graph, &stage, shape).is_ok() {
                graph.put(stage);
            }
        }
        if !graph.stages.iter().any(|s| s.inputs.iter().any(|e| e.stage == id)) {
            graph.stages.retain(|s| s.id != id);
        }
    }
    sort(&mut graph.stages);
}

fn publishers_in(plan: &PhysicalPlan, stage: &Stage, found: &mut BTreeMap<FilterId, Publisher>) {
    if let PhysicalPlan::HashJoin(n) = plan {
        let (build, probe) = match n.build {
            Side::Left => (&n.left, &n.right),
            Side::Right => (&n.right, &n.left),
        };
        // What an anti join keeps says nothing of how many of the filtered rows have a partner.
        let drops = n.kind == JoinKind::LeftAnti || n.estimate <= KEEPS * rows(probe);
        if let PhysicalPlan::StageInput(input) = build.as_ref()
            && drops
            && stage
                .inputs
                .iter()
                .any(|e| e.stage == input.stage && e.read == StageRead::Partition)
        {
            for (filter, key) in &n.publishes {
                let Some((left, right, _)) = n.keys.get(*key) else {
                    continue;
                };
                let key = match n.build {
                    Side::Left => left.clone(),
                    Side::Right => right.clone(),
                };
                let publisher = Publisher {
                    join: stage.id,
                    build: input.stage,
                    key,
                    rows: input.estimate,
                };
                found.insert(*filter, publisher);
            }
        }
    }
    plan.children().into_iter().for_each(|c| publishers_in(c, stage, found));
}

/// Whether a scan of the plan would apply the filter and has enough rows to wait for it.
fn gains(plan: &PhysicalPlan, filter: FilterId, rows: f64) -> bool {
    match plan {
        PhysicalPlan::Scan(n) => applies(n, filter) && n.estimate >= rows * WORTH,
        other => other.children().into_iter().any(|c| gains(c, filter, rows)),
    }
}

fn applies(scan: &Scan, filter: FilterId) -> bool {
    scan.consumes.iter().any(|(id, _)| *id == filter)
}

/// Whether stage `later` reads `earlier`, directly or not, or is it.
fn depends(stages: &[Stage], later: StageId, earlier: StageId) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![later];
    while let Some(id) = open.pop() {
        if id == earlier {
            return true;
        }
        if seen.insert(id) {
            let stage = stages.iter().find(|s| s.id == id);
            open.extend(stage.into_iter().flat_map(|s| &s.inputs).map(|e| e.stage));
        }
    }
    false
}

/// The stage that reads the built side and puts out its keys, each about once.
fn keys_of(stages: &[Stage], publisher: &Publisher) -> Option<Stage> {
    let build = stages.iter().find(|s| s.id == publisher.build)?;
    let Partitioning::Hash { keys, partitions, .. } = &build.partitioning else {
        return None;
    };
    // A key may come twice if rows are spread by other columns as well.
    let mode = match keys.iter().all(|k| *k == publisher.key) {
        true => AggregateMode::Single,
        false => AggregateMode::Partial,
    };
    let Expr::Slot(slot) = &publisher.key else {
        return None;
    };
    let key = build.plan.schema().fields.get(slot.index)?.clone();
    let plan = PhysicalPlan::HashAggregate(HashAggregate {
        input: Box::new(PhysicalPlan::StageInput(StageInput {
            stage: build.id,
            schema: build.plan.schema().clone(),
            estimate: publisher.rows,
        })),
        mode,
        groups: vec![publisher.key.clone()],
        aggregates: vec![],
        estimate: publisher.rows,
        schema: Schema::new([key]),
    });
    let highest = stages.iter().map(|s| s.id.0).max()?;
    Some(Stage {
        id: StageId(highest + 1),
        rerun: rerun_of(&plan),
        plan,
        tasks: *partitions,
        partitioning: Partitioning::Broadcast,
        inputs: vec![StageEdge {
            stage: build.id,
            read: StageRead::Partition,
        }],
        sample: None,
        asked: Asked::No,
        sample_only: false,
    })
}

/// Puts a semi join with the keys above every scan that applies the filter.
fn wait(plan: &mut PhysicalPlan, filter: FilterId, keys: StageId, schema: &Schema, rows: f64) {
    match plan {
        PhysicalPlan::Scan(n) if applies(n, filter) => {
            let column = n
                .consumes
                .iter()
                .find(|(id, _)| *id == filter)
                .map(|(_, column)| *column);
            let slot = column.and_then(|c| n.projection.iter().position(|p| *p == c));
            let (Some(index), Some(key)) = (slot, schema.fields.first()) else {
                return;
            };
            let slot = |index| {
                Expr::Slot(Slot {
                    index,
                    ty: key.ty.clone(),
                })
            };
            let join = HashJoin {
                kind: JoinKind::LeftSemi,
                build: Side::Right,
                keys: vec![(slot(index), slot(0), false)],
                filter: None,
                null_aware: false,
                hint: JoinHint::default(),
                publishes: vec![(filter, 0)],
                build_estimate: rows,
                estimate: n.estimate,
                schema: n.schema.clone(),
                right: Box::new(PhysicalPlan::StageInput(StageInput {
                    stage: keys,
                    schema: schema.clone(),
                    estimate: rows,
                })),
                left: Box::new(PhysicalPlan::Scan(n.clone())),
            };
            *plan = PhysicalPlan::HashJoin(join);
        }
        other => other
            .children_mut()
            .into_iter()
            .for_each(|c| wait(c, filter, keys, schema, rows)),
    }
}

/// Producers before consumers again; else the order stays, and the result comes last.
fn sort(stages: &mut Vec<Stage>) {
    let mut left = std::mem::take(stages);
    let mut done = BTreeSet::new();
    while !left.is_empty() {
        let ready = left
            .iter()
            .position(|s| s.inputs.iter().all(|e| done.contains(&e.stage)));
        // Circles were not made; should there be one, the scheduler refuses it by name.
        let stage = left.remove(ready.unwrap_or(0));
        done.insert(stage.id);
        stages.push(stage);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rsql_catalog::{ScanSource, SourceColumn, SourceKind};
    use rsql_common::{ColumnId, Settings};
    use rsql_expr::{Field, SqlType};

    use super::*;
    use crate::explain_physical;
    use crate::physical::{Exchange, Rerun};
    use crate::stages::cut;

    fn key() -> Expr {
        Expr::Slot(Slot {
            index: 0,
            ty: SqlType::Long,
        })
    }

    fn scan(name: &str, estimate: f64, consumes: Vec<(FilterId, usize)>) -> PhysicalPlan {
        let column = SourceColumn {
            name: Arc::from("k"),
            ty: SqlType::Long,
            nullable: true,
        };
        PhysicalPlan::Scan(Scan {
            source: Arc::new(ScanSource {
                name: Arc::from(name),
                columns: Arc::from([column]),
                nested: Arc::default(),
                kind: SourceKind::Memory(Arc::default()),
            }),
            columns: vec![0],
            filters: vec![],
            projection: vec![0],
            consumes,
            limit: None,
            best_first: None,
            shared: None,
            by_bucket: false,
            estimate,
            schema: Schema::new([Field {
                id: ColumnId(name.len() as u32),
                name: Arc::from("k"),
                ty: SqlType::Long,
                nullable: true,
            }]),
        })
    }

    fn exchanged(input: PhysicalPlan, partitioning: Partitioning) -> PhysicalPlan {
        PhysicalPlan::Exchange(Exchange {
            estimate: rows(&input),
            input: Box::new(input),
            partitioning,
            rerun: Rerun::Equal,
            tasks: None,
            asked: Asked::No,
        })
    }

    fn by_key() -> Partitioning {
        Partitioning::Hash {
            keys: vec![key()],
            partitions: 4,
            function: Default::default(),
        }
    }

    fn join(left: PhysicalPlan, right: PhysicalPlan) -> PhysicalPlan {
        PhysicalPlan::HashJoin(HashJoin {
            schema: left.schema().join(right.schema()),
            left: Box::new(left),
            right: Box::new(right),
            kind: JoinKind::Inner,
            build: Side::Right,
            keys: vec![(key(), key(), false)],
            filter: None,
            null_aware: false,
            hint: JoinHint::default(),
            publishes: vec![(FilterId(7), 0)],
            build_estimate: 100.0,
            estimate: 100.0,
        })
    }

    fn stages_of(plan: PhysicalPlan) -> StageGraph {
        cut(plan, &ClusterShape::from_settings(&Settings::default(), 2, 4).unwrap()).unwrap()
    }

    fn big(rows: f64) -> PhysicalPlan {
        scan("big", rows, vec![(FilterId(7), 0)])
    }

    fn small() -> PhysicalPlan {
        scan("tiny", 100.0, vec![])
    }

    #[test]
    fn a_large_scan_waits_for_the_keys_of_the_other_side() {
        let graph = stages_of(join(exchanged(big(1e6), by_key()), exchanged(small(), by_key())));
        let order: Vec<u32> = graph.stages.iter().map(|s| s.id.0).collect();
        assert_eq!(
            order,
            [1, 3, 0, 2],
            "the small side, its keys, the large side, the join"
        );
        let keys = &graph.stages[1];
        assert_eq!(
            (keys.inputs[0].stage, &keys.partitioning),
            (StageId(1), &Partitioning::Broadcast)
        );
        let large = &graph.stages[2];
        assert_eq!(
            (large.inputs[0].stage, &large.inputs[0].read),
            (StageId(3), &StageRead::All)
        );
        let text = explain_physical(&large.plan);
        assert!(
            text.starts_with("HashJoin LeftSemi") && text.contains("publishes: rf7"),
            "{text}"
        );
        assert!(text.contains("runtime filters: rf7"), "{text}");
        let join = explain_physical(&graph.stages[3].plan);
        assert!(!join.contains("rf7"), "{join}");
    }

    #[test]
    fn a_scan_that_is_not_much_larger_does_not_wait() {
        let graph = stages_of(join(exchanged(big(300.0), by_key()), exchanged(small(), by_key())));
        assert_eq!(graph.stages.len(), 3);
        let text: String = graph.stages.iter().map(|s| explain_physical(&s.plan)).collect();
        assert!(!text.contains("rf7"), "{text}");
    }

    #[test]
    fn a_join_that_keeps_most_rows_filters_nothing() {
        let PhysicalPlan::HashJoin(mut n) = join(exchanged(big(1e6), by_key()), exchanged(small(), by_key())) else {
            return;
        };
        n.estimate = 9e5;
        assert_eq!(stages_of(PhysicalPlan::HashJoin(n)).stages.len(), 3);
    }

    #[test]
    fn a_copied_side_filters_within_the_task() {
        let graph = stages_of(join(big(1e6), exchanged(small(), Partitioning::Broadcast)));
        assert_eq!(graph.stages.len(), 2);
        let text = explain_physical(&graph.stages[1].plan);
        assert!(
            text.contains("publishes: rf7") && text.contains("runtime filters: rf7"),
            "{text}"
        );
    }

    #[test]
    fn a_scan_that_the_other_side_is_made_of_does_not_wait_for_it() {
        let few = PhysicalPlan::Limit(crate::physical::Limit {
            input: Box::new(big(1e6)),
            skip: 0,
            fetch: Some(10),
        });
        let graph = stages_of(join(exchanged(small(), by_key()), exchanged(few, by_key())));
        assert_eq!(graph.stages.len(), 3);
        assert!(graph.stages[1].inputs.is_empty());
    }
}
