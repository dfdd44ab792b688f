//! Traversal of logical plans: children, expressions, `TreeNode`, and rebuilding a node over new children.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion_common::Result as DfResult;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeContainer, TreeNodeRecursion};
use rsql_common::ColumnId;
use rsql_expr::tree::{FrameBound, WindowFunc};
use rsql_expr::{AggregateCall, Expr, Field, Schema, WindowCall};

use super::build::{join_schema, nullable_in};
use super::{LogicalPlan, PlanRef, RepartitionKind};

impl LogicalPlan {
    /// Children, left to right; definitions of [`super::With`] come before its body.
    pub fn children(&self) -> Vec<&PlanRef> {
        match self {
            Self::Values(_) | Self::Range(_) | Self::Scan(_) | Self::CteRef(_) => vec![],
            Self::Projection(n) => vec![&n.input],
            Self::Filter(n) => vec![&n.input],
            Self::Aggregate(n) => vec![&n.input],
            Self::Window(n) => vec![&n.input],
            Self::Sort(n) => vec![&n.input],
            Self::Limit(n) => vec![&n.input],
            Self::Join(n) => vec![&n.left, &n.right],
            Self::DependentJoin(n) => vec![&n.left, &n.right],
            Self::Union(n) => n.inputs.iter().collect(),
            Self::SetOp(n) => vec![&n.left, &n.right],
            Self::Generate(n) => vec![&n.input],
            Self::Expand(n) => vec![&n.input],
            Self::With(n) => n.defs.iter().map(|(_, p)| p).chain([&n.body]).collect(),
            Self::RecursiveCte(n) => vec![&n.anchor, &n.recursive],
            Self::Sample(n) => vec![&n.input],
            Self::Repartition(n) => vec![&n.input],
            Self::Hint(n) => vec![&n.input],
        }
    }

    /// Children for replacement, in the order of [`Self::children`]; call [`Self::refresh_schema`] afterwards.
    pub fn children_mut(&mut self) -> Vec<&mut PlanRef> {
        match self {
            Self::Values(_) | Self::Range(_) | Self::Scan(_) | Self::CteRef(_) => vec![],
            Self::Projection(n) => vec![&mut n.input],
            Self::Filter(n) => vec![&mut n.input],
            Self::Aggregate(n) => vec![&mut n.input],
            Self::Window(n) => vec![&mut n.input],
            Self::Sort(n) => vec![&mut n.input],
            Self::Limit(n) => vec![&mut n.input],
            Self::Join(n) => vec![&mut n.left, &mut n.right],
            Self::DependentJoin(n) => vec![&mut n.left, &mut n.right],
            Self::Union(n) => n.inputs.iter_mut().collect(),
            Self::SetOp(n) => vec![&mut n.left, &mut n.right],
            Self::Generate(n) => vec![&mut n.input],
            Self::Expand(n) => vec![&mut n.input],
            Self::With(n) => n.defs.iter_mut().map(|(_, p)| p).chain([&mut n.body]).collect(),
            Self::RecursiveCte(n) => vec![&mut n.anchor, &mut n.recursive],
            Self::Sample(n) => vec![&mut n.input],
            Self::Repartition(n) => vec![&mut n.input],
            Self::Hint(n) => vec![&mut n.input],
        }
    }

    /// Expressions of this node itself, in no particular order.
    pub fn expressions(&self) -> Vec<&Expr> {
        let mut out = Vec::new();
        match self {
            Self::Values(n) => out.extend(n.rows.iter().flatten()),
            Self::Scan(n) => out.extend(&n.filters),
            Self::Projection(n) => out.extend(&n.exprs),
            Self::Filter(n) => out.push(&n.predicate),
            Self::Aggregate(n) => {
                out.extend(&n.groups);
                out.extend(n.aggregates.iter().flat_map(AggregateCall::expressions));
            }
            Self::Window(n) => {
                out.extend(&n.partition_by);
                out.extend(n.order_by.iter().map(|k| &k.expr));
                out.extend(n.calls.iter().flat_map(WindowCall::expressions));
            }
            Self::Sort(n) => out.extend(n.keys.iter().map(|k| &k.expr)),
            Self::Join(n) => {
                out.extend(n.on.iter().flat_map(|(l, r)| [l, r]));
                out.extend(&n.filter);
            }
            Self::DependentJoin(n) => out.extend(&n.condition),
            Self::Generate(n) => out.extend(&n.args),
            Self::Expand(n) => out.extend(n.projections.iter().flatten()),
            Self::Repartition(n) => match &n.kind {
                RepartitionKind::Hash(v) => out.extend(v),
                RepartitionKind::Range(v) => out.extend(v.iter().map(|k| &k.expr)),
                RepartitionKind::RoundRobin | RepartitionKind::Coalesce => {}
            },
            Self::Range(_)
            | Self::Limit(_)
            | Self::Union(_)
            | Self::SetOp(_)
            | Self::With(_)
            | Self::CteRef(_)
            | Self::RecursiveCte(_)
            | Self::Sample(_)
            | Self::Hint(_) => {}
        }
        out
    }

