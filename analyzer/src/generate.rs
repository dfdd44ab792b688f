//! LATERAL VIEW: a generator applied to each row of what stands before it.

use std::sync::Arc;

use rsql_ast::query::LateralView;
use rsql_common::{Error, Result};
use rsql_planner::logical::build::column;

use crate::collected::{Collected, plant};
use crate::env::Env;
use crate::expr::{Allow, Binder};
use crate::scope::{Rel, ScopeColumn};

/// `rel LATERAL VIEW [OUTER] f(x) t AS a, b`
pub(crate) fn lateral_view(rel: Rel, view: &LateralView, env: Env<'_>) -> Result<Rel> {
    let mut out = Collected::default();
    let allow = Allow {
        generators: true,
        ..Allow::rows("LATERAL VIEW")
    };
    let mut binder = Binder::new(env, &rel.scope, allow, &mut out);
    binder.expr(&view.call)?;
    let Some(g) = out.generators.pop() else {
        return Err(Error::user("UNSUPPORTED_GENERATOR.NOT_GENERATOR")
            .param("functionName", "")
            .param("classCanonicalName", "")
            .at(view.call.span));
    };
    if !view.columns.is_empty() && view.columns.len() != g.outputs.len() {
        return Err(Error::user("UDTF_ALIAS_NUMBER_MISMATCH")
            .param("aliasesSize", g.outputs.len().to_string())
            .param(
                "aliasesNames",
                view.columns
                    .iter()
                    .map(|c| c.value.as_str())
                    .collect::<Vec<_>>()
                    .join(","),
            )
            .at(view.call.span));
    }
    let qualifier: Arc<[Arc<str>]> = match &view.table {
        Some(t) => [Arc::from(t.value.as_str())].into(),
        None => [].into(),
    };
    let mut scope = rel.scope;
    for (i, f) in g.outputs.iter().enumerate() {
        let name = view
            .columns
            .get(i)
            .map_or_else(|| Arc::clone(&f.name), |n| n.value.as_str().into());
        scope.columns.push(ScopeColumn {
            qualifier: Arc::clone(&qualifier),
            name,
            expr: column(f),
            qualified_only: false,
        });
    }
    let plan = plant(rel.plan, out.subqueries).generate(g.func, g.args, g.outer || view.outer, g.outputs);
    Ok(Rel { plan, scope })
}
