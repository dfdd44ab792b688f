//! Hints of SELECT, as Catalyst's `ResolveHints` and `EliminateResolvedHint` treat them.
//!
//! A join hint with names goes over the relations of FROM that are called so; one without names goes over the whole
//! result. When the statement is analyzed, each moves up to the join that reads what it is on. Hints on partitions become
//! nodes over the result. A hint that nobody knows, or that finds no relation or no join, is reported in the log and has no
//! effect; of several hints on the same relation the one written first counts. After `|>` a hint looks for relations among all
//! that stands before it, up to an `AS` that gives that a name; of several such hints the last one counts.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use rsql_ast as ast;
use rsql_ast::query::Hint as Written;
use rsql_ast::{ExprKind, Literal, Relation};
use rsql_common::{Error, Result, Span};
use rsql_expr::{Expr, SortKey};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{Hint, JoinHint, JoinStrategy, PlanRef, Repartition, RepartitionKind};

use crate::env::{Env, deep};
use crate::expr::Binder;
use crate::scope::Rel;

/// Join hints that name relations of a FROM.
#[derive(Clone, Default)]
pub(crate) struct RelationHints(Vec<Rc<RelationHint>>);

struct RelationHint {
    strategy: JoinStrategy,
    /// Names, and whether some relation had them.
    relations: Vec<(Vec<String>, Cell<bool>)>,
}

impl RelationHints {
    /// Those among a SELECT's hints.
    pub fn of(hints: &[Written]) -> Result<Self> {
        let mut out = Vec::new();
        for hint in hints.iter().filter(|h| !h.args.is_empty()) {
            let Some(strategy) = JoinStrategy::of_name(&hint.name.value) else {
                continue;
            };
            let relations = hint.args.iter().map(|arg| match column_name(arg) {
                Some(parts) => Ok((parts, Cell::new(false))),
                None => Err(Error::user("_LEGACY_ERROR_TEMP_1046")
                    .with_message(format!("{} takes names of relations only.", hint.name.value))
                    .at(arg.span)),
            });
            out.push(Rc::new(RelationHint {
                strategy,
                relations: relations.collect::<Result<_>>()?,
            }));
        }
        Ok(Self(out))
    }

    /// These, where they do not find what they name those of an operator before them.
    pub fn or(&self, before: &Self) -> Self {
        Self(self.0.iter().chain(&before.0).cloned().collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A relation of the FROM with the hints on its name.
    pub fn on(&self, rel: Rel, relation: &Relation, env: Env<'_>) -> Rel {
        match called(relation) {
            Some(name) => self.on_name(rel, &name, env),
            None => rel,
        }
    }

    /// A relation with the hints on its name.
    pub fn on_name(&self, rel: Rel, name: &[&str], env: Env<'_>) -> Rel {
        let mut plan = rel.plan;
        for hint in self.0.iter().rev() {
            let mut named = false;
            for (wanted, found) in &hint.relations {
                let end = name.len().checked_sub(wanted.len()).map(|from| &name[from..]);
                if end.is_some_and(|end| end.iter().zip(wanted).all(|(a, b)| env.same_name(a, b))) {
                    found.set(true);
                    named = true;
                }
            }
            if named {
                plan = over(plan, hint.strategy);
            }
        }
        Rel { plan, ..rel }
    }

    /// Reports names that no relation of the FROM has.
    pub fn report_unused(&self) {
        for hint in &self.0 {
            for (name, _) in hint.relations.iter().filter(|(_, found)| !found.get()) {
                let (strategy, name) = (hint.strategy, name.join("."));
                tracing::warn!("Could not find relation '{name}' specified in hint '{strategy}'.");
            }
        }
    }
}

/// What a relation of FROM is called there, if anything.
fn called(relation: &Relation) -> Option<Vec<&str>> {
    let alias = match relation {
        Relation::Table { alias, .. }
        | Relation::Subquery { alias, .. }
        | Relation::Values { alias, .. }
        | Relation::Function { alias, .. }
        | Relation::Nested { alias, .. } => alias,
        Relation::Pivot(n) => &n.alias,
        Relation::Unpivot(n) => &n.alias,
        Relation::Join(_) | Relation::PipeInput => return None,
    };
    match (&alias.name, relation) {
        (Some(alias), _) => Some(vec![&alias.value]),
        (None, Relation::Table { name, .. }) => Some(name.parts().collect()),
        (None, _) => None,
    }
}

/// Whether hints look for relations below: a name hides what it stands for.
pub(crate) fn hides(relation: &Relation) -> bool {
    called(relation).is_some()
}

fn over(plan: LogicalPlan, strategy: JoinStrategy) -> LogicalPlan {
    LogicalPlan::Hint(Hint {
        input: Arc::new(plan),
        strategy,
    })
}

/// A hint on the whole result of a SELECT.
#[derive(Debug)]
pub(crate) enum ResultHint {
    Join(JoinStrategy),
    Repartition {
        kind: RepartitionKind,
        partitions: Option<usize>,
        rebalance: bool,
    },
}

impl ResultHint {
    /// Those among a SELECT's hints, the innermost (written last) first; `binder` binds the columns they name.
    pub fn bind(hints: &[Written], binder: &mut Binder<'_>) -> Result<Vec<Self>> {
        let mut out = Vec::new();
        for hint in hints.iter().rev() {
            let name = hint.name.value.to_ascii_uppercase();
            let bound = match (JoinStrategy::of_name(&name), name.as_str()) {
                (Some(strategy), _) => hint.args.is_empty().then_some(Self::Join(strategy)),
                (None, "REPARTITION" | "REPARTITION_BY_RANGE" | "REBALANCE" | "COALESCE") => {
                    Some(repartition(&name, hint, binder)?)
                }
                _ => {
                    tracing::warn!("Unrecognized hint: {}", hint.name.value);
                    None
                }
            };
            out.extend(bound);
        }
        Ok(out)
    }

    /// All expressions, to be replaced in place.
    pub fn expressions_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Self::Join(_) => vec![],
            Self::Repartition { kind, .. } => match kind {
                RepartitionKind::Hash(keys) => keys.iter_mut().collect(),
                RepartitionKind::Range(keys) => keys.iter_mut().map(|k| &mut k.expr).collect(),
                RepartitionKind::RoundRobin | RepartitionKind::Coalesce => vec![],
            },
        }
    }

