//! CREATE VIEW, ALTER VIEW AS.

use std::sync::Arc;

use parking_lot::Mutex;
use rsql_ast::command::{NameExpr, StatementKind, ViewScope as Scope};
use rsql_ast::data_type::ColumnDef;
use rsql_catalog::SourceColumn;
use rsql_catalog::session::{self, GLOBAL_TEMP, Relation, ViewBody, ViewEntry, ViewScope};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::SqlType;
use rsql_planner::LogicalPlan;

use super::{name, relation, table};
use crate::query::StatementCx;
use crate::references::{Defined, Watcher, check_permanent};
use crate::resolver::SnapshotResolver;
use crate::result::StatementOutput;
use crate::source;

/// `CREATE [OR REPLACE] [[GLOBAL] TEMPORARY] VIEW … AS query`
pub(crate) fn create(cx: &StatementCx<'_>, kind: &StatementKind) -> Result<StatementOutput> {
    let StatementKind::CreateView {
        name,
        scope,
        or_replace,
        if_not_exists,
        columns,
        comment,
        properties,
        collation,
        query,
        query_text,
    } = kind
    else {
        return Err(Error::internal("not a CREATE VIEW"));
    };
    let parts = name::parts(cx, name)?;
    let collation = collation.as_ref().map(rsql_analyzer::resolve_collation).transpose()?;
    let inherited = match scope {
        Scope::Permanent => relation::default_collation(cx, &parts)?,
        _ => None,
    };
    let cx = &cx.with_default_collation(collation.or(inherited));
    let analyzed = analyze(cx, query, &parts, scope_of(*scope))?;
    let columns = output_columns(columns, &analyzed, &parts)?;
    let view = ViewEntry {
        database: None,
        name: String::new(),
        scope: scope_of(*scope),
        body: ViewBody::Query(query_text.as_str().into()),
        columns,
        comment: comment.clone(),
        properties: properties.clone(),
        options: Arc::clone(&cx.options),
        settings: Arc::clone(&cx.state.settings),
    };
    publish(cx, parts, view, *or_replace, *if_not_exists)
}

/// `CREATE TEMPORARY VIEW … USING format OPTIONS (…)`
pub(crate) fn create_using(cx: &StatementCx<'_>, kind: &StatementKind) -> Result<StatementOutput> {
    let StatementKind::CreateViewUsing {
        name,
        scope,
        or_replace,
        columns,
        format,
        options,
    } = kind
    else {
        return Err(Error::internal("not a CREATE VIEW USING"));
    };
    let found = source::format_of(format)
        .ok_or_else(|| Error::user("DATA_SOURCE_NOT_FOUND").param("provider", format.clone()))?;
    let path = options
        .iter()
        .find(|(k, _)| k.eq_ignore_ascii_case("path"))
        .map(|(_, v)| v.clone());
    let declared = declared_columns(cx, columns)?;
    // Without a path a view of declared columns has no rows, as in Spark.
    if path.is_none() && declared.is_none() {
        return Err(Error::user("UNABLE_TO_INFER_SCHEMA").param("format", format.clone()));
    }
    let paths: Vec<String> = path.into_iter().collect();
    let (source, facts) = source::open(
        found,
        &paths,
        declared.as_deref(),
        options,
        cx.state.settings.time_zone(),
    )?;
    let view = ViewEntry {
        database: None,
        name: String::new(),
        scope: scope_of(*scope),
        columns: source
            .columns
            .iter()
            .map(|c| (c.name.to_string(), c.ty.clone(), None))
            .collect(),
        body: ViewBody::Source(source, facts),
        comment: None,
        properties: Vec::new(),
        options: Arc::clone(&cx.options),
        settings: Arc::clone(&cx.state.settings),
    };
    publish(cx, name.parts().map(str::to_string).collect(), view, *or_replace, false)
}

/// `ALTER VIEW name AS query`
pub(crate) fn alter(
    cx: &StatementCx<'_>,
    name: &NameExpr,
    query: &rsql_ast::Query,
    query_text: &str,
) -> Result<StatementOutput> {
    let parts = name::parts(cx, name)?;
    let old = match parts.as_slice() {
        [one] => cx.state.catalog.temporary_view(one).cloned(),
        _ => None,
    };
    let old = match (old, cx.state.catalog.find(&parts)) {
        (Some(view), _) => view,
        (None, Some(Relation::View(view))) => Arc::clone(view),
        (None, Some(Relation::Table(_))) => return Err(session::wrong_kind(&parts, "ALTER VIEW ... AS", true)),
        (None, None) => return Err(session::relation_not_found(&parts)),
    };
    let cx = &cx.with_default_collation(old.options.default_collation);
    let analyzed = analyze(cx, query, &parts, old.scope)?;
    let columns = output_columns(&[], &analyzed, &parts)?;
    let view = ViewEntry {
        body: ViewBody::Query(query_text.into()),
        columns,
        options: Arc::clone(&cx.options),
        settings: Arc::clone(&cx.state.settings),
        ..(*old).clone()
    };
    publish(cx, parts, view, true, false)
}

