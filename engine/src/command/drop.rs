//! DROP VIEW, DROP TABLE.

use rsql_ast::command::NameExpr;
use rsql_catalog::session::{self, GLOBAL_TEMP, Relation};
use rsql_common::Result;

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
    match (state.catalog.find(&parts).cloned(), view) {
        (Some(Relation::View(_)), false) => Err(session::wrong_kind(&parts, "DROP TABLE", false)),
        (Some(Relation::Table(_)), true) => Err(session::wrong_kind(&parts, "DROP VIEW", true)),
        (Some(found), _) => {
            let (database, one) = state.catalog.qualify(&parts)?;
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
        (None, _) => Err(session::relation_not_found(
            &state.catalog.full_name(&parts).unwrap_or(parts),
        )),
    }
}
