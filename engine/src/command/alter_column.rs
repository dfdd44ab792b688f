//! ALTER TABLE … ALTER COLUMN: comments and defaults may change, types and places may not.

use rsql_ast::command::{AlterAction, AlterTable};
use rsql_catalog::session::TableEntry;
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::SqlType;
use rsql_expr::types::Length;

use super::{alter, column, insert, relation};
use crate::query::StatementCx;

/// `ALTER COLUMN | CHANGE COLUMN`
pub(super) fn run(cx: &StatementCx<'_>, alter: &AlterTable) -> Result<()> {
    let AlterAction::AlterColumn {
        column: path,
        rename,
        ty,
        comment,
        other,
    } = &alter.action
    else {
        return Err(Error::internal("not an ALTER COLUMN"));
    };
    let operation = if rename.is_some() || ty.is_some() || comment.is_some() || other.is_some() {
        "CHANGE COLUMN"
    } else {
        "ALTER COLUMN"
    };
    let table = alter::table_of(cx, alter, operation)?;
    let [name] = path.as_slice() else {
        return Err(Error::user("UNSUPPORTED_FEATURE.TABLE_OPERATION")
            .param("tableName", relation::table_name(&table))
            .param("operation", "ALTER COLUMN with qualified column"));
    };
    let Some(at) = table
        .columns
        .iter()
        .position(|c| c.name.eq_ignore_ascii_case(&name.value))
    else {
        return Err(insert::unresolved_column(&table, name));
    };
    let old = &table.columns[at];
    let new_name = rename.as_ref().map_or(old.name.as_ref(), |r| r.value.as_str());
    let new_type = match ty {
        Some(ty) => match column::stored_type(cx, &cx.analyze(|cx| rsql_analyzer::resolve_type(ty, cx))?) {
            // STRING alone leaves the collation as it is.
            SqlType::String if old.ty.length() == Some(Length::Any) => old.ty.clone(),
            ty => ty,
        },
        None => old.ty.clone(),
    };
    // A text may get another collation: its bytes stay.
    let recollated = new_type.is_string() && old.ty.is_string() && new_type.length() == old.ty.length();
    if new_type != old.ty && !recollated || !new_name.eq_ignore_ascii_case(&old.name) {
        return Err(Error::user("NOT_SUPPORTED_CHANGE_COLUMN")
            .param("table", relation::table_name(&table))
            .param("originName", quoted_name([&old.name]))
            .param("originType", old.ty.quoted())
            .param("newName", quoted_name([&new_name]))
            .param("newType", new_type.quoted()));
    }
    let of_buckets = table.buckets.iter().flat_map(|(columns, ..)| columns);
    if recollated && new_type != old.ty && of_buckets.into_iter().any(|name| old.name.eq_ignore_ascii_case(name)) {
        return Err(Error::user("CANNOT_ALTER_COLLATION_BUCKET_COLUMN")
            .param("tableName", relation::table_name(&table))
            .param("columnName", format!("`{}`", old.name)));
    }
    let mut changed = (*table).clone();
    if recollated {
        changed.columns[at].ty = new_type;
    }
    if let Some(comment) = comment {
        changed.column_comments[at] = Some(comment.clone());
    }
    if let Some(other) = other {
        set_default(cx, &mut changed, at, other)?;
    }
    alter::put_table(cx, changed);
    Ok(())
}

/// `SET DEFAULT expr`, `DROP DEFAULT`; the other forms are refused as Spark refuses them.
fn set_default(cx: &StatementCx<'_>, table: &mut TableEntry, at: usize, written: &str) -> Result<()> {
    let words: Vec<String> = written.split_whitespace().map(str::to_uppercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let refused = |operation: &str| {
        Error::user("UNSUPPORTED_FEATURE.TABLE_OPERATION")
            .param("tableName", relation::table_name(table))
            .param("operation", operation)
    };
    match words.as_slice() {
        ["DROP", "DEFAULT"] => table.column_defaults[at] = None,
        ["SET", "DEFAULT", ..] => {
            let text = written.trim_start()["SET".len()..].trim_start()["DEFAULT".len()..].trim();
            let options = rsql_sql::ParseOptions::from_settings(&cx.state.settings)?;
            let expr = rsql_sql::parse_expression(text, &options)?;
            let column = &table.columns[at];
            column::check_default(cx, &expr, text, &column.ty, &column.name, "ALTER TABLE ALTER COLUMN")?;
            table.column_defaults[at] = Some(text.to_string());
        }
        ["FIRST"] | ["AFTER", ..] => return Err(refused("ALTER COLUMN ... FIRST | AFTER")),
        ["SET", "NOT", "NULL"] => return Err(refused("ALTER COLUMN ... SET NOT NULL")),
        ["DROP", "NOT", "NULL"] => {}
        _ => return Err(Error::unsupported(format!("ALTER COLUMN … {written}"))),
    }
    Ok(())
}
