//! One JSON object a row. Numbers and booleans are bare, everything else is text; nested values are JSON.

use std::io::Write;

use rsql_common::Result;
use rsql_engine::StatementOutput;
use rsql_expr::SqlType;

use super::cells;

/// Writes the rows.
pub(super) fn write(out: &mut dyn Write, output: &StatementOutput, zone: &str) -> Result<()> {
    let names: Vec<String> = output.schema.iter().map(|f| quote(&f.name)).collect();
    let bare: Vec<bool> = output.schema.iter().map(|f| is_bare(&f.ty)).collect();
    cells::for_each(output, zone, |row| {
        let members: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(i, cell)| {
                let value = match cell {
                    None => "null".to_string(),
                    Some(text) if bare[i] && is_json(text) => text.clone(),
                    Some(text) => quote(text),
                };
                format!("{}:{value}", names[i])
            })
            .collect();
        Ok(writeln!(out, "{{{}}}", members.join(","))?)
    })
}

fn is_bare(ty: &SqlType) -> bool {
    ty.is_numeric() || *ty == SqlType::Boolean || ty.is_nested()
}

/// NaN and infinities are text; maps with keys that are not text are no JSON.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
