//! Every kind of join against nested loops over random rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, StringViewArray};
use arrow::util::display::array_value_to_string;
use rsql_common::settings::Settings;
use rsql_common::{ColumnId, MemoryPool};
use rsql_expr::tree::CompareOp;
use rsql_expr::types::Field;
use rsql_expr::{Chunk, Expr, FunctionRegistry, Literal, Scalar, Schema, Slot, SqlType};
use rsql_planner::logical::{JoinHint, JoinKind};
use rsql_planner::physical::{HashJoin, NestedLoopJoin, PhysicalPlan, Side, Values};

use crate::pipeline::TaskContext;

/// A column of small random values; NULL now and then.
type Cell = Option<i64>;

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }

    /// Rows of (int key, string-like key, long payload).
    fn rows(&mut self, count: usize, keys: u64, nulls: bool) -> Vec<[Cell; 3]> {
        (0..count)
            .map(|i| {
                let mut key = || (!nulls || self.below(6) > 0).then(|| self.below(keys) as i64);
                [key(), key(), Some(i as i64)]
            })
            .collect()
    }
}

fn types(strings: bool) -> [SqlType; 3] {
    [
        SqlType::Int,
        if strings { SqlType::String } else { SqlType::Long },
        SqlType::Long,
    ]
}

fn text_of(v: i64) -> String {
    format!("key number {v}")
}

fn values(rows: &[[Cell; 3]], strings: bool, first_id: u32) -> PhysicalPlan {
    let types = types(strings);
    let schema = schema_of(&types, first_id);
    let literal = |cell: Cell, ty: &SqlType| {
        let value = match (cell, ty) {
            (None, _) => Scalar::Null,
            (Some(v), SqlType::Int) => Scalar::I32(v as i32),
            (Some(v), SqlType::String) => Scalar::Str(text_of(v).into()),
            (Some(v), _) => Scalar::I64(v),
        };
        Literal::new(value, ty.clone())
    };
    let rows = rows
        .iter()
        .map(|r| r.iter().zip(&types).map(|(c, t)| literal(*c, t)).collect())
        .collect();
    PhysicalPlan::Values(Values { rows, schema })
}

fn schema_of(types: &[SqlType], first_id: u32) -> Schema {
    Schema::new(types.iter().enumerate().map(|(i, ty)| Field {
        id: ColumnId(first_id + i as u32),
        name: format!("c{i}").into(),
        ty: ty.clone(),
        nullable: true,
    }))
}

fn slot(index: usize, ty: &SqlType) -> Expr {
    Expr::Slot(Slot { index, ty: ty.clone() })
}

/// One way to join.
#[derive(Debug, Clone, Copy)]
struct Case {
    kind: JoinKind,
    build: Side,
    keys: usize,
    strings: bool,
    null_safe: bool,
    residual: bool,
    null_aware: bool,
}

impl Case {
    fn pairs(self) -> bool {
        !matches!(self.kind, JoinKind::LeftSemi | JoinKind::LeftAnti | JoinKind::LeftMark)
    }

    fn schema(self) -> Schema {
        let mut all = types(self.strings).to_vec();
        if self.pairs() {
            all.extend(types(self.strings));
        }
        if self.kind == JoinKind::LeftMark {
            all.push(SqlType::Boolean);
        }
        schema_of(&all, 100)
    }

    /// Left payload below right payload plus two.
    fn filter(self) -> Option<Expr> {
        self.residual
            .then(|| Expr::compare(CompareOp::Lt, slot(2, &SqlType::Long), slot(5, &SqlType::Long)))
    }

    fn plan(self, left: &[[Cell; 3]], right: &[[Cell; 3]]) -> PhysicalPlan {
        let types = types(self.strings);
        PhysicalPlan::HashJoin(HashJoin {
            left: Box::new(values(left, self.strings, 0)),
            right: Box::new(values(right, self.strings, 10)),
            kind: self.kind,
            build: self.build,
            keys: (0..self.keys)
                .map(|k| (slot(k, &types[k]), slot(k, &types[k]), self.null_safe))
                .collect(),
            filter: self.filter(),
            null_aware: self.null_aware,
            publishes: vec![],
            build_estimate: 1.0,
            estimate: 1.0,
            schema: self.schema(),
            hint: JoinHint::default(),
        })
    }

