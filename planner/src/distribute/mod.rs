//! `EnsureRequirements`: adds exchanges to a local plan where what a node asks of its input rows' place is not given.
//!
//! ```text
//!   TopK k fetch 10                     TopK k fetch 10
//!     HashAggregate [k] [sum(v)]          Exchange single
//!       Scan t                      =>      TopK k fetch 10
//!                                             HashAggregate final [k] [sum]
//!                                               Exchange hash [k] 4 partitions
//!                                                 HashAggregate partial [k] [sum(v)]
//!                                                   Scan t
//! ```
//!
//! Bottom-up: each node's children are placed, brought to where the node needs them, and the node promises where its
//! rows lie ([`promise()`] is the one place that knows requirements and promises; it also is the verifier). With one
//! executor every requirement is given, and the plan stays as it is.

mod aggregate;
mod buckets;
mod distinct;
mod gather;
mod join;
mod legality;
mod memory;
mod order;
mod promise;
mod rerun;
mod shape;
mod size;
mod spread;

use std::collections::BTreeSet;

use rsql_common::ids::IdGen;
use rsql_common::{CteId, Error, Result, StageId};
use rsql_expr::{Expr, FunctionRegistry};

pub(crate) use aggregate::{halves, splits};
pub(crate) use legality::may_copy;
pub(crate) use rerun::{has_volatile, rerun_of};
pub use shape::ClusterShape;
pub(crate) use size::{row_bytes, rows};
pub(crate) use spread::Spread;

use crate::PhysicalPlan;
use crate::physical::{Asked, Exchange, HashFunction, Partitioning, Rerun, Window};
use promise::{Leaves, promise, spread_of};

/// What distribution needs beside the plan.
#[derive(Debug, Clone, Copy)]
pub struct DistributeContext<'a> {
    /// The cluster.
    pub shape: &'a ClusterShape,
    /// Functions by name.
    pub registry: &'a FunctionRegistry,
    /// Ids for columns of partial states.
    pub ids: &'a IdGen,
}

/// The plan with exchanges, as a cluster runs it.
pub fn distribute(plan: PhysicalPlan, cx: &DistributeContext<'_>) -> Result<PhysicalPlan> {
    if cx.shape.executors <= 1 {
        return Ok(without_exchanges(plan));
    }
    if rerun::has_volatile(&plan) {
        // Random and counting expressions go by the rows that a task has seen: two tasks would give the same values.
        let mut gathered = gather::all(without_exchanges(plan));
        rerun::mark(&mut gathered);
        return Ok(gathered);
    }
    let placer = Placer {
        cx: *cx,
        input: &|_| Spread::Any,
    };
    let placed = placer.place(plan.clone(), &BTreeSet::new()).map(|p| p.plan);
    let placed = placed.map(|p| buckets::where_needed(p, cx.shape, &|p| verify(p, cx.shape)));
    let mut distributed = match placed.and_then(|p| verify(&p, cx.shape).map(|()| p)) {
        Ok(distributed) => distributed,
        Err(_) if !cfg!(debug_assertions) => gather::all(without_exchanges(plan)),
        Err(e) => return Err(e),
    };
    rerun::mark(&mut distributed);
    Ok(distributed)
}

/// The plan of what is left of a query with exchanges, over stages that are there and have spread their rows as `input`
/// says; fails if some node would give wrong rows.
pub(crate) fn distribute_rest(
    plan: PhysicalPlan,
    cx: &DistributeContext<'_>,
    input: &dyn Fn(StageId) -> Spread,
) -> Result<PhysicalPlan> {
    let placer = Placer { cx: *cx, input };
    let stands = |p: &PhysicalPlan| match spread_in_stage(p, cx.shape, input)? {
        Spread::Copied | Spread::Partial => Err(Error::internal("a result that is not each row once")),
        _ => Ok(()),
    };
    let placed = placer.place(plan, &BTreeSet::new())?.plan;
    let mut placed = buckets::where_needed(placed, cx.shape, &stands);
    stands(&placed)?;
    rerun::mark(&mut placed);
    Ok(placed)
}

/// Whether some call depends on the order of its rows.
pub(crate) fn depends_on_order(plan: &PhysicalPlan, registry: &FunctionRegistry) -> bool {
    let ordered = |call: &rsql_expr::AggregateCall| registry.aggregate(&call.func).is_some_and(|f| f.order_sensitive);
    match plan {
        PhysicalPlan::HashAggregate(n) if n.aggregates.iter().any(ordered) => true,
        other => other.children().into_iter().any(|c| depends_on_order(c, registry)),
    }
}

/// Fails if some node of the plan would give wrong rows where its inputs lie.
pub fn verify(plan: &PhysicalPlan, shape: &ClusterShape) -> Result<()> {
    let mut leaves = Leaves {
        shape,
        pinned: BTreeSet::new(),
        input: &|_| Spread::Any,
    };
    match spread_of(plan, &mut leaves)? {
        Spread::Copied | Spread::Partial => Err(Error::internal("a result that is not each row once")),
        _ => Ok(()),
    }
}

/// Where the rows of a stage's plan (or of a part of it) lie, given how it reads earlier stages; fails as [`verify`] does.
pub(crate) fn spread_in_stage(
    plan: &PhysicalPlan,
    shape: &ClusterShape,
    input: &dyn Fn(StageId) -> Spread,
) -> Result<Spread> {
    let mut leaves = Leaves {
        shape,
        pinned: BTreeSet::new(),
        input,
    };
    spread_of(plan, &mut leaves)
}

