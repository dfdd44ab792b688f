//! What a second attempt at a stage may give, read off its plan.

use rsql_expr::tree::WindowFunc;
use rsql_expr::{AggregateCall, Expr, SqlType, WindowCall};

use crate::PhysicalPlan;
use crate::physical::{AggregateMode, Rerun};

/// What a second attempt at the part of `plan` above its exchanges may give.
///
/// Blocks of a shuffled input arrive in another order the second time. Where a node lets the order of its rows decide (which
/// of two equal rows is number one, which rows a limit keeps), groups above it are not the same groups, though each partition
/// may have some in both: what would otherwise merge is indeterminate then. Rows that are compared as they are (`Equal`) need
/// no such rule, since their hash tells.
pub(crate) fn rerun_of(plan: &PhysicalPlan) -> Rerun {
    let mut stage = Stage {
        rerun: Rerun::Equal,
        by_order: false,
    };
    stage.look(plan, false);
    match stage.rerun {
        Rerun::Mergeable if stage.by_order => Rerun::Indeterminate,
        rerun => rerun,
    }
}

/// What is seen of a stage.
struct Stage {
    /// The worst of its nodes.
    rerun: Rerun,
    /// Some node's rows depend on the order in which its input arrives.
    by_order: bool,
}

impl Stage {
    fn look(&mut self, plan: &PhysicalPlan, below_window: bool) {
        use PhysicalPlan as P;
        let here = match plan {
            P::Exchange(_) => return,
            _ if is_volatile(plan) => Rerun::Indeterminate,
            P::HashAggregate(n) if n.mode == AggregateMode::Partial => Rerun::Mergeable,
            // Which rows beyond the limit stay depends on which worker saw them. A window above drops them.
            P::WindowGroupLimit(_) if !below_window => Rerun::Mergeable,
            // Workers add floating values up in any order.
            P::HashAggregate(n) if n.aggregates.iter().any(|a| is_float(&a.ty)) => Rerun::Indeterminate,
            _ => Rerun::Equal,
        };
        self.rerun = match (self.rerun, here) {
            (Rerun::Indeterminate, _) | (_, Rerun::Indeterminate) => Rerun::Indeterminate,
            (Rerun::Mergeable, _) | (_, Rerun::Mergeable) => Rerun::Mergeable,
            _ => Rerun::Equal,
        };
        self.by_order |= match plan {
            P::Window(n) => {
                !n.order_by.is_empty() || n.calls.iter().any(|c| matches!(c.func, WindowFunc::Window { .. }))
            }
            P::Limit(_) | P::Sample(_) => true,
            P::Sort(n) => n.fetch.is_some(),
            // Lists and first values; sums would not, but no registry is at hand here to tell them apart.
            P::HashAggregate(n) => n.mode == AggregateMode::Single && !n.aggregates.is_empty(),
            _ => false,
        };
        let window = matches!(plan, P::Window(_))
            || below_window && matches!(plan, P::Projection(_) | P::Filter(_) | P::Sort(_));
        plan.children().into_iter().for_each(|c| self.look(c, window));
    }
}

/// Writes into every exchange what a second attempt at its input may give.
pub(super) fn mark(plan: &mut PhysicalPlan) {
    if let PhysicalPlan::Exchange(e) = plan {
        e.rerun = rerun_of(&e.input);
    }
    plan.children_mut().into_iter().for_each(mark);
}

/// Whether some expression of the plan gives another value each time.
pub(crate) fn has_volatile(plan: &PhysicalPlan) -> bool {
    is_volatile(plan) || plan.children().into_iter().any(has_volatile)
}

fn is_float(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Float | SqlType::Double)
}