    fn nested(self, left: &[[Cell; 3]], right: &[[Cell; 3]]) -> PhysicalPlan {
        let types = types(self.strings);
        let op = if self.null_safe {
            CompareOp::NullSafeEq
        } else {
            CompareOp::Eq
        };
        let keys = (0..self.keys).map(|k| Expr::compare(op, slot(k, &types[k]), slot(k + 3, &types[k])));
        PhysicalPlan::NestedLoopJoin(NestedLoopJoin {
            left: Box::new(values(left, self.strings, 0)),
            right: Box::new(values(right, self.strings, 10)),
            kind: self.kind,
            filter: Some(Expr::conjunction(keys.chain(self.filter()))),
            null_aware: self.null_aware,
            estimate: 1.0,
            schema: self.schema(),
            hint: JoinHint::default(),
        })
    }

    /// Truth of the condition for a pair: `None` is UNKNOWN.
    fn truth(self, l: &[Cell; 3], r: &[Cell; 3]) -> Option<bool> {
        let mut all = Some(true);
        for k in 0..self.keys {
            let equal = match (l[k], r[k]) {
                (Some(a), Some(b)) => Some(a == b),
                (a, b) if self.null_safe => Some(a == b),
                _ => None,
            };
            all = and(all, equal);
        }
        if self.residual {
            and(all, Some(l[2] < r[2]))
        } else {
            all
        }
    }

    /// The expected rows as text, or none if the join must fail.
    fn expected(self, left: &[[Cell; 3]], right: &[[Cell; 3]]) -> Option<Vec<String>> {
        let show = |row: Option<&[Cell; 3]>| -> String {
            (0..3)
                .map(|i| match row.and_then(|r| r[i]) {
                    None => "NULL|".to_string(),
                    Some(v) if i == 1 && self.strings => text_of(v) + "|",
                    Some(v) => format!("{v}|"),
                })
                .collect()
        };
        let mut out = Vec::new();
        let mut matched = vec![false; right.len()];
        for l in left {
            let truths: Vec<Option<bool>> = right.iter().map(|r| self.truth(l, r)).collect();
            let partners: Vec<usize> = (0..right.len()).filter(|i| truths[*i] == Some(true)).collect();
            partners.iter().for_each(|p| matched[*p] = true);
            let unknown = self.null_aware && truths.contains(&None);
            let found = !partners.is_empty();
            match self.kind {
                JoinKind::LeftSemi if found => out.push(show(Some(l))),
                JoinKind::LeftAnti if !found && !unknown => out.push(show(Some(l))),
                JoinKind::LeftSemi | JoinKind::LeftAnti => {}
                JoinKind::LeftMark => {
                    let mark = if found {
                        "true|"
                    } else if unknown {
                        "NULL|"
                    } else {
                        "false|"
                    };
                    out.push(show(Some(l)) + mark);
                }
                JoinKind::LeftSingle if partners.len() > 1 => return None,
                _ => {
                    out.extend(partners.iter().map(|p| show(Some(l)) + &show(Some(&right[*p]))));
                    if !found && matches!(self.kind, JoinKind::Left | JoinKind::Full | JoinKind::LeftSingle) {
                        out.push(show(Some(l)) + &show(None));
                    }
                }
            }
        }
        if matches!(self.kind, JoinKind::Right | JoinKind::Full) {
            let alone = right.iter().zip(&matched).filter(|(_, m)| !**m);
            out.extend(alone.map(|(r, _)| show(None) + &show(Some(r))));
        }
        out.sort();
        Some(out)
    }
}

fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn context(chunk_rows: usize, hash_zero: bool, force_spill: bool) -> Arc<TaskContext> {
    let registry = Arc::new(FunctionRegistry::default());
    let mut cx = TaskContext::new(&Settings::default(), registry, MemoryPool::unbounded()).unwrap();
    (cx.chunk_rows, cx.hash_zero, cx.force_spill, cx.threads) = (chunk_rows, hash_zero, force_spill, 2);
    Arc::new(cx)
}

fn run(plan: &PhysicalPlan, cx: &Arc<TaskContext>) -> rsql_common::Result<Vec<String>> {
    let chunks: Vec<Chunk> = crate::collect(plan, Arc::clone(cx))?;
    let mut out = Vec::new();
    for chunk in chunks {
        let dense = chunk.compact()?;
        let arrays: Vec<ArrayRef> = dense.columns.iter().map(|c| c.to_array().unwrap()).collect();
        for row in 0..dense.len {
            out.push(
                arrays
                    .iter()
                    .map(|a| match a.is_null(row) {
                        true => "NULL|".to_string(),
                        false => array_value_to_string(a, row).unwrap() + "|",
                    })
                    .collect(),
            );
        }
    }
    out.sort();
    Ok(out)
}

