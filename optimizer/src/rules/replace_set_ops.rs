//! INTERSECT and EXCEPT become joins in which NULLs equal each other.
//!
//! ```text
//! Intersect        Aggregate [a, b]                    Intersect ALL     Join LeftSemi filter (… AND n <=> m)
//!   L         →      Join LeftSemi filter (a <=> x …)    L          →      Window row_number() partition by a, b
//!   R                  L                                 R                   L
//!                      R                                                   Window row_number() … over R
//! ```
//! EXCEPT takes LeftAnti. Sound: ALL keeps as many copies as the counts say when the copies of a row are numbered on both
//! sides and the number is part of the row.

use rsql_common::Result;
use rsql_expr::tree::{FrameBound, FrameUnits, WindowFunc};
use rsql_expr::{Column, CompareOp, Expr, SqlType, WindowCall, WindowFrame};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{JoinKind, PlanRef, SetOp, SetOpKind};

use crate::OptimizerContext;
use crate::rule::{OptimizerRule, Transformed};

/// See the module.
pub struct ReplaceSetOps;

impl OptimizerRule for ReplaceSetOps {
    fn name(&self) -> &'static str {
        "ReplaceSetOps"
    }

    fn rewrite(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        Ok(match plan {
            LogicalPlan::SetOp(n) => Transformed::yes(replace(n, cx)),
            other => Transformed::no(other),
        })
    }
}

fn replace(n: SetOp, cx: &OptimizerContext) -> LogicalPlan {
    let kind = match n.kind {
        SetOpKind::Intersect => JoinKind::LeftSemi,
        SetOpKind::Except => JoinKind::LeftAnti,
    };
    let width = n.left.schema().len();
    let (left, right) = if n.all {
        (PlanRef::new(numbered(n.left, cx)), PlanRef::new(numbered(n.right, cx)))
    } else {
        (n.left, n.right)
    };
    let columns = left.columns().into_iter().take(width).collect();
    let pairs = left.schema().iter().zip(right.schema().iter());
    let (mut on, mut filter) = (Vec::new(), Vec::new());
    for ((l, r), (lf, rf)) in left.columns().into_iter().zip(right.columns()).zip(pairs) {
        if lf.nullable || rf.nullable {
            filter.push(Expr::compare(CompareOp::NullSafeEq, l, r));
        } else {
            on.push((l, r));
        }
    }
    let filter = (!filter.is_empty()).then(|| Expr::conjunction(filter));
    let joined = LogicalPlan::join(left, right, kind, on, filter);
    let fields = n.schema.iter().cloned().collect();
    let out = joined.project_to(columns, fields);
    if n.all { out } else { out.distinct() }
}

/// The plan with the number of each copy of a row behind its columns. Copies that only a collation holds for equal show
/// the first one's texts.
fn numbered(plan: PlanRef, cx: &OptimizerContext) -> LogicalPlan {
    let partition = plan.columns();
    let mut shown = partition.clone();
    let number = cx.ids.column();
    let mut calls = vec![(row_number(), number, "row_number".into())];
    for (value, field) in shown.iter_mut().zip(plan.schema().iter()) {
        if field.ty.has_collation() {
            let id = cx.ids.column();
            calls.push((first_of_all(value.clone(), field.nullable), id, "first".into()));
            *value = Expr::Column(Column {
                id,
                ty: field.ty.clone(),
            });
        }
    }
    let as_it_is = calls.len() == 1;
    let names: Vec<_> = plan.schema().iter().map(|f| f.name.clone()).collect();
    let plan = crate::walk::owned(plan).window(partition, vec![], calls);
    if as_it_is {
        return plan;
    }
    let number = Expr::Column(Column {
        id: number,
        ty: SqlType::Int,
    });
    let mut exprs: Vec<_> = shown.into_iter().zip(names).collect();
    exprs.push((number, "row_number".into()));
    plan.project(exprs, &cx.ids)
}

/// The first value of a partition.
fn first_of_all(value: Expr, nullable: bool) -> WindowCall {
    WindowCall {
        func: WindowFunc::Aggregate(super::rewrite_collations::first(value, nullable)),
        frame: WindowFrame::whole(),
    }
}

/// `row_number()`.
pub(crate) fn row_number() -> WindowCall {
    WindowCall {
        func: WindowFunc::Window {
            func: "row_number".into(),
            args: vec![],
            ignore_nulls: false,
            ty: SqlType::Int,
            nullable: false,
        },
        frame: WindowFrame {
            units: FrameUnits::Rows,
            start: FrameBound::Unbounded,
            end: FrameBound::CurrentRow,
        },
    }
}
