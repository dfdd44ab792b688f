//! Small graphs for the tests of the rules: a join of two stages that are spread by its key.

use std::sync::Arc;

use rsql_catalog::buckets::bucket_suffix;
use rsql_catalog::{Buckets, FileFormat, FileSource, ScanSource, SourceColumn, SourceFile, SourceKind};
use rsql_common::ids::IdGen;
use rsql_common::{ColumnId, Error, Result, Settings, StageId};
use rsql_expr::{Expr, Field, FunctionRegistry, Schema, Slot, SqlType};

use super::{Adapted, AdaptiveContext, AdaptiveSettings, JoinPlanner, Leaf, Progress, StageStats, Written, adapt};
use crate::distribute::ClusterShape;
use crate::estimates::Estimates;
use crate::logical::JoinKind;
use crate::physical::{Asked, HashJoin, Partitioning, Range, Rerun, Scan, Side, StageInput};
use crate::stages::{Slice, Stage, StageEdge, StageGraph, StageRead};
use crate::{LogicalPlan, PhysicalPlan};

pub(super) fn shape() -> ClusterShape {
    ClusterShape::from_settings(&Settings::default(), 2, 4).unwrap()
}

/// Rules that go by size alone: any partitions are coalesced, nothing is copied.
pub(super) fn settings() -> AdaptiveSettings {
    AdaptiveSettings {
        parallelism_first: false,
        broadcast_bytes: -1.0,
        ..AdaptiveSettings::from_settings(&Settings::default()).unwrap()
    }
}

/// Knows no functions and orders no joins.
#[derive(Debug, Default)]
pub(super) struct NoFunctions(FunctionRegistry, IdGen);

impl JoinPlanner for NoFunctions {
    fn plan(&self, _: LogicalPlan, _: &[Leaf], _: bool) -> Result<(LogicalPlan, Estimates)> {
        Err(Error::internal("no joins are ordered here"))
    }

    fn registry(&self) -> &FunctionRegistry {
        &self.0
    }

    fn ids(&self) -> &IdGen {
        &self.1
    }
}

pub(super) fn context(settings: &AdaptiveSettings) -> AdaptiveContext<'_> {
    AdaptiveContext {
        shape: Box::leak(Box::new(shape())),
        settings,
        joins: Some(Box::leak(Box::<NoFunctions>::default())),
    }
}

/// What was changed by rules; new estimates alone do not count.
pub(super) fn adapted(graph: &StageGraph, progress: &Progress, cx: &AdaptiveContext<'_>) -> Option<Adapted> {
    adapt(graph, progress, cx).filter(|new| !new.changes.is_empty())
}

fn field(id: u32, ty: SqlType) -> Field {
    Field {
        id: ColumnId(id),
        name: Arc::from(format!("c{id}")),
        ty,
        nullable: true,
    }
}

pub(super) fn key() -> Expr {
    Expr::Slot(Slot {
        index: 0,
        ty: SqlType::Long,
    })
}

fn side(id: u32, maps: usize, partitions: usize) -> Stage {
    Stage {
        id: StageId(id),
        plan: PhysicalPlan::Range(Range {
            start: 0,
            end: 1_000,
            step: 1,
            schema: Schema::new([field(id, SqlType::Long)]),
        }),
        tasks: maps,
        partitioning: Partitioning::Hash {
            keys: vec![key()],
            partitions,
            function: Default::default(),
        },
        rerun: Rerun::Equal,
        inputs: vec![],
        sample: None,
        asked: Asked::No,
        sample_only: false,
    }
}

/// A scan by bucket of a table whose only column is its bucket column.
pub(super) fn bucketed(count: u32) -> Scan {
    let file = |bucket| SourceFile {
        path: format!("part-0{}.parquet", bucket_suffix(bucket, 0)).into(),
        size: 1,
        modified: 0,
        partition_values: Arc::from([]),
    };
    let files = FileSource {
        format: FileFormat::Parquet,
        files: (0..count).map(file).collect(),
        n_partition_columns: 0,
        options: Arc::from([]),
        buckets: Some(Buckets {
            columns: Arc::from([0]),
            count,
            kept: None,
        }),
    };
    let column = SourceColumn {
        name: "c0".into(),
        ty: SqlType::Long,
        nullable: true,
    };
    Scan {
        source: Arc::new(ScanSource {
            name: "t".into(),
            columns: Arc::from([column]),
            nested: Arc::default(),
            kind: SourceKind::Files(files),
        }),
        columns: vec![0],
        filters: vec![],
        projection: vec![0],
        consumes: vec![],
        limit: None,
        best_first: None,
        shared: None,
        by_bucket: true,
        estimate: 1_000.0,
        schema: Schema::new([field(0, SqlType::Long)]),
    }
}

