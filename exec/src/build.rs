//! Physical plan to pipelines.
//!
//! [`Builder::chain`] is the only place that looks at every kind of plan node; each node's module appends its operator
//! to the chain of its input, or ends that chain with a sink and starts a new one.

use std::collections::HashMap;
use std::sync::Arc;

use rsql_common::{CteId, Error, Result, ScanId};
use rsql_planner::physical::PhysicalPlan;

use crate::materialize::ChunkTable;
use crate::metrics::{Meter, Tally, Usage};
use crate::pipeline::{Chain, PipelineId, Sink, TaskContext};
use crate::scan::SharedScan;
use crate::scheduler::{Branch, Pipeline};

/// Builds the pipelines of one plan.
pub struct Builder {
    cx: Arc<TaskContext>,
    pipelines: Vec<Pipeline>,
    ctes: HashMap<CteId, CteBinding>,
    shared_scans: HashMap<ScanId, Arc<SharedScan>>,
    next_node: usize,
    /// Nodes whose inputs are being built, innermost last.
    parents: Vec<usize>,
}

/// What a [`rsql_planner::physical::CteScan`] reads.
#[derive(Clone)]
pub(crate) struct CteBinding {
    pub table: Arc<ChunkTable>,
    /// The pipeline that fills the table; none if it is full already.
    pub filled_by: Option<PipelineId>,
}

/// Where a part of a plan stands in the whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Pre-order position of its root.
    node: usize,
    /// Position of the node above.
    parent: Option<usize>,
}

fn n_nodes(plan: &PhysicalPlan) -> usize {
    1 + plan.children().into_iter().map(n_nodes).sum::<usize>()
}

impl Builder {
    /// A builder without pipelines.
    pub fn new(cx: Arc<TaskContext>) -> Self {
        Self {
            cx,
            pipelines: Vec::new(),
            ctes: HashMap::new(),
            shared_scans: HashMap::new(),
            next_node: 0,
            parents: Vec::new(),
        }
    }

    /// A builder for a part of a plan that is built by itself, whose nodes count where they stand in the whole.
    pub(crate) fn at(place: Place, cx: Arc<TaskContext>) -> Self {
        Self {
            next_node: place.node,
            parents: place.parent.into_iter().collect(),
            ..Self::new(cx)
        }
    }

    /// Leaves `plan`, which comes next, to a builder of its own.
    pub(crate) fn leave_out(&mut self, plan: &PhysicalPlan) -> Place {
        let place = Place {
            node: self.next_node,
            parent: self.parents.last().copied(),
        };
        self.next_node += n_nodes(plan);
        place
    }

    /// The context of the task.
    pub fn cx(&self) -> &Arc<TaskContext> {
        &self.cx
    }

    /// What the node being built reports to.
    pub(crate) fn usage(&self) -> Usage {
        let node = self.cx.metrics.as_ref().zip(self.parents.last());
        Usage::of(node.map(|(metrics, node)| metrics.node(*node)), &self.cx.totals)
    }

    /// The chain whose rows are those of `plan`.
    pub fn chain(&mut self, plan: &PhysicalPlan) -> Result<Chain> {
        let node = self.next_node;
        self.next_node += 1;
        self.parents.push(node);
        let chain = self.dispatch(plan);
        self.parents.pop();
        let mut chain = chain?;
        if matches!(plan, PhysicalPlan::Scan(_) | PhysicalPlan::StageInput(_)) {
            chain.operators.push(Arc::new(Tally));
        }
        if let Some(metrics) = &self.cx.metrics {
            chain.operators.push(Arc::new(Meter {
                node: metrics.node(node),
                consumer: metrics.node(self.parents.last().copied().unwrap_or(0)),
            }));
        }
        Ok(chain)
    }

    fn dispatch(&mut self, plan: &PhysicalPlan) -> Result<Chain> {
        match plan {
            PhysicalPlan::Values(n) => crate::values::build(n, self),
            PhysicalPlan::Range(n) => crate::range::build(n, self),
            PhysicalPlan::Scan(n) => crate::scan::build(n, self),
            PhysicalPlan::Projection(n) => crate::projection::build(n, self),
            PhysicalPlan::Filter(n) => crate::filter::build(n, self),
            PhysicalPlan::HashAggregate(n) => crate::hash_aggregate::build(n, self),
            PhysicalPlan::Window(n) => crate::window::build(n, self),
            PhysicalPlan::WindowGroupLimit(n) => crate::window::build_group_limit(n, self),
            PhysicalPlan::Sort(n) => crate::sort::build(n, self),
            PhysicalPlan::Limit(n) => crate::limit::build(n, self),
            PhysicalPlan::HashJoin(n) => crate::hash_join::build(n, self),
            PhysicalPlan::NestedLoopJoin(n) => crate::nested_loop_join::build(n, self),
            PhysicalPlan::Union(n) => crate::union::build(n, self),
            PhysicalPlan::Generate(n) => crate::generate::build(n, self),
            PhysicalPlan::Expand(n) => crate::expand::build(n, self),
            PhysicalPlan::With(n) => crate::cte::build_with(n, self),
            PhysicalPlan::CteScan(n) => crate::cte::build_scan(n, self),
            PhysicalPlan::RecursiveCte(n) => crate::recursive_cte::build(n, self),
            PhysicalPlan::Sample(n) => crate::sample::build(n, self),
            PhysicalPlan::StageInput(n) => crate::stage_input::build(n, self),
            PhysicalPlan::Exchange(_) => Err(Error::internal("an exchange runs between stages, not inside one")),
        }
    }

    /// Ends a chain.
    pub fn finish(&mut self, chain: Chain, sink: Arc<dyn Sink>) -> PipelineId {
        self.finish_sized(chain, sink, f64::INFINITY)
    }

    /// Ends a chain of about `estimate` rows. Of the pipelines that could run, smaller ones run first, so that what
    /// they learn (runtime filters) helps the larger ones.
    pub fn finish_sized(&mut self, chain: Chain, sink: Arc<dyn Sink>, estimate: f64) -> PipelineId {
        let operators = chain.operators;
        self.pipelines.push(Pipeline {
            source: chain.source,
            branches: vec![Branch { operators, sink }],
            dependencies: chain.dependencies,
            estimate,
            member: chain.member,
        });
        PipelineId(self.pipelines.len() - 1)
    }

    pub(crate) fn into_pipelines(self) -> Vec<Pipeline> {
        crate::fuse::fuse(self.pipelines)
    }

    /// What reads for all scans with an id.
    pub(crate) fn shared_scan(&mut self, id: ScanId) -> Arc<SharedScan> {
        let new = || Arc::new(SharedScan::new(id, Arc::clone(&self.cx)));
        Arc::clone(self.shared_scans.entry(id).or_insert_with(new))
    }

    pub(crate) fn bind_cte(&mut self, id: CteId, binding: CteBinding) {
        self.ctes.insert(id, binding);
    }

    pub(crate) fn cte(&self, id: CteId) -> Option<&CteBinding> {
        self.ctes.get(&id)
    }

    pub(crate) fn ctes(&self) -> &HashMap<CteId, CteBinding> {
        &self.ctes
    }
}
