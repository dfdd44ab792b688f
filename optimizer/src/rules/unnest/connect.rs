//! The join that takes a dependent join's place once its right side is free of outer columns.

use rsql_expr::{CompareOp, Expr, Literal, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{DependentKind, JoinKind, PlanRef};

use super::Dependent;
use super::pull_up::Pulled;
use crate::OptimizerContext;
use crate::predicate::{equality_across, gives_one_row};

/// Nothing of the left side is read on the right.
pub(super) fn uncorrelated(d: &Dependent, right: LogicalPlan) -> LogicalPlan {
    let exactly_one = gives_one_row(&right);
    join(d, right, vec![], exactly_one, exactly_one)
}

/// Predicates over both sides were pulled out of the right side.
pub(super) fn pulled(d: &Dependent, p: Pulled, cx: &OptimizerContext) -> LogicalPlan {
    let Some(on_empty) = p.on_empty else {
        return join(d, p.plan, p.predicates, p.at_most_one, false);
    };
    // A group may be missing where the subquery gives a row nevertheless: mark the groups, fill in the others.
    let marker = cx.ids.column();
    let mut items: Vec<_> = p.plan.columns();
    let mut fields: Vec<_> = p.plan.schema().iter().cloned().collect();
    let mut outputs = d.left.columns();
    let mut out_fields: Vec<_> = d.left.schema().iter().cloned().collect();
    items.push(Expr::lit(Literal::bool(true)));
    fields.push(rsql_expr::Field {
        id: marker,
        name: "matched".into(),
        ty: SqlType::Boolean,
        nullable: false,
    });
    let matched = Expr::Column(rsql_expr::Column {
        id: marker,
        ty: SqlType::Boolean,
    });
    // Inside, columns with a value of their own get another id, so that outside theirs stays.
    for (i, field) in p.plan.schema().iter().enumerate() {
        let Some(default) = on_empty.get(&field.id).filter(|e| !e.is_null_literal()) else {
            outputs.push(items[i].clone());
            out_fields.push(field.clone());
            continue;
        };
        let inner = cx.ids.column();
        fields[i].id = inner;
        let value = Expr::Column(rsql_expr::Column {
            id: inner,
            ty: field.ty.clone(),
        });
        outputs.push(if default.is_foldable() && !field.nullable {
            Expr::Coalesce {
                args: vec![value, default.clone()],
                ty: field.ty.clone(),
            }
        } else {
            Expr::Case {
                branches: vec![(Expr::IsNull(Box::new(matched.clone())), default.clone())],
                otherwise: Some(Box::new(value)),
                ty: field.ty.clone(),
            }
        });
        out_fields.push(field.clone());
    }
    let renamed: std::collections::HashMap<_, _> = p.plan.schema().iter().map(|f| f.id).zip(&fields).collect();
    let predicates: Vec<Expr> = p
        .predicates
        .into_iter()
        .map(|e| e.replace_columns(&|c| renamed.get(&c.id).map(|f| rsql_planner::logical::build::column(f))))
        .collect();
    let right = p.plan.project_to(items, fields);
    let filter = (!predicates.is_empty()).then(|| Expr::conjunction(predicates));
    let joined = LogicalPlan::join(d.left.clone(), right, JoinKind::Left, vec![], filter).with_join_hint(d.hint);
    let plan = joined.project_to(outputs, out_fields);
    plan.filter(Expr::conjunction(d.condition.iter().cloned()))
}

/// The join of `d`'s kind with `correlation` besides its condition.
pub(super) fn join(
    d: &Dependent,
    right: LogicalPlan,
    correlation: Vec<Expr>,
    at_most_one: bool,
    exactly_one: bool,
) -> LogicalPlan {
    let condition = d.condition.clone();
    let left = d.left.clone();
    let both = |condition: Vec<Expr>, correlation: Vec<Expr>| {
        let all: Vec<Expr> = correlation.into_iter().chain(condition).collect();
        (!all.is_empty()).then(|| Expr::conjunction(all))
    };
    let joined = match d.kind {
        DependentKind::Semi => LogicalPlan::join(left, right, JoinKind::LeftSemi, vec![], both(condition, correlation)),
        DependentKind::Anti => anti(d, right, correlation),
        DependentKind::Mark => mark(d, right, correlation),
        DependentKind::Single if exactly_one => LogicalPlan::join(left, right, JoinKind::Inner, vec![], None),
        DependentKind::Single => {
            let kind = if at_most_one {
                JoinKind::Left
            } else {
                JoinKind::LeftSingle
            };
            LogicalPlan::join(left, right, kind, vec![], both(condition, correlation))
        }
        DependentKind::Inner => LogicalPlan::join(left, right, JoinKind::Inner, vec![], both(condition, correlation)),
        DependentKind::Left => LogicalPlan::join(left, right, JoinKind::Left, vec![], both(condition, correlation)),
    };
    joined.with_join_hint(d.hint)
}

/// NOT EXISTS, NOT IN.
fn anti(d: &Dependent, right: LogicalPlan, correlation: Vec<Expr>) -> LogicalPlan {
    let left = d.left.clone();
    if !d.null_aware || !may_be_null(&d.condition, &left, &right) {
        let all: Vec<Expr> = correlation.into_iter().chain(d.condition.iter().cloned()).collect();
        let filter = (!all.is_empty()).then(|| Expr::conjunction(all));
        return LogicalPlan::join(left, right, JoinKind::LeftAnti, vec![], filter);
    }
    if correlation.is_empty()
        && let [only] = d.condition.as_slice()
        && let Some((l, r)) = equality_across(only, left.schema(), right.schema())
    {
        let on = vec![(l.clone(), r.clone())];
        let plan = LogicalPlan::join(left, right, JoinKind::LeftAnti, on, None);
        return match plan {
            LogicalPlan::Join(mut n) => {
                n.null_aware = true;
                LogicalPlan::Join(n)
            }
            other => other,
        };
    }
    // A pair excludes the left row unless the comparison is FALSE.
    let not_false = Expr::Coalesce {
        args: vec![
            Expr::conjunction(d.condition.iter().cloned()),
            Expr::lit(Literal::bool(true)),
        ],
        ty: SqlType::Boolean,
    };
    let all: Vec<Expr> = correlation.into_iter().chain([not_false]).collect();
    LogicalPlan::join(left, right, JoinKind::LeftAnti, vec![], Some(Expr::conjunction(all)))
}

/// IN and EXISTS as values.
fn mark(d: &Dependent, right: LogicalPlan, correlation: Vec<Expr>) -> LogicalPlan {
    let left = d.left.clone();
    let Some(mark) = d.mark else {
        return LogicalPlan::join(left, right, JoinKind::LeftSemi, vec![], None);
    };
    if !d.null_aware || !may_be_null(&d.condition, &left, &right) {
        let all: Vec<Expr> = correlation.into_iter().chain(d.condition.iter().cloned()).collect();
        let filter = (!all.is_empty()).then(|| Expr::conjunction(all));
        return LogicalPlan::mark_join(left, right, vec![], filter, false, mark);
    }
    if correlation.is_empty()
        && let [only] = d.condition.as_slice()
        && let Some((l, r)) = equality_across(only, left.schema(), right.schema())
    {
        let on = vec![(l.clone(), r.clone())];
        return LogicalPlan::mark_join(left, right, on, None, true, mark);
    }
    // A row that the subquery's own predicates do not keep is no candidate: their NULL is FALSE.
    let is_true = |e: Expr| Expr::Coalesce {
        args: vec![e, Expr::lit(Literal::bool(false))],
        ty: SqlType::Boolean,
    };
    let all: Vec<Expr> = correlation
        .into_iter()
        .map(is_true)
        .chain(d.condition.iter().cloned())
        .collect();
    LogicalPlan::mark_join(left, right, vec![], Some(Expr::conjunction(all)), true, mark)
}

fn may_be_null(condition: &[Expr], left: &PlanRef, right: &LogicalPlan) -> bool {
    let schema = left.schema().join(right.schema());
    let nullable = rsql_planner::logical::build::nullable_in(&schema);
    condition.iter().any(|e| e.nullable(&nullable))
}

/// `l <=> r`
pub(super) fn null_safe(l: Expr, r: Expr) -> Expr {
    Expr::compare(CompareOp::NullSafeEq, l, r)
}
