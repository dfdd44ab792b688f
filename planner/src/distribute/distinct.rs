//! DISTINCT without groups over rows in several tasks: groups of the distinct values, then aggregates over these.
//!
//! ```text
//!   HashAggregate [] [count(DISTINCT a), count(DISTINCT b), sum(c)]
//!     Scan t
//! =>
//!   HashAggregate [] [count(a) if gid = 1, count(b) if gid = 2, max(sum) if gid = 0]
//!     HashAggregate [gid, a, b] [sum(c) if gid = 0]
//!       Expand [0, NULL, NULL, c], [1, a, NULL, NULL], [2, NULL, b, NULL]
//!         Scan t
//! ```
//!
//! Catalyst's `RewriteDistinctAggregates`, done here because it pays only where it replaces gathering all rows: on one executor
//! the sets are part of the hash table and as fast. What is not DISTINCT is one group, whose values go through `max`; where
//! there are no rows there is no such group, so what the function gives for none stands in.
//!
//! Not done for functions that depend on the order of rows, for results without an order, and where a FILTER guards arguments
//! that may raise an error.

use rsql_common::Result;
use rsql_expr::eval::scalar_at;
use rsql_expr::{AggregateCall, CompareOp, Expr, Field, Literal, Schema, Slot, SqlType};

use super::promise::deterministic;
use super::{Pinned, Placed, Placer, size};
use crate::PhysicalPlan;
use crate::physical::{AggregateMode, Expand, HashAggregate, Projection};

/// Every set of distinct values is one more copy of the rows.
const MOST_SETS: usize = 8;

/// Calls by what they count.
#[derive(Default)]
pub(super) struct Sets {
    /// Arguments and filters of DISTINCT calls, each once.
    distinct: Vec<(Vec<Expr>, Option<Expr>)>,
    /// By call: its set, or what it gives without rows.
    calls: Vec<Of>,
}

enum Of {
    Set(usize),
    All { without_rows: Literal },
}

