//! Lowering of the nodes whose physical form is their logical form over slots.

use rsql_common::{Error, Result};
use rsql_expr::{Literal, Schema};

use super::binding::Binding;
use super::node;
use crate::estimates::Estimates;
use crate::{PhysicalPlan, logical as l, physical as p};

fn child(plan: &l::PlanRef, e: &Estimates, i: usize) -> Result<Box<PhysicalPlan>> {
    Ok(Box::new(node(plan, e.child(i))?))
}

fn binding(plan: &l::PlanRef) -> Binding {
    Binding::new(&[plan.schema()])
}

pub(super) fn values(n: &l::Values) -> Result<PhysicalPlan> {
    let literal = |e: &rsql_expr::Expr| -> Result<Literal> {
        e.as_literal()
            .cloned()
            .ok_or_else(|| Error::internal(format!("VALUES holds {e}, which is not folded")))
    };
    Ok(PhysicalPlan::Values(p::Values {
        rows: n
            .rows
            .iter()
            .map(|row| row.iter().map(literal).collect::<Result<_>>())
            .collect::<Result<_>>()?,
        schema: n.schema.clone(),
    }))
}

pub(super) fn range(n: &l::Range) -> PhysicalPlan {
    PhysicalPlan::Range(p::Range {
        start: n.start,
        end: n.end,
        step: n.step,
        schema: n.schema.clone(),
    })
}

pub(super) fn projection(n: &l::Projection, e: &Estimates) -> Result<PhysicalPlan> {
    let input = child(&n.input, e, 0)?;
    let exprs = binding(&n.input).exprs(&n.exprs)?;
    Ok(PhysicalPlan::Projection(p::Projection {
        input,
        exprs,
        schema: n.schema.clone(),
    }))
}

pub(super) fn filter(n: &l::Filter, e: &Estimates) -> Result<PhysicalPlan> {
    Ok(PhysicalPlan::Filter(p::Filter {
        input: child(&n.input, e, 0)?,
        predicate: binding(&n.input).expr(&n.predicate)?,
    }))
}

pub(super) fn aggregate(n: &l::Aggregate, e: &Estimates) -> Result<PhysicalPlan> {
    let binding = binding(&n.input);
    Ok(PhysicalPlan::HashAggregate(p::HashAggregate {
        mode: p::AggregateMode::Single,
        input: child(&n.input, e, 0)?,
        groups: binding.exprs(&n.groups)?,
        aggregates: n
            .aggregates
            .iter()
            .map(|c| binding.aggregate(c))
            .collect::<Result<_>>()?,
        estimate: e.rows,
        schema: n.schema.clone(),
    }))
}

pub(super) fn window(n: &l::Window, e: &Estimates) -> Result<PhysicalPlan> {
    let binding = binding(&n.input);
    let (partition_by, order_by) = (binding.exprs(&n.partition_by)?, binding.keys(&n.order_by)?);
    let mut input = child(&n.input, e, 0)?;
    if let Some(limit) = n.group_limit {
        input = Box::new(PhysicalPlan::WindowGroupLimit(p::WindowGroupLimit {
            input,
            partition_by: partition_by.clone(),
            order_by: order_by.clone(),
            limit,
        }));
    }
    Ok(PhysicalPlan::Window(p::Window {
        input,
        partition_by,
        order_by,
        calls: n.calls.iter().map(|c| binding.window(c)).collect::<Result<_>>()?,
        schema: n.schema.clone(),
    }))
}

pub(super) fn sort(n: &l::Sort, e: &Estimates) -> Result<PhysicalPlan> {
    Ok(PhysicalPlan::Sort(p::Sort {
        input: child(&n.input, e, 0)?,
        keys: binding(&n.input).keys(&n.keys)?,
        fetch: n.fetch,
        publishes: None,
        global: n.global,
    }))
}

pub(super) fn limit(n: &l::Limit, e: &Estimates) -> Result<PhysicalPlan> {
    Ok(PhysicalPlan::Limit(p::Limit {
        input: child(&n.input, e, 0)?,
        skip: n.skip,
        fetch: n.fetch,
    }))
}