/// The view's query, analyzed. A permanent view must not refer to temporary objects, and no view to itself.
fn analyze(cx: &StatementCx<'_>, query: &rsql_ast::Query, parts: &[String], scope: ViewScope) -> Result<LogicalPlan> {
    let full = match scope {
        ViewScope::Permanent => cx.state.catalog.full_name(parts)?,
        ViewScope::Temporary => parts.to_vec(),
        ViewScope::GlobalTemporary => {
            let one = parts.last().cloned().unwrap_or_default();
            vec![GLOBAL_TEMP.to_string(), one]
        }
    };
    let watcher = Watcher {
        inner: SnapshotResolver { cx },
        defined: Defined::View(full.clone()),
        seen: Mutex::default(),
    };
    let plan = cx.analyze_through(&watcher, |cx| rsql_analyzer::analyze_query(query, cx))?;
    if scope == ViewScope::Permanent {
        check_permanent(&watcher.seen.into_inner(), "VIEW", &full)?;
    }
    Ok(plan)
}

fn scope_of(scope: Scope) -> ViewScope {
    match scope {
        Scope::Permanent => ViewScope::Permanent,
        Scope::Temporary => ViewScope::Temporary,
        Scope::GlobalTemporary => ViewScope::GlobalTemporary,
    }
}

fn declared_columns(cx: &StatementCx<'_>, columns: &[ColumnDef]) -> Result<Option<Vec<SourceColumn>>> {
    if columns.is_empty() {
        return Ok(None);
    }
    let typed = columns.iter().map(|c| {
        let ty = match &c.ty {
            Some(ty) => cx.analyze(|cx| rsql_analyzer::resolve_type(ty, cx))?,
            None => SqlType::String,
        };
        Ok(SourceColumn {
            name: c.name.value.as_str().into(),
            ty,
            nullable: true,
        })
    });
    typed.collect::<Result<Vec<_>>>().map(Some)
}

fn output_columns(
    written: &[ColumnDef],
    plan: &LogicalPlan,
    name: &[String],
) -> Result<Vec<(String, SqlType, Option<String>)>> {
    let schema = plan.schema();
    if !written.is_empty() && written.len() != schema.len() {
        let condition = if written.len() > schema.len() {
            "CREATE_VIEW_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS"
        } else {
            "CREATE_VIEW_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS"
        };
        return Err(Error::user(condition).param("viewName", name.join(".")));
    }
    table::known_collations(schema)?;
    let mut seen = std::collections::HashSet::new();
    let mut out = Vec::new();
    for (i, field) in schema.iter().enumerate() {
        let (name, comment) = match written.get(i) {
            Some(c) => (c.name.value.clone(), c.comment.clone()),
            None => (field.name.to_string(), None),
        };
        if !seen.insert(name.to_lowercase()) {
            return Err(Error::user("COLUMN_ALREADY_EXISTS").param("columnName", quoted_name([name.to_lowercase()])));
        }
        let ty = table::declared_type(plan, field.id).unwrap_or_else(|| field.ty.clone());
        out.push((name, ty, comment));
    }
    Ok(out)
}

fn publish(
    cx: &StatementCx<'_>,
    parts: Vec<String>,
    mut view: ViewEntry,
    or_replace: bool,
    if_not_exists: bool,
) -> Result<StatementOutput> {
    view.name = parts.last().cloned().unwrap_or_default().to_lowercase();
    match view.scope {
        ViewScope::Temporary => {
            if parts.len() > 1 {
                return Err(Error::user("TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS").param("actualName", parts.join(".")));
            }
            let mut state = cx.session.state.write();
            if !or_replace && state.catalog.temporary_view(&view.name).is_some() {
                return if if_not_exists {
                    Ok(StatementOutput::none())
                } else {
                    Err(session::relation_exists(&parts, true))
                };
            }
            state.catalog.put_temporary_view(Arc::new(view));
        }
        ViewScope::GlobalTemporary => {
            view.database = Some(GLOBAL_TEMP.into());
            let mut views = cx.session.shared.global_views.write();
            let at = views.iter().position(|v| v.name.eq_ignore_ascii_case(&view.name));
            match at {
                Some(_) if if_not_exists => {}
                Some(_) if !or_replace => {
                    return Err(session::relation_exists(&[GLOBAL_TEMP.into(), view.name], true));
                }
                Some(i) => views[i] = Arc::new(view),
                None => views.push(Arc::new(view)),
            }
        }
        ViewScope::Permanent => {
            let mut state = cx.session.state.write();
            let (database, _) = state.catalog.qualify(&parts)?;
            view.database = Some(state.catalog.database(&database)?.name.clone());
            match state.catalog.find(&parts) {
                Some(_) if if_not_exists => return Ok(StatementOutput::none()),
                Some(Relation::Table(_)) if or_replace => {
                    return Err(session::wrong_kind(&parts, "CREATE OR REPLACE VIEW", true));
                }
                Some(_) if !or_replace => {
                    let full = state.catalog.full_name(&parts)?;
                    return Err(session::relation_exists(&full, false));
                }
                _ => {}
            }
            state.catalog.put_relation(Relation::View(Arc::new(view)));
        }
    }
    Ok(StatementOutput::none())
}