pub(super) fn input(id: u32) -> PhysicalPlan {
    PhysicalPlan::StageInput(StageInput {
        stage: StageId(id),
        schema: Schema::new([field(id, SqlType::Long)]),
        estimate: 1_000.0,
    })
}

/// Stages 0 and 1 of `maps` tasks, spread over `partitions`, and their join in stage 2.
pub(super) fn join_graph(kind: JoinKind, maps: usize, partitions: usize) -> StageGraph {
    let mut fields = vec![field(0, SqlType::Long)];
    match kind {
        JoinKind::LeftSemi | JoinKind::LeftAnti => {}
        JoinKind::LeftMark => fields.push(field(2, SqlType::Boolean)),
        _ => fields.push(field(1, SqlType::Long)),
    }
    let join = PhysicalPlan::HashJoin(HashJoin {
        left: Box::new(input(0)),
        right: Box::new(input(1)),
        kind,
        build: Side::Right,
        keys: vec![(key(), key(), false)],
        filter: None,
        null_aware: false,
        hint: Default::default(),
        publishes: vec![],
        build_estimate: 1_000.0,
        estimate: 1_000.0,
        schema: Schema::new(fields),
    });
    let edge = |id| StageEdge {
        stage: StageId(id),
        read: StageRead::Partition,
    };
    let join = Stage {
        id: StageId(2),
        plan: join,
        tasks: partitions,
        partitioning: Partitioning::AsProduced,
        rerun: Rerun::Equal,
        inputs: vec![edge(0), edge(1)],
        sample: None,
        asked: Asked::No,
        sample_only: false,
    };
    StageGraph {
        stages: vec![side(0, maps, partitions), side(1, maps, partitions), join],
    }
}

fn stats(stage: &Stage, written: impl Fn(usize, usize) -> Written) -> StageStats {
    let partitions = stage.partitioning.partitions_written();
    let map = |m: usize| (0..partitions).map(|p| written(m, p)).collect();
    StageStats::new((0..stage.tasks).map(map).collect())
}

/// These stages are done; each task wrote so many bytes a partition, and a row a byte.
pub(super) fn finished(graph: &StageGraph, bytes: &[(usize, u64)]) -> Progress {
    let mut progress = Progress::default();
    for (index, bytes) in bytes {
        let stage = &graph.stages[*index];
        let all = Written {
            bytes: *bytes,
            rows: *bytes,
        };
        progress.finish(stage.id, stats(stage, |_, _| all));
    }
    progress
}

/// Both sides wrote a byte a partition and task, but for one partition of one side.
pub(super) fn one_large(graph: &StageGraph, side: usize, partition: usize, bytes: u64) -> Progress {
    large(graph, &[side], partition, bytes)
}

/// The same with a large partition of several sides.
pub(super) fn large(graph: &StageGraph, sides: &[usize], partition: usize, bytes: u64) -> Progress {
    let mut progress = Progress::default();
    for (index, stage) in graph.stages.iter().take(2).enumerate() {
        let written = |_, p| {
            let large = sides.contains(&index) && p == partition;
            let bytes = if large { bytes } else { 1 };
            Written { bytes, rows: bytes }
        };
        progress.finish(stage.id, stats(stage, written));
    }
    progress
}

/// Slices by task, each `(partition, first map, end)`.
pub(super) fn slices(tasks: &[&[(u32, u32, u32)]]) -> StageRead {
    let slice = |(partition, start, end): &(u32, u32, u32)| Slice {
        partition: *partition,
        maps: *start..*end,
    };
    StageRead::Slices(tasks.iter().map(|t| t.iter().map(slice).collect()).collect())
}
