//! Results as text, the way Spark's suites write them.

use rsql_common::Result;
use rsql_engine::StatementOutput;
use rsql_expr::EvalOptions;
use rsql_expr::format::{ColumnFormatter, Notation};

/// Each row's cells in a notation; NULL is `None`.
pub fn cells(output: &StatementOutput, notation: Notation, zone: &str) -> Result<Vec<Vec<Option<String>>>> {
    let options = EvalOptions {
        time_zone: zone.into(),
        ..EvalOptions::default()
    };
    let mut rows = Vec::new();
    for chunk in &output.chunks {
        let chunk = chunk.compact()?;
        let arrays = chunk.columns.iter().map(|c| c.to_array()).collect::<Result<Vec<_>>>()?;
        let columns = arrays
            .iter()
            .zip(output.schema.iter())
            .map(|(a, f)| ColumnFormatter::new(a, &f.ty, notation, &options))
            .collect::<Result<Vec<_>>>()?;
        let nulls: Vec<_> = arrays.iter().map(|a| a.logical_nulls()).collect();
        for row in 0..chunk.len {
            rows.push(
                columns
                    .iter()
                    .zip(&nulls)
                    .map(|(column, nulls)| {
                        nulls.as_ref().is_none_or(|n| n.is_valid(row)).then(|| {
                            let mut text = String::new();
                            column.push(row, &mut text);
                            text
                        })
                    })
                    .collect(),
            );
        }
    }
    Ok(rows)
}

/// Rows as `HiveResult` prints them: cells separated by tabs, NULL as `NULL`.
pub fn hive_rows(output: &StatementOutput, zone: &str) -> Result<Vec<String>> {
    let rows = cells(output, Notation::Hive, zone)?;
    match output.schema.simple_string().as_str() {
        // What describes columns is padded; lists of tables and views show the names alone.
        "struct<col_name:string,data_type:string,comment:string>" => {
            let padded = |c: Option<String>| format!("{:<20}", c.unwrap_or_default());
            return Ok(rows
                .into_iter()
                .map(|r| r.into_iter().map(padded).collect::<Vec<_>>().join("\t"))
                .collect());
        }
        "struct<namespace:string,tableName:string,isTemporary:boolean>"
        | "struct<namespace:string,viewName:string,isTemporary:boolean>" => {
            return Ok(rows
                .into_iter()
                .filter_map(|r| r.into_iter().nth(1).flatten())
                .collect());
        }
        _ => {}
    }
    Ok(rows
        .into_iter()
        .map(|r| {
            r.into_iter()
                .map(|c| c.unwrap_or_else(|| "NULL".into()))
                .collect::<Vec<_>>()
                .join("\t")
        })
        .collect())
}
