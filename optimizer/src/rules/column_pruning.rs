//! Leaves out columns that nobody above reads, everywhere in the plan.
//!
//! ```text
//! Projection a                 Projection a
//!   Filter (b > 1)         →     Filter (b > 1)
//!     Scan t [a, b, c, d]          Scan t [a, b]
//! ```
//! A left join goes altogether if nobody reads its right side and either no left row can match twice (the right side's
//! rows differ in the keys) or an aggregate above does not depend on duplicates (DISTINCT, `max`). Columns of a scan that
//! only its filters read are read but not put out. Sound: operators compute the columns they keep from the columns they
//! read. Groups stay, since they decide how many rows there are; so do columns of DISTINCT inputs,
//! set operations and recursive plans.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rsql_common::{ColumnId, CteId, Result};
use rsql_expr::{AggregateCall, Field, FunctionRegistry, Schema};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{CteRef, Join, JoinKind, PlanRef, Scan, Union, With};

use crate::OptimizerContext;
use crate::rule::PlanPass;
use crate::walk::{map_children, owned, with_stack};

/// See the module.
pub struct ColumnPruning;

impl PlanPass for ColumnPruning {
    fn name(&self) -> &'static str {
        "ColumnPruning"
    }

    fn run(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<LogicalPlan> {
        let all: Vec<ColumnId> = plan.schema().iter().map(|f| f.id).collect();
        let required: Columns = all.iter().copied().collect();
        let mut pruner = Pruner {
            read: HashMap::new(),
            registry: &cx.registry,
        };
        Ok(exactly(pruner.prune(plan, &required), &all))
    }
}

type Columns = BTreeSet<ColumnId>;

/// The plan with these columns in this order.
fn exactly(plan: LogicalPlan, ids: &[ColumnId]) -> LogicalPlan {
    if plan.schema().iter().map(|f| f.id).eq(ids.iter().copied()) {
        plan
    } else {
        plan.project_columns(ids)
    }
}

fn keep<T: Clone>(items: &[T], positions: &[usize]) -> Vec<T> {
    positions.iter().filter_map(|i| items.get(*i).cloned()).collect()
}

struct Pruner<'a> {
    /// Positions of definitions' columns that references read.
    read: HashMap<CteId, BTreeSet<usize>>,
    registry: &'a FunctionRegistry,
}

