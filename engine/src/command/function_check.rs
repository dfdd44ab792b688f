//! What CREATE FUNCTION checks: parameters, defaults, and the body, which is analyzed as if it were called.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use rsql_analyzer::SqlFunction;
use rsql_ast::command::CreateFunction;
use rsql_ast::expr::{CastKind, FunctionArg, FunctionCall};
use rsql_ast::query::{Select, SetExpr};
use rsql_ast::relation::TableAlias;
use rsql_ast::{Expr, ExprKind, Ident, Literal, ObjectName, Query, Relation, Span};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::SqlType;
use rsql_planner::LogicalPlan;

use super::{function, variable};
use crate::query::StatementCx;
use crate::references::{Defined, Watcher, check_permanent};
use crate::resolver::SnapshotResolver;

/// Checks names and places of parameters and result columns.
pub(super) fn check_columns(name: &str, create: &CreateFunction) -> Result<()> {
    let duplicate = |columns: &[rsql_ast::data_type::ColumnDef]| {
        let mut seen = HashSet::new();
        columns
            .iter()
            .map(|c| c.name.value.to_lowercase())
            .find(|n| !seen.insert(n.clone()))
    };
    if let Some(column) = duplicate(&create.params) {
        return Err(Error::user("DUPLICATE_ROUTINE_PARAMETER_NAMES")
            .param("routineName", name)
            .param("names", quoted_name([&column])));
    }
    if let Some(column) = create.returns_table.as_deref().and_then(duplicate) {
        return Err(Error::user("DUPLICATE_ROUTINE_RETURNS_COLUMNS")
            .param("routineName", name)
            .param("columns", quoted_name([&column])));
    }
    let gap = create
        .params
        .windows(2)
        .find(|w| w[0].default.is_some() && w[1].default.is_none());
    if let Some(gap) = gap {
        return Err(
            Error::user("USER_DEFINED_FUNCTIONS.NOT_A_VALID_DEFAULT_PARAMETER_POSITION")
                .param("functionName", name)
                .param("parameterName", gap[0].name.value.clone())
                .param("nextParameterName", gap[1].name.value.clone()),
        );
    }
    if create.returns_table.is_some() && create.query.is_none() {
        return Err(Error::user("USER_DEFINED_FUNCTIONS.SQL_TABLE_UDF_BODY_MUST_BE_A_QUERY").param("name", name));
    }
    Ok(())
}

/// Checks types, defaults and body of a definition.
pub(super) fn check(cx: &StatementCx<'_>, create: &CreateFunction, function: Arc<SqlFunction>) -> Result<()> {
    let name = function.name.last().cloned().unwrap_or_default();
    let columns = function.returns_table.iter().flatten().map(|(_, ty)| ty);
    let mut types = function
        .params
        .iter()
        .map(|(_, ty, _)| ty)
        .chain(columns)
        .chain(&function.returns);
    if types.any(SqlType::is_sized_text) {
        return Err(Error::user("UNSUPPORTED_CHAR_OR_VARCHAR_AS_STRING"));
    }
    for (parameter, ty, default) in &function.params {
        if let Some(default) = default {
            check_default(cx, &name, parameter, ty, default)?;
        }
    }
    let table = function.returns_table.is_some();
    let query = probe(create, &function.name, table);
    let watcher = Watcher {
        inner: SnapshotResolver { cx },
        defined: Defined::Function(Arc::clone(&function)),
        seen: Mutex::default(),
    };
    let complex = || {
        Error::user("USER_DEFINED_FUNCTIONS.CANNOT_CONTAIN_COMPLEX_FUNCTIONS")
            .param("queryText", create.body_text.clone())
    };
    let plan = cx
        .analyze_through(&watcher, |cx| rsql_analyzer::analyze_query(&query, cx))
        .map_err(|e| match e.condition() {
            "UNSUPPORTED_EXPR_FOR_OPERATOR" if create.body.is_some() => complex(),
            _ => e,
        })?;
    if create.body.is_some() && aggregates_itself(&plan) {
        return Err(complex());
    }
    let seen = watcher.seen.into_inner();
    if !create.temporary {
        check_permanent(&seen, "FUNCTION", &function.name[1..])?;
    }
    let reads = || {
        seen.reads_data
            || seen
                .functions
                .iter()
                .skip(1)
                .filter_map(|f| function::entry(cx, f))
                .any(|entry| function::says(&entry.statement, "READS SQL DATA"))
    };
    if has(&create.characteristics, "CONTAINS SQL") && reads() {
        return Err(Error::user("INVALID_SQL_FUNCTION_DATA_ACCESS"));
    }
    Ok(())
}

/// True if the characteristic stands in a definition.
pub(super) fn has(characteristics: &[String], wanted: &str) -> bool {
    characteristics.iter().any(|c| {
        c.split_whitespace()
            .map(str::to_uppercase)
            .eq(wanted.split(' ').map(str::to_string))
    })
}

fn check_default(cx: &StatementCx<'_>, function: &str, parameter: &str, ty: &SqlType, default: &Expr) -> Result<()> {
    if variable::holds_subquery(default) {
        return Err(Error::user("USER_DEFINED_FUNCTIONS.NOT_A_VALID_DEFAULT_EXPRESSION")
            .param("functionName", function)
            .param("parameterName", parameter));
    }
    let typed = cx.analyze(|cx| rsql_analyzer::analyze_expression(default, cx))?;
    let from = typed.ty();
    if !rsql_expr::cast::can_cast(&from, ty, cx.options.ansi) {
        return Err(Error::user("DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION")
            .param("sqlExpr", format!("\"{parameter}\""))
            .param("srcType", from.quoted())
            .param("targetType", ty.quoted())
            .at(default.span));
    }
    Ok(())
}

/// `SELECT f(CAST(NULL AS t), …)`, or the same in FROM for a table function.
fn probe(create: &CreateFunction, name: &[String], table: bool) -> Query {
    let args = create.params.iter().map(|p| {
        let null = Expr::literal(Literal::Null);
        FunctionArg::positional(match &p.ty {
            Some(ty) => Expr::of(ExprKind::Cast {
                kind: CastKind::Cast,
                expr: Box::new(null),
                ty: ty.clone(),
            }),
            None => null,
        })
    });
    let call = FunctionCall {
        name: ObjectName(name.iter().map(|n| Ident::new(n.as_str())).collect()),
        args: args.collect(),
        distinct: false,
        bare: false,
        within_group: Vec::new(),
        filter: None,
        ignore_nulls: None,
        over: None,
    };
    let mut select = Select::default();
    if table {
        select.items = vec![Expr::of(ExprKind::Star {
            qualifier: Vec::new(),
            except: Vec::new(),
        })];
        select.from = vec![Relation::Function {
            call: Box::new(call),
            lateral: false,
            alias: TableAlias::default(),
            span: Span::NONE,
        }];
    } else {
        select.items = vec![Expr::of(ExprKind::Function(Box::new(call)))];
    }
    Query::of(SetExpr::Select(Box::new(select)))
}

/// The body, outside of its subqueries, aggregates or makes windows.
fn aggregates_itself(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(_) | LogicalPlan::Window(_) => true,
        LogicalPlan::Projection(p) => aggregates_itself(&p.input),
        LogicalPlan::DependentJoin(j) => aggregates_itself(&j.left),
        _ => false,
    }
}
