//! Correlated predicates are pulled out of the right side and become the join's condition.
//!
//! Sound: a predicate commutes with what stands above it as long as its columns stay visible, which is arranged by passing
//! them along: through projections as more columns, through aggregates as more groups (only `inner = outer`, so that each
//! outer row meets one group), through limits and windows as partition keys. A global aggregate gives a row even for no
//! input: `on_empty` says which, and the join fills it in (the count bug). `None` where one of this does not hold.

use std::collections::{BTreeSet, HashMap};

use rsql_common::ColumnId;
use rsql_expr::{AggregateCall, CompareOp, Expr, Field, Literal, SortKey};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::{column, field_for};
use rsql_planner::logical::{Aggregate, DependentKind, Filter, Join, JoinKind, Limit, Projection, Window};

use super::Dependent;
use crate::OptimizerContext;
use crate::rules::replace_set_ops::row_number;

type Outer = BTreeSet<ColumnId>;

const LEGACY_COUNT: &str = "spark.sql.optimizer.decorrelateSubqueryLegacyIncorrectCountHandling.enabled";

/// How the right side is used.
pub(super) struct Use {
    /// Only whether there is a row matters: no value and no number of rows.
    rows_only: bool,
    /// Duplicates do not matter.
    duplicates_irrelevant: bool,
    /// One value is wanted.
    scalar: bool,
}

impl Use {
    pub(super) fn of(d: &Dependent) -> Self {
        use DependentKind as K;
        let existence = matches!(d.kind, K::Semi | K::Anti | K::Mark);
        Self {
            rows_only: existence && d.condition.is_empty(),
            duplicates_irrelevant: existence,
            scalar: d.kind == K::Single,
        }
    }
}

/// A plan without outer columns, and what was pulled out of it.
pub(super) struct Pulled {
    pub(super) plan: LogicalPlan,
    /// Over outer columns and columns of `plan`.
    pub(super) predicates: Vec<Expr>,
    /// At most one row of `plan` fulfils the predicates for an outer row.
    pub(super) at_most_one: bool,
    /// Values of output columns where no row fulfils the predicates but the subquery gives a row.
    pub(super) on_empty: Option<HashMap<ColumnId, Expr>>,
}

impl Pulled {
    fn plain(plan: LogicalPlan, predicates: Vec<Expr>) -> Self {
        Self {
            plan,
            predicates,
            at_most_one: false,
            on_empty: None,
        }
    }
}

fn reads_outer(e: &Expr, outer: &Outer) -> bool {
    e.columns().iter().any(|c| outer.contains(c))
}

fn is_correlated(plan: &LogicalPlan, outer: &Outer) -> bool {
    plan.free_columns().iter().any(|c| outer.contains(c))
}

pub(super) fn pull(plan: &LogicalPlan, outer: &Outer, wanted: &Use, cx: &OptimizerContext) -> Option<Pulled> {
    if !is_correlated(plan, outer) {
        return Some(Pulled::plain(plan.clone(), vec![]));
    }
    crate::walk::with_stack(|| match plan {
        LogicalPlan::Filter(n) => filter(n, outer, wanted, cx),
        LogicalPlan::Projection(n) => projection(n, outer, wanted, cx),
        LogicalPlan::Aggregate(n) => aggregate(n, outer, wanted, cx),
        LogicalPlan::Window(n) => window(n, outer, wanted, cx),
        LogicalPlan::Join(n) => join(n, outer, wanted, cx),
        LogicalPlan::Sort(n) if n.fetch.is_none() => pull(&n.input, outer, wanted, cx),
        LogicalPlan::Limit(n) => limit(n, outer, wanted, cx),
        LogicalPlan::Repartition(n) => pull(&n.input, outer, wanted, cx),
        LogicalPlan::Generate(n) => {
            if n.args.iter().any(|e| reads_outer(e, outer)) {
                return None;
            }
            let p = pull(&n.input, outer, &no_shortcuts(wanted), cx)?;
            let plan = p
                .plan
                .generate(n.func.clone(), n.args.clone(), n.outer, n.outputs.clone());
            p.on_empty.is_none().then(|| Pulled::plain(plan, p.predicates))
        }
        LogicalPlan::With(n) if n.defs.iter().all(|(_, d)| !is_correlated(d, outer)) => {
            let p = pull(&n.body, outer, wanted, cx)?;
            Some(Pulled {
                plan: p.plan.with(n.defs.clone()),
                ..p
            })
        }
        _ => None,
    })
}

