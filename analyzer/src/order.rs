//! ORDER BY, SORT BY, CLUSTER BY, DISTRIBUTE BY, LIMIT and OFFSET.

use std::sync::Arc;

use rsql_ast as ast;
use rsql_ast::expr::OrderItem;
use rsql_ast::query::{NamedWindow, QueryTail};
use rsql_ast::{ExprKind, Literal, Query};
use rsql_common::{Error, Result, Span};
use rsql_expr::{Expr, SortKey};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{Repartition, RepartitionKind, Sort};

use crate::collected::{Collected, plant};
use crate::env::Env;
use crate::expr::{Allow, Binder};
use crate::hint::ResultHint;
use crate::scope::Rel;

/// What follows a query's body.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tail<'q> {
    pub order_by: &'q [OrderItem],
    pub sort_by: &'q [OrderItem],
    pub cluster_by: &'q [ast::Expr],
    pub distribute_by: &'q [ast::Expr],
    pub windows: &'q [NamedWindow],
    pub limit: Option<&'q ast::Expr>,
    pub offset: Option<&'q ast::Expr>,
}

impl<'q> Tail<'q> {
    /// A query's.
    pub fn of(q: &'q Query) -> Self {
        Self {
            order_by: &q.order_by,
            sort_by: &q.sort_by,
            cluster_by: &q.cluster_by,
            distribute_by: &q.distribute_by,
            windows: &q.windows,
            limit: q.limit.as_ref(),
            offset: q.offset.as_ref(),
        }
    }

    /// A pipe operator's.
    pub fn of_pipe(q: &'q QueryTail) -> Self {
        Self {
            order_by: &q.order_by,
            sort_by: &q.sort_by,
            cluster_by: &q.cluster_by,
            distribute_by: &q.distribute_by,
            windows: &q.windows,
            limit: q.limit.as_ref(),
            offset: q.offset.as_ref(),
        }
    }
}

/// Bound ordering: hints on the result, what rows are spread by, then sorted by.
#[derive(Debug, Default)]
pub(crate) struct Ordering {
    /// The innermost first.
    pub hints: Vec<ResultHint>,
    pub distribute: Vec<Expr>,
    pub keys: Vec<SortKey>,
    pub global: bool,
}

impl Ordering {
    /// True if nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.hints.is_empty() && self.distribute.is_empty() && self.keys.is_empty()
    }

    /// All expressions, to be replaced in place.
    pub fn expressions_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        let hints = self.hints.iter_mut().flat_map(ResultHint::expressions_mut);
        hints
            .chain(self.distribute.iter_mut())
            .chain(self.keys.iter_mut().map(|k| &mut k.expr))
    }

    /// Applies it.
    pub fn apply(self, mut plan: LogicalPlan) -> LogicalPlan {
        for hint in self.hints {
            plan = hint.apply(plan);
        }
        if !self.distribute.is_empty() {
            plan = LogicalPlan::Repartition(Repartition {
                input: Arc::new(plan),
                kind: RepartitionKind::Hash(self.distribute),
                partitions: None,
                rebalance: false,
            });
        }
        if self.keys.is_empty() {
            return plan;
        }
        LogicalPlan::Sort(Sort {
            input: Arc::new(plan),
            keys: self.keys,
            fetch: None,
            global: self.global,
        })
    }
}

/// Binds a tail's ordering. `outputs` are what ordinals and ALL refer to.
pub(crate) fn bind(tail: &Tail<'_>, binder: &mut Binder<'_>, outputs: &[Expr]) -> Result<Ordering> {
    let mut ordering = Ordering {
        global: true,
        ..Ordering::default()
    };
    for e in tail.distribute_by.iter().chain(tail.cluster_by) {
        ordering.distribute.push(binder.expr(e)?);
    }
    ordering.keys = keys(tail.order_by, binder, outputs)?;
    if ordering.keys.is_empty() {
        let keys_of_sort = keys(tail.sort_by, binder, outputs)?;
        let cluster = ordering.distribute.iter().take(tail.cluster_by.len());
        let cluster: Vec<SortKey> = cluster
            .map(|e| SortKey {
                expr: e.clone(),
                descending: false,
                nulls_first: true,
            })
            .collect();
        ordering.keys = if keys_of_sort.is_empty() { cluster } else { keys_of_sort };
        ordering.global = false;
    }
    Ok(ordering)
}

