//! DROP VIEW, DROP TABLE.

use rsql_ast::command::NameExpr;
use rsql_catalog::session::{self, GLOBAL_TEMP, Relation};
use rsql_common::{Error, Result, quoted_name};

use super::name;
use crate::query::StatementCx;
use crate::result::StatementOutput;

/// Drops a view or a table with its files.
pub(crate) fn run(cx: &StatementCx<'_>, name: &NameExpr, view: bool, if_exists: bool) -> Result<StatementOutput> {
    let parts = name::parts(cx, name)?;
    let done = Ok(StatementOutput::none());
    if let [one] = parts.as_slice()
        && cx.session.state.write().catalog.remove_temporary_view(one).is_some()
    {
        return done;
    }
    if let [database, one] = parts.as_slice()
        && database.eq_ignore_ascii_case(GLOBAL_TEMP)
    {
        let mut views = cx.session.shared.global_views.write();
        let before = views.len();
        views.retain(|v| !v.name.eq_ignore_ascii_case(one));
        if views.len() < before || if_exists {
            return done;
        }
        return Err(session::relation_not_found(&parts));
    }
    let mut state = cx.session.state.write();
    let (database, one) = state.catalog.qualify(&parts)?;
    let full = state.catalog.full_name(&parts)?;
    match (state.catalog.find(&parts).cloned(), view) {
        (Some(Relation::Table(table)), true) => Err(Error::user("WRONG_COMMAND_FOR_OBJECT_TYPE")
            .param("operation", "DROP VIEW")
            .param("requiredType", "VIEW or METRIC_VIEW")
            .param("objectName", full.join("."))
            .param("foundType", if table.external { "EXTERNAL" } else { "MANAGED" })
            .param("alternative", "DROP TABLE")),
        (Some(found), _) => {
            state.catalog.remove_relation(&database, &one);
            drop(state);
            if let Relation::Table(table) = found
                && !table.external
            {
                super::table::remove_files(&table)?;
            }
            done
        }
        (None, _) if if_exists => done,
        (None, _) => {
            let path = quoted_name(&full[..full.len() - 1]);
            Err(session::relation_not_found(&full).param("searchPath", format!("[{path}]")))
        }
    }
}