/// Below an operator that reads columns or counts rows, both matter again.
fn no_shortcuts(wanted: &Use) -> Use {
    Use {
        rows_only: false,
        duplicates_irrelevant: wanted.duplicates_irrelevant,
        scalar: wanted.scalar,
    }
}

fn filter(n: &Filter, outer: &Outer, wanted: &Use, cx: &OptimizerContext) -> Option<Pulled> {
    let conjuncts = n.predicate.clone().split_conjuncts();
    let (up, stay): (Vec<Expr>, Vec<Expr>) = conjuncts.into_iter().partition(|e| reads_outer(e, outer));
    if up.iter().any(|e| !e.is_deterministic()) {
        return None;
    }
    let p = pull(&n.input, outer, &no_shortcuts(wanted), cx)?;
    // A group that is filtered out must not be taken for a missing one.
    if let Some(values) = &p.on_empty
        && values.values().any(|e| !e.is_null_literal())
    {
        return None;
    }
    let plan = p.plan.filter(Expr::conjunction(stay));
    Some(Pulled {
        plan,
        predicates: p.predicates.into_iter().chain(up).collect(),
        at_most_one: p.at_most_one,
        on_empty: None,
    })
}

fn projection(n: &Projection, outer: &Outer, wanted: &Use, cx: &OptimizerContext) -> Option<Pulled> {
    if wanted.rows_only {
        return pull(&n.input, outer, wanted, cx);
    }
    if n.exprs.iter().any(|e| reads_outer(e, outer)) {
        return None;
    }
    let p = pull(&n.input, outer, wanted, cx)?;
    let mut exprs = n.exprs.clone();
    let mut fields: Vec<Field> = n.schema.iter().cloned().collect();
    for id in p.predicates.iter().flat_map(Expr::columns) {
        if !fields.iter().any(|f| f.id == id)
            && let Some(field) = p.plan.schema().field(id)
        {
            exprs.push(column(field));
            fields.push(field.clone());
        }
    }
    // An output that took the id of a needed column must be that column.
    let hidden = p.predicates.iter().flat_map(Expr::columns).any(|id| {
        let at = n.schema.index_of(id);
        at.is_some_and(|i| !matches!(&n.exprs[i], Expr::Column(c) if c.id == id))
    });
    if hidden {
        return None;
    }
    let on_empty = p.on_empty.map(|values| {
        let outputs = n.schema.iter().zip(&n.exprs);
        outputs
            .map(|(f, e)| {
                (
                    f.id,
                    folded(e.clone().replace_columns(&|c| values.get(&c.id).cloned()), cx),
                )
            })
            .collect()
    });
    Some(Pulled {
        plan: p.plan.project_to(exprs, fields),
        predicates: p.predicates,
        at_most_one: p.at_most_one,
        on_empty,
    })
}

/// As a literal where it can be computed.
fn folded(e: Expr, cx: &OptimizerContext) -> Expr {
    if !e.is_foldable() {
        return e;
    }
    rsql_expr::fold(&e, &cx.registry).map_or(e, Expr::lit)
}

/// `inner = outer`: the sides in that order.
fn inner_equals_outer(e: &Expr, outer: &Outer) -> Option<(Expr, CompareOp, Expr)> {
    let Expr::Compare {
        op: op @ (CompareOp::Eq | CompareOp::NullSafeEq),
        left,
        right,
    } = e
    else {
        return None;
    };
    let only_outer = |e: &Expr| e.columns().iter().all(|c| outer.contains(c));
    match (reads_outer(left, outer), reads_outer(right, outer)) {
        (false, true) if only_outer(right) => Some((*left.clone(), *op, *right.clone())),
        (true, false) if only_outer(left) => Some((*right.clone(), *op, *left.clone())),
        _ => None,
    }
}