impl Placer<'_> {
    /// The aggregate over rows in several tasks.
    pub(super) fn distinct(&self, n: &HashAggregate, sets: &Sets, input: Placed, pinned: &Pinned) -> Result<Placed> {
        let rows = size::rows(&input.plan);
        let (expand, groups) = self.expand(n, sets, input.plan);
        let expand = self.put(PhysicalPlan::Expand(expand), vec![input.spread], pinned)?;
        let first = self.values(n, sets, expand.plan.schema(), groups, rows);
        let values = self.aggregated(first, expand, pinned)?;
        let second = self.over_values(n, sets, groups, values.plan.schema());
        let schema = second.schema.clone();
        let placed = self.aggregated(second, values, pinned)?;
        let exprs = sets
            .calls
            .iter()
            .zip(schema.iter())
            .enumerate()
            .map(|(i, (of, field))| {
                let slot = slot(i, &field.ty);
                match of {
                    Of::All { without_rows } if !without_rows.value.is_null() => Expr::Coalesce {
                        args: vec![slot, Expr::Literal(without_rows.clone())],
                        ty: field.ty.clone(),
                    },
                    _ => slot,
                }
            });
        let named = PhysicalPlan::Projection(Projection {
            exprs: exprs.collect(),
            input: Box::new(placed.plan),
            schema: n.schema.clone(),
        });
        self.put(named, vec![placed.spread], pinned)
    }

    /// What the calls count, if some are DISTINCT and all can be done so.
    pub(super) fn sets(&self, n: &HashAggregate) -> Option<Sets> {
        let mut sets = Sets::default();
        if n.mode != AggregateMode::Single || !n.groups.is_empty() {
            return None;
        }
        for call in &n.aggregates {
            let function = self.cx.registry.aggregate(&call.func)?;
            let guarded = call.filter.is_some() && call.args.iter().any(Expr::is_fallible);
            if function.order_sensitive || guarded || !deterministic(call.args.iter().chain(&call.filter)) {
                return None;
            }
            if call.distinct && !function.duplicate_insensitive {
                let set = (call.args.clone(), call.filter.clone());
                let known = sets.distinct.iter().position(|s| *s == set);
                sets.calls.push(Of::Set(known.unwrap_or(sets.distinct.len())));
                if known.is_none() {
                    sets.distinct.push(set);
                }
                continue;
            }
            let mut none = (function.accumulator)(call).ok()?;
            none.resize(1);
            let value = scalar_at(none.finish().ok()?.as_ref(), 0, &call.ty).ok()?;
            // A NULL that the function gave would be taken for that of a group that is not there.
            if !call.ty.is_orderable() || call.nullable && !value.is_null() {
                return None;
            }
            sets.calls.push(Of::All {
                without_rows: Literal::new(value, call.ty.clone()),
            });
        }
        (1..=MOST_SETS).contains(&sets.distinct.len()).then_some(sets)
    }

    /// The rows once for each set and once for all that is not DISTINCT: the number of the set, whether the row counts, the
    /// arguments of each set, and the other calls' arguments and filters. Gives how many columns groups are made of as well.
    fn expand(&self, n: &HashAggregate, sets: &Sets, input: PhysicalPlan) -> (Expand, usize) {
        let mut projections: Vec<Vec<Expr>> = Vec::new();
        let mut types = vec![SqlType::Int, SqlType::Boolean];
        types.extend(sets.distinct.iter().flat_map(|(args, _)| read(args)).map(Expr::ty));
        let groups = types.len();
        let others: Vec<&Expr> = sets.others(n).flat_map(|c| read(&c.args).chain(&c.filter)).collect();
        types.extend(others.iter().map(|e| e.ty()));
        let nothing: Vec<Expr> = types
            .iter()
            .map(|ty| Expr::Literal(Literal::null(ty.clone())))
            .collect();
        let row = |gid: i32, counts: Expr, at: usize, values: &mut dyn Iterator<Item = Expr>| {
            let mut row = nothing.clone();
            row[0] = Expr::Literal(Literal::int(gid));
            row[1] = counts;
            row.iter_mut()
                .skip(at)
                .zip(values)
                .for_each(|(place, value)| *place = value);
            row
        };
        let yes = || Expr::Literal(Literal::bool(true));
        if sets.others(n).next().is_some() {
            projections.push(row(0, yes(), groups, &mut others.into_iter().cloned()));
        }
        let (mut gid, mut at) = (1, 2);
        for (args, filter) in &sets.distinct {
            let counts = filter.clone().map_or_else(yes, |f| Expr::Coalesce {
                args: vec![f, Expr::Literal(Literal::bool(false))],
                ty: SqlType::Boolean,
            });
            projections.push(row(gid, counts, at, &mut read(args).cloned()));
            gid += 1;
            at += read(args).count();
        }
        let expand = Expand {
            input: Box::new(input),
            projections,
            schema: Schema::new(types.into_iter().enumerate().map(|(i, ty)| self.field(i, ty))),
        };
        (expand, groups)
    }

    /// One row a distinct value of a set, and one with all that is not DISTINCT.
    fn values(&self, n: &HashAggregate, sets: &Sets, input: &Schema, groups: usize, rows: f64) -> HashAggregate {
        let slot_of = |i: usize| input.fields.get(i).map(|f| slot(i, &f.ty)).unwrap_or_default();
        let mut next = groups;
        let mut taken = |wanted: usize| {
            let slots: Vec<Expr> = (next..next + wanted).map(slot_of).collect();
            next += wanted;
            slots
        };
        let mut calls = Vec::new();
        for call in sets.others(n) {
            let args = replaced(&call.args, taken(read(&call.args).count()));
            let filter = taken(usize::from(call.filter.is_some()));
            calls.push(AggregateCall {
                args,
                filter: Some(Expr::conjunction(std::iter::once(in_set(0)).chain(filter))),
                distinct: false,
                ..call.clone()
            });
        }
        let results = calls.iter().enumerate();
        let results = results.map(|(i, c)| self.field(groups + i, c.ty.clone()));
        HashAggregate {
            mode: AggregateMode::Single,
            // Partial groups are made in any case: what they leave out need not be moved.
            estimate: rows * sets.distinct.len() as f64 / 2.0,
            groups: (0..groups).map(slot_of).collect(),
            schema: Schema::new(input.iter().take(groups).cloned().chain(results)),
            aggregates: calls,
            input: Box::new(PhysicalPlan::nothing()),
        }
    }

    /// The calls over the values.
    fn over_values(&self, n: &HashAggregate, sets: &Sets, groups: usize, values: &Schema) -> HashAggregate {
        let slot_of = |i: usize| values.fields.get(i).map(|f| slot(i, &f.ty)).unwrap_or_default();
        let starts: Vec<usize> = sets
            .distinct
            .iter()
            .scan(2, |at, (args, _)| Some(std::mem::replace(at, *at + read(args).count())))
            .collect();
        let mut other = groups;
        let calls = n.aggregates.iter().zip(&sets.calls).map(|(call, of)| match of {
            Of::Set(set) => {
                let start = starts.get(*set).copied().unwrap_or(2);
                AggregateCall {
                    args: replaced(&call.args, (start..).map(slot_of)),
                    filter: Some(Expr::conjunction([in_set(*set + 1), slot(1, &SqlType::Boolean)])),
                    distinct: false,
                    ..call.clone()
                }
            }
            Of::All { .. } => {
                other += 1;
                AggregateCall {
                    func: "max".into(),
                    args: vec![slot_of(other - 1)],
                    filter: Some(in_set(0)),
                    distinct: false,
                    order_by: Vec::new(),
                    nullable: true,
                    ignore_nulls: false,
                    ..call.clone()
                }
            }
        });
        HashAggregate {
            mode: AggregateMode::Single,
            aggregates: calls.collect(),
            groups: Vec::new(),
            estimate: 1.0,
            schema: Schema::new(n.schema.iter().enumerate().map(|(i, f)| self.field(i, f.ty.clone()))),
            input: Box::new(PhysicalPlan::nothing()),
        }
    }

    fn field(&self, position: usize, ty: SqlType) -> Field {
        let name = match position {
            0 => "gid".into(),
            _ => format!("value{position}").into(),
        };
        Field {
            id: self.cx.ids.column(),
            name,
            ty,
            nullable: true,
        }
    }
}