fn is_volatile(plan: &PhysicalPlan) -> bool {
    use PhysicalPlan as P;
    match plan {
        P::Scan(n) => any(n.filters.iter()),
        P::Projection(n) => any(n.exprs.iter()),
        P::Filter(n) => !n.predicate.is_deterministic(),
        P::HashAggregate(n) => {
            let calls = n.aggregates.iter().flat_map(AggregateCall::expressions);
            any(n.groups.iter().chain(calls))
        }
        P::Window(n) => {
            let order = n.order_by.iter().map(|k| &k.expr);
            let calls = n.calls.iter().flat_map(WindowCall::expressions);
            any(n.partition_by.iter().chain(order).chain(calls))
        }
        P::WindowGroupLimit(n) => any(n.partition_by.iter().chain(n.order_by.iter().map(|k| &k.expr))),
        P::Sort(n) => any(n.keys.iter().map(|k| &k.expr)),
        P::HashJoin(n) => any(n.keys.iter().flat_map(|(l, r, _)| [l, r]).chain(&n.filter)),
        P::NestedLoopJoin(n) => any(n.filter.iter()),
        P::Generate(n) => any(n.args.iter()),
        P::Expand(n) => any(n.projections.iter().flatten()),
        P::Values(_)
        | P::Range(_)
        | P::Limit(_)
        | P::Union(_)
        | P::With(_)
        | P::CteScan(_)
        | P::RecursiveCte(_)
        | P::Sample(_)
        | P::Exchange(_)
        | P::StageInput(_) => false,
    }
}

