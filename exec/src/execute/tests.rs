//! Small plans through the whole machinery, under several numbers of workers and chunk sizes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use rsql_common::{ColumnId, CteId, MemoryPool, Settings};
use rsql_expr::tree::{ArithExpr, ArithOp, CompareOp};
use rsql_expr::{EvalMode, Expr, Field, FunctionRegistry, Literal, Slot, SortKey, SqlType};
use rsql_planner::physical::*;

use super::*;
use crate::metrics::PlanMetrics;
use crate::pipeline::{Chain, LocalOperator, Output};

fn schema(n: usize) -> Schema {
    Schema::new((0..n).map(|i| Field {
        id: ColumnId(i as u32),
        name: format!("c{i}").into(),
        ty: SqlType::Long,
        nullable: true,
    }))
}

fn slot(index: usize) -> Expr {
    Expr::Slot(Slot {
        index,
        ty: SqlType::Long,
    })
}

fn long(v: i64) -> Expr {
    Expr::lit(Literal::long(v))
}

fn arith(op: ArithOp, left: Expr, right: Expr) -> Expr {
    Expr::Arith(Box::new(ArithExpr {
        op,
        left,
        right,
        ty: SqlType::Long,
        mode: EvalMode::Legacy,
        origin: Default::default(),
    }))
}

fn range(end: i64) -> PhysicalPlan {
    PhysicalPlan::Range(Range {
        start: 0,
        end,
        step: 1,
        schema: schema(1),
    })
}

fn project(input: PhysicalPlan, exprs: Vec<Expr>) -> PhysicalPlan {
    let schema = schema(exprs.len());
    PhysicalPlan::Projection(Projection {
        input: Box::new(input),
        exprs,
        schema,
    })
}

fn filter(input: PhysicalPlan, predicate: Expr) -> PhysicalPlan {
    PhysicalPlan::Filter(Filter {
        input: Box::new(input),
        predicate,
    })
}

fn limit(input: PhysicalPlan, skip: u64, fetch: Option<u64>) -> PhysicalPlan {
    PhysicalPlan::Limit(Limit {
        input: Box::new(input),
        skip,
        fetch,
    })
}

fn sort(input: PhysicalPlan, expr: Expr, descending: bool, fetch: Option<u64>) -> PhysicalPlan {
    PhysicalPlan::Sort(Sort {
        input: Box::new(input),
        keys: vec![SortKey {
            expr,
            descending,
            nulls_first: true,
        }],
        fetch,
        publishes: None,
        global: true,
    })
}

fn context(settings: &[(&str, &str)]) -> TaskContext {
    let settings = settings
        .iter()
        .fold(Settings::default(), |s, (k, v)| s.with(k, v).unwrap());
    TaskContext::new(
        &settings,
        Arc::new(FunctionRegistry::default()),
        MemoryPool::unbounded(),
    )
    .unwrap()
}

/// The first column's values, the same under every setting.
fn run(plan: &PhysicalPlan) -> Vec<i64> {
    let mut first: Option<Vec<i64>> = None;
    for (threads, chunk_rows, spill) in [("1", "4096", "false"), ("2", "64", "false"), ("3", "7", "true")] {
        let cx = context(&[
            ("rsql.exec.threads", threads),
            ("rsql.exec.chunk_rows", chunk_rows),
            ("rsql.exec.force_spill", spill),
        ]);
        let values = values(collect(plan, Arc::new(cx)).unwrap());
        match &first {
            None => first = Some(values),
            Some(f) => assert_eq!(f, &values, "{threads} threads, {chunk_rows} rows, spill {spill}"),
        }
    }
    first.unwrap()
}

fn values(chunks: Vec<Chunk>) -> Vec<i64> {
    let mut out = Vec::new();
    for chunk in chunks {
        let array = chunk.dense_column(0).unwrap().to_array().unwrap();
        out.extend_from_slice(array.as_primitive::<Int64Type>().values());
    }
    out
}

