//! Result formats: one file each. Rows are printed as they come; what a format keeps is its own affair.
//!
//! CSV, TSV, JSON and Spark's format print each chunk and forget it. Only a table needs the widest cell of each column
//! before its first line: it keeps the rows it will show, which are few.

mod cells;
mod json;
mod separated;
mod spark;
pub(crate) mod stderr;
pub(crate) mod stdout;
mod table;

use std::io::{IsTerminal, Write};

use rsql_common::Result;
use rsql_expr::{Chunk, Schema};

use crate::args::Format;
use crate::interrupt;
use crate::session::Statement;
use cells::Cells;
use stdout::Stdout;

/// Writes the rows of one result.
trait ResultWriter {
    /// What comes before the rows.
    fn begin(&mut self, _out: &mut dyn Write, _schema: &Schema) -> Result<()> {
        Ok(())
    }

    /// The next rows.
    fn rows(&mut self, out: &mut dyn Write, cells: &Cells, chunk: &Chunk) -> Result<()>;

    /// What comes after them.
    fn end(&mut self, _out: &mut dyn Write) -> Result<()> {
        Ok(())
    }
}

/// Prints a statement's rows as they come, and gives their number. Commands without columns print nothing. What was
/// printed before an error stays.
pub(crate) fn print(statement: &mut Statement, format: Format) -> Result<usize> {
    let mut out = Stdout::lock();
    let printed = write(&mut out, statement, format);
    let flushed = out.flush();
    let rows = printed?;
    flushed?;
    Ok(rows)
}

fn write(out: &mut Stdout, statement: &mut Statement, format: Format) -> Result<usize> {
    // A header shows that there is a result: a statement that fails before its first row has none.
    let mut next = next_rows(statement)?;
    let schema = statement.schema().clone();
    if next.is_none() && schema.is_empty() {
        return Ok(0);
    }
    let cells = Cells::new(&schema, statement.time_zone());
    let mut writer = writer(format, &schema);
    if format != Format::Table && std::io::stdout().is_terminal() {
        statement.hide_progress();
    }
    writer.begin(out, &schema)?;
    let mut total = 0;
    while let Some(chunk) = next {
        total += chunk.rows();
        writer.rows(out, &cells, &chunk)?;
        out.flush()?;
        interrupt::refuse_if_pressed()?;
        next = next_rows(statement)?;
    }
    statement.hide_progress();
    writer.end(out)?;
    Ok(total)
}

fn writer(format: Format, schema: &Schema) -> Box<dyn ResultWriter> {
    match format {
        Format::Table => Box::new(table::Table::new(schema)),
        Format::Csv => Box::new(separated::Csv),
        Format::Tsv => Box::new(separated::Tsv),
        Format::Json => Box::new(json::Json::new(schema)),
        Format::Spark => Box::new(spark::Spark),
    }
}

fn next_rows(statement: &mut Statement) -> Result<Option<Chunk>> {
    loop {
        match statement.next_chunk()? {
            Some(chunk) if chunk.rows() == 0 => {}
            next => return Ok(next),
        }
    }
}

/// Rows for the formats' tests.
#[cfg(test)]
mod testing {
    use super::*;

    /// What a format prints of a query whose rows come in chunks of `chunk_rows`.
    pub(super) fn printed(sql: &str, chunk_rows: &str, format: Format) -> String {
        let builder = rsql_engine::Session::builder();
        let session = builder
            .set("rsql.exec.chunk_rows", chunk_rows)
            .unwrap()
            .build()
            .unwrap();
        let output = session.sql(sql).unwrap();
        let cells = Cells::new(&output.schema, "UTC");
        let mut writer = writer(format, &output.schema);
        let mut out = Vec::new();
        writer.begin(&mut out, &output.schema).unwrap();
        for chunk in &output.chunks {
            writer.rows(&mut out, &cells, chunk).unwrap();
        }
        writer.end(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }
}
