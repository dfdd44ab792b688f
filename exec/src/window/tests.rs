//! Calls over whole plans, against frames computed by hand.

use rsql_common::settings::Settings;
use rsql_expr::function::ResolveCx;
use rsql_expr::tree::{FrameBound, FrameUnits, WindowFunc};
use rsql_expr::{SortKey, SqlType, WindowCall, WindowFrame};
use rsql_planner::logical::{GroupLimit, RankFunction};
use rsql_planner::physical::{PhysicalPlan, Window, WindowGroupLimit};

use crate::hash_aggregate::tests::{Random, call, context, run, schema, slot, values};

/// Rows of (partition, order, value).
fn rows(count: usize, partitions: u64) -> Vec<Vec<Option<i64>>> {
    let mut random = Random(5);
    (0..count)
        .map(|_| {
            vec![
                random.cell(partitions),
                random.cell(count as u64 / 2 + 1),
                random.cell(100),
            ]
        })
        .collect()
}

fn types() -> [SqlType; 3] {
    [SqlType::Int, SqlType::Long, SqlType::Long]
}

fn plan(data: &[Vec<Option<i64>>], calls: Vec<WindowCall>) -> PhysicalPlan {
    let mut out = types().to_vec();
    out.extend(calls.iter().map(|c| c.ty().clone()));
    PhysicalPlan::Window(Window {
        input: Box::new(values(data, &types())),
        partition_by: vec![slot(0, &SqlType::Int)],
        order_by: vec![SortKey {
            expr: slot(1, &SqlType::Long),
            descending: false,
            nulls_first: true,
        }],
        calls,
        schema: schema(&out, 50),
    })
}

fn show(v: Option<i64>) -> String {
    v.map_or("NULL".to_string(), |v| v.to_string())
}

#[test]
fn sums_and_lists_over_every_frame() {
    use FrameBound::{CurrentRow, Rows, Unbounded};
    use FrameUnits::{Range, Rows as ByRow};
    let all = [
        (ByRow, Unbounded, Unbounded),
        (ByRow, Unbounded, CurrentRow),
        (Range, Unbounded, CurrentRow),
        (Range, CurrentRow, Unbounded),
        (ByRow, Rows(-2), Rows(1)),
        (ByRow, Rows(1), Rows(3)),
        (ByRow, Rows(-50), Rows(-3)),
        (ByRow, CurrentRow, Unbounded),
        (Range, CurrentRow, CurrentRow),
    ];
    for (count, partitions) in [(0, 1), (1, 1), (40, 4), (900, 2)] {
        let data = rows(count, partitions);
        let mut sorted = data.clone();
        sorted.sort_by_key(|r| (r[0], r[1]));
        let value = slot(2, &SqlType::Long);
        let calls: Vec<WindowCall> = all
            .iter()
            .flat_map(|(units, start, end)| {
                ["sum", "count", "max"].map(|name| WindowCall {
                    func: WindowFunc::Aggregate(call(name, vec![value.clone()])),
                    frame: WindowFrame {
                        units: *units,
                        start: start.clone(),
                        end: end.clone(),
                    },
                })
            })
            .collect();
        let mut want = Vec::new();
        for (i, row) in sorted.iter().enumerate() {
            let first = sorted.iter().position(|r| r[0] == row[0]).unwrap();
            let last = sorted.iter().rposition(|r| r[0] == row[0]).unwrap();
            let peer = |r: &&Vec<Option<i64>>| r[0] == row[0] && r[1] == row[1];
            let (peer_first, peer_last) = (
                sorted.iter().position(|r| peer(&r)).unwrap(),
                sorted.iter().rposition(|r| peer(&r)).unwrap(),
            );
            let mut line: String = row.iter().map(|c| show(*c) + "|").collect();
            for (units, start, end) in &all {
                let at = |bound: &FrameBound, is_start: bool| match (bound, units) {
                    (Unbounded, _) if is_start => first as i64,
                    (Unbounded, _) => last as i64,
                    (CurrentRow, ByRow) => i as i64,
                    (CurrentRow, Range) if is_start => peer_first as i64,
                    (CurrentRow, Range) => peer_last as i64,
                    (Rows(n), _) => i as i64 + n,
                    _ => unreachable!(),
                };
                let from = at(start, true).max(first as i64) as usize;
                let to = at(end, false).min(last as i64);
                let values: Vec<i64> = (from as i64..=to).filter_map(|r| sorted[r as usize][2]).collect();
                let sum = (!values.is_empty()).then(|| values.iter().sum());
                line += &format!("{}|{}|{}|", show(sum), values.len(), show(values.iter().max().copied()));
            }
            want.push(line);
        }
        for chunk_rows in [3, 4096] {
            let mut got = run(&plan(&data, calls.clone()), context(chunk_rows, false, false, 2)).unwrap();
            // Rows that are equal in all three columns may change places.
            got.sort();
            want.sort();
            assert_eq!(got, want, "{count} {partitions}");
        }
    }
}

