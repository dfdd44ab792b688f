//! Runs batches: fixed points, rules left out by name, timing, trace and (in debug builds) verification.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use datafusion_common::tree_node::Transformed;
use rsql_common::{Error, Result, Settings};
use rsql_expr::{Expr, Schema};
use rsql_planner::logical::build::nullable_in;
use rsql_planner::logical::verify;
use rsql_planner::{LogicalPlan, explain_logical};

use crate::fingerprint::fingerprint;
use crate::rule::{Batch, Direction, ExpressionContext, ExpressionRule, Rule, Strategy, transformed};
use crate::walk::{rewrite, with_stack};
use crate::{OptimizerContext, TraceEntry};

/// Applies batches to a plan.
pub(crate) struct Driver<'a> {
    cx: &'a OptimizerContext,
    excluded: HashSet<String>,
    enabled: bool,
    with_text: bool,
    /// Counts changes of the plan.
    version: u64,
    /// Versions that a rule has seen without changing them: it need not look again.
    settled: HashMap<&'static str, u64>,
    pub(crate) trace: Vec<TraceEntry>,
}

fn is_enabled(settings: &Settings) -> bool {
    settings.get("rsql.optimizer.enabled") != Some("false")
}

/// Rules that are not to run. Spark names rules by class; the last part is ours.
fn excluded(settings: &Settings) -> HashSet<String> {
    let names = settings.get("spark.sql.optimizer.excludedRules").unwrap_or("");
    names
        .split(',')
        .filter_map(|s| s.trim().rsplit('.').next())
        .filter(|s| !s.is_empty())
        .map(|s| s.trim_end_matches('$').to_string())
        .collect()
}

/// Whether a rule that is not mandatory runs under these settings.
pub(crate) fn is_on(settings: &Settings, rule: &str) -> bool {
    is_enabled(settings) && !excluded(settings).contains(rule)
}

impl<'a> Driver<'a> {
    pub(crate) fn new(cx: &'a OptimizerContext, with_text: bool) -> Self {
        Self {
            cx,
            excluded: excluded(&cx.settings),
            enabled: is_enabled(&cx.settings),
            with_text,
            version: 0,
            settled: HashMap::new(),
            trace: Vec::new(),
        }
    }

    pub(crate) fn run(&mut self, mut plan: LogicalPlan, batches: &[Batch]) -> Result<LogicalPlan> {
        let enabled = self.enabled;
        if cfg!(debug_assertions) {
            verify::verify(&plan)
                .map_err(|e| Error::internal(format!("as analyzed: {}\n{}", e.message(), explain_logical(&plan))))?;
        }
        for batch in batches.iter().filter(|b| b.mandatory || enabled) {
            let most = match batch.strategy {
                Strategy::Once => 1,
                Strategy::FixedPoint(n) => n,
            };
            for iteration in 0..most {
                let mut changed = false;
                for rule in &batch.rules {
                    let t = self.apply(rule, plan, batch, iteration)?;
                    changed |= t.transformed;
                    plan = t.data;
                }
                if !changed {
                    break;
                }
            }
        }
        Ok(plan)
    }

    fn apply(
        &mut self,
        rule: &Rule,
        plan: LogicalPlan,
        batch: &Batch,
        iteration: usize,
    ) -> Result<Transformed<LogicalPlan>> {
        let name = match rule {
            Rule::Node(r) => r.name(),
            Rule::Pass(p) => p.name(),
            Rule::Expressions(rules) if rules.len() == 1 => rules[0].name(),
            Rule::Expressions(_) => "SimplifyExpressions",
        };
        let excluded = !batch.mandatory && self.excluded.contains(name);
        if excluded || self.settled.get(name) == Some(&self.version) {
            return Ok(Transformed::no(plan));
        }
        let start = Instant::now();
        let t = match rule {
            Rule::Node(r) => rewrite(plan, r.direction(), &mut |node| r.rewrite(node, self.cx))?,
            Rule::Pass(p) => {
                let before = fingerprint(&plan);
                let after = p.run(plan, self.cx)?;
                let changed = fingerprint(&after) != before;
                transformed(after, changed)
            }
            Rule::Expressions(rules) => {
                let rules: Vec<&dyn ExpressionRule> = rules
                    .iter()
                    .copied()
                    .filter(|r| batch.mandatory || !self.excluded.contains(r.name()))
                    .collect();
                rewrite(plan, Direction::BottomUp, &mut |node| {
                    rewrite_expressions(node, &rules, self.cx)
                })?
            }
        };
        if !t.transformed {
            self.settled.insert(name, self.version);
        } else {
            self.version += 1;
            if cfg!(debug_assertions) {
                verify::verify(&t.data).map_err(|e| {
                    Error::internal(format!("after {name}: {}\n{}", e.message(), explain_logical(&t.data)))
                })?;
            }
            self.trace.push(TraceEntry {
                batch: batch.name,
                rule: name,
                iteration,
                time: start.elapsed(),
                after: self.with_text.then(|| explain_logical(&t.data)),
            });
        }
        Ok(t)
    }
}

/// Columns that a node's expressions read: its children's, and a scan's own.
fn input_schema(plan: &LogicalPlan) -> Schema {
    match plan {
        LogicalPlan::Scan(s) => Schema::new(s.schema.iter().chain(s.filter_columns.iter().map(|(f, _)| f)).cloned()),
        _ => match plan.children().as_slice() {
            [] => Schema::default(),
            [only] => only.schema().clone(),
            many => many.iter().fold(Schema::default(), |all, c| all.join(c.schema())),
        },
    }
}

fn rewrite_expressions(
    plan: LogicalPlan,
    rules: &[&dyn ExpressionRule],
    cx: &OptimizerContext,
) -> Result<Transformed<LogicalPlan>> {
    if plan
        .expressions()
        .iter()
        .all(|e| matches!(e, Expr::Column(_) | Expr::Literal(_)))
    {
        return Ok(Transformed::no(plan));
    }
    let schema = input_schema(&plan);
    let nullable = nullable_in(&schema);
    let context = ExpressionContext {
        nullable: &nullable,
        optimizer: cx,
    };
    let mut changed = false;
    let plan = plan.map_expressions(&mut |e| simplify(e, rules, &context, &mut changed))?;
    Ok(transformed(plan, changed))
}

/// `expr` with `rules` applied to every node, operands first.
pub(crate) fn simplify(
    expr: Expr,
    rules: &[&dyn ExpressionRule],
    cx: &ExpressionContext<'_>,
    changed: &mut bool,
) -> Result<Expr> {
    with_stack(|| {
        let mut expr = expr.try_map_children(&mut |e| simplify(e, rules, cx, changed))?;
        for rule in rules {
            let t = rule.rewrite(expr, cx)?;
            *changed |= t.transformed;
            expr = t.data;
        }
        Ok(expr)
    })
}