pub(super) fn union(n: &l::Union, e: &Estimates) -> Result<PhysicalPlan> {
    let inputs = n.inputs.iter().enumerate().map(|(i, c)| node(c, e.child(i)));
    Ok(PhysicalPlan::Union(p::Union {
        inputs: inputs.collect::<Result<_>>()?,
        schema: n.schema.clone(),
    }))
}

pub(super) fn generate(n: &l::Generate, e: &Estimates) -> Result<PhysicalPlan> {
    Ok(PhysicalPlan::Generate(p::Generate {
        input: child(&n.input, e, 0)?,
        func: n.func.clone(),
        args: binding(&n.input).exprs(&n.args)?,
        outer: n.outer,
        projection: (0..n.input.schema().len()).collect(),
        schema: n.schema.clone(),
    }))
}

pub(super) fn expand(n: &l::Expand, e: &Estimates) -> Result<PhysicalPlan> {
    let binding = binding(&n.input);
    Ok(PhysicalPlan::Expand(p::Expand {
        input: child(&n.input, e, 0)?,
        projections: n.projections.iter().map(|v| binding.exprs(v)).collect::<Result<_>>()?,
        schema: n.schema.clone(),
    }))
}

pub(super) fn with(n: &l::With, e: &Estimates) -> Result<PhysicalPlan> {
    let defs = n.defs.iter().enumerate();
    Ok(PhysicalPlan::With(p::With {
        defs: defs
            .map(|(i, (id, plan))| Ok((*id, node(plan, e.child(i))?)))
            .collect::<Result<_>>()?,
        body: child(&n.body, e, n.defs.len())?,
    }))
}

pub(super) fn cte_ref(n: &l::CteRef) -> PhysicalPlan {
    PhysicalPlan::CteScan(p::CteScan {
        id: n.id,
        schema: n.schema.clone(),
    })
}

pub(super) fn recursive_cte(n: &l::RecursiveCte, e: &Estimates) -> Result<PhysicalPlan> {
    Ok(PhysicalPlan::RecursiveCte(p::RecursiveCte {
        id: n.id,
        anchor: child(&n.anchor, e, 0)?,
        recursive: child(&n.recursive, e, 1)?,
        all: n.all,
        max_level: n.max_level,
        max_rows: n.max_rows,
        fetch: n.fetch,
        schema: n.schema.clone(),
    }))
}

pub(super) fn sample(n: &l::Sample, e: &Estimates) -> Result<PhysicalPlan> {
    Ok(PhysicalPlan::Sample(p::Sample {
        input: child(&n.input, e, 0)?,
        lower: n.lower,
        upper: n.upper,
        seed: n.seed,
    }))
}

/// A projection that puts out these columns of `input`.
pub(super) fn columns_of(input: PhysicalPlan, schema: &Schema) -> Result<PhysicalPlan> {
    let binding = Binding::new(&[input.schema()]);
    let exprs = schema.iter().map(|f| binding.expr(&l::build::column(f)));
    Ok(PhysicalPlan::Projection(p::Projection {
        exprs: exprs.collect::<Result<_>>()?,
        input: Box::new(input),
        schema: schema.clone(),
    }))
}

/// What the user asks of partitions, as an exchange; a number of 0 is the usual one.
pub(super) fn repartition(n: &l::Repartition, e: &Estimates) -> Result<PhysicalPlan> {
    let binding = binding(&n.input);
    let partitions = n.partitions.unwrap_or(0);
    let partitioning = match &n.kind {
        l::RepartitionKind::Hash(keys) => p::Partitioning::Hash {
            keys: binding.exprs(keys)?,
            partitions,
            function: Default::default(),
        },
        l::RepartitionKind::Range(keys) => p::Partitioning::Range {
            keys: binding.keys(keys)?,
            partitions,
        },
        l::RepartitionKind::RoundRobin => p::Partitioning::RoundRobin { partitions },
        l::RepartitionKind::Coalesce => p::Partitioning::AsProduced,
    };
    Ok(PhysicalPlan::Exchange(p::Exchange {
        tasks: n.partitions.filter(|_| partitioning == p::Partitioning::AsProduced),
        partitioning,
        input: child(&n.input, e, 0)?,
        rerun: p::Rerun::Equal,
        estimate: e.rows,
        asked: match n.partitions {
            _ if n.rebalance => p::Asked::Rebalance,
            Some(_) => p::Asked::Partitions,
            None => p::Asked::Exchange,
        },
    }))
}