/// A call of a ranking function.
pub(crate) fn ranking(name: &str) -> WindowCall {
    let registry = rsql_functions::registry();
    let options = std::sync::Arc::new(rsql_expr::EvalOptions::default());
    let ids = rsql_common::ids::IdGen::default();
    let settings = Settings::default();
    let cx = ResolveCx {
        called_as: name,
        options: &options,
        mode: rsql_expr::EvalMode::Ansi,
        settings: &settings,
        registry: &registry,
        ids: &ids,
        origin: rsql_expr::Origin::default(),
    };
    let function = registry.window(name).unwrap();
    WindowCall {
        func: (function.resolve)(vec![], false, &cx).unwrap(),
        frame: function.fixed_frame.map_or_else(WindowFrame::default_ordered, |f| f()),
    }
}

#[test]
fn group_limits_keep_every_row_of_a_low_rank() {
    for (name, rank) in [
        ("row_number", RankFunction::RowNumber),
        ("rank", RankFunction::Rank),
        ("dense_rank", RankFunction::DenseRank),
    ] {
        for (count, partitions, limit) in [(0, 1, 1), (900, 3, 1), (900, 40, 2), (300, 300, 1), (150_000, 5, 4)] {
            let whole = plan(&rows(count, partitions), vec![ranking(name)]);
            let PhysicalPlan::Window(window) = &whole else {
                unreachable!()
            };
            let limited = PhysicalPlan::Window(Window {
                input: Box::new(PhysicalPlan::WindowGroupLimit(WindowGroupLimit {
                    input: window.input.clone(),
                    partition_by: window.partition_by.clone(),
                    order_by: window.order_by.clone(),
                    limit: GroupLimit { rank, rows: limit },
                })),
                ..window.clone()
            });
            let low = |rows: Vec<String>| -> Vec<String> {
                let of = |r: &String| {
                    r.trim_end_matches('|')
                        .rsplit('|')
                        .next()
                        .unwrap()
                        .parse::<u64>()
                        .unwrap()
                };
                rows.into_iter().filter(|r| of(r) <= limit).collect()
            };
            let want = low(run(&whole, context(4096, false, false, 1)).unwrap());
            for (chunk_rows, spill, threads) in [(4096, false, 1), (1000, false, 3), (7, true, 2)] {
                if count > 1_000 && chunk_rows < 100 {
                    continue;
                }
                let all = run(&limited, context(chunk_rows, false, spill, threads)).unwrap();
                assert!(count < 100_000 || all.len() < count / 2, "{} rows are left", all.len());
                assert_eq!(low(all), want, "{name} {count} {partitions} {limit} {chunk_rows}");
            }
        }
    }
}

#[test]
fn ranks_come_in_order() {
    let data = [[1, 5], [2, 1], [1, 5], [1, 9], [2, 0]];
    let data: Vec<Vec<Option<i64>>> = data.iter().map(|r| vec![Some(r[0]), Some(r[1]), None]).collect();
    let got = run(&plan(&data, vec![ranking("rank")]), context(2, false, false, 2)).unwrap();
    assert_eq!(
        got,
        [
            "1|5|NULL|1|",
            "1|5|NULL|1|",
            "1|9|NULL|3|",
            "2|0|NULL|1|",
            "2|1|NULL|2|"
        ]
    );
}
