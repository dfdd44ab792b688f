//! Aggregation against a naive reference, for every kind of key and call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::util::display::array_value_to_string;
use rsql_common::ids::IdGen;
use rsql_common::settings::Settings;
use rsql_common::{ColumnId, MemoryPool, Result};
use rsql_expr::function::ResolveCx;
use rsql_expr::tree::{CompareOp, Origin};
use rsql_expr::types::Field;
use rsql_expr::{AggregateCall, EvalMode, EvalOptions, Expr, Literal, Scalar, Schema, Slot, SqlType};
use rsql_planner::physical::{HashAggregate, PhysicalPlan, Values};

use crate::pipeline::TaskContext;

/// A small random generator.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }

    pub(crate) fn cell(&mut self, below: u64) -> Option<i64> {
        (self.below(7) > 0).then(|| self.below(below) as i64)
    }
}

pub(crate) fn schema(types: &[SqlType], first_id: u32) -> Schema {
    Schema::new(types.iter().enumerate().map(|(i, ty)| Field {
        id: ColumnId(first_id + i as u32),
        name: format!("c{i}").into(),
        ty: ty.clone(),
        nullable: true,
    }))
}

pub(crate) fn slot(index: usize, ty: &SqlType) -> Expr {
    Expr::Slot(Slot { index, ty: ty.clone() })
}

/// The literal of a type that stands for a number.
pub(crate) fn literal(cell: Option<i64>, ty: &SqlType) -> Literal {
    let value = match (cell, ty) {
        (None, _) => Scalar::Null,
        (Some(v), SqlType::Int | SqlType::Date) => Scalar::I32(v as i32),
        (Some(v), SqlType::String) => Scalar::Str(format!("the text of number {v}").into()),
        (Some(v), SqlType::Double) => Scalar::F64(v as f64 / 4.0),
        (Some(v), SqlType::Boolean) => Scalar::Bool(v % 2 == 1),
        (Some(v), SqlType::Decimal(30, _)) => Scalar::I128(i128::from(v) << 70),
        (Some(v), SqlType::Array(_)) => Scalar::Array([Scalar::I32(v as i32), Scalar::Null].into()),
        (Some(v), _) => Scalar::I64(v),
    };
    Literal::new(value, ty.clone())
}

pub(crate) fn values(rows: &[Vec<Option<i64>>], types: &[SqlType]) -> PhysicalPlan {
    PhysicalPlan::Values(Values {
        rows: rows
            .iter()
            .map(|r| r.iter().zip(types).map(|(c, t)| literal(*c, t)).collect())
            .collect(),
        schema: schema(types, 0),
    })
}

/// An aggregate call as the analyzer would make it.
pub(crate) fn call(name: &str, args: Vec<Expr>) -> AggregateCall {
    let registry = rsql_functions::registry();
    let function = registry.aggregate(name).unwrap();
    let cx = ResolveCx {
        called_as: name,
        options: &Arc::new(EvalOptions::default()),
        mode: EvalMode::Ansi,
        settings: &Settings::default(),
        registry: &registry,
        ids: &IdGen::default(),
        origin: Origin::default(),
    };
    (function.resolve)(args, vec![], false, &cx).unwrap()
}

pub(crate) fn context(chunk_rows: usize, hash_zero: bool, force_spill: bool, threads: usize) -> Arc<TaskContext> {
    let mut cx = TaskContext::new(
        &Settings::default(),
        rsql_functions::registry(),
        MemoryPool::unbounded(),
    )
    .unwrap();
    (cx.chunk_rows, cx.hash_zero, cx.force_spill, cx.threads) = (chunk_rows, hash_zero, force_spill, threads);
    Arc::new(cx)
}

/// The rows of a plan as text, in order.
pub(crate) fn run(plan: &PhysicalPlan, cx: Arc<TaskContext>) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for chunk in crate::collect(plan, cx)? {
        let dense = chunk.compact()?;
        let arrays: Vec<ArrayRef> = dense.columns.iter().map(|c| c.to_array().unwrap()).collect();
        for row in 0..dense.len {
            out.push(arrays.iter().map(|a| text(a, row) + "|").collect());
        }
    }
    Ok(out)
}

pub(crate) fn text(array: &ArrayRef, row: usize) -> String {
    match array.is_null(row) {
        true => "NULL".to_string(),
        false => array_value_to_string(array, row).unwrap(),
    }
}

fn show(v: Option<i64>) -> String {
    v.map_or("NULL".to_string(), |v| v.to_string())
}

/// Value column last; what the calls below give for a group's values.
fn expected(values: &[Option<i64>]) -> String {
    let known: Vec<i64> = values.iter().flatten().copied().collect();
    let distinct: BTreeSet<i64> = known.iter().copied().collect();
    let sum = |v: &mut dyn Iterator<Item = i64>| v.fold(None, |s: Option<i64>, v| Some(s.unwrap_or(0) + v));
    let list: Vec<String> = known.iter().map(i64::to_string).collect();
    [
        values.len().to_string(),
        known.len().to_string(),
        show(sum(&mut known.iter().copied())),
        show(known.iter().min().copied()),
        show(known.iter().max().copied()),
        distinct.len().to_string(),
        show(sum(&mut distinct.iter().copied())),
        show(sum(&mut known.iter().copied().filter(|v| *v > 2))),
        format!("[{}]", list.join(", ")),
    ]
    .join("|")
}