    /// The result with the hint.
    pub fn apply(self, plan: LogicalPlan) -> LogicalPlan {
        match self {
            Self::Join(strategy) => over(plan, strategy),
            Self::Repartition {
                kind,
                partitions,
                rebalance,
            } => LogicalPlan::Repartition(Repartition {
                input: Arc::new(plan),
                kind,
                partitions,
                rebalance,
            }),
        }
    }
}

fn repartition(name: &str, hint: &Written, binder: &mut Binder<'_>) -> Result<ResultHint> {
    let (partitions, columns) = match hint.args.split_first() {
        Some((first, rest)) => match number(first) {
            Some(n) => (Some(n), rest),
            None => (None, hint.args.as_slice()),
        },
        None => (None, hint.args.as_slice()),
    };
    if name == "COALESCE" && (partitions.is_none() || !columns.is_empty()) {
        return Err(Error::user("_LEGACY_ERROR_TEMP_1048")
            .param("hintName", name)
            .with_message("COALESCE takes a number of partitions and nothing else.")
            .at(hint.name.span));
    }
    let mut keys = Vec::new();
    let mut invalid = Vec::new();
    for column in columns {
        match column_name(column) {
            Some(parts) => keys.push(binder.expr(&named(parts, column.span))?),
            None => invalid.push(format!("\"{}\"", binder.bind_named(column)?.name)),
        }
    }
    if !invalid.is_empty() {
        let invalid = invalid.join(", ");
        return Err(Error::user("_LEGACY_ERROR_TEMP_1047")
            .param("hintName", name)
            .param("invalidParams", invalid.as_str())
            .with_message(format!(
                "{name} takes a number of partitions and columns, not {invalid}."
            ))
            .at(hint.name.span));
    }
    let partitions = partitions
        .map(|n| match usize::try_from(n) {
            Ok(n) if n > 0 => Ok(n),
            _ => Err(Error::user("INVALID_PARAMETER_VALUE")
                .with_message(format!("The number of partitions ({n}) must be positive."))
                .at(hint.name.span)),
        })
        .transpose()?;
    let kind = match name {
        "COALESCE" => RepartitionKind::Coalesce,
        _ if keys.is_empty() => RepartitionKind::RoundRobin,
        "REPARTITION_BY_RANGE" => RepartitionKind::Range(keys.into_iter().map(ascending).collect()),
        _ => RepartitionKind::Hash(keys),
    };
    Ok(ResultHint::Repartition {
        kind,
        partitions,
        rebalance: name == "REBALANCE",
    })
}

