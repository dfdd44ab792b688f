//! SQL functions: CREATE FUNCTION … RETURN, DROP FUNCTION, and loading a definition from its text.

use std::sync::Arc;

use rsql_analyzer::SqlFunction;
use rsql_ast::command::{CreateFunction, NameExpr};
use rsql_ast::data_type::ColumnDef;
use rsql_ast::{Span, StatementKind};
use rsql_catalog::session::{FunctionEntry, SPARK_CATALOG};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::SqlType;

use super::{function_check, name};
use crate::query::StatementCx;
use crate::result::StatementOutput;

/// `CREATE [OR REPLACE] [TEMPORARY] FUNCTION`
pub(crate) fn create(cx: &StatementCx<'_>, create: &CreateFunction, at: Span) -> Result<StatementOutput> {
    if create.class.is_some() {
        return Err(Error::unsupported("functions in Java classes").at(at));
    }
    let parts = name::parts(cx, &create.name)?;
    let (database, one) = if create.temporary {
        match parts.as_slice() {
            [one] => (None, one.clone()),
            _ => {
                return Err(Error::user("INVALID_SQL_SYNTAX.CREATE_TEMP_FUNC_WITH_DATABASE")
                    .param("database", parts.first().cloned().unwrap_or_default()));
            }
        }
    } else {
        let (database, one) = cx.state.catalog.qualify(&parts)?;
        (Some(cx.state.catalog.database(&database)?.name.clone()), one)
    };
    function_check::check_columns(&one, create)?;
    let collation = create
        .collation
        .as_ref()
        .map(rsql_analyzer::resolve_collation)
        .transpose()?;
    let cx = &cx.with_default_collation(collation);
    let entry = FunctionEntry {
        database: database.clone(),
        name: one.clone(),
        statement: at.text(cx.text).into(),
        options: Arc::clone(&cx.options),
    };
    let existing = cx.state.catalog.function(database.as_deref(), &one).is_some();
    if existing && create.if_not_exists {
        return Ok(StatementOutput::none());
    }
    if existing && !create.or_replace {
        return Err(Error::user("ROUTINE_ALREADY_EXISTS")
            .param("routineName", quoted_name([&one]))
            .param("newRoutineType", "routine")
            .param("existingRoutineType", "routine"));
    }
    let definition = Arc::new(definition(cx, create, &entry)?);
    function_check::check(cx, create, definition)?;
    cx.session.state.write().catalog.put_function(Arc::new(entry));
    Ok(StatementOutput::none())
}

/// `DROP [TEMPORARY] FUNCTION`
pub(crate) fn drop(cx: &StatementCx<'_>, name: &NameExpr, temporary: bool, if_exists: bool) -> Result<StatementOutput> {
    let parts = name::parts(cx, name)?;
    let one = parts.last().cloned().unwrap_or_default();
    if !temporary && parts.len() == 1 && cx.session.shared.registry.contains(&one.to_lowercase()) {
        return Err(Error::user("FORBIDDEN_OPERATION")
            .param("statement", "DROP")
            .param("objectType", "FUNCTION")
            .param("objectName", quoted_name([&one])));
    }
    let mut state = cx.session.state.write();
    let database = if temporary {
        None
    } else {
        Some(state.catalog.qualify(&parts)?.0)
    };
    if state.catalog.remove_function(database.as_deref(), &one).is_some() || if_exists {
        return Ok(StatementOutput::none());
    }
    let full = match &database {
        Some(database) => quoted_name([SPARK_CATALOG, database, &one]),
        None => quoted_name([&one]),
    };
    Err(Error::user("ROUTINE_NOT_FOUND").param("routineName", full))
}

