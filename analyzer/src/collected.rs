//! What binding an expression leaves for plan nodes to compute: aggregates, window calls, subqueries, a generator.
//!
//! Typed expressions have none of these. The binder puts a fresh column in their place and collects them here; the
//! clause that bound the expression plants the nodes.

use std::sync::Arc;

use rsql_ast as ast;
use rsql_common::{ColumnId, Span};
use rsql_expr::{AggregateCall, Expr, SortKey, WindowCall};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::DependentKind;

/// An aggregate call and the column that stands for it.
#[derive(Debug, Clone)]
pub(crate) struct CollectedAggregate {
    pub call: AggregateCall,
    pub id: ColumnId,
    pub name: Arc<str>,
}

/// A window call with its partitioning and order.
#[derive(Debug, Clone)]
pub(crate) struct CollectedWindow {
    pub partition_by: Vec<Expr>,
    pub order_by: Vec<SortKey>,
    pub call: WindowCall,
    pub id: ColumnId,
    pub name: Arc<str>,
}

/// A subquery whose value is one column.
#[derive(Debug, Clone)]
pub(crate) struct CollectedSubquery {
    /// Single or Mark.
    pub kind: DependentKind,
    pub plan: LogicalPlan,
    /// Comparison of IN, ANY.
    pub condition: Option<Expr>,
    pub null_aware: bool,
    /// The mark, or the plan's column.
    pub id: ColumnId,
    /// As written, to find equal ones.
    pub query: ast::Query,
    /// IN's operand as written.
    pub operand: Option<ast::Expr>,
    /// Names of the columns it reads of the enclosing query.
    pub names: String,
}

/// A generator in a select list.
#[derive(Debug, Clone)]
pub(crate) struct CollectedGenerator {
    pub func: Arc<str>,
    pub args: Vec<Expr>,
    pub outer: bool,
    pub outputs: Vec<rsql_expr::Field>,
}

/// `grouping(a)` or `grouping_id(a, b)`; `args` is empty for all keys.
#[derive(Debug, Clone)]
pub(crate) struct CollectedGrouping {
    pub single: bool,
    pub args: Vec<Expr>,
    pub id: ColumnId,
    pub span: Span,
}

/// All of a clause.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub aggregates: Vec<CollectedAggregate>,
    pub windows: Vec<CollectedWindow>,
    /// To be planted before the clause's expressions are computed.
    pub subqueries: Vec<CollectedSubquery>,
    /// Those inside aggregates' arguments: to be planted below the aggregate.
    pub input_subqueries: Vec<CollectedSubquery>,
    pub generators: Vec<CollectedGenerator>,
    pub groupings: Vec<CollectedGrouping>,
    /// Aggregates of ORDER BY beside ROLLUP and the like: their arguments read the keys of the row's grouping set.
    pub sort_aggregates: Vec<ColumnId>,
}

impl Collected {
    /// The column for `call`, the one of an equal call where there is one.
    pub fn aggregate(&mut self, call: AggregateCall, name: Arc<str>, fresh: impl FnOnce() -> ColumnId) -> Expr {
        let ty = call.ty.clone();
        let deterministic = call.args.iter().all(Expr::is_deterministic);
        if deterministic && let Some(same) = self.aggregates.iter().find(|a| a.call == call) {
            return Expr::Column(rsql_expr::Column { id: same.id, ty });
        }
        let id = fresh();
        self.aggregates.push(CollectedAggregate { call, id, name });
        Expr::Column(rsql_expr::Column { id, ty })
    }
}

/// Plants the joins that compute subqueries' columns.
pub(crate) fn plant(mut plan: LogicalPlan, subqueries: Vec<CollectedSubquery>) -> LogicalPlan {
    for s in subqueries {
        let mark = (s.kind == DependentKind::Mark).then_some(s.id);
        plan = LogicalPlan::dependent_join(plan, s.plan, s.kind, s.condition, s.null_aware, mark);
    }
    plan
}