impl Pruner<'_> {
    /// `plan` with at least the columns of `required` that it has.
    fn prune(&mut self, plan: LogicalPlan, required: &Columns) -> LogicalPlan {
        with_stack(|| self.node(plan, required))
    }

    fn child(&mut self, plan: PlanRef, required: &Columns) -> PlanRef {
        Arc::new(self.prune(owned(plan), required))
    }

    /// Like [`Self::child`], without columns that only the child itself needed: the reader would carry them along.
    fn narrow(&mut self, plan: PlanRef, required: &Columns) -> PlanRef {
        let plan = self.prune(owned(plan), required);
        let spare = plan.schema().iter().any(|f| !required.contains(&f.id));
        if !spare || matches!(plan, LogicalPlan::Values(_) | LogicalPlan::CteRef(_)) {
            return Arc::new(plan);
        }
        let ids: Vec<ColumnId> = plan
            .schema()
            .iter()
            .map(|f| f.id)
            .filter(|id| required.contains(id))
            .collect();
        Arc::new(plan.project_columns(&ids))
    }

    fn node(&mut self, plan: LogicalPlan, required: &Columns) -> LogicalPlan {
        use LogicalPlan as L;
        let positions: Vec<usize> = plan
            .schema()
            .iter()
            .enumerate()
            .filter(|(_, f)| required.contains(&f.id))
            .map(|(i, _)| i)
            .collect();
        let kept = |schema: &Schema| Schema::new(positions.iter().filter_map(|i| schema.fields.get(*i).cloned()));
        let mut read = required.clone();
        match plan {
            L::Scan(n) => L::Scan(scan(n, required)),
            L::Values(mut n) => {
                n.rows.iter_mut().for_each(|r| *r = keep(r, &positions));
                n.schema = kept(&n.schema);
                L::Values(n)
            }
            L::Projection(mut n) => {
                n.exprs = keep(&n.exprs, &positions);
                n.schema = kept(&n.schema);
                let mut read = Columns::new();
                n.exprs.iter().for_each(|e| e.columns_into(&mut read));
                n.input = self.child(n.input, &read);
                L::Projection(n)
            }
            L::Filter(mut n) => {
                n.predicate.columns_into(&mut read);
                n.input = self.child(n.input, &read);
                L::Filter(n)
            }
            L::Aggregate(mut n) => {
                let groups = n.groups.len();
                let wanted: Vec<usize> = (0..n.schema.len())
                    .filter(|i| *i < groups || positions.contains(i))
                    .collect();
                n.aggregates = wanted
                    .iter()
                    .filter_map(|i| n.aggregates.get(i.checked_sub(groups)?).cloned())
                    .collect();
                n.schema = Schema::new(keep(&n.schema.fields, &wanted));
                let set = |c: &AggregateCall| {
                    let function = self.registry.aggregate(&c.func);
                    function.is_some_and(|f| f.duplicate_insensitive && !f.order_sensitive)
                };
                let duplicates_count = n.groups.is_empty() && n.aggregates.is_empty() || !n.aggregates.iter().all(set);
                let mut plan = L::Aggregate(n);
                let mut read = Columns::new();
                plan.expressions().into_iter().for_each(|e| e.columns_into(&mut read));
                if !duplicates_count {
                    plan.children_mut().into_iter().for_each(|c| skip_left_joins(c, &read));
                }
                self.over_one(plan, &read)
            }
            L::Window(mut n) => {
                let inputs = n.schema.len() - n.calls.len();
                let wanted: Vec<usize> = (0..n.calls.len())
                    .filter(|i| positions.contains(&(i + inputs)))
                    .collect();
                if wanted.is_empty() {
                    return self.prune(owned(n.input), required);
                }
                let fields: Vec<Field> = wanted
                    .iter()
                    .filter_map(|i| n.schema.fields.get(i + inputs).cloned())
                    .collect();
                n.calls = keep(&n.calls, &wanted);
                n.schema = n.input.schema().join(&Schema::new(fields));
                let plan = L::Window(n);
                plan.expressions().into_iter().for_each(|e| e.columns_into(&mut read));
                self.over_narrow(plan, &read)
            }
            L::Sort(_) => {
                plan.expressions().into_iter().for_each(|e| e.columns_into(&mut read));
                self.over_narrow(plan, &read)
            }
            L::Generate(_) | L::Repartition(_) => {
                plan.expressions().into_iter().for_each(|e| e.columns_into(&mut read));
                self.over_one(plan, &read)
            }
            L::Limit(_) | L::Sample(_) | L::Hint(_) => self.over_one(plan, &read),
            L::Expand(mut n) => {
                n.projections.iter_mut().for_each(|p| *p = keep(p, &positions));
                n.schema = kept(&n.schema);
                let plan = L::Expand(n);
                let mut read = Columns::new();
                plan.expressions().into_iter().for_each(|e| e.columns_into(&mut read));
                self.over_one(plan, &read)
            }
            L::Join(n) => self.join(n, required),
            L::Union(n) => self.union(n, &positions),
            L::With(n) => self.with(n, required),
            L::CteRef(n) => {
                self.read.entry(n.id).or_default().extend(positions);
                L::CteRef(n)
            }
            L::RecursiveCte(_) | L::SetOp(_) | L::DependentJoin(_) => self.everything(plan),
            L::Range(_) => plan,
        }
    }

    fn over_one(&mut self, plan: LogicalPlan, read: &Columns) -> LogicalPlan {
        let Ok(plan) = map_children::<std::convert::Infallible>(plan, &mut |c| Ok(self.prune(c, read)));
        plan
    }

    fn over_narrow(&mut self, plan: LogicalPlan, read: &Columns) -> LogicalPlan {
        let Ok(plan) =
            map_children::<std::convert::Infallible>(plan, &mut |c| Ok(owned(self.narrow(Arc::new(c), read))));
        plan
    }

    /// Children keep all their columns.
    fn everything(&mut self, plan: LogicalPlan) -> LogicalPlan {
        let Ok(plan) = map_children::<std::convert::Infallible>(plan, &mut |c| {
            let all: Vec<ColumnId> = c.schema().iter().map(|f| f.id).collect();
            let required: Columns = all.iter().copied().collect();
            Ok(exactly(self.prune(c, &required), &all))
        });
        plan
    }

    fn join(&mut self, mut n: Join, required: &Columns) -> LogicalPlan {
        let mark = (n.kind == JoinKind::LeftMark)
            .then(|| n.schema.iter().last().map(|f| f.id))
            .flatten();
        if mark.is_some_and(|id| !required.contains(&id)) {
            return self.prune(owned(n.left), required);
        }
        if n.kind == JoinKind::Left && !n.right.schema().iter().any(|f| required.contains(&f.id)) && matches_once(&n) {
            return self.prune(owned(n.left), required);
        }
        let mut read = required.clone();
        for (l, r) in &n.on {
            l.columns_into(&mut read);
            r.columns_into(&mut read);
        }
        if let Some(f) = &n.filter {
            f.columns_into(&mut read);
        }
        n.left = self.narrow(n.left, &read);
        n.right = self.narrow(n.right, &read);
        let mut plan = LogicalPlan::Join(n);
        plan.refresh_schema();
        plan
    }

    fn union(&mut self, mut n: Union, positions: &[usize]) -> LogicalPlan {
        for input in &mut n.inputs {
            let all = input.schema().clone();
            let ids: Vec<ColumnId> = positions
                .iter()
                .filter_map(|i| all.fields.get(*i))
                .map(|f| f.id)
                .collect();
            let required = ids.iter().copied().collect();
            *input = Arc::new(exactly(self.prune(owned(std::mem::take(input)), &required), &ids));
        }
        n.schema = Schema::new(keep(&n.schema.fields, positions));
        LogicalPlan::Union(n)
    }

    fn with(&mut self, mut n: With, required: &Columns) -> LogicalPlan {
        n.body = self.child(n.body, required);
        for i in (0..n.defs.len()).rev() {
            let (id, def) = &mut n.defs[i];
            let id = *id;
            let positions: Vec<usize> = self.read.remove(&id).unwrap_or_default().into_iter().collect();
            let ids: Vec<ColumnId> = positions
                .iter()
                .filter_map(|i| def.schema().fields.get(*i))
                .map(|f| f.id)
                .collect();
            let wanted = ids.iter().copied().collect();
            *def = Arc::new(exactly(self.prune(owned(std::mem::take(def)), &wanted), &ids));
            for (_, later) in &mut n.defs[i + 1..] {
                *later = Arc::new(narrow_references(owned(std::mem::take(later)), id, &positions));
            }
            n.body = Arc::new(narrow_references(owned(n.body), id, &positions));
        }
        LogicalPlan::With(n)
    }
}