fn calls(value: &Expr, ordered: bool) -> Vec<AggregateCall> {
    let with = |name: &str, distinct: bool, filter: Option<Expr>| AggregateCall {
        distinct,
        filter,
        ..call(name, vec![value.clone()])
    };
    let above_two = Expr::compare(CompareOp::Gt, value.clone(), Expr::lit(Literal::long(2)));
    let mut all = vec![
        call("count", vec![]),
        with("count", false, None),
        with("sum", false, None),
        with("min", false, None),
        with("max", true, None),
        with("count", true, None),
        with("sum", true, None),
        with("sum", false, Some(above_two)),
    ];
    if ordered {
        all.push(with("collect_list", false, None));
    }
    all
}

#[test]
fn every_kind_of_key_agrees_with_a_reference() {
    let mut random = Random(3);
    let key_types: Vec<Vec<SqlType>> = vec![
        vec![],
        vec![SqlType::Int],
        vec![SqlType::Long, SqlType::Date],
        vec![SqlType::String],
        vec![SqlType::Double, SqlType::Boolean],
        vec![SqlType::Decimal(30, 2), SqlType::String],
        vec![SqlType::array(SqlType::Int)],
    ];
    for keys in &key_types {
        for (rows, spread) in [(0, 1), (1, 1), (50, 3), (400, 60)] {
            let types: Vec<SqlType> = keys.iter().cloned().chain([SqlType::Long]).collect();
            let data: Vec<Vec<Option<i64>>> = (0..rows)
                .map(|_| {
                    let mut row: Vec<Option<i64>> = keys.iter().map(|_| random.cell(spread)).collect();
                    row.push(random.cell(8));
                    row
                })
                .collect();
            let mut groups: BTreeMap<String, Vec<Option<i64>>> = BTreeMap::new();
            for row in &data {
                let key = row
                    .iter()
                    .zip(keys)
                    .map(|(c, t)| {
                        let l = literal(*c, t);
                        text(&rsql_expr::eval::literal_array(&l).unwrap(), 0) + "|"
                    })
                    .collect();
                groups.entry(key).or_default().push(row[keys.len()]);
            }
            if keys.is_empty() && groups.is_empty() {
                groups.insert(String::new(), vec![]);
            }
            for ordered in [false, true] {
                let calls = calls(&slot(keys.len(), &SqlType::Long), ordered);
                let mut want: Vec<String> = groups
                    .iter()
                    .map(|(k, v)| {
                        let mut all = expected(v);
                        if !ordered {
                            all.truncate(all.rfind('|').unwrap());
                        }
                        format!("{k}{all}|")
                    })
                    .collect();
                want.sort();
                let out: Vec<SqlType> = keys.iter().cloned().chain(calls.iter().map(|c| c.ty.clone())).collect();
                let plan = PhysicalPlan::HashAggregate(HashAggregate {
                    mode: rsql_planner::physical::AggregateMode::Single,
                    input: Box::new(values(&data, &types)),
                    groups: keys.iter().enumerate().map(|(i, t)| slot(i, t)).collect(),
                    aggregates: calls,
                    estimate: 1.0,
                    schema: schema(&out, 100),
                });
                for (chunk_rows, hash_zero, force_spill, threads) in [
                    (4096, false, false, 1),
                    (1, false, false, 2),
                    (3, true, false, 2),
                    (7, false, true, 2),
                    (3, true, true, 1),
                ] {
                    let mut got = run(&plan, context(chunk_rows, hash_zero, force_spill, threads)).unwrap();
                    got.sort();
                    assert_eq!(
                        got, want,
                        "{keys:?} {rows} {chunk_rows} {hash_zero} {force_spill} {threads}"
                    );
                }
            }
        }
    }
}

#[test]
fn groups_come_in_order_of_first_appearance() {
    let types = [SqlType::Long, SqlType::Long];
    let data: Vec<Vec<Option<i64>>> = (0..3000).map(|i| vec![Some((i * 7) % 501), Some(i)]).collect();
    let plan = PhysicalPlan::HashAggregate(HashAggregate {
        mode: rsql_planner::physical::AggregateMode::Single,
        input: Box::new(values(&data, &types)),
        groups: vec![slot(0, &types[0])],
        aggregates: vec![call("min", vec![slot(1, &types[1])])],
        estimate: 1.0,
        schema: schema(&types, 100),
    });
    let got = run(&plan, context(10, false, false, 2)).unwrap();
    let want: Vec<String> = (0..501).map(|i| format!("{}|{i}|", (i * 7) % 501)).collect();
    assert_eq!(got, want);
}
