//! Every stateful operator with less memory than its rows need: the same rows come out, the pool gets everything back,
//! and no file is left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rsql_common::settings::Settings;
use rsql_common::{CteId, MemoryPool};
use rsql_expr::tree::{ArithExpr, ArithOp, CompareOp, FrameBound, FrameUnits, Origin, WindowFunc};
use rsql_expr::{AggregateCall, EvalMode, Expr, Literal, SortKey, SqlType, WindowCall, WindowFrame};
use rsql_planner::logical::{GroupLimit, JoinHint, JoinKind, RankFunction};
use rsql_planner::physical::{
    AggregateMode, CteScan, Filter, HashAggregate, HashJoin, NestedLoopJoin, PhysicalPlan, RecursiveCte, Side, Sort,
    Union, Window, WindowGroupLimit, With,
};

use crate::hash_aggregate::tests::{Random, call, run, schema, slot, values};
use crate::metrics::PlanMetrics;
use crate::pipeline::TaskContext;
use crate::window::tests::ranking;

const TYPES: [SqlType; 3] = [SqlType::Int, SqlType::String, SqlType::Long];

/// Rows of a key below `keys`, a text and a number that says where the row stood.
fn rows(count: usize, keys: u64) -> PhysicalPlan {
    let mut random = Random(11);
    let data: Vec<Vec<Option<i64>>> = (0..count as i64)
        .map(|i| vec![random.cell(keys), random.cell(count as u64 / 3), Some(i)])
        .collect();
    values(&data, &TYPES)
}

fn types_of(plan: &PhysicalPlan) -> Vec<SqlType> {
    plan.schema().iter().map(|f| f.ty.clone()).collect()
}

struct Little {
    pool: Arc<MemoryPool>,
    dir: tempfile::TempDir,
    metrics: Arc<PlanMetrics>,
}

impl Little {
    fn new(limit: usize) -> Self {
        Self {
            pool: MemoryPool::new(limit),
            dir: tempfile::tempdir().unwrap(),
            metrics: Arc::default(),
        }
    }

    fn context(&self, threads: usize) -> TaskContext {
        let registry = rsql_functions::registry();
        let mut cx = TaskContext::new(&Settings::default(), registry, Arc::clone(&self.pool)).unwrap();
        (cx.chunk_rows, cx.threads) = (128, threads);
        cx.spill_dir = self.dir.path().to_path_buf();
        cx.metrics = Some(Arc::clone(&self.metrics));
        cx
    }

    /// Workers may still be letting go of what they held when the last row is out; they have a moment for it.
    fn assert_clean(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.pool.used() > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(self.pool.used(), 0);
        assert!(self.pool.peak() <= self.pool.limit());
        assert_eq!(std::fs::read_dir(self.dir.path()).unwrap().count(), 0);
    }

    fn spilled(&self) -> u64 {
        self.metrics.nodes().iter().map(|n| n.spilled.get()).sum()
    }
}

/// Runs with all memory and with `limit`; rows must be the same, in the same order if that is promised.
fn check(plan: &PhysicalPlan, limit: usize, ordered: bool) {
    check_on(&[1, 2], plan, limit, ordered);
}

fn check_on(threads: &[usize], plan: &PhysicalPlan, limit: usize, ordered: bool) {
    let plenty = Little::new(usize::MAX);
    let mut want = run(plan, Arc::new(plenty.context(2))).unwrap();
    assert_eq!(plenty.spilled(), 0);
    if !ordered {
        want.sort();
    }
    for threads in threads {
        let little = Little::new(limit);
        let mut got = run(plan, Arc::new(little.context(*threads))).unwrap();
        if !ordered {
            got.sort();
        }
        assert_eq!(got.len(), want.len());
        assert!(got == want, "rows differ");
        assert!(little.spilled() > 0, "nothing was spilled");
        little.assert_clean();
    }
}

fn key(index: usize) -> SortKey {
    SortKey {
        expr: slot(index, &TYPES[index]),
        descending: false,
        nulls_first: true,
    }
}

fn sort(input: PhysicalPlan, keys: Vec<SortKey>) -> PhysicalPlan {
    PhysicalPlan::Sort(Sort {
        input: Box::new(input),
        keys,
        fetch: None,
        publishes: None,
        global: true,
    })
}

#[test]
fn sorts_of_many_runs_are_stable() {
    for limit in [0, 40_000] {
        check(&sort(rows(6_000, 9), vec![key(1)]), limit, true);
        check(&sort(rows(6_000, 9), vec![key(0)]), limit, true);
    }
}

/// Runs of blocks of a few rows, so that keys and ranges begin and end within blocks, at their ends and over several of them.
#[test]
fn ranges_of_runs_hold_each_row_once() {
    for keys in [1, 2, 9, 1_000] {
        let plan = sort(rows(9_000, keys), vec![key(0)]);
        let want = run(&plan, Arc::new(Little::new(usize::MAX).context(2))).unwrap();
        for threads in [1, 2, 4] {
            let little = Little::new(usize::MAX);
            let mut cx = little.context(threads);
            cx.force_spill = true;
            let got = run(&plan, Arc::new(cx)).unwrap();
            assert!(got == want, "{keys} keys, {threads} threads");
            assert!(little.spilled() > 0);
            little.assert_clean();
        }
    }
}