/// What DESCRIBE FUNCTION says of a function made by CREATE FUNCTION; none if there is none of this name.
pub(super) fn description(cx: &StatementCx<'_>, parts: &[String], extended: bool) -> Result<Option<Vec<String>>> {
    let Some(entry) = entry(cx, parts) else { return Ok(None) };
    let function = load(cx, entry)?;
    let types = |columns: &[(String, SqlType)]| {
        let columns: Vec<String> = columns.iter().map(|(n, t)| format!("{n} {}", t.sql())).collect();
        columns.join(", ")
    };
    let params: Vec<(String, SqlType)> = function.params.iter().map(|(n, t, _)| (n.clone(), t.clone())).collect();
    let kind = if function.returns_table.is_some() {
        "TABLE"
    } else {
        "SCALAR"
    };
    let mut out = vec![
        format!("Function: {}", function.name.join(".")),
        format!("Type:     {kind}"),
        format!(
            "Input:    {}",
            if params.is_empty() {
                "()".to_string()
            } else {
                types(&params)
            }
        ),
    ];
    match (&function.returns, &function.returns_table) {
        (Some(ty), _) => out.push(format!("Returns:  {}", ty.sql())),
        (None, Some(columns)) if !columns.is_empty() => out.push(format!("Returns:  {}", types(columns))),
        _ => {}
    }
    if extended {
        out.push(format!("Body:     {}", entry.statement));
    }
    Ok(Some(out))
}

/// True if a definition's text has this characteristic.
pub(super) fn says(statement: &str, characteristic: &str) -> bool {
    let parsed = rsql_sql::parse_statement(statement, &rsql_sql::ParseOptions::default());
    matches!(
        parsed.map(|p| p.kind),
        Ok(StatementKind::CreateFunction(create)) if function_check::has(&create.characteristics, characteristic)
    )
}

/// The function of a name, temporary ones first.
pub(super) fn entry<'a>(cx: &'a StatementCx<'_>, parts: &[String]) -> Option<&'a Arc<FunctionEntry>> {
    let catalog = &cx.state.catalog;
    match parts {
        [one] => catalog
            .function(None, one)
            .or_else(|| catalog.function(Some(catalog.current_database()), one)),
        [database, one] | [_, database, one] => catalog.function(Some(database), one),
        _ => None,
    }
}

/// The function an entry's text defines.
pub(crate) fn load(cx: &StatementCx<'_>, entry: &FunctionEntry) -> Result<Arc<SqlFunction>> {
    let options = rsql_sql::ParseOptions::from_settings(&cx.state.settings)?;
    let parsed = rsql_sql::parse_statement(&entry.statement, &options)?;
    match &parsed.kind {
        StatementKind::CreateFunction(create) => definition(cx, create, entry).map(Arc::new),
        _ => Err(Error::internal(format!(
            "{} is not defined by CREATE FUNCTION",
            entry.name
        ))),
    }
}

fn definition(cx: &StatementCx<'_>, create: &CreateFunction, entry: &FunctionEntry) -> Result<SqlFunction> {
    let cx = &cx.with_default_collation(entry.options.default_collation);
    let type_of = |column: &ColumnDef| -> Result<SqlType> {
        match &column.ty {
            Some(ty) => cx.analyze(|cx| rsql_analyzer::resolve_type(ty, cx)),
            None => Ok(SqlType::String),
        }
    };
    let params = create
        .params
        .iter()
        .map(|p| Ok((p.name.value.clone(), type_of(p)?, p.default.clone())))
        .collect::<Result<Vec<_>>>()?;
    let returns = create
        .returns
        .as_ref()
        .map(|ty| cx.analyze(|cx| rsql_analyzer::resolve_type(ty, cx)))
        .transpose()?;
    let returns_table = create
        .returns_table
        .as_ref()
        .map(|columns| {
            columns
                .iter()
                .map(|c| Ok((c.name.value.clone(), type_of(c)?)))
                .collect::<Result<Vec<_>>>()
        })
        .transpose()?;
    let mut full_name = Vec::new();
    if let Some(database) = &entry.database {
        full_name.extend([rsql_catalog::session::SPARK_CATALOG.to_string(), database.clone()]);
    }
    full_name.push(entry.name.clone());
    Ok(SqlFunction {
        name: full_name,
        params,
        returns,
        returns_table,
        body: create.body.clone(),
        query: create.query.as_deref().cloned().map(Arc::new),
        options: Arc::clone(&entry.options),
    })
}
