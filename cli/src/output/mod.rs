//! Result formats: one file each.

mod cells;
mod json;
mod separated;
mod spark;
pub(crate) mod stdout;
mod table;

use std::io::Write;

use rsql_common::Result;
use rsql_engine::StatementOutput;

use crate::args::Format;
use crate::session::Session;

/// Writes a statement's rows in a format. Commands without columns write nothing.
pub(crate) fn write(out: &mut dyn Write, output: &StatementOutput, format: Format, session: &Session) -> Result<()> {
    if output.schema.is_empty() && output.n_rows() == 0 {
        return Ok(());
    }
    let zone = session.time_zone();
    match format {
        Format::Table => table::write(out, output, &zone),
        Format::Csv => separated::write_csv(out, output, &zone),
        Format::Tsv => separated::write_tsv(out, output, &zone),
        Format::Json => json::write(out, output, &zone),
        Format::Spark => spark::write(out, output, &zone),
    }
}
