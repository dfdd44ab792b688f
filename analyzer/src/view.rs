//! Views: the stored query is analyzed anew under the settings of its creation.

use std::sync::Arc;

use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::coerce::cast_exactly;
use rsql_planner::logical::build::column;

use crate::env::Env;
use crate::scope::Rel;
use crate::{AnalyzerContext, ViewDefinition};

/// Deepest nesting of views.
const MAX_DEPTH: usize = 100;

/// The relation a view stands for.
pub(crate) fn expand(view: &ViewDefinition, span: Span, env: Env<'_>) -> Result<Rel> {
    if env.view_depth >= MAX_DEPTH {
        return Err(Error::user("VIEW_EXCEED_MAX_NESTED_DEPTH")
            .param("viewName", quoted_name(&view.name))
            .param("maxNestedDepth", MAX_DEPTH.to_string())
            .at(span));
    }
    let mut options = (*view.options).clone();
    options.now_micros = env.cx.options.now_micros;
    options.user = Arc::clone(&env.cx.options.user);
    let cx = AnalyzerContext {
        options: options.into(),
        settings: Arc::clone(&view.settings),
        ..env.cx.clone()
    };
    let database = view.options.database.to_string();
    let inner = Env {
        view_depth: env.view_depth + 1,
        view_database: (!view.temporary).then_some(database.as_str()),
        ..Env::root(&cx)
    };
    let plan = crate::query::analyze(&view.query, inner).map_err(|e| e.at(span))?;
    let fields = plan.schema().clone();
    if !view.columns.is_empty() && view.columns.len() != fields.len() {
        return Err(Error::user("INCOMPATIBLE_VIEW_SCHEMA_CHANGE")
            .param("viewName", quoted_name(&view.name))
            .param("colName", "")
            .param("expectedNum", view.columns.len().to_string())
            .param("actualCols", fields.len().to_string())
            .at(span));
    }
    let cast = env.resolve_cx("cast", span);
    let mut exprs = Vec::with_capacity(fields.len());
    for (i, f) in fields.iter().enumerate() {
        let (name, ty) = match view.columns.get(i) {
            Some((name, ty)) => (Arc::from(name.as_str()), ty.as_ref()),
            None => (Arc::clone(&f.name), None),
        };
        let expr = match ty {
            Some(ty) if !ty.is_sized_text() => cast_exactly(column(f), ty, &cast),
            _ => column(f),
        };
        exprs.push((expr, name));
    }
    let plan = crate::project::project(plan, exprs, env);
    let qualifier: Vec<Arc<str>> = view.name.iter().map(|n| n.as_str().into()).collect();
    Ok(Rel::new(plan, &qualifier))
}