/// Left rows instead of their pairs with right rows, where only left columns are read and duplicates do not count.
fn skip_left_joins(plan: &mut PlanRef, read: &Columns) {
    while let LogicalPlan::Join(n) = plan.as_ref()
        && n.kind == JoinKind::Left
        && !n.right.schema().iter().any(|f| read.contains(&f.id))
    {
        *plan = Arc::clone(&n.left);
    }
    if let LogicalPlan::Projection(n) = plan.as_ref()
        && n.exprs.iter().all(|e| e.is_deterministic())
    {
        let mut n = n.clone();
        let exprs = n.schema.iter().zip(&n.exprs).filter(|(f, _)| read.contains(&f.id));
        let mut below = Columns::new();
        exprs.for_each(|(_, e)| e.columns_into(&mut below));
        skip_left_joins(&mut n.input, &below);
        *plan = Arc::new(LogicalPlan::Projection(n));
    }
}

/// At most one right row matches a left row: the right side is grouped by some of the keys.
fn matches_once(n: &Join) -> bool {
    let mut right = n.right.as_ref();
    loop {
        right = match right {
            LogicalPlan::Projection(p) => &p.input,
            LogicalPlan::Filter(p) => &p.input,
            LogicalPlan::Sort(p) => &p.input,
            LogicalPlan::Limit(p) => &p.input,
            LogicalPlan::Window(p) => &p.input,
            _ => break,
        };
    }
    let LogicalPlan::Aggregate(a) = right else { return false };
    a.schema.iter().take(a.groups.len()).all(|g| {
        n.on.iter()
            .any(|(_, r)| matches!(r, rsql_expr::Expr::Column(c) if c.id == g.id))
    })
}

/// References to `id` with only these of their columns.
fn narrow_references(plan: LogicalPlan, id: CteId, positions: &[usize]) -> LogicalPlan {
    with_stack(|| match plan {
        LogicalPlan::CteRef(n) if n.id == id => LogicalPlan::CteRef(CteRef {
            id,
            schema: Schema::new(keep(&n.schema.fields, positions)),
        }),
        other => {
            let Ok(plan) =
                map_children::<std::convert::Infallible>(other, &mut |c| Ok(narrow_references(c, id, positions)));
            plan
        }
    })
}

fn scan(mut n: Scan, required: &Columns) -> Scan {
    let all: Vec<(Field, usize)> = n
        .schema
        .iter()
        .cloned()
        .zip(n.columns.iter().copied())
        .chain(n.filter_columns.iter().cloned())
        .collect();
    let mut filtered = Columns::new();
    n.filters.iter().for_each(|e| e.columns_into(&mut filtered));
    let (out, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|(f, _)| required.contains(&f.id));
    n.columns = out.iter().map(|(_, i)| *i).collect();
    n.schema = Schema::new(out.into_iter().map(|(f, _)| f));
    n.filter_columns = rest.into_iter().filter(|(f, _)| filtered.contains(&f.id)).collect();
    n
}