fn check(
    case: Case,
    left: &[[Cell; 3]],
    right: &[[Cell; 3]],
    (chunk_rows, hash_zero, force_spill): (usize, bool, bool),
) {
    let want = case.expected(left, right);
    for plan in [case.plan(left, right), case.nested(left, right)] {
        // A failed query cancels its context.
        let got = run(&plan, &context(chunk_rows, hash_zero, force_spill));
        match &want {
            Some(rows) => assert_eq!(&got.unwrap(), rows, "{case:?} {}", plan.name()),
            None => assert_eq!(
                got.unwrap_err().condition(),
                "SCALAR_SUBQUERY_TOO_MANY_ROWS",
                "{case:?}"
            ),
        }
    }
}

fn cases() -> Vec<Case> {
    use JoinKind::{Full, Inner, Left, LeftAnti, LeftMark, LeftSemi, LeftSingle, Right};
    let mut all = Vec::new();
    for kind in [Inner, Left, Right, Full, LeftSemi, LeftAnti, LeftMark, LeftSingle] {
        for build in [Side::Right, Side::Left] {
            if build == Side::Left && matches!(kind, LeftMark | LeftSingle) {
                continue;
            }
            for (keys, strings) in [(1, false), (2, false), (2, true)] {
                for residual in [false, true] {
                    for null_safe in [false, true] {
                        let case = Case {
                            kind,
                            build,
                            keys,
                            strings,
                            null_safe,
                            residual,
                            null_aware: false,
                        };
                        all.push(case);
                        if matches!(kind, LeftMark | LeftAnti) && build == Side::Right && !null_safe {
                            all.push(Case {
                                null_aware: true,
                                ..case
                            });
                        }
                    }
                }
            }
        }
    }
    all
}

#[test]
fn every_kind_and_layout_agrees_with_nested_loops() {
    let mut random = Random(7);
    for cx in [
        (4096, false, false),
        (1, false, false),
        (3, true, false),
        (3, false, true),
        (4096, true, true),
    ] {
        for case in cases() {
            let sizes = [(13, 11, 4, true), (5, 0, 3, true), (9, 6, 40, false), (0, 3, 3, true)];
            // Spilling opens many files.
            for (l, r, keys, nulls) in sizes.into_iter().take(if cx.2 { 2 } else { 4 }) {
                let (left, right) = (random.rows(l, keys, nulls), random.rows(r, keys, nulls));
                check(case, &left, &right, cx);
            }
        }
    }
}

#[test]
fn many_rows_fill_many_chunks() {
    let mut random = Random(99);
    let (left, right) = (random.rows(700, 90, true), random.rows(500, 90, true));
    for case in cases()
        .into_iter()
        .filter(|c| c.keys == 1 && c.kind != JoinKind::LeftSingle)
    {
        check(case, &left, &right, (64, false, false));
    }
}

#[test]
fn a_refused_grant_spills() {
    let mut random = Random(5);
    let (left, right) = (random.rows(900, 300, true), random.rows(700, 300, true));
    for case in cases()
        .into_iter()
        .filter(|c| c.strings && c.build == Side::Right && !c.null_safe && !c.residual && !c.null_aware)
    {
        let registry = Arc::new(FunctionRegistry::default());
        let mut cx = TaskContext::new(&Settings::default(), registry, MemoryPool::new(25_000)).unwrap();
        (cx.chunk_rows, cx.threads) = (100, 2);
        if let Some(want) = case.expected(&left, &right) {
            assert_eq!(run(&case.plan(&left, &right), &Arc::new(cx)).unwrap(), want, "{case:?}");
        }
    }
}

#[test]
fn gathering_keeps_codes_and_constants() {
    use super::table::gather;
    let values: ArrayRef = Arc::new(StringViewArray::from(vec!["a", "b"]));
    let dict = rsql_expr::Dict::new(values, true);
    let v = rsql_expr::Vector::Dictionary(rsql_expr::DictVector {
        codes: rsql_expr::Codes::from(vec![1u8, 0, 1]),
        validity: None,
        dict,
    });
    let index = arrow::array::UInt32Array::from(vec![Some(2), None, Some(1)]);
    let taken = gather(&v, &index).unwrap();
    assert!(matches!(taken, rsql_expr::Vector::Dictionary(_)));
    let want: ArrayRef = Arc::new(StringViewArray::from(vec![Some("b"), None, Some("a")]));
    assert_eq!(&taken.to_array().unwrap(), &want);
    let constant = rsql_expr::Vector::constant(Arc::new(Int32Array::from(vec![7])), 3);
    let want: ArrayRef = Arc::new(Int32Array::from(vec![Some(7), None, Some(7)]));
    assert_eq!(&gather(&constant, &index).unwrap().to_array().unwrap(), &want);
    let flat = rsql_expr::Vector::Flat(Arc::new(Int64Array::from(vec![1, 2, 3])));
    assert_eq!(gather(&flat, &index).unwrap().nulls().unwrap().null_count(), 1);
}
