//! Result formats: one file each.

mod cells;
mod json;
mod separated;
mod spark;
pub(crate) mod stdout;
mod table;

use std::io::Write;

use rsql_common::Result;
use rsql_engine::{Session, StatementOutput};

use crate::args::Format;

/// Writes a statement's rows in a format. Commands without columns write nothing.
pub(crate) fn write(out: &mut dyn Write, output: &StatementOutput, format: Format, session: &Session) -> Result<()> {
    if output.schema.is_empty() && output.n_rows() == 0 {
        return Ok(());
    }
    let zone = session.settings().time_zone().to_string();
    match format {
        Format::Table => table::write(out, output, &zone),
        Format::Csv => separated::write_csv(out, output, &zone),
        Format::Tsv => separated::write_tsv(out, output, &zone),
        Format::Json => json::write(out, output, &zone),
        Format::Spark => spark::write(out, output, &zone),
    }
}
