//! CSV and TSV, with a header.

use std::io::Write;

use rsql_common::Result;
use rsql_engine::StatementOutput;

use super::cells;

/// RFC 4180; NULL is empty, an empty string is `""`.
pub(super) fn write_csv(out: &mut dyn Write, output: &StatementOutput, zone: &str) -> Result<()> {
    let header: Vec<String> = output.schema.iter().map(|f| quote(&f.name)).collect();
    writeln!(out, "{}", header.join(","))?;
    cells::for_each(output, zone, |row| {
        let line: Vec<String> = row
            .iter()
            .map(|c| c.as_deref().map_or_else(String::new, quote))
            .collect();
        Ok(writeln!(out, "{}", line.join(","))?)
    })
}

fn quote(text: &str) -> String {
    if text.is_empty() || text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}

/// Tabs between cells; tab, newline and backslash inside a cell are escaped with a backslash; NULL is `NULL`.
pub(super) fn write_tsv(out: &mut dyn Write, output: &StatementOutput, zone: &str) -> Result<()> {
    let header: Vec<String> = output.schema.iter().map(|f| escape(&f.name)).collect();
    writeln!(out, "{}", header.join("\t"))?;
    cells::for_each(output, zone, |row| {
        let line: Vec<String> = row
            .iter()
            .map(|c| c.as_deref().map_or_else(|| "NULL".into(), escape))
            .collect();
        Ok(writeln!(out, "{}", line.join("\t"))?)
    })
}

fn escape(text: &str) -> String {
    if text.contains(['\t', '\n', '\r', '\\']) {
        text.replace('\\', "\\\\")
            .replace('\t', "\\t")
            .replace('\n', "\\n")
            .replace('\r', "\\r")
    } else {
        text.to_string()
    }
}
