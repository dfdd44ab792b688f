//! Which command a statement is: the one dispatch over all kinds of statement. Each arm is one call.

use rsql_ast::command::{SetCommand, StatementKind};
use rsql_ast::{self as ast};
use rsql_common::{CancelToken, Error, Result};

use crate::command::{
    alter, cache, database, describe, drop, execute_immediate, explain, function, insert, maintain, set, show, table,
    variable, view,
};
use crate::query::StatementCx;
use crate::result::StatementOutput;
use crate::session::Session;

/// Runs a statement on a snapshot of the session's state.
pub(crate) fn execute(
    session: &Session,
    statement: &ast::Statement,
    text: &str,
    cancel: &CancelToken,
) -> Result<StatementOutput> {
    let cx = StatementCx::new(session, text, cancel);
    run(&cx, statement)
}

/// Runs a statement within a snapshot.
pub(crate) fn run(cx: &StatementCx<'_>, statement: &ast::Statement) -> Result<StatementOutput> {
    dispatch(cx, statement).inspect_err(|e| {
        if has_query(&statement.kind) {
            cx.failed(e);
        }
    })
}

/// Whether it computes rows, for people or for a table.
fn has_query(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Query(_) | StatementKind::Insert(_) | StatementKind::MultiInsert(_) => true,
        StatementKind::CreateTable(create) => create.query.is_some(),
        _ => false,
    }
}

fn dispatch(cx: &StatementCx<'_>, statement: &ast::Statement) -> Result<StatementOutput> {
    use StatementKind as K;
    match &statement.kind {
        K::Query(query) => {
            let (schema, chunks) = cx.run_query(query)?;
            Ok(StatementOutput::rows(schema, chunks))
        }
        K::Explain { mode, statement } => explain::run(cx, *mode, statement),
        K::CreateView { .. } => view::create(cx, &statement.kind),
        K::CreateViewUsing { .. } => view::create_using(cx, &statement.kind),
        K::AlterViewAs {
            name,
            query,
            query_text,
        } => view::alter(cx, name, query, query_text),
        K::Drop {
            view, name, if_exists, ..
        } => drop::run(cx, name, *view, *if_exists),
        K::CreateTable(create) => table::create(cx, create),
        K::Insert(insert) => insert::run(cx, insert),
        K::MultiInsert(inserts) => inserts
            .iter()
            .try_fold(StatementOutput::none(), |_, i| insert::run(cx, i)),
        K::Truncate { name, partition } => maintain::truncate(cx, name, partition),
        K::CreateDatabase { .. } => database::create(cx, &statement.kind),
        K::DropDatabase {
            name,
            if_exists,
            cascade,
        } => database::drop(cx, name, *if_exists, *cascade),
        K::AlterDatabase {
            name,
            properties,
            location,
            collation,
        } => database::alter(cx, name, properties, location.as_deref(), collation.as_ref()),
        K::CommentOn {
            database: true,
            name,
            comment,
        } => database::comment(cx, name, comment.as_deref()),
        K::CommentOn {
            database: false,
            name,
            comment,
        } => alter::comment(cx, name, comment.as_deref()),
        K::Use(name) => database::use_database(cx, name),
        K::Show(show) => show::run(cx, show),
        K::Describe(describe) => describe::run(cx, describe),
        K::Set(SetCommand::Assign(key, value)) => set::assign(cx, key, value),
        K::Set(command) => set::list(cx, command),
        K::Reset(key) => set::reset(cx, key.as_deref()),
        K::SetTimeZone(zone) => set::time_zone(cx, zone),
        K::SetVariable { assignments, query } => variable::set(cx, assignments, query.as_deref()),
        K::DeclareVariable { .. } => variable::declare(cx, &statement.kind),
        K::DropVariable { name, if_exists } => variable::drop(cx, name, *if_exists),
        K::CreateFunction(create) => function::create(cx, create, statement.span),
        K::DropFunction {
            name,
            temporary,
            if_exists,
        } => function::drop(cx, name, *temporary, *if_exists),
        K::ExecuteImmediate { sql, into, using } => execute_immediate::run(cx, sql, into, using),
        K::CacheTable { name, query, .. } => cache::cache(cx, name, query.as_deref()),
        K::UncacheTable { name, if_exists } => cache::uncache(cx, name, *if_exists),
        K::ClearCache | K::Refresh(_) => Ok(StatementOutput::none()),
        K::AnalyzeTable { name, columns, .. } => maintain::analyze(cx, name, columns),
        K::AlterTable(action) => alter::run(cx, action),
        K::Delete { .. } => Err(table_operation("DELETE")),
        K::Update { .. } => Err(table_operation("UPDATE TABLE")),
        K::Unsupported(what) => Err(Error::unsupported(what.clone()).at(statement.span)),
    }
}

/// File tables take whole files only, as in Spark.
fn table_operation(operation: &str) -> Error {
    Error::user("UNSUPPORTED_FEATURE.TABLE_OPERATION").param("operation", operation)
}
