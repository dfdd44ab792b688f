//! DESCRIBE: queries, databases and functions; tables are in `describe_table`.

use rsql_ast::ObjectName;
use rsql_ast::command::{Describe, NameExpr};
use rsql_catalog::session::SPARK_CATALOG;
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::{Doc, FunctionKind};

use super::{database, describe_table, function, name, properties, relation};
use crate::query::StatementCx;
use crate::result::{StatementOutput, TextTable};

/// Describes what was asked for.
pub(crate) fn run(cx: &StatementCx<'_>, describe: &Describe) -> Result<StatementOutput> {
    match describe {
        Describe::Query(query) => {
            let analyzed = cx.analyze(|cx| rsql_analyzer::analyze_query(query, cx))?;
            let mut table = TextTable::text(&["col_name", "data_type", "comment"]);
            for f in analyzed.schema().iter() {
                table.row([f.name.as_ref().into(), f.ty.to_string().into(), None.into()]);
            }
            Ok(table.finish())
        }
        Describe::Table { .. } => describe_table::run(cx, describe),
        Describe::Database { name, extended } => describe_database(cx, name, *extended),
        Describe::Function { name, extended } => describe_function(cx, name, *extended),
    }
}

fn describe_database(cx: &StatementCx<'_>, name: &NameExpr, extended: bool) -> Result<StatementOutput> {
    let one = database::single(&name::parts(cx, name)?)?;
    let database = cx.state.catalog.database(&one)?;
    let mut table = TextTable::text(&["info_name", "info_value"]);
    table.row(["Catalog Name".into(), SPARK_CATALOG.into()]);
    table.row(["Namespace Name".into(), database.name.as_str().into()]);
    if let Some(collation) = database.collation {
        table.row(["Collation".into(), collation.to_string().into()]);
    }
    table.row(["Comment".into(), database.comment.as_str().into()]);
    table.row(["Location".into(), database.location.as_str().into()]);
    table.row(["Owner".into(), cx.session.user.as_str().into()]);
    if extended {
        let pairs: Vec<String> = properties::shown(&database.properties)
            .iter()
            .map(|(k, v)| format!("({k},{v})"))
            .collect();
        let text = if pairs.is_empty() {
            String::new()
        } else {
            format!("({})", pairs.join(", "))
        };
        table.row(["Properties".into(), text.into()]);
    }
    Ok(table.finish())
}

fn describe_function(cx: &StatementCx<'_>, name: &ObjectName, extended: bool) -> Result<StatementOutput> {
    let parts: Vec<String> = name.parts().map(str::to_string).collect();
    let mut table = TextTable::text(&["function_desc"]);
    if let Some(lines) = function::description(cx, &parts, extended)? {
        for line in lines {
            table.row([line.into()]);
        }
        return Ok(table.finish());
    }
    let one = name.last().to_lowercase();
    let builtin = cx.session.shared.registry.all().into_iter().find(|(n, _)| *n == one);
    let Some((_, kind)) = builtin else {
        let database = cx.state.catalog.current_database();
        return Err(Error::user("UNRESOLVED_ROUTINE")
            .param("routineName", quoted_name(&parts))
            .param("searchPath", relation::search_path(database))
            .at(name.span()));
    };
    let doc = doc(kind);
    table.row([format!("Function: {one}").into()]);
    table.row([format!("Usage: {} - {}", doc.usage, doc.text).into()]);
    if extended {
        table.row([format!("Extended Usage:\n    Examples:\n      > {};\n", doc.example).into()]);
    }
    Ok(table.finish())
}

fn doc(kind: FunctionKind) -> Doc {
    match kind {
        FunctionKind::Scalar(f) => f.doc,
        FunctionKind::Aggregate(f) => f.doc,
        FunctionKind::Window(f) => f.doc,
        FunctionKind::Generator(f) => f.doc,
    }
}