fn aggregate(n: &Aggregate, outer: &Outer, wanted: &Use, cx: &OptimizerContext) -> Option<Pulled> {
    let global = n.groups.is_empty();
    let whole = LogicalPlan::Aggregate(n.clone());
    if whole.expressions().into_iter().any(|e| reads_outer(e, outer)) || global && wanted.duplicates_irrelevant {
        return None;
    }
    let distinct_only = n.aggregates.is_empty() && wanted.duplicates_irrelevant;
    let p = pull(
        &n.input,
        outer,
        &Use {
            rows_only: false,
            duplicates_irrelevant: distinct_only,
            scalar: false,
        },
        cx,
    )?;
    if p.on_empty.is_some() {
        return None;
    }
    let mut groups: Vec<(Expr, Field)> = n.groups.iter().cloned().zip(n.schema.iter().cloned()).collect();
    let mut predicates = Vec::new();
    let mut keyed = true;
    for predicate in p.predicates {
        match inner_equals_outer(&predicate, outer) {
            Some((inner, op, outside)) => {
                let at = groups.iter().position(|(e, _)| *e == inner);
                let at = at.unwrap_or_else(|| {
                    let field = field_for(&inner, "key", p.plan.schema(), &cx.ids);
                    groups.push((inner, field));
                    groups.len() - 1
                });
                let key = Expr::Column(rsql_expr::Column {
                    id: groups[at].1.id,
                    ty: groups[at].0.ty(),
                });
                predicates.push(Expr::compare(op, key, outside));
            }
            None if distinct_only => {
                keyed = false;
                for id in predicate.columns() {
                    if let Some(f) = p.plan.schema().field(id)
                        && !groups.iter().any(|(_, g)| g.id == id)
                    {
                        groups.push((column(f), f.clone()));
                    }
                }
                predicates.push(predicate);
            }
            None => return None,
        }
    }
    let mut ids: Vec<ColumnId> = groups.iter().map(|(_, f)| f.id).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() < groups.len() {
        return None;
    }
    let calls = n.aggregates.iter().cloned().zip(n.schema.iter().skip(n.groups.len()));
    let aggregates: Vec<_> = calls.map(|(c, f)| (c, f.id, f.name.clone())).collect();
    // Spark can be told to give a scalar subquery that groups only by what is correlated its value over no rows, too.
    let own_groups = groups.iter().take(n.groups.len());
    let key_of = |e: &Expr| {
        predicates
            .iter()
            .any(|p| matches!(inner_equals_outer(p, outer), Some((k, ..)) if k == *e))
    };
    let single_group = wanted.scalar
        && cx.settings.bool(LEGACY_COUNT)
        && keyed
        && !n.aggregates.is_empty()
        && own_groups
            .into_iter()
            .all(|(e, f)| e.is_foldable() || key_of(&column(f)));
    let on_empty = if global || single_group {
        let values = aggregates
            .iter()
            .map(|(c, id, _)| Some((*id, Expr::lit(of_no_rows(c, cx)?))));
        Some(values.collect::<Option<HashMap<_, _>>>()?)
    } else {
        None
    };
    Some(Pulled {
        plan: p.plan.aggregate(groups, aggregates),
        predicates,
        at_most_one: (global || single_group) && keyed,
        on_empty,
    })
}

/// The value of an aggregate over no rows.
pub(super) fn of_no_rows(call: &AggregateCall, cx: &OptimizerContext) -> Option<Literal> {
    let mut state = (cx.registry.aggregate(&call.func)?.accumulator)(call).ok()?;
    state.resize(1);
    let value = state.finish().ok()?;
    let scalar = rsql_expr::scalar_at(value.as_ref(), 0, &call.ty).ok()?;
    Some(Literal::new(scalar, call.ty.clone()))
}

/// The predicates as keys of a partition: all must be `inner = outer`.
fn keys(predicates: &[Expr], outer: &Outer) -> Option<Vec<Expr>> {
    predicates
        .iter()
        .map(|e| inner_equals_outer(e, outer).map(|(inner, ..)| inner))
        .collect()
}

fn window(n: &Window, outer: &Outer, wanted: &Use, cx: &OptimizerContext) -> Option<Pulled> {
    let whole = LogicalPlan::Window(n.clone());
    if whole.expressions().into_iter().any(|e| reads_outer(e, outer)) {
        return None;
    }
    let exact = Use {
        rows_only: false,
        duplicates_irrelevant: false,
        scalar: false,
    };
    let p = pull(&n.input, outer, &exact, cx)?;
    _ = wanted;
    if p.on_empty.is_some() {
        return None;
    }
    let partition_by = n
        .partition_by
        .iter()
        .cloned()
        .chain(keys(&p.predicates, outer)?)
        .collect();
    let new = n.schema.iter().skip(n.input.schema().len());
    let calls = n.calls.iter().cloned().zip(new).map(|(c, f)| (c, f.id, f.name.clone()));
    let plan = p.plan.window(partition_by, n.order_by.clone(), calls.collect());
    Some(Pulled {
        plan,
        predicates: p.predicates,
        at_most_one: p.at_most_one,
        on_empty: None,
    })
}