/// The plan as one executor runs it: what users asked of partitions has no effect there.
pub fn without_exchanges(plan: PhysicalPlan) -> PhysicalPlan {
    match plan {
        PhysicalPlan::Exchange(e) => without_exchanges(*e.input),
        mut other => {
            for child in other.children_mut() {
                if has_exchange(child) {
                    let taken = std::mem::replace(child, PhysicalPlan::nothing());
                    *child = without_exchanges(taken);
                }
            }
            other
        }
    }
}

fn has_exchange(plan: &PhysicalPlan) -> bool {
    matches!(plan, PhysicalPlan::Exchange(_)) || plan.children().into_iter().any(has_exchange)
}

/// Whether a stage of this plan must have one task: some leaf has no shares.
pub(crate) fn runs_in_one_task(plan: &PhysicalPlan, shape: &ClusterShape) -> bool {
    match plan {
        PhysicalPlan::Values(n) => !shape.divides(n),
        PhysicalPlan::RecursiveCte(_) | PhysicalPlan::Sample(_) => true,
        other => other.children().into_iter().any(|c| runs_in_one_task(c, shape)),
    }
}

/// A plan and where its rows lie.
struct Placed {
    plan: PhysicalPlan,
    spread: Spread,
}

impl Placed {
    /// Behind an exchange.
    fn exchanged(self, partitioning: Partitioning) -> Placed {
        Placed {
            spread: Spread::behind(&partitioning),
            plan: PhysicalPlan::Exchange(Exchange {
                estimate: size::rows(&self.plan),
                input: Box::new(self.plan),
                partitioning,
                rerun: Rerun::Equal,
                tasks: None,
                asked: Asked::No,
            }),
        }
    }

    /// In one task.
    fn gathered(self) -> Placed {
        if self.spread == Spread::One {
            self
        } else {
            self.exchanged(Partitioning::Single)
        }
    }

    /// The exchange on top is one that the user wants.
    fn asked(mut self, asked: Asked) -> Placed {
        if let PhysicalPlan::Exchange(e) = &mut self.plan {
            e.asked = asked;
        }
        self
    }

    fn is_one(&self) -> bool {
        self.spread == Spread::One
    }
}

struct Placer<'a> {
    cx: DistributeContext<'a>,
    /// Where the rows of stages lie that the plan reads.
    input: &'a dyn Fn(StageId) -> Spread,
}

type Pinned = BTreeSet<CteId>;

impl Placer<'_> {
    /// The plan with exchanges; what is in `pinned` is read in the task that makes it.
    fn place(&self, mut plan: PhysicalPlan, pinned: &Pinned) -> Result<Placed> {
        use PhysicalPlan as P;
        match plan {
            P::Scan(n) => match memory::to_values(n, self.cx.ids)? {
                P::Scan(mut n) => {
                    n.by_bucket = n.may_read_by_bucket();
                    self.put(P::Scan(n), vec![], pinned)
                }
                values => {
                    let spread = spread_of(&values, &mut self.leaves(pinned))?;
                    Ok(Placed { plan: values, spread })
                }
            },
            P::HashAggregate(n) => self.aggregate(n, pinned),
            P::Window(n) => self.window(n, pinned),
            P::Sort(n) => self.sort(n, pinned),
            P::Limit(n) => self.limit(n, pinned),
            P::HashJoin(n) => self.hash_join(n, pinned),
            P::NestedLoopJoin(n) => self.nested_loop_join(n, pinned),
            P::Union(n) => self.union(n, pinned),
            P::With(n) => self.with(n, pinned),
            P::RecursiveCte(n) => self.recursive_cte(n, pinned),
            P::Exchange(n) => self.repartition(n, pinned),
            P::Sample(mut n) => {
                let input = self.place(*n.input, pinned)?.gathered();
                n.input = Box::new(input.plan);
                self.put(P::Sample(n), vec![input.spread], pinned)
            }
            P::Values(_)
            | P::Range(_)
            | P::CteScan(_)
            | P::StageInput(_)
            | P::Projection(_)
            | P::Filter(_)
            | P::WindowGroupLimit(_)
            | P::Generate(_)
            | P::Expand(_) => {
                let mut spreads = Vec::new();
                for child in plan.children_mut() {
                    let placed = self.place(std::mem::replace(child, PhysicalPlan::nothing()), pinned)?;
                    *child = placed.plan;
                    spreads.push(placed.spread);
                }
                self.put(plan, spreads, pinned)
            }
        }
    }

    /// A node over children that lie where it needs them.
    fn put(&self, plan: PhysicalPlan, children: Vec<Spread>, pinned: &Pinned) -> Result<Placed> {
        let spread = promise(&plan, &children, &self.leaves(pinned))?;
        Ok(Placed { plan, spread })
    }

    /// Rows that agree in all of `keys` in one task.
    fn together(&self, placed: Placed, keys: &[Expr]) -> Placed {
        if placed.spread.brings_together(keys) {
            return placed;
        }
        if keys.is_empty() || !promise::deterministic(keys) {
            return placed.gathered();
        }
        placed.exchanged(self.hash(keys.to_vec()))
    }

    fn hash(&self, keys: Vec<Expr>) -> Partitioning {
        Partitioning::Hash {
            keys,
            partitions: self.cx.shape.partitions,
            function: HashFunction::Partition,
        }
    }

    fn window(&self, mut n: Window, pinned: &Pinned) -> Result<Placed> {
        let input = self.place(*n.input, pinned)?;
        let input = match promise::deterministic(&n.partition_by) {
            true if !n.partition_by.is_empty() => self.together(input, &n.partition_by),
            _ => input.gathered(),
        };
        n.input = Box::new(input.plan);
        self.put(PhysicalPlan::Window(n), vec![input.spread], pinned)
    }

    fn leaves(&self, pinned: &Pinned) -> Leaves<'_> {
        Leaves {
            pinned: pinned.clone(),
            shape: self.cx.shape,
            input: self.input,
        }
    }
}