fn aggregate(input: PhysicalPlan, groups: Vec<Expr>, aggregates: Vec<AggregateCall>) -> PhysicalPlan {
    let types = groups
        .iter()
        .map(Expr::ty)
        .chain(aggregates.iter().map(|a| a.ty.clone()));
    let schema = schema(&types.collect::<Vec<_>>(), 50);
    PhysicalPlan::HashAggregate(HashAggregate {
        input: Box::new(input),
        mode: AggregateMode::Single,
        groups,
        aggregates,
        estimate: 1.0,
        schema,
    })
}

fn distinct(name: &str, arg: Expr) -> AggregateCall {
    AggregateCall {
        distinct: true,
        ..call(name, vec![arg])
    }
}

#[test]
fn aggregates_spill_with_and_without_groups() {
    let (key, text, number) = (
        slot(0, &SqlType::Int),
        slot(1, &SqlType::String),
        slot(2, &SqlType::Long),
    );
    let calls = || {
        vec![
            distinct("count", text.clone()),
            distinct("sum", number.clone()),
            call("max", vec![text.clone()]),
        ]
    };
    let lists = || {
        vec![
            call("collect_list", vec![number.clone()]),
            call("first", vec![text.clone()]),
        ]
    };
    for limit in [0, 30_000] {
        check(&aggregate(rows(4_000, 900), vec![key.clone()], calls()), limit, false);
        check(&aggregate(rows(4_000, 3), vec![], calls()), limit, false);
        check(&aggregate(rows(4_000, 700), vec![key.clone()], lists()), limit, false);
    }
    // Several workers keep the rows for the first one's sake; a single one needs no memory for them.
    check_on(
        &[2],
        &aggregate(rows(4_000, 3), vec![], vec![call("first", vec![text])]),
        30_000,
        false,
    );
}

fn window(input: PhysicalPlan, calls: Vec<WindowCall>) -> PhysicalPlan {
    let mut types = TYPES.to_vec();
    types.extend(calls.iter().map(|c| c.ty().clone()));
    PhysicalPlan::Window(Window {
        input: Box::new(input),
        partition_by: vec![slot(0, &SqlType::Int)],
        order_by: vec![key(1)],
        calls,
        schema: schema(&types, 50),
    })
}

fn over(name: &str, units: FrameUnits, start: FrameBound, end: FrameBound) -> WindowCall {
    WindowCall {
        func: WindowFunc::Aggregate(call(name, vec![slot(2, &SqlType::Long)])),
        frame: WindowFrame { units, start, end },
    }
}

#[test]
fn windows_stream_partitions_and_page_large_ones() {
    use FrameBound::{CurrentRow, Rows, Unbounded};
    let streaming = || {
        vec![
            over("sum", FrameUnits::Range, Unbounded, CurrentRow),
            over("count", FrameUnits::Rows, Unbounded, CurrentRow),
            over("max", FrameUnits::Rows, Unbounded, Unbounded),
        ]
    };
    // Many partitions that fit, then few that do not.
    check(&window(rows(4_000, 500), streaming()), 60_000, true);
    for limit in [0, 60_000] {
        check(&window(rows(4_000, 2), streaming()), limit, true);
    }
    let sliding = vec![
        over("sum", FrameUnits::Rows, Rows(-2), Rows(1)),
        over("min", FrameUnits::Range, CurrentRow, Unbounded),
    ];
    check(&window(rows(4_000, 1), sliding), 280_000, true);
}

#[test]
fn group_limits_hand_on_what_does_not_fit() {
    let ranked = |keys: u64| {
        let mut plan = window(rows(4_000, keys), vec![ranking("rank")]);
        if let PhysicalPlan::Window(n) = &mut plan {
            *n.input = PhysicalPlan::WindowGroupLimit(WindowGroupLimit {
                input: n.input.clone(),
                partition_by: n.partition_by.clone(),
                order_by: n.order_by.clone(),
                limit: GroupLimit {
                    rank: RankFunction::Rank,
                    rows: 3,
                },
            });
        }
        let low = Expr::compare(CompareOp::LtEq, slot(3, &SqlType::Int), Expr::lit(Literal::int(3)));
        PhysicalPlan::Filter(Filter {
            input: Box::new(plan),
            predicate: low,
        })
    };
    for (keys, limit) in [(300, 30_000), (300, 60_000), (1_500, 60_000)] {
        check(&ranked(keys), limit, true);
    }
}

fn nested(kind: JoinKind) -> PhysicalPlan {
    let (left, right) = (rows(500, 40), rows(900, 60));
    let filter = Expr::compare(CompareOp::Eq, slot(0, &SqlType::Int), slot(3, &SqlType::Int));
    let mut types = types_of(&left);
    if !matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti) {
        types.extend(types_of(&right));
    }
    PhysicalPlan::NestedLoopJoin(NestedLoopJoin {
        left: Box::new(left),
        right: Box::new(right),
        kind,
        filter: Some(filter),
        null_aware: false,
        estimate: 1.0,
        schema: schema(&types, 50),
        hint: JoinHint::default(),
    })
}

