//! Expressions over an aggregate's input, rewritten to read its output.

use std::collections::{BTreeSet, HashMap};

use rsql_common::{ColumnId, Error, Result, Span};
use rsql_expr::{AggregateCall, Expr, Schema, SortKey};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::PlanRef;

use crate::canonical::same_key;
use crate::scope::Scope;

/// What replaces group keys and `grouping()` calls.
pub(crate) struct GroupRewrite {
    keys: Vec<(Expr, Expr)>,
    groupings: HashMap<ColumnId, Expr>,
    /// Input columns that the output no longer has.
    gone: BTreeSet<ColumnId>,
    written: bool,
}

impl GroupRewrite {
    /// `keys` are group keys and what reads them; `groupings` the columns of `grouping()` and what computes them.
    pub fn new(keys: Vec<(Expr, Expr)>, groupings: Vec<(ColumnId, Expr)>, input: &Schema, written: bool) -> Self {
        let kept: BTreeSet<ColumnId> = keys
            .iter()
            .filter_map(|(_, out)| if let Expr::Column(c) = out { Some(c.id) } else { None })
            .collect();
        Self {
            keys,
            groupings: groupings.into_iter().collect(),
            gone: input.iter().map(|f| f.id).filter(|id| !kept.contains(id)).collect(),
            written,
        }
    }

    /// The expression over the output.
    pub fn apply(&self, e: Expr) -> Expr {
        if let Some((_, out)) = self.keys.iter().find(|(k, _)| same_key(k, &e)) {
            return out.clone();
        }
        if let Expr::Column(c) = &e
            && let Some(out) = self.groupings.get(&c.id)
        {
            return out.clone();
        }
        let mapped: std::result::Result<Expr, std::convert::Infallible> =
            e.try_map_children(&mut |c| Ok(self.apply(c)));
        match mapped {
            Ok(e) => e,
            Err(never) => match never {},
        }
    }

    /// An aggregate's call over the keys.
    pub fn call(&self, call: AggregateCall) -> AggregateCall {
        let key = |k: SortKey| SortKey {
            expr: self.apply(k.expr),
            ..k
        };
        AggregateCall {
            args: call.args.into_iter().map(|e| self.apply(e)).collect(),
            filter: call.filter.map(|e| self.apply(e)),
            order_by: call.order_by.into_iter().map(key).collect(),
            ..call
        }
    }

    /// [`GroupRewrite::apply`] and [`GroupRewrite::check`].
    pub fn checked(&self, e: Expr, text: &str, span: Span) -> Result<Expr> {
        let e = self.apply(e);
        self.check(&e, text, span)?;
        Ok(e)
    }

    /// [`GroupRewrite::check`] for HAVING and ORDER BY, where a column that is gone is not in sight at all.
    pub fn check_in_sight(&self, e: &Expr, outputs: &Scope, input: &Scope, span: Span) -> Result<()> {
        let gone = e.columns().into_iter().find(|id| self.gone.contains(id));
        let Some(column) = gone.and_then(|id| input.columns.iter().find(|c| c.id() == Some(id))) else {
            return self.check(e, "", span);
        };
        let name = rsql_ast::Ident {
            value: column.name.to_string(),
            quoted: true,
            span,
        };
        Err(crate::suggestion::unresolved_column(&[name], outputs))
    }

    /// An error if the expression reads a column that is gone.
    pub fn check(&self, e: &Expr, text: &str, span: Span) -> Result<()> {
        if !e.any(&|e| matches!(e, Expr::Column(c) if self.gone.contains(&c.id))) {
            return Ok(());
        }
        if !self.written {
            return Err(Error::user("MISSING_GROUP_BY").at(span));
        }
        Err(Error::user("MISSING_AGGREGATION")
            .param("expression", format!("\"{text}\""))
            .param("expressionAnyValue", format!("\"any_value({text})\""))
            .at(span))
    }

    /// A subquery's plan, its correlated columns rewritten.
    pub fn plan(&self, plan: LogicalPlan) -> LogicalPlan {
        let free = plan.free_columns();
        let touches = |id: &ColumnId| self.gone.contains(id) || self.groupings.contains_key(id);
        if !free.iter().any(touches) {
            return plan;
        }
        std::sync::Arc::unwrap_or_clone(self.plan_ref(&std::sync::Arc::new(plan)))
    }

    /// An error if a subquery's plan reads a column that is gone.
    pub fn check_plan(&self, plan: &LogicalPlan, span: Span) -> Result<()> {
        if plan.free_columns().iter().any(|id| self.gone.contains(id)) {
            return Err(Error::user("MISSING_AGGREGATION")
                .param("expression", "\"a correlated column of a subquery\"")
                .param("expressionAnyValue", "")
                .at(span));
        }
        Ok(())
    }

    fn plan_ref(&self, plan: &PlanRef) -> PlanRef {
        stacker::maybe_grow(128 * 1024, 4 * 1024 * 1024, || {
            let children: Vec<PlanRef> = plan.children().into_iter().map(|c| self.plan_ref(c)).collect();
            let node = (**plan).clone().with_children(children);
            let mapped: std::result::Result<LogicalPlan, std::convert::Infallible> =
                node.map_expressions(&mut |e| Ok(self.apply(e)));
            match mapped {
                Ok(node) => std::sync::Arc::new(node),
                Err(never) => match never {},
            }
        })
    }
}