fn keys(items: &[OrderItem], binder: &mut Binder<'_>, outputs: &[Expr]) -> Result<Vec<SortKey>> {
    if let [item] = items
        && let ExprKind::Column(parts) = &item.expr.kind
        && let [name] = parts.as_slice()
        && !name.quoted
        && name.value.eq_ignore_ascii_case("all")
        && binder.resolve_name(parts)?.is_none()
    {
        let nulls_first = item.nulls_first.unwrap_or(!item.descending);
        return Ok(outputs
            .iter()
            .map(|e| SortKey {
                expr: e.clone(),
                descending: item.descending,
                nulls_first,
            })
            .collect());
    }
    let ordinals = binder.env.cx.settings.bool("spark.sql.orderByOrdinal");
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        if let (true, Some(n)) = (ordinals, ordinal(&item.expr)) {
            let at = usize::try_from(n)
                .ok()
                .and_then(|n| n.checked_sub(1))
                .and_then(|i| outputs.get(i));
            let Some(expr) = at else {
                return Err(Error::user("ORDER_BY_POS_OUT_OF_RANGE")
                    .param("index", n.to_string())
                    .param("size", outputs.len().to_string())
                    .at(item.expr.span));
            };
            let nulls_first = item.nulls_first.unwrap_or(!item.descending);
            out.push(SortKey {
                expr: expr.clone(),
                descending: item.descending,
                nulls_first,
            });
            continue;
        }
        out.extend(
            binder
                .sort_keys(std::slice::from_ref(item))?
                .into_iter()
                .map(|(k, _)| k),
        );
    }
    Ok(out)
}

/// The position an integer literal means.
pub(crate) fn ordinal(e: &ast::Expr) -> Option<i64> {
    match &e.kind {
        ExprKind::Literal(Literal::Int(n)) => Some(i64::from(*n)),
        ExprKind::Unary {
            op: ast::expr::UnaryOp::Minus,
            expr,
        } => ordinal(expr).map(|n| -n),
        _ => None,
    }
}

/// Orders and limits a relation that is not a SELECT's: only its columns are in sight.
pub(crate) fn organize(rel: Rel, tail: &Tail<'_>, env: Env<'_>) -> Result<Rel> {
    let Rel { mut plan, scope } = rel;
    let mut out = Collected::default();
    let windows: Vec<&NamedWindow> = tail.windows.iter().collect();
    let allow = Allow {
        aggregates: false,
        windows: true,
        generators: false,
        clause: "ORDER BY",
    };
    let mut binder = Binder::new(env, &scope, allow, &mut out).with_windows(&windows);
    let outputs: Vec<Expr> = scope.visible().map(|c| c.expr.clone()).collect();
    let ordering = bind(tail, &mut binder, &outputs)?;
    if !ordering.is_empty() {
        let columns: Vec<_> = plan.schema().iter().map(|f| f.id).collect();
        let extra = !out.subqueries.is_empty() || !out.windows.is_empty();
        plan = plant(plan, std::mem::take(&mut out.subqueries));
        plan = crate::window::plant(plan, std::mem::take(&mut out.windows));
        plan = ordering.apply(plan);
        if extra {
            plan = plan.project_columns(&columns);
        }
    }
    let rel = Rel { plan, scope };
    limit(rel, tail, env)
}

/// LIMIT and OFFSET.
pub(crate) fn limit(rel: Rel, tail: &Tail<'_>, env: Env<'_>) -> Result<Rel> {
    let fetch = tail.limit.map(|e| count(e, "limit", &rel, env)).transpose()?;
    let skip = tail
        .offset
        .map(|e| count(e, "offset", &rel, env))
        .transpose()?
        .unwrap_or(0);
    Ok(Rel {
        plan: rel.plan.limit(skip, fetch),
        scope: rel.scope,
    })
}

fn count(e: &ast::Expr, clause: &'static str, rel: &Rel, env: Env<'_>) -> Result<u64> {
    let mut out = Collected::default();
    let mut binder = Binder::new(env, &rel.scope, Allow::rows(clause), &mut out);
    let bound = binder.bind_named(e)?;
    let text = format!("\"{}\"", bound.name);
    constant_count(&bound.expr, text, clause, e.span, env)
}

/// The value of a LIMIT-like expression.
pub(crate) fn constant_count(expr: &Expr, text: String, clause: &str, span: Span, env: Env<'_>) -> Result<u64> {
    let error = |sub: &str| {
        Error::user(format!("INVALID_LIMIT_LIKE_EXPRESSION.{sub}"))
            .param("name", clause)
            .param("expr", text.clone())
            .at(span)
    };
    if !expr.is_foldable() || !expr.is_deterministic() {
        return Err(error("IS_UNFOLDABLE"));
    }
    let ty = expr.ty();
    if !(ty.is_integral() && ty != rsql_expr::SqlType::Long) {
        return Err(error("DATA_TYPE").param("dataType", ty.quoted()));
    }
    let value = rsql_expr::eval::fold(expr, &env.cx.registry)?.value;
    match value.as_i64() {
        None => Err(error("IS_NULL")),
        Some(n) => u64::try_from(n).map_err(|_| error("IS_NEGATIVE").param("v", n.to_string())),
    }
}
