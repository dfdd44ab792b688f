//! Scans that are read together give what each gives alone, and read less.

use parquet::basic::Compression;
use rsql_common::ScanId;
use rsql_expr::{CompareOp, Literal, Slot, SortKey, SqlType};
use rsql_planner::logical::{JoinHint, JoinKind};
use rsql_planner::physical::{HashJoin, Side, Sort, Union, Values};

use super::*;
use crate::metrics::PlanMetrics;
use crate::runtime_filter::RuntimeFilter;

fn slot(index: usize) -> Expr {
    let ty = SqlType::Long;
    Expr::Slot(Slot { index, ty })
}

fn compare(op: CompareOp, column: usize, value: i64) -> Expr {
    Expr::compare(op, slot(column), Expr::lit(Literal::long(value)))
}

/// Reads columns `few` and `many` in one order or the other, and what its filters want.
fn member(source: &ScanSource, columns: Vec<usize>, filters: Vec<Expr>, id: Option<ScanId>) -> Scan {
    let PhysicalPlan::Scan(scan) = scan(source.clone(), filters, vec![]) else {
        unreachable!()
    };
    Scan {
        columns,
        shared: id,
        ..scan
    }
}

/// Sorted by both columns: a pipeline of its own.
fn sorted(input: PhysicalPlan) -> PhysicalPlan {
    let key = |index| SortKey {
        expr: slot(index),
        descending: false,
        nulls_first: true,
    };
    PhysicalPlan::Sort(Sort {
        input: Box::new(input),
        keys: vec![key(0), key(1)],
        fetch: None,
        publishes: None,
        global: true,
    })
}

/// All rows of `scan` and the values without partner among them.
fn outer_join(scan: Scan) -> PhysicalPlan {
    let value = |v: i64| vec![Literal::long(v)];
    let key = Field {
        id: ColumnId(99),
        name: "k".into(),
        ty: SqlType::Long,
        nullable: false,
    };
    let values = Values {
        rows: vec![value(3), value(1_000_000), value(4)],
        schema: Schema::new([key]),
    };
    let schema = scan.schema.join(&values.schema);
    PhysicalPlan::HashJoin(HashJoin {
        left: Box::new(PhysicalPlan::Scan(scan)),
        right: Box::new(PhysicalPlan::Values(values)),
        kind: JoinKind::Full,
        build: Side::Right,
        keys: vec![(slot(0), slot(0), false)],
        filter: None,
        null_aware: false,
        publishes: vec![],
        build_estimate: 3.0,
        estimate: 1.0,
        schema,
        hint: JoinHint::default(),
    })
}

fn together(source: &ScanSource, id: Option<ScanId>) -> PhysicalPlan {
    let mut filtered = member(source, vec![0, 1, 2], vec![compare(CompareOp::Gt, 1, 900)], id);
    filtered.consumes = vec![(FilterId(1), 0)];
    let scans = [
        member(source, vec![0, 1], vec![], id),
        member(source, vec![1, 0], vec![compare(CompareOp::LtEq, 1, 4)], id),
        filtered,
        // What no row passes.
        member(source, vec![0, 1], vec![compare(CompareOp::Gt, 1, 1 << 40)], id),
    ];
    let mut inputs: Vec<PhysicalPlan> = scans.into_iter().map(|s| sorted(PhysicalPlan::Scan(s))).collect();
    let schema = inputs[0].schema().clone();
    let joined = outer_join(member(source, vec![0, 1], vec![], id));
    let slots = [0, 1].map(slot).into();
    inputs.push(sorted(PhysicalPlan::Projection(rsql_planner::physical::Projection {
        input: Box::new(joined),
        exprs: slots,
        schema: schema.clone(),
    })));
    PhysicalPlan::Union(Union { inputs, schema })
}

fn context(threads: &str, chunk_rows: &str) -> (Arc<TaskContext>, Arc<PlanMetrics>) {
    let settings = Settings::default()
        .with("rsql.exec.threads", threads)
        .and_then(|s| s.with("rsql.exec.chunk_rows", chunk_rows))
        .unwrap();
    let mut cx = TaskContext::new(&settings, Arc::default(), MemoryPool::unbounded()).unwrap();
    let metrics = Arc::new(PlanMetrics::default());
    cx.metrics = Some(Arc::clone(&metrics));
    cx.filters.publish(FilterId(1), RuntimeFilter::Range { min: 2, max: 9 });
    (Arc::new(cx), metrics)
}

#[test]
fn together_as_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    let properties = WriterProperties::builder()
        .set_data_page_row_count_limit(200)
        .set_max_row_group_row_count(Some(2_000))
        .set_compression(Compression::SNAPPY);
    write(&path, &batch(true), properties.build());
    let source = source(&path);
    for (threads, chunk_rows) in [("1", "4096"), ("2", "100"), ("3", "1")] {
        let mut seen = Vec::new();
        for id in [None, Some(ScanId(5))] {
            let (cx, metrics) = context(threads, chunk_rows);
            let plan = together(&source, id);
            let rows = [0, 1].map(|c| longs(&plan, Arc::clone(&cx), c));
            let read: u64 = metrics.nodes().iter().map(|n| n.scan.bytes_read.get()).sum();
            let counted: Vec<u64> = metrics.nodes().iter().map(|n| n.rows.get()).collect();
            seen.push((rows, counted, read));
        }
        let [(alone, alone_counted, alone_read), (together, counted, read)] = &seen[..] else {
            unreachable!()
        };
        assert!(together == alone, "{threads} threads, {chunk_rows} rows a chunk");
        assert_eq!(counted, alone_counted);
        assert!(read * 2 < *alone_read, "{read} of {alone_read}");
    }
}

/// Pipelines that wait for each other read for themselves.
#[test]
fn not_in_a_circle() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    write(&path, &batch(true), WriterProperties::default());
    let source = source(&path);
    let self_join = |id| {
        let few = |filters| PhysicalPlan::Scan(member(&source, vec![0, 1], filters, id));
        let (left, right) = (few(vec![]), few(vec![compare(CompareOp::Lt, 1, 0)]));
        let schema = left.schema().join(right.schema());
        sorted(PhysicalPlan::HashJoin(HashJoin {
            left: Box::new(left),
            right: Box::new(right),
            kind: JoinKind::Inner,
            build: Side::Right,
            keys: vec![(slot(1), slot(1), false)],
            filter: None,
            null_aware: false,
            publishes: vec![],
            build_estimate: 1.0,
            estimate: 1.0,
            schema,
            hint: JoinHint::default(),
        }))
    };
    let alone = longs(&self_join(None), cx("2", "512"), 1);
    assert!(!alone.is_empty());
    assert_eq!(longs(&self_join(Some(ScanId(1))), cx("2", "512"), 1), alone);
}
