//! Texts with a collation are compared, grouped and sorted by keys.
//!
//! ```text
//! Aggregate [c] [max(d)]            Projection first AS c, max
//!   L                          →      Aggregate [collation_key(c)] [collated_max(d, collation_key(d)), first(c)]
//!                                       L
//! Sort c                       →    Sort collation_key(c)
//! Window partition by c        →    Window partition by collation_key(c)
//! Join on c = d                →    Join on collation_key(c) = collation_key(d)
//! ```
//! Sound: two keys compare by bytes as their texts do by the collation, so what follows needs to know bytes only. A group
//! shows the first of its texts, as Spark does. DISTINCT of an aggregate that gives its values back sees the first text
//! of each key within the group.
//!
//! It does not apply where texts compare by bytes: such plans stay as they are.

use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::tree::{Origin, WindowFunc, collation_key};
use rsql_expr::{AggregateCall, EvalMode, EvalOptions, Expr, Field, SortKey, WindowCall, WindowFrame};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::{column, nullable_in};
use rsql_planner::logical::{Aggregate, PlanRef};

use crate::OptimizerContext;
use crate::rule::PlanPass;
use crate::walk::owned;

/// See the module.
pub struct RewriteCollations;

impl PlanPass for RewriteCollations {
    fn name(&self) -> &'static str {
        "RewriteCollations"
    }

    fn run(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<LogicalPlan> {
        if applies(&plan) {
            Ok(rewrite(plan, cx))
        } else {
            Ok(plan)
        }
    }
}

/// Some expression has texts that do not compare by bytes.
fn applies(plan: &LogicalPlan) -> bool {
    let leaf = |e: &Expr| match e {
        Expr::Column(_) | Expr::Literal(_) | Expr::Cast(_) | Expr::Call(_) => e.has_collation(),
        _ => false,
    };
    plan.schema().iter().any(|f| f.ty.has_collation())
        || plan.expressions().into_iter().any(|e| e.any(&leaf))
        || plan.children().into_iter().any(|c| applies(c))
}

fn rewrite(mut plan: LogicalPlan, cx: &OptimizerContext) -> LogicalPlan {
    for child in plan.children_mut() {
        let taken = std::mem::replace(child, PlanRef::new(LogicalPlan::one_row()));
        *child = PlanRef::new(rewrite(owned(taken), cx));
    }
    match plan {
        LogicalPlan::Aggregate(n) => aggregate(n, cx),
        LogicalPlan::Window(mut n) => {
            n.partition_by = n.partition_by.into_iter().map(collation_key).collect();
            n.order_by = n.order_by.into_iter().map(sort_key).collect();
            for call in &mut n.calls {
                if let WindowFunc::Aggregate(a) = &mut call.func {
                    by_key(a);
                }
            }
            LogicalPlan::Window(n)
        }
        LogicalPlan::Sort(mut n) => {
            n.keys = n.keys.into_iter().map(sort_key).collect();
            LogicalPlan::Sort(n)
        }
        LogicalPlan::Join(mut n) => {
            n.on =
                n.on.into_iter()
                    .map(|(l, r)| (collation_key(l), collation_key(r)))
                    .collect();
            n.filter = n.filter.map(compared);
            LogicalPlan::Join(n)
        }
        other => other,
    }
}

/// Comparisons of texts become comparisons of keys.
fn compared(expr: Expr) -> Expr {
    let done: std::result::Result<Expr, std::convert::Infallible> = expr.try_transform_up(&mut |e| {
        Ok(match e {
            Expr::Compare { op, left, right } => Expr::compare(op, collation_key(*left), collation_key(*right)),
            other => other,
        })
    });
    let Ok(expr) = done;
    expr
}

fn sort_key(key: SortKey) -> SortKey {
    SortKey {
        expr: collation_key(key.expr),
        ..key
    }
}

