//! What a rule is: a rewrite of one node, of one expression, or of a whole plan.

use rsql_common::{ColumnId, Result};
use rsql_expr::Expr;
use rsql_planner::LogicalPlan;

pub use datafusion_common::tree_node::Transformed;

use crate::OptimizerContext;

/// Order in which the driver offers nodes to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Parents first; what a rewrite gives is descended into.
    TopDown,
    /// Children first.
    BottomUp,
}

/// A rewrite of one plan node; the driver owns the traversal.
pub trait OptimizerRule: Sync {
    /// Catalyst's name where it has the rule.
    fn name(&self) -> &'static str;

    /// Traversal order.
    fn direction(&self) -> Direction {
        Direction::BottomUp
    }

    /// The node, rewritten or as it was.
    fn rewrite(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<Transformed<LogicalPlan>>;
}

/// A rewrite of a whole plan, with its own traversal.
pub trait PlanPass: Sync {
    /// Catalyst's name where it has the rule.
    fn name(&self) -> &'static str;

    /// The plan, rewritten.
    fn run(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<LogicalPlan>;
}

/// What an expression rule may ask.
pub struct ExpressionContext<'a> {
    /// Whether a column may be NULL where the expression stands.
    pub nullable: &'a dyn Fn(ColumnId) -> bool,
    /// The statement's.
    pub optimizer: &'a OptimizerContext,
}

/// A rewrite of one expression node whose operands are already rewritten.
pub trait ExpressionRule: Sync {
    /// Catalyst's name where it has the rule.
    fn name(&self) -> &'static str;

    /// The expression, rewritten or as it was.
    fn rewrite(&self, expr: Expr, cx: &ExpressionContext<'_>) -> Result<Transformed<Expr>>;
}

/// A rule of any kind.
#[derive(Clone, Copy)]
pub enum Rule {
    /// On one node.
    Node(&'static dyn OptimizerRule),
    /// On the whole plan.
    Pass(&'static dyn PlanPass),
    /// On all expressions, in one walk.
    Expressions(&'static [&'static dyn ExpressionRule]),
}

/// How often a batch runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Once.
    Once,
    /// Until nothing changes, at most this often.
    FixedPoint(usize),
}

/// Rules that run together.
pub struct Batch {
    /// Name.
    pub name: &'static str,
    /// How often.
    pub strategy: Strategy,
    /// Runs even with the optimizer off.
    pub mandatory: bool,
    /// In this order.
    pub rules: Vec<Rule>,
}

/// `data` marked as changed or not.
pub fn transformed<T>(data: T, changed: bool) -> Transformed<T> {
    if changed {
        Transformed::yes(data)
    } else {
        Transformed::no(data)
    }
}
