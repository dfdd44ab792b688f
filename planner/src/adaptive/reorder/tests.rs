//! The plan that is left, put together, ordered and cut again.

use std::sync::Arc;

use rsql_common::ids::IdGen;
use rsql_common::{ColumnId, Result, StageId};
use rsql_expr::{Expr, Field, FunctionRegistry, Schema, Slot, SqlType};

use super::super::testing::shape;
use super::super::{Adapted, AdaptiveContext, AdaptiveSettings, Progress, StageStats, Written, adapt};
use super::{JoinPlanner, Leaf};
use crate::distribute::{ClusterShape, DistributeContext, distribute};
use crate::estimates::Estimates;
use crate::logical::{CteRef, JoinKind};
use crate::physical::{AggregateMode, Asked, HashAggregate, HashJoin, Partitioning, PhysicalPlan, Range, Side};
use crate::stages::{StageGraph, cut};
use crate::{LogicalPlan, explain_stages};

/// Joins leaves from the smallest to the largest on their first columns, which are all equal.
#[derive(Debug, Default)]
struct SmallestFirst {
    registry: FunctionRegistry,
    ids: IdGen,
}

impl JoinPlanner for SmallestFirst {
    fn plan(&self, joins: LogicalPlan, leaves: &[Leaf], anew: bool) -> Result<(LogicalPlan, Estimates)> {
        if !anew {
            let estimates = estimated(&joins, leaves);
            return Ok((joins, estimates));
        }
        let ids: Vec<ColumnId> = joins.schema().iter().map(|f| f.id).collect();
        let mut sorted: Vec<&Leaf> = leaves.iter().collect();
        sorted.sort_by(|a, b| a.rows.total_cmp(&b.rows));
        let mut sorted = sorted.into_iter().map(|l| {
            LogicalPlan::CteRef(CteRef {
                id: l.id,
                schema: l.schema.clone(),
            })
        });
        let first = sorted.next().unwrap();
        let plan = sorted.fold(first, |left, right| {
            let key = |p: &LogicalPlan| p.columns().remove(0);
            let on = vec![(key(&left), key(&right))];
            LogicalPlan::join(left, right, JoinKind::Inner, on, None)
        });
        let plan = plan.project_columns(&ids);
        let estimates = estimated(&plan, leaves);
        Ok((plan, estimates))
    }

    fn registry(&self) -> &FunctionRegistry {
        &self.registry
    }

    fn ids(&self) -> &IdGen {
        &self.ids
    }
}

/// A join gives as many rows as its smaller side.
fn estimated(plan: &LogicalPlan, leaves: &[Leaf]) -> Estimates {
    let children: Vec<Estimates> = plan.children().into_iter().map(|c| estimated(c, leaves)).collect();
    let fewest = children.iter().map(|c| c.rows).fold(f64::INFINITY, f64::min);
    let rows = match plan {
        LogicalPlan::CteRef(n) => leaves.iter().find(|l| l.id == n.id).map_or(0.0, |l| l.rows),
        _ => fewest,
    };
    Estimates { rows, children }
}

fn key() -> Expr {
    Expr::Slot(Slot {
        index: 0,
        ty: SqlType::Long,
    })
}

fn range(id: u32, rows: i64) -> PhysicalPlan {
    PhysicalPlan::Range(Range {
        start: 0,
        end: rows,
        step: 1,
        schema: Schema::new([Field {
            id: ColumnId(id),
            name: Arc::from(format!("c{id}")),
            ty: SqlType::Long,
            nullable: false,
        }]),
    })
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
        hint: Default::default(),
        publishes: vec![],
        build_estimate: 1e5,
        estimate: 1e5,
    })
}

fn no_copies() -> ClusterShape {
    ClusterShape {
        broadcast_bytes: -1.0,
        copied_bytes: -1.0,
        ..shape()
    }
}

/// Three tables of so many rows each by estimate, joined in their order, grouped by the first one's column.
fn graph(rows: i64) -> StageGraph {
    let plan = join(join(range(100, rows), range(101, rows)), range(102, rows));
    let plan = PhysicalPlan::HashAggregate(HashAggregate {
        mode: AggregateMode::Single,
        groups: vec![key()],
        aggregates: vec![],
        estimate: 10.0,
        schema: Schema::new(plan.schema().iter().take(1).cloned()),
        input: Box::new(plan),
    });
    let shape = no_copies();
    let cx = DistributeContext {
        shape: &shape,
        registry: &FunctionRegistry::default(),
        ids: &IdGen::default(),
    };
    cut(distribute(plan, &cx).unwrap(), &shape).unwrap()
}

fn done(graph: &StageGraph, progress: &mut Progress, id: u32, rows: u64) {
    let stage = graph.stage(StageId(id)).unwrap();
    let partitions = stage.partitioning.partitions_written();
    let each = rows / (stage.tasks * partitions) as u64;
    let written = Written {
        bytes: each * 8,
        rows: each,
    };
    progress.finish(stage.id, StageStats::new(vec![vec![written; partitions]; stage.tasks]));
}