fn aggregate(mut n: Aggregate, cx: &OptimizerContext) -> LogicalPlan {
    let grouped = n.groups.iter().any(Expr::has_collation);
    let computed = n
        .aggregates
        .iter()
        .any(|a| a.args.iter().any(Expr::has_collation) || a.order_by.iter().any(|k| k.expr.has_collation()));
    if !grouped && !computed {
        return LogicalPlan::Aggregate(n);
    }
    n.input = representatives(&mut n, cx);
    n.aggregates.iter_mut().for_each(by_key);
    let fields: Vec<Field> = n.schema.iter().cloned().collect();
    let nullable = nullable_in(n.input.schema());
    let mut groups = Vec::with_capacity(n.groups.len());
    let mut firsts = Vec::new();
    let mut outputs = Vec::with_capacity(fields.len());
    for (group, field) in n.groups.into_iter().zip(&fields) {
        if !group.has_collation() {
            outputs.push(column(field));
            groups.push((group, field.clone()));
            continue;
        }
        let first = first(group.clone(), group.nullable(&nullable));
        let id = cx.ids.column();
        outputs.push(column(&Field { id, ..field.clone() }));
        firsts.push((first, id, Arc::clone(&field.name)));
        let key = Field {
            id: cx.ids.column(),
            ..field.clone()
        };
        groups.push((collation_key(group), key));
    }
    drop(nullable);
    let mut calls = Vec::with_capacity(n.aggregates.len() + firsts.len());
    for (call, field) in n.aggregates.into_iter().zip(&fields[groups.len()..]) {
        outputs.push(column(field));
        calls.push((call, field.id, Arc::clone(&field.name)));
    }
    calls.extend(firsts);
    let plan = owned(n.input).aggregate(groups, calls);
    if grouped {
        plan.project_to(outputs, fields)
    } else {
        plan
    }
}

/// The first value of a group.
pub(super) fn first(value: Expr, nullable: bool) -> AggregateCall {
    AggregateCall {
        func: "first".into(),
        ty: value.ty(),
        args: vec![value],
        distinct: false,
        filter: None,
        order_by: vec![],
        nullable,
        ignore_nulls: false,
        mode: EvalMode::Legacy,
        options: Arc::new(EvalOptions::default()),
        origin: Origin::default(),
    }
}

/// An aggregate that compares its arguments, comparing keys.
fn by_key(call: &mut AggregateCall) {
    let keyed_order = call.order_by.iter().any(|k| k.expr.has_collation());
    if keyed_order {
        let from = call.args.len().saturating_sub(call.order_by.len());
        for (arg, key) in call.args[from..].iter_mut().zip(&call.order_by) {
            if *arg == key.expr {
                *arg = collation_key(std::mem::take(arg));
            }
        }
        call.order_by = std::mem::take(&mut call.order_by).into_iter().map(sort_key).collect();
    }
    match &*call.func {
        "count" if call.distinct => {
            call.args = std::mem::take(&mut call.args).into_iter().map(collation_key).collect();
        }
        "approx_count_distinct"
        | "hll_sketch_agg"
        | "theta_sketch_agg"
        | "tuple_sketch_agg_double"
        | "tuple_sketch_agg_integer" => {
            if let Some(value) = call.args.first_mut() {
                *value = collation_key(std::mem::take(value));
            }
        }
        "max_by" | "min_by" => {
            if let Some(key) = call.args.get_mut(1) {
                *key = collation_key(std::mem::take(key));
            }
        }
        "max" | "min" => {
            if let [value] = call.args.as_slice()
                && value.has_collation()
            {
                let key = collation_key(value.clone());
                call.func = if &*call.func == "max" {
                    "collated_max"
                } else {
                    "collated_min"
                }
                .into();
                call.args.push(key);
                call.distinct = false;
            }
        }
        _ => {}
    }
}

/// True if the aggregate gives values back of which equal ones count once.
fn shows_distinct(call: &AggregateCall) -> bool {
    let counts = call.distinct && !matches!(&*call.func, "count" | "approx_count_distinct" | "max" | "min");
    (counts || &*call.func == "mode") && call.args.first().is_some_and(Expr::has_collation)
}

/// The input with the first text of each key in the group in place of the others, for aggregates that need it.
fn representatives(n: &mut Aggregate, cx: &OptimizerContext) -> PlanRef {
    let mut input = Arc::clone(&n.input);
    for call in n.aggregates.iter_mut().filter(|c| shows_distinct(c)) {
        let Some(value) = call.args.first_mut() else { continue };
        let nullable = value.nullable(&nullable_in(input.schema()));
        let (ty, old) = (value.ty(), value.clone());
        let mut partition: Vec<Expr> = n.groups.iter().cloned().map(collation_key).collect();
        partition.push(collation_key(old.clone()));
        let window = WindowCall {
            func: WindowFunc::Aggregate(first(old.clone(), nullable)),
            frame: WindowFrame::whole(),
        };
        let id = cx.ids.column();
        let plan = owned(input).window(partition, vec![], vec![(window, id, "first".into())]);
        *value = Expr::Column(rsql_expr::Column { id, ty });
        // An order by the value itself is one by what stands for it.
        for key in call.order_by.iter_mut().filter(|k| k.expr == old) {
            key.expr = value.clone();
        }
        let replaced = value.clone();
        for arg in call.args.iter_mut().skip(1).filter(|a| **a == old) {
            *arg = replaced.clone();
        }
        input = PlanRef::new(plan);
    }
    input
}
