//! One JSON object a row. Numbers and booleans are bare, everything else is text; nested values are JSON.

use std::io::Write;

use rsql_common::Result;
use rsql_expr::{Chunk, Schema, SqlType};

use super::ResultWriter;
use super::cells::Cells;

/// Streams: a row knows its columns' names.
pub(super) struct Json {
    /// Each column's name, quoted, and whether its values stand bare.
    columns: Vec<(String, bool)>,
}

impl Json {
    pub(super) fn new(schema: &Schema) -> Self {
        Self {
            columns: schema.iter().map(|f| (quote(&f.name), is_bare(&f.ty))).collect(),
        }
    }
}

impl ResultWriter for Json {
    fn rows(&mut self, out: &mut dyn Write, cells: &Cells, chunk: &Chunk) -> Result<()> {
        cells.for_each(chunk, |row| {
            let mut before = "{";
            for ((name, bare), cell) in self.columns.iter().zip(row.iter()) {
                match cell {
                    None => write!(out, "{before}{name}:null")?,
                    Some(text) if *bare && is_json(text) => write!(out, "{before}{name}:{text}")?,
                    Some(text) => write!(out, "{before}{name}:{}", quote(text))?,
                }
                before = ",";
            }
            Ok(writeln!(out, "{}}}", if self.columns.is_empty() { "{" } else { "" })?)
        })
    }
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

#[cfg(test)]
mod tests {
    use crate::args::Format;
    use crate::output::testing::printed;

    #[test]
    fn rows_are_objects_however_they_come() {
        let sql = "SELECT id, if(id = 1, NULL, 'a\"b') AS t, double('NaN') AS x FROM range(3)";
        let line = |id, t| format!("{{\"id\":{id},\"t\":{t},\"x\":\"NaN\"}}\n");
        let want = [line(0, "\"a\\\"b\""), line(1, "null"), line(2, "\"a\\\"b\"")].concat();
        for chunk_rows in ["1", "2048"] {
            assert_eq!(printed(sql, chunk_rows, Format::Json), want);
        }
    }
}
