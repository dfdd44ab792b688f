//! Columns of a new table: types, comments, defaults, and the checks Spark makes of them.

use std::collections::HashSet;

use rsql_ast::data_type::ColumnDef;
use rsql_ast::{Expr, ExprKind};
use rsql_catalog::SourceColumn;
use rsql_catalog::session::TableEntry;
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::types::Length;
use rsql_expr::{Literal, Scalar, SqlType};

use super::{name, variable};
use crate::query::StatementCx;

/// Columns with what belongs to them, in parallel.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub columns: Vec<SourceColumn>,
    pub comments: Vec<Option<String>>,
    pub defaults: Vec<Option<String>>,
}

impl Columns {
    pub(super) fn push(&mut self, column: SourceColumn, comment: Option<String>, default: Option<String>) {
        self.columns.push(column);
        self.comments.push(comment);
        self.defaults.push(default);
    }

    /// Moves a column to the end; its position before.
    pub(super) fn move_to_end(&mut self, name: &str) -> Option<usize> {
        let at = self.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name))?;
        let column = self.columns.remove(at);
        self.columns.push(column);
        let comment = self.comments.remove(at);
        self.comments.push(comment);
        let default = self.defaults.remove(at);
        self.defaults.push(default);
        Some(at)
    }
}

/// The columns that definitions describe.
pub(super) fn define(cx: &StatementCx<'_>, defs: &[ColumnDef], table: &str, statement: &str) -> Result<Columns> {
    let mut out = Columns::default();
    for def in defs {
        if def.generated.is_some() {
            return Err(Error::user("UNSUPPORTED_FEATURE.TABLE_OPERATION")
                .param("tableName", table)
                .param("operation", "generated columns"));
        }
        let ty = match &def.ty {
            Some(ty) => cx.analyze(|cx| rsql_analyzer::resolve_type(ty, cx))?,
            None => SqlType::String,
        };
        let default = match &def.default {
            Some(expr) => {
                let text = expr.span.text(cx.text);
                check_default(cx, expr, text, &ty, &def.name.value, statement)?;
                Some(text.to_string())
            }
            None => None,
        };
        let column = SourceColumn {
            name: def.name.value.as_str().into(),
            ty,
            nullable: !def.not_null,
        };
        out.push(column, def.comment.clone(), default);
    }
    check_unique(out.columns.iter().map(|c| c.name.as_ref()))?;
    Ok(out)
}

/// The type that a table's new column gets for `ty`: VARCHAR for CHAR if the session asks for it.
pub(super) fn stored_type(cx: &StatementCx<'_>, ty: &SqlType) -> SqlType {
    if !cx.state.settings.bool("spark.sql.charAsVarchar") {
        return ty.clone();
    }
    ty.map_texts(&|text| match text {
        SqlType::Char(n) => SqlType::Varchar(*n),
        SqlType::Collated(collation, Length::Char(n)) => SqlType::Collated(*collation, Length::Varchar(*n)),
        other => other.clone(),
    })
}

/// No name may come twice.
pub(super) fn check_unique<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        let key = name.to_lowercase();
        if seen.contains(&key) {
            return Err(Error::user("COLUMN_ALREADY_EXISTS").param("columnName", quoted_name([&key])));
        }
        seen.insert(key);
    }
    Ok(())
}

/// A default is a constant without subqueries that may be stored in its column.
pub(super) fn check_default(
    cx: &StatementCx<'_>,
    expr: &Expr,
    text: &str,
    ty: &SqlType,
    column: &str,
    statement: &str,
) -> Result<()> {
    let invalid = |sub: &str| {
        Error::user(format!("INVALID_DEFAULT_VALUE.{sub}"))
            .param("statement", statement)
            .param("colName", quoted_name([&column]))
            .param("defaultValue", text)
    };
    if matches!(
        expr.kind,
        ExprKind::ScalarSubquery(_) | ExprKind::Exists(_) | ExprKind::InSubquery { .. }
    ) {
        return Err(invalid("SUBQUERY_EXPRESSION"));
    }
    let typed = cx
        .analyze(|cx| rsql_analyzer::analyze_expression(expr, cx))
        .map_err(|e| match e.condition() {
            c if c.starts_with("UNRESOLVED_COLUMN") => invalid("NOT_CONSTANT"),
            "UNRESOLVED_ROUTINE" => invalid("UNRESOLVED_EXPRESSION"),
            _ => e,
        })?;
    if !typed.is_deterministic() {
        return Err(invalid("NOT_CONSTANT"));
    }
    let from = typed.ty();
    let to = ty.without_length();
    if from != to && !rsql_expr::cast::can_store_assign(&from, &to) {
        return Err(invalid("DATA_TYPE")
            .param("expectedType", ty.quoted())
            .param("actualType", from.quoted()));
    }
    Ok(())
}

/// The value a column of `table` has where none is given: its default or NULL.
pub(super) fn default_value(cx: &StatementCx<'_>, table: &TableEntry, column: usize) -> Result<Literal> {
    let ty = &table.columns[column].ty;
    match default_expr(cx, table, column)? {
        None => Ok(Literal::null(ty.clone())),
        Some(expr) => fit(cx, name::constant(cx, &expr)?, ty),
    }
}

/// A column's DEFAULT expression.
pub(super) fn default_expr(cx: &StatementCx<'_>, table: &TableEntry, column: usize) -> Result<Option<Expr>> {
    let Some(text) = table.column_defaults.get(column).and_then(Option::as_deref) else {
        return Ok(None);
    };
    let options = rsql_sql::ParseOptions::from_settings(&cx.state.settings)?;
    rsql_sql::parse_expression(text, &options).map(Some)
}

/// A constant as a column's value: cast, CHAR padded, lengths checked.
pub(super) fn fit(cx: &StatementCx<'_>, value: Literal, ty: &SqlType) -> Result<Literal> {
    let (n, pad) = match ty.length() {
        Some(Length::Char(n)) => (n as usize, true),
        Some(Length::Varchar(n)) => (n as usize, false),
        _ => return variable::cast(cx, value, ty),
    };
    let value = variable::cast(cx, value, &SqlType::String)?;
    let Some(text) = value.value.as_str() else {
        return Ok(Literal::null(ty.clone()));
    };
    let length = text.chars().count();
    let mut fitted: String = text.to_string();
    if length > n {
        let kept: String = text.chars().take(n).collect();
        if text.chars().skip(n).any(|c| c != ' ') {
            return Err(Error::user("EXCEED_LIMIT_LENGTH").param("limit", n.to_string()));
        }
        fitted = kept;
    } else if pad {
        fitted.extend(std::iter::repeat_n(' ', n - length));
    }
    Ok(Literal::new(Scalar::Str(fitted.into()), ty.clone()))
}
