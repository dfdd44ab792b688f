//! An aggregate cut in two: partial results of parts of a group, and the aggregate over those.
//!
//! ```text
//! count(x)   →   count(x) AS n, then coalesce(sum(n), 0)
//! max(x)     →   max(x) AS m, then max(m)
//! avg(x)     →   sum(x) AS s and count(x) AS n, then sum(s) / sum(n)
//! ```
//! Only where no digit of a result can change and no sum of a part can overflow that the whole does not: counts, extremes, sums
//! of decimals of up to 18 digits (summed in 38, which takes 10^20 rows to fill), and sums of integers that [`Limits`] bound.
//! A mean of decimals is its sum over its count, rounded once. A mean of integers divides a sum of doubles: below 2^53 these
//! are added without rounding, so in any order. Sums of other doubles depend on their order and stay whole.

use std::sync::Arc;

use rsql_common::ColumnId;
use rsql_expr::tree::{ArithExpr, ArithOp, CastExpr};
use rsql_expr::{AggregateCall, Column, Expr, Literal, SqlType};

use crate::OptimizerContext;

/// Digits of decimals that can be summed in 38 whatever their number.
const MOST_DIGITS: u8 = 18;
/// What sums of integers must stay below.
const LONG_SUMS: f64 = (1u64 << 63) as f64;
/// Up to here doubles count integers one by one.
const EXACT_DOUBLES: f64 = (1u64 << 53) as f64;

/// A call with its column's id and name.
pub(crate) type NamedCall = (AggregateCall, ColumnId, Arc<str>);

/// What is known of sums of integers.
pub(crate) struct Limits<'a> {
    /// A magnitude that no sum of some rows' values of an expression reaches.
    pub(crate) sum: &'a dyn Fn(&Expr) -> f64,
    /// It holds for the sums over the partial results, too: nothing between multiplies them.
    pub(crate) whole: bool,
}

/// The largest magnitude of an integer type's values; unlimited for other types.
pub(crate) fn magnitude(ty: &SqlType) -> f64 {
    match ty {
        SqlType::Byte => (1u64 << 7) as f64,
        SqlType::Short => (1u64 << 15) as f64,
        SqlType::Int => (1u64 << 31) as f64,
        SqlType::Long => (1u64 << 63) as f64,
        _ => f64::INFINITY,
    }
}

/// Type of what a call gives of a part (of a mean its sum); none if it cannot be cut in two.
pub(crate) fn partial_type(call: &AggregateCall, limits: &Limits<'_>) -> Option<SqlType> {
    if call.distinct || !call.order_by.is_empty() {
        return None;
    }
    if &*call.func == "count" {
        return Some(call.ty.clone());
    }
    let [arg] = call.args.as_slice() else { return None };
    match (&*call.func, arg.ty()) {
        ("min" | "max", _) => Some(call.ty.clone()),
        ("sum" | "avg", SqlType::Decimal(p, s)) if p <= MOST_DIGITS => Some(SqlType::Decimal(38, s)),
        ("sum", ty) if ty.is_integral() && (limits.sum)(arg) < LONG_SUMS => Some(call.ty.clone()),
        ("avg", ty) if ty.is_integral() && limits.whole && (limits.sum)(arg) < EXACT_DOUBLES => Some(SqlType::Double),
        _ => None,
    }
}

/// What takes a call's place.
pub(crate) struct Parts {
    /// Over parts of a group.
    pub(crate) partial: Vec<NamedCall>,
    /// Over their results.
    pub(crate) merged: Vec<NamedCall>,
    /// The call's value, over the merged results.
    pub(crate) result: Expr,
}

impl Parts {
    /// `below` is the call's [`partial_type`].
    pub(crate) fn of(call: &AggregateCall, below: SqlType, cx: &OptimizerContext) -> Self {
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
            "avg" => parts.mean(call, &below, cx),
            func => parts.cut(partial(func), func, call.ty.clone(), cx),
        };
        parts
    }

    /// Cuts a mean; `below` is the type of its sums.
    fn mean(&mut self, call: &AggregateCall, below: &SqlType, cx: &OptimizerContext) -> Expr {
        let cast = |expr: Expr, ty: SqlType| {
            Expr::Cast(Box::new(CastExpr {
                expr,
                ty,
                mode: call.mode,
                explicit: false,
                options: Arc::clone(&call.options),
                origin: call.origin,
            }))
        };
        let count = AggregateCall {
            func: "count".into(),
            ty: SqlType::Long,
            nullable: false,
            ..call.clone()
        };
        let double = *below == SqlType::Double;
        let sum = AggregateCall {
            func: "sum".into(),
            ty: below.clone(),
            args: match double {
                true => call.args.iter().map(|e| cast(e.clone(), SqlType::Double)).collect(),
                false => call.args.clone(),
            },
            ..call.clone()
        };
        let (sum, count) = (self.cut(sum, "sum", below.clone(), cx), self.count(count, cx));
        let divisor = match double {
            true => SqlType::Double,
            false => SqlType::Decimal(20, 0),
        };
        // A group of NULLs has no mean: NULL by zero is NULL.
        Expr::Arith(Box::new(ArithExpr {
            op: ArithOp::Divide,
            left: sum,
            right: cast(count, divisor),
            ty: call.ty.clone(),
            mode: call.mode,
            origin: call.origin,
        }))
    }

    /// Cuts a count; the number of no rows is 0.
    fn count(&mut self, call: AggregateCall, cx: &OptimizerContext) -> Expr {
        let merged = self.cut(call, "sum", SqlType::Long, cx);
        Expr::Coalesce {
            args: vec![merged, Expr::lit(Literal::long(0))],
            ty: SqlType::Long,
        }
    }

    /// `call` of a part, and `func` of type `ty` over its results.
    fn cut(&mut self, call: AggregateCall, func: &str, ty: SqlType, cx: &OptimizerContext) -> Expr {
        let (below, above) = (cx.ids.column(), cx.ids.column());
        let merge = AggregateCall {
            func: func.into(),
            args: vec![reference(below, &call.ty)],
            filter: None,
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