#[test]
fn nested_loops_read_blocks_again() {
    use JoinKind::{Full, Inner, Left, LeftAnti, LeftSemi, Right};
    for kind in [Inner, Left, Right, Full, LeftSemi, LeftAnti] {
        for limit in [0, 20_000] {
            check(&nested(kind), limit, false);
        }
    }
}

/// A join whose build side mostly has one key.
fn heavy(kind: JoinKind, build: Side) -> PhysicalPlan {
    let side = |count: i64, is_heavy: &dyn Fn(i64) -> bool| {
        let key = |i: i64| if is_heavy(i) { 7 } else { i };
        let data: Vec<Vec<Option<i64>>> = (0..count).map(|i| vec![Some(key(i)), Some(i % 10), Some(i)]).collect();
        values(&data, &TYPES)
    };
    let (many, few) = (side(9_000, &|i| i % 50 > 0), side(60, &|i| i % 25 == 3));
    let (left, right) = match build {
        Side::Right => (few, many),
        Side::Left => (many, few),
    };
    let mut types = types_of(&left);
    if !matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti) {
        types.extend(types_of(&right));
    }
    PhysicalPlan::HashJoin(HashJoin {
        left: Box::new(left),
        right: Box::new(right),
        kind,
        build,
        keys: vec![(slot(0, &SqlType::Int), slot(0, &SqlType::Int), false)],
        filter: None,
        null_aware: false,
        publishes: vec![],
        build_estimate: 1.0,
        estimate: 1.0,
        schema: schema(&types, 50),
        hint: JoinHint::default(),
    })
}

#[test]
fn one_heavy_key_is_joined_by_blocks() {
    use JoinKind::{Full, Inner, Left, LeftAnti, LeftSemi, Right};
    for (kind, build) in [
        (Inner, Side::Right),
        (Left, Side::Right),
        (Full, Side::Left),
        (Right, Side::Right),
        (LeftSemi, Side::Left),
        (LeftAnti, Side::Right),
    ] {
        check(&heavy(kind, build), 100_000, false);
    }
}

#[test]
fn definitions_and_recursions_spill() {
    let data = rows(3_000, 50);
    let scan = || {
        PhysicalPlan::CteScan(CteScan {
            id: CteId(1),
            schema: schema(&TYPES, 70),
        })
    };
    let both = PhysicalPlan::With(With {
        defs: vec![(CteId(1), data.clone())],
        body: Box::new(PhysicalPlan::Union(Union {
            inputs: vec![scan(), scan()],
            schema: schema(&TYPES, 90),
        })),
    });
    check(&both, 0, true);
    // The recursive part drops rows until there are none.
    let smaller = PhysicalPlan::Filter(Filter {
        input: Box::new(scan()),
        predicate: Expr::compare(CompareOp::Lt, slot(0, &SqlType::Int), Expr::lit(Literal::int(-1))),
    });
    let recursion = PhysicalPlan::RecursiveCte(RecursiveCte {
        id: CteId(1),
        anchor: Box::new(data),
        recursive: Box::new(smaller),
        all: true,
        max_level: None,
        max_rows: None,
        fetch: None,
        schema: schema(&TYPES, 90),
    });
    check(&recursion, 0, true);
}

#[test]
fn errors_and_cancelled_queries_give_everything_back() {
    // Overflows in the last row.
    let sum = Expr::Arith(Box::new(ArithExpr {
        op: ArithOp::Add,
        left: slot(2, &SqlType::Long),
        right: Expr::lit(Literal::long(i64::MAX - 3_998)),
        ty: SqlType::Long,
        mode: EvalMode::Ansi,
        origin: Origin::default(),
    }));
    let fails = PhysicalPlan::Filter(Filter {
        input: Box::new(rows(4_000, 900)),
        predicate: Expr::compare(CompareOp::Gt, sum, Expr::lit(Literal::long(0))),
    });
    let lists = vec![call("collect_list", vec![slot(2, &SqlType::Long)])];
    let plans = [
        sort(fails.clone(), vec![key(1)]),
        window(
            fails.clone(),
            vec![over(
                "sum",
                FrameUnits::Rows,
                FrameBound::Unbounded,
                FrameBound::CurrentRow,
            )],
        ),
        aggregate(fails, vec![slot(0, &SqlType::Int)], lists),
    ];
    for plan in &plans {
        let little = Little::new(50_000);
        assert!(run(plan, Arc::new(little.context(2))).is_err());
        little.assert_clean();
    }
    let little = Little::new(50_000);
    let mut handle = super::start(&sort(rows(6_000, 9), vec![key(1)]), Arc::new(little.context(2))).unwrap();
    handle.next_chunk().unwrap();
    handle.cancel();
    drop(handle);
    little.assert_clean();
}