#[test]
fn streaming_operators_keep_order() {
    let odd = Expr::compare(CompareOp::Eq, arith(ArithOp::Remainder, slot(0), long(2)), long(1));
    let plan = project(
        filter(range(10_000), odd),
        vec![arith(ArithOp::Multiply, slot(0), long(3))],
    );
    let want: Vec<i64> = (0..10_000).filter(|i| i % 2 == 1).map(|i| i * 3).collect();
    assert_eq!(run(&plan), want);
}

#[test]
fn limits_take_the_first_rows() {
    let few = Expr::compare(CompareOp::Eq, arith(ArithOp::Remainder, slot(0), long(97)), long(5));
    for (skip, fetch) in [(0, Some(10)), (3, Some(5)), (100, None), (0, Some(0)), (5_000, Some(7))] {
        let plan = limit(filter(range(50_000), few.clone()), skip, fetch);
        let all = (0..50_000).filter(|i| i % 97 == 5).skip(skip as usize);
        let want: Vec<i64> = all.take(fetch.map_or(usize::MAX, |f| f as usize)).collect();
        assert_eq!(run(&plan), want, "{skip} {fetch:?}");
    }
    // The source stops early: a range this long would never end.
    assert_eq!(run(&limit(range(i64::MAX), 2, Some(3))), [2, 3, 4]);
}

/// A worker that finds its input done must not read one again that another worker reads alone.
#[test]
fn unions_read_sorted_inputs_once() {
    let inputs = (0..3).map(|_| sort(range(3_000), slot(0), false, None)).collect();
    let plan = PhysicalPlan::Union(Union {
        inputs,
        schema: schema(1),
    });
    for _ in 0..4 {
        let want: Vec<i64> = (0..3).flat_map(|_| 0..3_000).collect();
        assert!(run(&plan) == want);
    }
}

#[test]
fn sorts_are_stable_and_spill() {
    let key = arith(
        ArithOp::Remainder,
        arith(ArithOp::Multiply, slot(0), long(7_919)),
        long(1_009),
    );
    for (descending, fetch) in [(false, None), (true, None), (false, Some(25)), (true, Some(3_000))] {
        let plan = sort(range(9_000), key.clone(), descending, fetch);
        let mut want: Vec<i64> = (0..9_000).collect();
        want.sort_by_key(|v| {
            let k = v * 7_919 % 1_009;
            if descending { -k } else { k }
        });
        want.truncate(fetch.unwrap_or(u64::MAX) as usize);
        let cx = context(&[
            ("rsql.exec.threads", "3"),
            ("rsql.exec.chunk_rows", "64"),
            ("rsql.exec.force_spill", "true"),
        ]);
        assert_eq!(values(collect(&plan, Arc::new(cx)).unwrap()), want);
        for threads in ["1", "3"] {
            let cx = context(&[("rsql.exec.threads", threads), ("rsql.exec.chunk_rows", "64")]);
            assert_eq!(values(collect(&plan, Arc::new(cx)).unwrap()), want);
        }
    }
}

#[test]
fn unions_come_one_after_another() {
    let small = filter(range(500), Expr::compare(CompareOp::Lt, slot(0), long(3)));
    let inner = PhysicalPlan::Union(Union {
        inputs: vec![small, range(200)],
        schema: schema(1),
    });
    let plan = PhysicalPlan::Union(Union {
        inputs: vec![range(1_000), inner, limit(range(10), 0, Some(2))],
        schema: schema(1),
    });
    let want: Vec<i64> = (0..1_000).chain(0..3).chain(0..200).chain(0..2).collect();
    assert_eq!(run(&plan), want);
}

#[test]
fn definitions_are_read_twice() {
    let scan = || {
        PhysicalPlan::CteScan(CteScan {
            id: CteId(1),
            schema: schema(1),
        })
    };
    let plan = PhysicalPlan::With(With {
        defs: vec![(CteId(1), range(300))],
        body: Box::new(PhysicalPlan::Union(Union {
            inputs: vec![scan(), scan()],
            schema: schema(1),
        })),
    });
    assert_eq!(run(&plan), (0..300).chain(0..300).collect::<Vec<_>>());
}

