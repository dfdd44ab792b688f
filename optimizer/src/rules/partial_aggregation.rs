//! Aggregates below a join what the join would multiply: fewer rows are joined.
//!
//! ```text
//! Aggregate [c.k] [count(o.x)]          Aggregate [c.k] [coalesce(sum(n), 0)]
//!   Join Left on (c.k = o.k)      →       Join Left on (c.k = o.k)
//!     Scan c                                Scan c
//!     Scan o                                Aggregate [o.k] [count(o.x) AS n]
//!                                             Scan o
//! ```
//! Sound for aggregates of which partial results can be aggregated again without loss and joins by keys alone: rows with equal
//! keys meet the same partners. Those are counts, extremes, and sums that cannot overflow below, where they also meet rows
//! that the join would drop: decimals of up to 18 digits are summed in 38 there, which takes 10^20 rows to fill, and INTs in 64
//! bits if there are surely fewer than 2^32 rows. Above, a sum overflows when it did before. A mean of decimals is its sum over
//! its count, rounded once. Not applied where the join drops many rows before they would be aggregated, nor where the keys
//! hardly repeat; not to sums of BIGINTs, and of doubles, whose order matters (as it does to means of integers).

use std::sync::Arc;

use rsql_common::{ColumnId, Result};
use rsql_expr::tree::{ArithExpr, ArithOp, CastExpr};
use rsql_expr::{AggregateCall, Column, Expr, Field, Literal, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::{column, field_for};
use rsql_planner::logical::{Aggregate, Join, JoinKind};

use crate::OptimizerContext;
use crate::predicate::{is_movable, most_rows};
use crate::rule::{OptimizerRule, Transformed};
use crate::statistics::{Definitions, derive};

/// See the module.
pub struct PartialAggregationBelowJoin;

/// Rows of the aggregated side from which it pays.
const LEAST_ROWS: f64 = 50_000.0;
/// Groups have to be at most this part of the rows.
const MOST_GROUPS: f64 = 0.5;
/// Digits of decimals that can be summed in 38 whatever their number.
const MOST_DIGITS: u8 = 18;

impl OptimizerRule for PartialAggregationBelowJoin {
    fn name(&self) -> &'static str {
        "PartialAggregationBelowJoin"
    }

    fn rewrite(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(n) = plan else {
            return Ok(Transformed::no(plan));
        };
        Ok(match rewrite(&n, cx) {
            Some(plan) => Transformed::yes(plan),
            None => Transformed::no(LogicalPlan::Aggregate(n)),
        })
    }
}

fn rewrite(n: &Aggregate, cx: &OptimizerContext) -> Option<LogicalPlan> {
    let join = join_of(&n.input)?;
    let (left, right) = (join.left.schema(), join.right.schema());
    let of_left = |e: &Expr| matches!(e, Expr::Column(c) if left.index_of(c.id).is_some());
    let fits = matches!(join.kind, JoinKind::Left | JoinKind::Inner)
        && join.filter.is_none()
        && !join.on.is_empty()
        && join.on.iter().all(|(_, r)| matches!(r, Expr::Column(_)))
        && !n.aggregates.is_empty()
        && n.groups.iter().all(of_left)
        && n.aggregates.iter().all(|c| {
            !c.distinct
                && c.filter.is_none()
                && !c.args.is_empty()
                && c.args.iter().all(|e| {
                    let columns = e.columns();
                    // An error in a row that the join drops is none.
                    is_movable(e) && !columns.is_empty() && columns.iter().all(|id| right.index_of(*id).is_some())
                })
        });
    if !fits || matches!(join.right.as_ref(), LogicalPlan::Aggregate(_)) {
        return None;
    }
    let few = most_rows(&join.right).is_some_and(|n| n < 1 << 32);
    let types: Vec<SqlType> = n.aggregates.iter().map(|c| below(c, few)).collect::<Option<_>>()?;
    if !pays(join) {
        return None;
    }
    let calls = n.aggregates.iter().zip(types);
    let parts: Vec<Parts> = calls.map(|(c, ty)| Parts::of(c, ty, cx)).collect();
    // Below: by the join's keys.
    let keys: Vec<(Expr, Field)> = join
        .on
        .iter()
        .map(|(_, r)| (r.clone(), field_for(r, "key", right, &cx.ids)))
        .collect();
    let (mut partial, mut merged) = (Vec::new(), Vec::new());
    // Above: by the groups, over the partial results.
    let groups = n.groups.iter().cloned().zip(n.schema.iter().cloned()).collect();
    let mut outputs: Vec<Expr> = n.schema.iter().take(n.groups.len()).map(column).collect();
    for part in parts {
        partial.extend(part.partial);
        merged.extend(part.merged);
        outputs.push(part.result);
    }
    let below = join.right.as_ref().clone().aggregate(keys, partial);
    let joined =
        LogicalPlan::join(join.left.clone(), below, join.kind, join.on.clone(), None).with_join_hint(join.hint);
    let fields = n.schema.iter().cloned().collect();
    Some(joined.aggregate(groups, merged).project_to(outputs, fields))
}