impl Sets {
    /// The calls that count all rows.
    fn others<'n>(&self, n: &'n HashAggregate) -> impl Iterator<Item = &'n AggregateCall> {
        let all = n.aggregates.iter().zip(&self.calls);
        all.filter(|(_, of)| matches!(of, Of::All { .. })).map(|(call, _)| call)
    }
}

/// Arguments that a function is to see as they stand read no column.
fn is_constant(e: &Expr) -> bool {
    !e.any(&|e| matches!(e, Expr::Slot(_)))
}

/// The arguments that become columns.
fn read(args: &[Expr]) -> impl Iterator<Item = &Expr> {
    args.iter().filter(|e| !is_constant(e))
}

/// Arguments with `columns` in the place of those that read some.
fn replaced(args: &[Expr], columns: impl IntoIterator<Item = Expr>) -> Vec<Expr> {
    let mut columns = columns.into_iter();
    let each = args.iter().map(|e| match is_constant(e) {
        true => e.clone(),
        false => columns.next().unwrap_or_default(),
    });
    each.collect()
}

fn slot(index: usize, ty: &SqlType) -> Expr {
    Expr::Slot(Slot { index, ty: ty.clone() })
}

/// That a row is of this set; 0 is that of all rows.
fn in_set(set: usize) -> Expr {
    let set = i32::try_from(set).unwrap_or(i32::MAX);
    Expr::compare(CompareOp::Eq, slot(0, &SqlType::Int), Expr::Literal(Literal::int(set)))
}
