//! CACHE TABLE, UNCACHE TABLE: names are checked; results are not kept.

use rsql_ast::command::{NameExpr, StatementKind, ViewScope};
use rsql_ast::{Query, Span};
use rsql_common::{Error, Result};

use super::{relation, view};
use crate::query::StatementCx;
use crate::result::StatementOutput;

/// `CACHE TABLE name [AS query]`; with a query it makes a temporary view.
pub(crate) fn cache(cx: &StatementCx<'_>, name: &NameExpr, query: Option<&Query>) -> Result<StatementOutput> {
    let Some(query) = query else {
        relation::expect(cx, name)?;
        return Ok(StatementOutput::none());
    };
    if query.span == Span::NONE {
        return Err(Error::internal("a cached query without its text"));
    }
    let view = StatementKind::CreateView {
        name: name.clone(),
        scope: ViewScope::Temporary,
        or_replace: false,
        if_not_exists: false,
        columns: Vec::new(),
        comment: None,
        properties: Vec::new(),
        collation: None,
        query: Box::new(query.clone()),
        query_text: query.span.text(cx.text).to_string(),
    };
    view::create(cx, &view)
}

/// `UNCACHE TABLE [IF EXISTS]`
pub(crate) fn uncache(cx: &StatementCx<'_>, name: &NameExpr, if_exists: bool) -> Result<StatementOutput> {
    match relation::expect(cx, name) {
        Err(e) if !if_exists => Err(e),
        _ => Ok(StatementOutput::none()),
    }
}