fn ascending(expr: Expr) -> SortKey {
    SortKey {
        expr,
        descending: false,
        nulls_first: true,
    }
}

fn number(e: &ast::Expr) -> Option<i64> {
    match &e.kind {
        ExprKind::Literal(Literal::Byte(n)) => Some(i64::from(*n)),
        ExprKind::Literal(Literal::Short(n)) => Some(i64::from(*n)),
        _ => crate::order::ordinal(e),
    }
}

/// The parts of a name, written as such or as a string.
fn column_name(e: &ast::Expr) -> Option<Vec<String>> {
    match &e.kind {
        ExprKind::Column(parts) => Some(parts.iter().map(|p| p.value.clone()).collect()),
        ExprKind::Literal(Literal::String(text)) => Some(text.split('.').map(str::to_string).collect()),
        _ => None,
    }
}

fn named(parts: Vec<String>, span: Span) -> ast::Expr {
    let ident = |value| ast::Ident {
        value,
        quoted: true,
        span,
    };
    ast::Expr {
        kind: ExprKind::Column(parts.into_iter().map(ident).collect()),
        span,
    }
}

/// Moves each join hint of a whole statement to the join above it; hints without one go.
pub(crate) fn eliminate(plan: LogicalPlan) -> Result<LogicalPlan> {
    if !holds_hint(&plan)? {
        return Ok(plan);
    }
    let plan = pulled_up(&Arc::new(plan))?;
    dropped(&plan).map(Arc::unwrap_or_clone)
}

fn holds_hint(plan: &LogicalPlan) -> Result<bool> {
    deep(|| {
        if matches!(plan, LogicalPlan::Hint(_)) {
            return Ok(true);
        }
        plan.children()
            .into_iter()
            .try_fold(false, |any, c| Ok(any || holds_hint(c)?))
    })
}

fn over_children(plan: &PlanRef, f: &dyn Fn(&PlanRef) -> Result<PlanRef>) -> Result<LogicalPlan> {
    let children = plan.children().into_iter().map(f).collect::<Result<_>>()?;
    Ok((**plan).clone().with_children(children))
}

fn pulled_up(plan: &PlanRef) -> Result<PlanRef> {
    deep(|| {
        let mut plan = over_children(plan, &pulled_up)?;
        let (left, right, hint) = match &mut plan {
            LogicalPlan::Join(n) => (&mut n.left, &mut n.right, &mut n.hint),
            LogicalPlan::DependentJoin(n) => (&mut n.left, &mut n.right, &mut n.hint),
            _ => return Ok(Arc::new(plan)),
        };
        *hint = JoinHint {
            left: taken(left)?,
            right: taken(right)?,
        };
        Ok(Arc::new(plan))
    })
}

/// Takes the hints on a join's side: through operators with one input, and the side of set operations that bounds them.
fn taken(side: &mut PlanRef) -> Result<Option<JoinStrategy>> {
    deep(|| {
        let plan = Arc::make_mut(side);
        if let LogicalPlan::Hint(hint) = plan {
            let (strategy, mut input) = (hint.strategy, Arc::clone(&hint.input));
            let below = taken(&mut input)?;
            if let Some(overridden) = below.filter(|b| *b != strategy) {
                tracing::warn!("Hint {overridden} is overridden by another hint and will not take effect.");
            }
            *side = input;
            return Ok(Some(strategy));
        }
        let bounds = matches!(plan, LogicalPlan::SetOp(_));
        let mut children = plan.children_mut();
        match (children.len(), children.first_mut()) {
            (1, Some(child)) => taken(child),
            (2, Some(left)) if bounds => taken(left),
            _ => Ok(None),
        }
    })
}

fn dropped(plan: &PlanRef) -> Result<PlanRef> {
    deep(|| match plan.as_ref() {
        LogicalPlan::Hint(n) => {
            tracing::warn!(
                "A join hint ({}) is specified but it is not part of a join relation.",
                n.strategy
            );
            dropped(&n.input)
        }
        _ => over_children(plan, &dropped).map(Arc::new),
    })
}
