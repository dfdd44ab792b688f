//! Plants window nodes: one for each partitioning and order, those that read others above them.

use rsql_expr::tree::{FrameBound, WindowCall, WindowFrame, WindowFunc};
use rsql_expr::{AggregateCall, Expr, SortKey};
use rsql_planner::LogicalPlan;

use crate::collected::CollectedWindow;

/// Computes the collected calls over `plan`.
pub(crate) fn plant(mut plan: LogicalPlan, mut windows: Vec<CollectedWindow>) -> LogicalPlan {
    while !windows.is_empty() {
        let waiting: Vec<_> = windows.iter().map(|w| w.id).collect();
        let (ready, later): (Vec<_>, Vec<_>) = windows.into_iter().partition(|w| {
            expressions(w)
                .iter()
                .all(|e| !e.any(&|e| matches!(e, Expr::Column(c) if waiting.contains(&c.id))))
        });
        if ready.is_empty() {
            // Calls cannot read each other in a circle, since each is bound before the next.
            break;
        }
        let mut groups: Vec<(Vec<Expr>, Vec<SortKey>, Vec<CollectedWindow>)> = Vec::new();
        for w in ready {
            match groups
                .iter_mut()
                .find(|(p, o, _)| *p == w.partition_by && *o == w.order_by)
            {
                Some((_, _, calls)) => calls.push(w),
                None => groups.push((w.partition_by.clone(), w.order_by.clone(), vec![w])),
            }
        }
        for (partition_by, order_by, calls) in groups {
            let calls = calls.into_iter().map(|w| (w.call, w.id, w.name)).collect();
            plan = plan.window(partition_by, order_by, calls);
        }
        windows = later;
    }
    plan
}

/// All expressions of a call.
pub(crate) fn expressions(w: &CollectedWindow) -> Vec<&Expr> {
    let mut all: Vec<&Expr> = w
        .partition_by
        .iter()
        .chain(w.order_by.iter().map(|k| &k.expr))
        .collect();
    match &w.call.func {
        WindowFunc::Window { args, .. } => all.extend(args),
        WindowFunc::Aggregate(a) => {
            all.extend(&a.args);
            all.extend(&a.filter);
            all.extend(a.order_by.iter().map(|k| &k.expr));
        }
    }
    for bound in [&w.call.frame.start, &w.call.frame.end] {
        if let FrameBound::Value(e) = bound {
            all.push(e);
        }
    }
    all
}

/// The call with every expression changed by `f`.
pub(crate) fn map(w: CollectedWindow, f: &dyn Fn(Expr) -> Expr) -> CollectedWindow {
    let keys =
        |keys: Vec<SortKey>| -> Vec<SortKey> { keys.into_iter().map(|k| SortKey { expr: f(k.expr), ..k }).collect() };
    let bound = |b: FrameBound| match b {
        FrameBound::Value(e) => FrameBound::Value(Box::new(f(*e))),
        other => other,
    };
    let func = match w.call.func {
        WindowFunc::Window {
            func,
            args,
            ignore_nulls,
            ty,
            nullable,
        } => WindowFunc::Window {
            func,
            args: args.into_iter().map(f).collect(),
            ignore_nulls,
            ty,
            nullable,
        },
        WindowFunc::Aggregate(a) => WindowFunc::Aggregate(AggregateCall {
            args: a.args.into_iter().map(f).collect(),
            filter: a.filter.map(f),
            order_by: keys(a.order_by),
            ..a
        }),
    };
    let frame = WindowFrame {
        start: bound(w.call.frame.start),
        end: bound(w.call.frame.end),
        units: w.call.frame.units,
    };
    CollectedWindow {
        partition_by: w.partition_by.into_iter().map(f).collect(),
        order_by: keys(w.order_by),
        call: WindowCall { func, frame },
        ..w
    }
}