fn counting(all: bool, max_level: Option<u64>) -> PhysicalPlan {
    let last = PhysicalPlan::CteScan(CteScan {
        id: CteId(7),
        schema: schema(1),
    });
    let next = if all {
        filter(last, Expr::compare(CompareOp::Lt, slot(0), long(5)))
    } else {
        last
    };
    let step = arith(
        ArithOp::Remainder,
        arith(ArithOp::Add, slot(0), long(1)),
        long(if all { 100 } else { 4 }),
    );
    PhysicalPlan::RecursiveCte(RecursiveCte {
        id: CteId(7),
        anchor: Box::new(range(1)),
        recursive: Box::new(project(next, vec![step])),
        all,
        max_level,
        max_rows: None,
        fetch: None,
        schema: schema(1),
    })
}

#[test]
fn recursion_ends() {
    assert_eq!(run(&counting(true, None)), [0, 1, 2, 3, 4, 5]);
    assert_eq!(run(&counting(false, None)), [0, 1, 2, 3]);
    let error = collect(&counting(true, Some(3)), Arc::new(context(&[]))).unwrap_err();
    assert_eq!(error.condition(), "RECURSION_LEVEL_LIMIT_EXCEEDED");
    // Enough rows end it before the limit does.
    let PhysicalPlan::RecursiveCte(mut wanted) = counting(true, Some(3)) else {
        unreachable!()
    };
    wanted.fetch = Some(3);
    assert_eq!(run(&PhysicalPlan::RecursiveCte(wanted)), [0, 1, 2]);
}

#[test]
fn expands_rows() {
    let plan = PhysicalPlan::Expand(Expand {
        input: Box::new(range(3)),
        projections: vec![vec![slot(0)], vec![long(-1)]],
        schema: schema(1),
    });
    let mut rows = run(&limit(plan, 0, None));
    rows.sort_unstable();
    assert_eq!(rows, [-1, -1, -1, 0, 1, 2]);
}

#[test]
fn samples_do_not_depend_on_workers() {
    let plan = PhysicalPlan::Sample(Sample {
        input: Box::new(range(20_000)),
        lower: 0.0,
        upper: 0.1,
        seed: 42,
    });
    let counts: Vec<Vec<i64>> = ["1", "3"]
        .iter()
        .map(|t| values(collect(&plan, Arc::new(context(&[("rsql.exec.threads", t)]))).unwrap()))
        .collect();
    assert_eq!(counts[0], counts[1]);
    assert!((1_700..2_300).contains(&counts[0].len()), "{}", counts[0].len());
}

#[test]
fn readers_may_stop_or_cancel() {
    let cx = Arc::new(context(&[("rsql.preserve_order", "false")]));
    let mut seen = 0;
    execute_stream(&range(i64::MAX), cx, &mut |_| {
        seen += 1;
        Ok(if seen == 5 { Flow::Stop } else { Flow::Continue })
    })
    .unwrap();
    assert_eq!(seen, 5);
    let mut handle = start(&range(i64::MAX), Arc::new(context(&[("rsql.exec.threads", "2")]))).unwrap();
    handle.cancel();
    assert_eq!(handle.next_chunk().unwrap_err().condition(), "OPERATION_CANCELED");
}

#[test]
fn rows_of_several_workers_come_in_order_before_the_last() {
    for settings in [
        [("rsql.exec.threads", "2"), ("rsql.exec.chunk_rows", "64")],
        [("rsql.exec.threads", "5"), ("rsql.exec.chunk_rows", "7")],
    ] {
        // Some morsels give nothing.
        let some = Expr::compare(
            CompareOp::Gt,
            arith(ArithOp::Remainder, slot(0), long(4000)),
            long(1500),
        );
        let plan = filter(range(i64::MAX), some);
        let mut handle = start(&plan, Arc::new(context(&settings))).unwrap();
        let mut expected = (0..).filter(|n| n % 4000 > 1500);
        let mut read = 0;
        while read < 50_000 {
            let rows = values(vec![handle.next_chunk().unwrap().unwrap()]);
            assert!(rows.iter().all(|n| expected.next() == Some(*n)), "{settings:?}");
            read += rows.len();
        }
    }
}

