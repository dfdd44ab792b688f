//! What `spark-sql` prints: tab-separated cells in Hive's format, no header, NULL as `NULL`.

use std::io::Write;

use rsql_common::Result;
use rsql_engine::StatementOutput;

use super::cells;

/// Writes the rows.
pub(super) fn write(out: &mut dyn Write, output: &StatementOutput, zone: &str) -> Result<()> {
    cells::for_each(output, zone, |row| {
        let line: Vec<&str> = row.iter().map(|c| c.as_deref().unwrap_or("NULL")).collect();
        Ok(writeln!(out, "{}", line.join("\t"))?)
    })
}