fn any<'a>(exprs: impl IntoIterator<Item = &'a Expr>) -> bool {
    exprs.into_iter().any(|e| !e.is_deterministic())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rsql_common::{ColumnId, StageId};
    use rsql_expr::tree::{CallExpr, Effects, NullRule, Origin, WindowFrame};
    use rsql_expr::{EvalMode, EvalOptions, Field, Schema, Slot, SortKey};

    use super::*;
    use crate::logical::{GroupLimit, RankFunction};
    use crate::physical::{HashAggregate, Limit, Sort, StageInput, Window, WindowGroupLimit};

    fn schema() -> Schema {
        Schema::new([Field {
            id: ColumnId(0),
            name: "k".into(),
            ty: SqlType::Long,
            nullable: false,
        }])
    }

    fn key() -> Expr {
        Expr::Slot(Slot {
            index: 0,
            ty: SqlType::Long,
        })
    }

    fn order() -> Vec<SortKey> {
        vec![SortKey {
            expr: key(),
            descending: false,
            nulls_first: true,
        }]
    }

    fn input() -> PhysicalPlan {
        PhysicalPlan::StageInput(StageInput {
            stage: StageId(0),
            schema: schema(),
            estimate: 5.0,
        })
    }

    fn call(func: &str, args: Vec<Expr>, ty: SqlType) -> AggregateCall {
        AggregateCall {
            func: func.into(),
            args,
            distinct: false,
            filter: None,
            order_by: vec![],
            ty,
            nullable: true,
            ignore_nulls: false,
            mode: EvalMode::Ansi,
            options: Arc::new(EvalOptions::default()),
            origin: Origin::default(),
        }
    }

    fn aggregate(mode: AggregateMode, aggregates: Vec<AggregateCall>, input: PhysicalPlan) -> PhysicalPlan {
        PhysicalPlan::HashAggregate(HashAggregate {
            input: Box::new(input),
            mode,
            groups: vec![key()],
            aggregates,
            estimate: 5.0,
            schema: schema(),
        })
    }

    fn partial(input: PhysicalPlan) -> PhysicalPlan {
        aggregate(
            AggregateMode::Partial,
            vec![call("sum", vec![key()], SqlType::Long)],
            input,
        )
    }

    fn window(func: WindowFunc, order_by: Vec<SortKey>, input: PhysicalPlan) -> PhysicalPlan {
        PhysicalPlan::Window(Window {
            input: Box::new(input),
            partition_by: vec![key()],
            order_by,
            calls: vec![WindowCall {
                func,
                frame: WindowFrame::whole(),
            }],
            schema: schema(),
        })
    }

    fn row_number() -> WindowFunc {
        WindowFunc::Window {
            func: "row_number".into(),
            args: vec![],
            ignore_nulls: false,
            ty: SqlType::Int,
            nullable: false,
        }
    }

    fn limited(input: PhysicalPlan) -> PhysicalPlan {
        PhysicalPlan::WindowGroupLimit(WindowGroupLimit {
            input: Box::new(input),
            partition_by: vec![key()],
            order_by: order(),
            limit: GroupLimit {
                rank: RankFunction::RowNumber,
                rows: 1,
            },
        })
    }

    #[test]
    fn plain_stages_give_equal_rows_and_partial_groups_merge() {
        let sum = || vec![call("sum", vec![key()], SqlType::Long)];
        assert_eq!(rerun_of(&input()), Rerun::Equal);
        assert_eq!(rerun_of(&partial(input())), Rerun::Mergeable);
        assert_eq!(rerun_of(&aggregate(AggregateMode::Final, sum(), input())), Rerun::Equal);
        let floats = vec![call("sum", vec![key()], SqlType::Double)];
        assert_eq!(
            rerun_of(&aggregate(AggregateMode::Final, floats, input())),
            Rerun::Indeterminate
        );
    }

    #[test]
    fn groups_of_what_the_order_decided_do_not_merge() {
        let numbered = window(row_number(), order(), input());
        assert_eq!(rerun_of(&numbered), Rerun::Equal, "the rows' hash tells");
        assert_eq!(rerun_of(&partial(numbered)), Rerun::Indeterminate);
        let some = PhysicalPlan::Limit(Limit {
            input: Box::new(input()),
            skip: 0,
            fetch: Some(3),
        });
        assert_eq!(rerun_of(&partial(some)), Rerun::Indeterminate);
        let first = PhysicalPlan::Sort(Sort {
            input: Box::new(input()),
            keys: order(),
            fetch: Some(3),
            publishes: None,
            global: true,
        });
        assert_eq!(rerun_of(&partial(first)), Rerun::Indeterminate);
        let list = aggregate(
            AggregateMode::Single,
            vec![call("collect_list", vec![key()], SqlType::Long)],
            input(),
        );
        assert_eq!(rerun_of(&partial(list)), Rerun::Indeterminate);
        let total = WindowFunc::Aggregate(call("sum", vec![key()], SqlType::Long));
        assert_eq!(rerun_of(&partial(window(total, vec![], input()))), Rerun::Mergeable);
    }

    #[test]
    fn a_group_limit_counts_only_where_no_window_follows_it() {
        assert_eq!(rerun_of(&limited(input())), Rerun::Mergeable);
        let numbered = window(row_number(), order(), limited(input()));
        assert_eq!(rerun_of(&numbered), Rerun::Equal);
        assert_eq!(rerun_of(&partial(numbered)), Rerun::Indeterminate);
    }

    #[test]
    fn volatile_arguments_are_seen_wherever_they_stand() {
        let uuid = || {
            Expr::Call(Box::new(CallExpr {
                func: "uuid".into(),
                args: vec![],
                ty: SqlType::String,
                mode: EvalMode::Ansi,
                nulls: NullRule::Never,
                effects: Effects::VOLATILE,
                options: Arc::new(EvalOptions::default()),
                origin: Origin::default(),
            }))
        };
        let largest = WindowFunc::Aggregate(call("max", vec![uuid()], SqlType::String));
        let plan = window(largest, vec![], input());
        assert!(has_volatile(&plan));
        assert_eq!(rerun_of(&plan), Rerun::Indeterminate);
        let mut listed = call("listagg", vec![key()], SqlType::String);
        listed.order_by = order();
        assert!(!has_volatile(&aggregate(
            AggregateMode::Single,
            vec![listed.clone()],
            input()
        )));
        listed.order_by[0].expr = uuid();
        assert!(has_volatile(&aggregate(AggregateMode::Single, vec![listed], input())));
        assert!(!has_volatile(&window(row_number(), order(), input())));
    }
}