#[test]
fn nodes_are_metered() {
    let mut cx = context(&[]);
    let metrics = Arc::new(PlanMetrics::default());
    cx.metrics = Some(Arc::clone(&metrics));
    let plan = filter(range(1_000), Expr::compare(CompareOp::Lt, slot(0), long(10)));
    collect(&plan, Arc::new(cx)).unwrap();
    let rows: Vec<u64> = metrics.nodes().iter().map(|n| n.rows.get()).collect();
    assert_eq!(rows, [10, 1_000]);
}

struct Panics;

impl Operator for Panics {
    fn open(&self, _cx: &Arc<TaskContext>) -> Result<Box<dyn LocalOperator>> {
        Ok(Box::new(Panics))
    }
}

impl LocalOperator for Panics {
    fn push(&mut self, _input: Chunk, _out: &mut dyn Output) -> Result<Flow> {
        panic!("a bug")
    }
}

#[test]
fn a_panic_is_an_error() {
    let cx = Arc::new(context(&[("rsql.exec.threads", "2")]));
    let mut builder = Builder::new(Arc::clone(&cx));
    let chain = builder.chain(&range(100_000)).unwrap().then(Arc::new(Panics));
    builder.finish(chain, Arc::new(Counts::default()));
    let query = scheduler::start(builder.into_pipelines(), cx, || true).unwrap();
    let error = query.wait().unwrap_err();
    assert_eq!(error.condition(), "INTERNAL_ERROR");
    assert!(error.message().contains("a bug"));
}

/// Counts rows, and finalizes once.
#[derive(Default)]
struct Counts {
    rows: Arc<AtomicUsize>,
    finalized: AtomicUsize,
}

impl Sink for Counts {
    fn open(&self, _cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        Ok(Box::new(LocalCounts(Arc::clone(&self.rows))))
    }

    fn finalize(&self, _cx: &Arc<TaskContext>) -> Result<()> {
        self.finalized.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

struct LocalCounts(Arc<AtomicUsize>);

impl LocalSink for LocalCounts {
    fn sink(&mut self, chunk: Chunk) -> Result<Flow> {
        self.0.fetch_add(chunk.rows(), Ordering::SeqCst);
        Ok(Flow::Continue)
    }

    fn combine(&mut self) -> Result<()> {
        Ok(())
    }
}

#[test]
fn tails_run_between_flushes() {
    struct Tailed;
    struct Nothing;
    impl Operator for Tailed {
        fn open(&self, _cx: &Arc<TaskContext>) -> Result<Box<dyn LocalOperator>> {
            Ok(Box::new(Nothing))
        }
        fn tail(&self) -> Option<Arc<dyn Source>> {
            let mut b = Builder::new(Arc::new(context(&[])));
            b.chain(&range(7)).ok().map(|c: Chain| c.source)
        }
    }
    impl LocalOperator for Nothing {
        fn push(&mut self, input: Chunk, out: &mut dyn Output) -> Result<Flow> {
            out.push(input)
        }
    }
    for threads in ["1", "4"] {
        let cx = Arc::new(context(&[
            ("rsql.exec.threads", threads),
            ("rsql.exec.chunk_rows", "10"),
        ]));
        let mut builder = Builder::new(Arc::clone(&cx));
        let chain = builder.chain(&range(5_000)).unwrap();
        let chain = chain.then(Arc::new(Tailed)).then(Arc::new(Tailed));
        let sink = Arc::new(Counts::default());
        builder.finish(chain, Arc::clone(&sink) as Arc<dyn Sink>);
        scheduler::start(builder.into_pipelines(), cx, || true)
            .unwrap()
            .wait()
            .unwrap();
        assert_eq!(sink.rows.load(Ordering::SeqCst), 5_014);
        assert_eq!(sink.finalized.load(Ordering::SeqCst), 1);
    }
}