    /// Replaces each expression of this node itself by `f` of it. The schema's types and nullability are refreshed
    /// where they depend on expressions; ids stay.
    pub fn map_expressions<E>(mut self, f: &mut dyn FnMut(Expr) -> Result<Expr, E>) -> Result<Self, E> {
        fn each<E>(v: &mut [Expr], f: &mut dyn FnMut(Expr) -> Result<Expr, E>) -> Result<(), E> {
            for e in v {
                *e = f(std::mem::take(e))?;
            }
            Ok(())
        }
        fn call<E>(c: &mut AggregateCall, f: &mut dyn FnMut(Expr) -> Result<Expr, E>) -> Result<(), E> {
            each(&mut c.args, f)?;
            if let Some(e) = &mut c.filter {
                *e = f(std::mem::take(e))?;
            }
            for k in &mut c.order_by {
                k.expr = f(std::mem::take(&mut k.expr))?;
            }
            Ok(())
        }
        match &mut self {
            Self::Values(n) => n.rows.iter_mut().try_for_each(|r| each(r, f))?,
            Self::Scan(n) => each(&mut n.filters, f)?,
            Self::Projection(n) => each(&mut n.exprs, f)?,
            Self::Filter(n) => n.predicate = f(std::mem::take(&mut n.predicate))?,
            Self::Aggregate(n) => {
                each(&mut n.groups, f)?;
                n.aggregates.iter_mut().try_for_each(|c| call(c, f))?;
            }
            Self::Window(n) => {
                each(&mut n.partition_by, f)?;
                for k in &mut n.order_by {
                    k.expr = f(std::mem::take(&mut k.expr))?;
                }
                for c in &mut n.calls {
                    match &mut c.func {
                        WindowFunc::Window { args, .. } => each(args, f)?,
                        WindowFunc::Aggregate(a) => call(a, f)?,
                    }
                    for bound in [&mut c.frame.start, &mut c.frame.end] {
                        if let FrameBound::Value(e) = bound {
                            **e = f(std::mem::take(&mut **e))?;
                        }
                    }
                }
            }
            Self::Sort(n) => {
                for k in &mut n.keys {
                    k.expr = f(std::mem::take(&mut k.expr))?;
                }
            }
            Self::Join(n) => {
                for (l, r) in &mut n.on {
                    *l = f(std::mem::take(l))?;
                    *r = f(std::mem::take(r))?;
                }
                if let Some(e) = &mut n.filter {
                    *e = f(std::mem::take(e))?;
                }
            }
            Self::DependentJoin(n) => {
                if let Some(e) = &mut n.condition {
                    *e = f(std::mem::take(e))?;
                }
            }
            Self::Generate(n) => each(&mut n.args, f)?,
            Self::Expand(n) => n.projections.iter_mut().try_for_each(|p| each(p, f))?,
            Self::Repartition(n) => match &mut n.kind {
                RepartitionKind::Hash(v) => each(v, f)?,
                RepartitionKind::Range(v) => {
                    for k in v {
                        k.expr = f(std::mem::take(&mut k.expr))?;
                    }
                }
                RepartitionKind::RoundRobin | RepartitionKind::Coalesce => {}
            },
            Self::Range(_)
            | Self::Limit(_)
            | Self::Union(_)
            | Self::SetOp(_)
            | Self::With(_)
            | Self::CteRef(_)
            | Self::RecursiveCte(_)
            | Self::Sample(_)
            | Self::Hint(_) => {}
        }
        self.refresh_schema();
        Ok(self)
    }

    /// This node over other children (same number, same meaning by position); the schema's nullability is refreshed.
    #[must_use]
    pub fn with_children(mut self, children: Vec<PlanRef>) -> Self {
        for (slot, child) in self.children_mut().into_iter().zip(children) {
            *slot = child;
        }
        self.refresh_schema();
        self
    }