/// A call with its column's id and name.
type NamedCall = (AggregateCall, ColumnId, Arc<str>);

/// What takes a call's place.
struct Parts {
    /// Below the join.
    partial: Vec<NamedCall>,
    /// Above it.
    merged: Vec<NamedCall>,
    /// The call's value, over the merged results.
    result: Expr,
}

/// Type of what a call gives below the join (of a mean its sum); none if it cannot be cut in two. `few`: so few rows are there
/// that no sum of INTs overflows.
fn below(call: &AggregateCall, few: bool) -> Option<SqlType> {
    match (&*call.func, call.args.first()?.ty()) {
        ("count" | "min" | "max", _) => Some(call.ty.clone()),
        ("sum" | "avg", SqlType::Decimal(p, s)) if p <= MOST_DIGITS => Some(SqlType::Decimal(38, s)),
        ("sum", SqlType::Byte | SqlType::Short | SqlType::Int) if few => Some(call.ty.clone()),
        _ => None,
    }
}

impl Parts {
    fn of(call: &AggregateCall, below: SqlType, cx: &OptimizerContext) -> Self {
        let mut parts = Self {
            partial: Vec::new(),
            merged: Vec::new(),
            result: Expr::lit(Literal::long(0)),
        };
        let partial = |func: &str| AggregateCall {
            func: func.into(),
            ty: below.clone(),
            ..call.clone()
        };
        parts.result = match &*call.func {
            "count" => parts.count(call.clone(), cx),
            "avg" => {
                let count = AggregateCall {
                    ty: SqlType::Long,
                    nullable: false,
                    ..partial("count")
                };
                let (sum, count) = (
                    parts.cut(partial("sum"), "sum", below.clone(), cx),
                    parts.count(count, cx),
                );
                // A group of NULLs has no mean: NULL by zero is NULL.
                Expr::Arith(Box::new(ArithExpr {
                    op: ArithOp::Divide,
                    left: sum,
                    right: Expr::Cast(Box::new(CastExpr {
                        expr: count,
                        ty: SqlType::Decimal(20, 0),
                        mode: call.mode,
                        explicit: false,
                        options: Arc::clone(&call.options),
                        origin: call.origin,
                    })),
                    ty: call.ty.clone(),
                    mode: call.mode,
                    origin: call.origin,
                }))
            }
            func => parts.cut(partial(func), func, call.ty.clone(), cx),
        };
        parts
    }

    /// Cuts a count; the number of no rows is 0.
    fn count(&mut self, call: AggregateCall, cx: &OptimizerContext) -> Expr {
        let merged = self.cut(call, "sum", SqlType::Long, cx);
        Expr::Coalesce {
            args: vec![merged, Expr::lit(Literal::long(0))],
            ty: SqlType::Long,
        }
    }

    /// `call` below, and `func` of type `ty` over its results above.
    fn cut(&mut self, call: AggregateCall, func: &str, ty: SqlType, cx: &OptimizerContext) -> Expr {
        let (below, above) = (cx.ids.column(), cx.ids.column());
        let merge = AggregateCall {
            func: func.into(),
            args: vec![reference(below, &call.ty)],
            nullable: true,
            ty,
            ..call.clone()
        };
        let result = reference(above, &merge.ty);
        self.partial.push((call, below, "partial".into()));
        self.merged.push((merge, above, "merged".into()));
        result
    }
}

fn reference(id: ColumnId, ty: &SqlType) -> Expr {
    let ty = ty.clone();
    Expr::Column(Column { id, ty })
}

/// The join below, looking through selections of columns.
fn join_of(plan: &LogicalPlan) -> Option<&Join> {
    match plan {
        LogicalPlan::Join(n) => Some(n),
        LogicalPlan::Projection(p) => {
            let bare = p.exprs.iter().zip(p.schema.iter());
            let selection = bare
                .into_iter()
                .all(|(e, f)| matches!(e, Expr::Column(c) if c.id == f.id));
            selection.then(|| join_of(&p.input)).flatten()
        }
        _ => None,
    }
}

fn pays(join: &Join) -> bool {
    let mut definitions = Definitions::new();
    let right = derive(&join.right, &mut definitions, None);
    if right.rows < LEAST_ROWS {
        return false;
    }
    let keys = join.on.iter().filter_map(|(_, r)| match r {
        Expr::Column(c) => Some(right.distinct(c.id)),
        _ => None,
    });
    let groups: f64 = keys.product();
    let whole = derive(&LogicalPlan::Join(join.clone()), &mut definitions, None);
    groups <= right.rows * MOST_GROUPS && whole.rows >= right.rows * MOST_GROUPS
}
