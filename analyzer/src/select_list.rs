//! The select list: stars, aliases that later items may read, generators.

use std::sync::Arc;

use rsql_ast as ast;
use rsql_ast::ExprKind;
use rsql_ast::query::NamedWindow;
use rsql_common::{Error, Result, Span};
use rsql_expr::{Column, Expr};

use crate::collected::Collected;
use crate::env::Env;
use crate::expr::{Allow, Binder, Bound};
use crate::scope::{Scope, ScopeColumn};

/// One column of the select list.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub name: Arc<str>,
    pub qualifier: Arc<[Arc<str>]>,
    pub expr: Expr,
    pub span: Span,
    /// Spark's text, for messages.
    pub text: String,
    /// Came from a star.
    pub starred: bool,
}

/// Binds the select list; columns may refer to aliases before them.
pub(crate) fn select_list(
    items: &[ast::Expr],
    scope: &Scope,
    windows: &[&NamedWindow],
    out: &mut Collected,
    env: Env<'_>,
) -> Result<Vec<Output>> {
    let mut outputs = Vec::with_capacity(items.len());
    let mut aliases = Scope::default();
    for item in items {
        let allow = Allow {
            aggregates: env.pipe_clause.is_none(),
            ..Allow::all("SELECT")
        };
        let mut binder = Binder::new(env, scope, allow, out)
            .with_aliases(&aliases, false)
            .with_windows(windows);
        let columns = match &item.kind {
            ExprKind::Star { qualifier, except } => {
                Some(crate::star::expand(qualifier, except, &mut binder, item.span)?)
            }
            _ => crate::star::by_pattern(item, &mut binder)?,
        };
        if let Some(columns) = columns {
            if columns.is_empty() && scope.columns.is_empty() && env.outer.is_none() {
                return Err(Error::user("CANNOT_RESOLVE_STAR_EXPAND")
                    .param("targetString", "`*`")
                    .param("columns", "")
                    .at(item.span));
            }
            outputs.extend(columns.into_iter().map(|c| Output {
                text: c.name.to_string(),
                name: c.name,
                qualifier: c.qualifier,
                expr: c.expr,
                span: item.span,
                starred: true,
            }));
            continue;
        }
        let (inner, names) = match &item.kind {
            ExprKind::Alias { expr, names } => (&**expr, names.as_slice()),
            _ => (item, &[][..]),
        };
        let generators = binder.out.generators.len();
        let bound = binder.bind_named(inner)?;
        if let Some(generator) = out.generators.get(generators) {
            if !matches!(inner.kind, ExprKind::Function(_)) {
                return Err(Error::user("UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS")
                    .param("expression", format!("\"{}\"", bound.name))
                    .at(item.span));
            }
            let columns = generated(generator, names, item.span)?;
            if !names.is_empty() {
                aliases.columns.extend(output_scope(&columns).columns);
            }
            outputs.extend(columns);
            continue;
        }
        let own = crate::expr::structure::own_name(inner).or_else(|| cast_column(inner, &bound));
        let name: Arc<str> = match (names.first(), own) {
            (Some(alias), _) => alias.value.as_str().into(),
            (None, Some(own)) => own.into(),
            (None, None) => bound.name.as_str().into(),
        };
        if names.len() > 1 {
            return Err(Error::user("MULTI_ALIAS_WITHOUT_GENERATOR")
                .param("expr", format!("\"{}\"", bound.name))
                .param(
                    "names",
                    names.iter().map(|n| n.value.as_str()).collect::<Vec<_>>().join(", "),
                )
                .at(item.span));
        }
        let qualifier = match (&bound.expr, names.is_empty()) {
            (Expr::Column(Column { id, .. }), true) => scope
                .columns
                .iter()
                .find(|c| c.id() == Some(*id))
                .map(|c| Arc::clone(&c.qualifier)),
            _ => None,
        };
        if !names.is_empty() {
            aliases.columns.push(ScopeColumn {
                qualifier: [].into(),
                name: Arc::clone(&name),
                expr: bound.expr.clone(),
                qualified_only: false,
            });
        }
        outputs.push(Output {
            name,
            qualifier: qualifier.unwrap_or_else(|| [].into()),
            expr: bound.expr,
            span: item.span,
            text: bound.name,
            starred: false,
        });
    }
    Ok(outputs)
}

/// Columns of a generator in the select list.
/// The name of a column that is only cast: it is the column's.
fn cast_column(e: &ast::Expr, bound: &Bound) -> Option<String> {
    let ExprKind::Cast { expr, .. } = &e.kind else {
        return None;
    };
    let ExprKind::Column(parts) = &expr.kind else {
        return None;
    };
    let column = match &bound.expr {
        Expr::Cast(c) => &c.expr,
        same => same,
    };
    let alias = bound.name.contains("lateralAliasReference(") && parts.len() == 1;
    (alias || matches!(column, Expr::Column(_))).then(|| parts.last().map(|p| p.value.clone()))?
}

fn generated(g: &crate::collected::CollectedGenerator, names: &[ast::Ident], span: Span) -> Result<Vec<Output>> {
    if !names.is_empty() && names.len() != g.outputs.len() {
        return Err(Error::user("UDTF_ALIAS_NUMBER_MISMATCH")
            .param("aliasesSize", g.outputs.len().to_string())
            .param(
                "aliasesNames",
                names.iter().map(|n| n.value.as_str()).collect::<Vec<_>>().join(","),
            )
            .at(span));
    }
    Ok(g.outputs
        .iter()
        .enumerate()
        .map(|(i, f)| {
            let name: Arc<str> = names
                .get(i)
                .map_or_else(|| Arc::clone(&f.name), |n| n.value.as_str().into());
            Output {
                text: name.to_string(),
                name,
                qualifier: [].into(),
                expr: rsql_planner::logical::build::column(f),
                span,
                starred: false,
            }
        })
        .collect())
}

/// The select list's names for HAVING, ORDER BY and GROUP BY.
pub(crate) fn output_scope(outputs: &[Output]) -> Scope {
    Scope {
        time_window: None,
        columns: outputs
            .iter()
            .map(|o| ScopeColumn {
                qualifier: Arc::clone(&o.qualifier),
                name: Arc::clone(&o.name),
                expr: o.expr.clone(),
                qualified_only: false,
            })
            .collect(),
    }
}