fn adapted(graph: &StageGraph, progress: &Progress, saves: f64) -> Option<Adapted> {
    let settings = AdaptiveSettings {
        broadcast_bytes: -1.0,
        coalesce: false,
        reorder_saves: saves,
        ..AdaptiveSettings::from_settings(&rsql_common::Settings::default()).unwrap()
    };
    let cx = AdaptiveContext {
        shape: &no_copies(),
        settings: &settings,
        joins: Some(&SmallestFirst::default()),
    };
    adapt(graph, progress, &cx).filter(|new| new.changes.iter().any(|c| c.rule == "ReorderJoin"))
}

/// The stages that are new, with those that they read.
fn new_reads(graph: &StageGraph, new: &Adapted) -> Vec<Vec<u32>> {
    let is_new =
        |s: &&crate::stages::Stage| graph.stage(s.id).is_none() || Some(s.id) == new.graph.result().map(|r| r.id);
    let needed = new.graph.needed();
    let stages = new
        .graph
        .stages
        .iter()
        .filter(|s| needed.contains(&s.id))
        .filter(is_new);
    stages.map(|s| s.inputs.iter().map(|e| e.stage.0).collect()).collect()
}

#[test]
fn the_input_that_came_out_small_is_joined_first() {
    let graph = graph(100_000);
    let text = explain_stages(&graph);
    assert_eq!(graph.stages.len(), 4, "all meet by one key: {text}");
    let mut progress = Progress::default();
    for (id, rows) in [(0, 120_000), (1, 120_000), (2, 12)] {
        done(&graph, &mut progress, id, rows);
    }
    let new = adapted(&graph, &progress, 0.0).unwrap();
    assert_eq!(new.graph.result().map(|r| r.id), graph.result().map(|r| r.id));
    assert_eq!(
        new_reads(&graph, &new),
        [[0, 1, 2]],
        "outputs that lie well are read as they lie"
    );
    let text = explain_stages(&new.graph);
    let (small, large) = (text.find("stage2 [c102"), text.find("stage1 [c101"));
    assert!(small.is_some() && small < large, "{text}");
    let PhysicalPlan::HashAggregate(n) = &new.graph.result().unwrap().plan else {
        panic!("{text}")
    };
    assert_eq!(n.mode, AggregateMode::Single);
}

#[test]
fn a_gain_that_is_too_small_changes_nothing() {
    let graph = graph(100_000);
    let mut progress = Progress::default();
    for (id, rows) in [(0, 120_000), (1, 120_000), (2, 12)] {
        done(&graph, &mut progress, id, rows);
    }
    assert!(adapted(&graph, &progress, 1e9).is_none());
}

#[test]
fn what_came_as_expected_stays() {
    let graph = graph(100_000);
    let mut progress = Progress::default();
    for id in 0..3 {
        done(&graph, &mut progress, id, 96_000);
    }
    assert!(adapted(&graph, &progress, 0.0).is_none());
}

#[test]
fn nothing_is_planned_again_once_the_result_runs_or_before_a_figure_is_known() {
    let graph = graph(100_000);
    assert!(adapted(&graph, &Progress::default(), 0.0).is_none());
    let mut progress = Progress::default();
    for (id, rows) in [(0, 120_000), (1, 120_000), (2, 12)] {
        done(&graph, &mut progress, id, rows);
    }
    progress.start(StageId(3));
    assert!(adapted(&graph, &progress, 0.0).is_none());
}

#[test]
fn exchanges_that_were_asked_for_are_not_planned_away() {
    let mut graph = graph(100_000);
    let mut progress = Progress::default();
    for (id, rows) in [(0, 120_000), (1, 120_000), (2, 12)] {
        done(&graph, &mut progress, id, rows);
    }
    graph.stages[1].asked = Asked::Partitions;
    assert!(matches!(graph.stages[1].partitioning, Partitioning::Hash { .. }));
    assert!(adapted(&graph, &progress, 0.0).is_none());
}

#[test]
fn a_query_is_not_planned_for_ever() {
    let mut graph = graph(100_000);
    let mut progress = Progress::default();
    for (id, rows) in [(0, 120_000), (1, 120_000), (2, 12)] {
        done(&graph, &mut progress, id, rows);
    }
    assert!(adapted(&graph, &progress, 0.0).is_some());
    for id in 10..10 + super::MOST_STAGES as u32 {
        let left_over = graph.stages[0].clone();
        graph.stages.insert(
            0,
            crate::stages::Stage {
                id: StageId(id),
                ..left_over
            },
        );
    }
    assert!(adapted(&graph, &progress, 0.0).is_none());
}