fn limit(n: &Limit, outer: &Outer, wanted: &Use, cx: &OptimizerContext) -> Option<Pulled> {
    if wanted.rows_only && n.skip == 0 && n.fetch != Some(0) {
        return pull(&n.input, outer, wanted, cx);
    }
    if let LogicalPlan::Projection(p) = n.input.as_ref() {
        let below = p.input.as_ref().clone().limit(n.skip, n.fetch);
        let swapped = Projection {
            input: std::sync::Arc::new(below),
            ..p.clone()
        };
        return projection(&swapped, outer, wanted, cx);
    }
    let (input, order): (_, &[SortKey]) = match n.input.as_ref() {
        LogicalPlan::Sort(s) if s.fetch.is_none() => (&s.input, &s.keys),
        _ => (&n.input, &[]),
    };
    if order.iter().any(|k| reads_outer(&k.expr, outer)) {
        return None;
    }
    let exact = Use {
        rows_only: false,
        duplicates_irrelevant: false,
        scalar: false,
    };
    let p = pull(input, outer, &exact, cx)?;
    if let Some(on_empty) = p.on_empty {
        // One row at most anyway.
        let keeps = n.skip == 0 && n.fetch != Some(0);
        return keeps.then_some(Pulled {
            on_empty: Some(on_empty),
            ..p
        });
    }
    let partition = keys(&p.predicates, outer)?;
    let plan = first_rows(p.plan, partition, order.to_vec(), n.skip, n.fetch, cx);
    Some(Pulled {
        plan,
        predicates: p.predicates,
        at_most_one: n.fetch == Some(1),
        on_empty: None,
    })
}

/// LIMIT and OFFSET within each partition.
pub(super) fn first_rows(
    plan: LogicalPlan,
    partition: Vec<Expr>,
    order: Vec<SortKey>,
    skip: u64,
    fetch: Option<u64>,
    cx: &OptimizerContext,
) -> LogicalPlan {
    let id = cx.ids.column();
    let number = Expr::Column(rsql_expr::Column {
        id,
        ty: rsql_expr::SqlType::Int,
    });
    let bound = |n: u64| Expr::lit(Literal::int(i32::try_from(n).unwrap_or(i32::MAX)));
    let plan = plan.window(partition, order, vec![(row_number(), id, "row_number".into())]);
    let mut conjuncts = Vec::new();
    if skip > 0 {
        conjuncts.push(Expr::compare(CompareOp::Gt, number.clone(), bound(skip)));
    }
    if let Some(fetch) = fetch {
        conjuncts.push(Expr::compare(
            CompareOp::LtEq,
            number,
            bound(skip.saturating_add(fetch)),
        ));
    }
    plan.filter(Expr::conjunction(conjuncts))
}

fn join(n: &Join, outer: &Outer, wanted: &Use, cx: &OptimizerContext) -> Option<Pulled> {
    if n.on.iter().any(|(l, r)| reads_outer(l, outer) || reads_outer(r, outer)) {
        return None;
    }
    let inner = n.kind == JoinKind::Inner;
    let conjuncts = n.filter.clone().map(Expr::split_conjuncts).unwrap_or_default();
    let (up, stay): (Vec<Expr>, Vec<Expr>) = conjuncts.into_iter().partition(|e| reads_outer(e, outer));
    let left_only = matches!(
        n.kind,
        JoinKind::Left | JoinKind::LeftSemi | JoinKind::LeftAnti | JoinKind::LeftMark | JoinKind::LeftSingle
    );
    if !inner && (!left_only || !up.is_empty() || is_correlated(&n.right, outer)) {
        return None;
    }
    let wanted = no_shortcuts(wanted);
    let left = pull(&n.left, outer, &wanted, cx)?;
    let right = if inner {
        pull(&n.right, outer, &wanted, cx)?
    } else {
        Pulled::plain(n.right.as_ref().clone(), vec![])
    };
    if left.on_empty.is_some() || right.on_empty.is_some() {
        return None;
    }
    let joined = Join {
        left: std::sync::Arc::new(left.plan),
        right: std::sync::Arc::new(right.plan),
        filter: (!stay.is_empty()).then(|| Expr::conjunction(stay)),
        ..n.clone()
    };
    let mut plan = LogicalPlan::Join(joined);
    plan.refresh_schema();
    let predicates = left.predicates.into_iter().chain(right.predicates).chain(up).collect();
    Some(Pulled::plain(plan, predicates))
}
