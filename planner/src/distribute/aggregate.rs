//! Aggregation in two phases: partial states below a hash exchange of the groups, merged above it.
//!
//! DISTINCT sees all rows of a group in one task instead; without groups see `distinct`. Functions that depend on the order of rows see all rows of all
//! groups in one task: only gathered rows keep their source's order.

use rsql_common::Result;
use rsql_expr::{AggregateCall, Expr, Field, FunctionRegistry, Schema, Slot};

use super::promise::deterministic;
use super::{DistributeContext, Pinned, Placed, Placer, size};
use crate::PhysicalPlan;
use crate::physical::{AggregateMode, HashAggregate, Partitioning};

/// Partial states pay if they are at most this part of the rows.
const PARTIAL_PAYS: f64 = 0.7;

impl Placer<'_> {
    pub(super) fn aggregate(&self, mut n: HashAggregate, pinned: &Pinned) -> Result<Placed> {
        let input = self.place(std::mem::replace(n.input.as_mut(), PhysicalPlan::nothing()), pinned)?;
        if !input.is_one()
            && let Some(sets) = self.sets(&n)
        {
            return self.distinct(&n, &sets, input, pinned);
        }
        self.aggregated(n, input, pinned)
    }

    /// An aggregate over an input that is placed.
    pub(super) fn aggregated(&self, mut n: HashAggregate, input: Placed, pinned: &Pinned) -> Result<Placed> {
        let pure = deterministic(&n.groups);
        let given = input.is_one() || pure && !n.groups.is_empty() && input.spread.brings_together(&n.groups);
        let splits = n.aggregates.iter().all(|a| splits(a, self.cx.registry));
        let ordered = n.aggregates.iter().any(|a| self.depends_on_order(a));
        let few = n.groups.is_empty() || n.estimate <= PARTIAL_PAYS * size::rows(&input.plan) || !pure;
        // States that an earlier stage made are merged, whatever else would pay.
        if given || n.mode != AggregateMode::Single || !splits || !few {
            let input = match given {
                true => input,
                false if pure && !ordered => self.together(input, &n.groups),
                false => input.gathered(),
            };
            n.input = Box::new(input.plan);
            return self.put(PhysicalPlan::HashAggregate(n), vec![input.spread], pinned);
        }

        let (partial, last) = halves(n, input.plan, &self.cx);
        let groups = last.groups.clone();
        let partial = self.put(PhysicalPlan::HashAggregate(partial), vec![input.spread], pinned)?;
        let exchanged = match groups.is_empty() {
            true => partial.exchanged(Partitioning::Single),
            false => partial.exchanged(self.hash(groups.clone())),
        };
        let last = HashAggregate {
            input: Box::new(exchanged.plan),
            ..last
        };
        self.put(PhysicalPlan::HashAggregate(last), vec![exchanged.spread], pinned)
    }

    fn depends_on_order(&self, call: &AggregateCall) -> bool {
        let function = self.cx.registry.aggregate(&call.func);
        function.is_some_and(|f| f.order_sensitive)
    }
}

/// Whether states of the call over parts of a group merge to its result.
pub(crate) fn splits(call: &AggregateCall, registry: &FunctionRegistry) -> bool {
    let function = registry.aggregate(&call.func);
    function.is_some_and(|f| !f.order_sensitive && (!call.distinct || f.duplicate_insensitive))
}

/// The aggregate over `input` in two: states of what a task sees, and the results of states that came together (its input
/// is to be set).
pub(crate) fn halves(
    n: HashAggregate,
    input: PhysicalPlan,
    cx: &DistributeContext<'_>,
) -> (HashAggregate, HashAggregate) {
    let state = state_schema(&n, cx);
    let groups: Vec<Expr> = state.iter().take(n.groups.len()).enumerate().map(column).collect();
    let first = HashAggregate {
        mode: AggregateMode::Partial,
        input: Box::new(input),
        groups: n.groups,
        aggregates: n.aggregates.clone(),
        estimate: n.estimate,
        schema: state,
    };
    let last = HashAggregate {
        mode: AggregateMode::Final,
        input: Box::new(PhysicalPlan::nothing()),
        groups,
        aggregates: n.aggregates,
        estimate: n.estimate,
        schema: n.schema,
    };
    (first, last)
}

/// Groups, then each call's state.
fn state_schema(n: &HashAggregate, cx: &DistributeContext<'_>) -> Schema {
    let groups = n.schema.iter().take(n.groups.len()).cloned();
    let states = n.aggregates.iter().flat_map(|call| {
        let function = cx.registry.aggregate(&call.func);
        function.map(|f| (f.state)(call)).unwrap_or_default()
    });
    let states = states.map(|s| Field {
        id: cx.ids.column(),
        name: s.name.into(),
        ty: s.ty,
        nullable: true,
    });
    Schema::new(groups.chain(states))
}

fn column((index, field): (usize, &Field)) -> Expr {
    Expr::Slot(Slot {
        index,
        ty: field.ty.clone(),
    })
}