    /// Recomputes what the cached schema derives from children and expressions: types, nullability, and the columns
    /// that are passed through. Ids and names of computed columns stay.
    pub fn refresh_schema(&mut self) {
        match self {
            Self::Projection(n) => {
                let nullable = nullable_in(n.input.schema());
                let schema = n.schema.iter().zip(&n.exprs).map(|(f, e)| refreshed(f, e, &nullable));
                let schema = Schema::new(schema);
                drop(nullable);
                n.schema = schema;
            }
            Self::Aggregate(n) => {
                let nullable = nullable_in(n.input.schema());
                let fields: Vec<Field> = n
                    .schema
                    .iter()
                    .enumerate()
                    .map(|(i, f)| {
                        n.groups
                            .get(i)
                            .map_or_else(|| f.clone(), |e| refreshed(f, e, &nullable))
                    })
                    .collect();
                drop(nullable);
                n.schema = Schema::new(fields);
            }
            Self::Window(n) => {
                let own = n.schema.len().saturating_sub(n.calls.len());
                let new: Vec<Field> = n.schema.iter().skip(own).cloned().collect();
                n.schema = Schema::new(n.input.schema().iter().cloned().chain(new));
            }
            Self::Generate(n) => n.schema = Schema::new(n.input.schema().iter().chain(&n.outputs).cloned()),
            Self::Join(n) => {
                let mark = (n.kind == super::JoinKind::LeftMark)
                    .then(|| n.schema.iter().last().map(|f| f.id))
                    .flatten();
                n.schema = join_schema(n.left.schema(), n.right.schema(), n.kind, mark);
            }
            Self::DependentJoin(n) => {
                use super::{DependentKind as D, JoinKind as J};
                let mark = (n.kind == D::Mark)
                    .then(|| n.schema.iter().last().map(|f| f.id))
                    .flatten();
                let kind = match n.kind {
                    D::Single => J::LeftSingle,
                    D::Mark => J::LeftMark,
                    D::Semi => J::LeftSemi,
                    D::Anti => J::LeftAnti,
                    D::Inner => J::Inner,
                    D::Left => J::Left,
                };
                n.schema = join_schema(n.left.schema(), n.right.schema(), kind, mark);
            }
            _ => {}
        }
    }

    /// Ids that this plan reads but no node below produces: a subquery's correlated columns.
    pub fn free_columns(&self) -> BTreeSet<ColumnId> {
        let mut read = BTreeSet::new();
        let mut made = BTreeSet::new();
        self.collect_columns(&mut read, &mut made);
        read.difference(&made).copied().collect()
    }

    fn collect_columns(&self, read: &mut BTreeSet<ColumnId>, made: &mut BTreeSet<ColumnId>) {
        self.expressions().into_iter().for_each(|e| e.columns_into(read));
        made.extend(self.schema().iter().map(|f| f.id));
        if let Self::Scan(n) = self {
            made.extend(n.filter_columns.iter().map(|(f, _)| f.id));
        }
        for child in self.children() {
            child.collect_columns(read, made);
        }
    }
}

fn refreshed(field: &Field, expr: &Expr, nullable: &dyn Fn(ColumnId) -> bool) -> Field {
    Field {
        ty: expr.ty(),
        nullable: expr.nullable(nullable),
        ..field.clone()
    }
}

/// The empty relation: a cheap placeholder while a node is rebuilt.
impl Default for LogicalPlan {
    fn default() -> Self {
        LogicalPlan::empty(Schema::default())
    }
}

impl<'a> TreeNodeContainer<'a, LogicalPlan> for LogicalPlan {
    fn apply_elements<F: FnMut(&'a LogicalPlan) -> DfResult<TreeNodeRecursion>>(
        &'a self,
        mut f: F,
    ) -> DfResult<TreeNodeRecursion> {
        f(self)
    }

    fn map_elements<F: FnMut(LogicalPlan) -> DfResult<Transformed<LogicalPlan>>>(
        self,
        mut f: F,
    ) -> DfResult<Transformed<LogicalPlan>> {
        f(self)
    }
}

impl TreeNode for LogicalPlan {
    fn apply_children<'n, F: FnMut(&'n Self) -> DfResult<TreeNodeRecursion>>(
        &'n self,
        mut f: F,
    ) -> DfResult<TreeNodeRecursion> {
        let mut tnr = TreeNodeRecursion::Continue;
        for child in self.children() {
            tnr = f(child)?;
            if tnr == TreeNodeRecursion::Stop {
                return Ok(tnr);
            }
        }
        Ok(tnr)
    }

    fn map_children<F: FnMut(Self) -> DfResult<Transformed<Self>>>(mut self, mut f: F) -> DfResult<Transformed<Self>> {
        let mut changed = false;
        let mut tnr = TreeNodeRecursion::Continue;
        for slot in self.children_mut() {
            if tnr == TreeNodeRecursion::Stop {
                break;
            }
            let child = Arc::unwrap_or_clone(std::mem::take(slot));
            let t = f(child)?;
            changed |= t.transformed;
            tnr = t.tnr;
            *slot = Arc::new(t.data);
        }
        if changed {
            self.refresh_schema();
        }
        Ok(Transformed::new(self, changed, tnr))
    }
}
