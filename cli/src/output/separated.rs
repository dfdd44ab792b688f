//! CSV and TSV, with a header. Both stream.

use std::borrow::Cow;
use std::io::Write;

use rsql_common::Result;
use rsql_expr::{Chunk, Schema};

use super::ResultWriter;
use super::cells::Cells;

/// RFC 4180; NULL is empty, an empty string is `""`.
pub(super) struct Csv;

impl ResultWriter for Csv {
    fn begin(&mut self, out: &mut dyn Write, schema: &Schema) -> Result<()> {
        line(out, ",", schema.iter().map(|f| quote(&f.name)))
    }

    fn rows(&mut self, out: &mut dyn Write, cells: &Cells, chunk: &Chunk) -> Result<()> {
        cells.for_each(chunk, |row| {
            line(out, ",", row.iter().map(|c| c.map_or(Cow::Borrowed(""), quote)))
        })
    }
}

/// Tabs between cells; tab, newline and backslash inside a cell are escaped with a backslash; NULL is `NULL`.
pub(super) struct Tsv;

impl ResultWriter for Tsv {
    fn begin(&mut self, out: &mut dyn Write, schema: &Schema) -> Result<()> {
        line(out, "\t", schema.iter().map(|f| escape(&f.name)))
    }

    fn rows(&mut self, out: &mut dyn Write, cells: &Cells, chunk: &Chunk) -> Result<()> {
        cells.for_each(chunk, |row| {
            line(out, "\t", row.iter().map(|c| c.map_or(Cow::Borrowed("NULL"), escape)))
        })
    }
}

/// One line of cells.
pub(super) fn line<'a>(
    out: &mut dyn Write,
    separator: &str,
    cells: impl Iterator<Item = impl Into<Cow<'a, str>>>,
) -> Result<()> {
    let mut before = "";
    for cell in cells {
        out.write_all(before.as_bytes())?;
        out.write_all(cell.into().as_bytes())?;
        before = separator;
    }
    Ok(out.write_all(b"\n")?)
}

fn quote(text: &str) -> Cow<'_, str> {
    if text.is_empty() || text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\"")).into()
    } else {
        text.into()
    }
}

fn escape(text: &str) -> Cow<'_, str> {
    if text.contains(['\t', '\n', '\r', '\\']) {
        text.replace('\\', "\\\\")
            .replace('\t', "\\t")
            .replace('\n', "\\n")
            .replace('\r', "\\r")
            .into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use crate::args::Format;
    use crate::output::testing::printed;

    #[test]
    fn rows_are_lines_however_they_come() {
        let sql = "SELECT id, CASE id WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'a,\\t\"b' END AS `x,y` FROM range(3)";
        for chunk_rows in ["1", "2048"] {
            let csv = printed(sql, chunk_rows, Format::Csv);
            assert_eq!(csv, "id,\"x,y\"\n0,\n1,\"\"\n2,\"a,\t\"\"b\"\n");
            let tsv = printed(sql, chunk_rows, Format::Tsv);
            assert_eq!(tsv, "id\tx,y\n0\tNULL\n1\t\n2\ta,\\t\"b\n");
        }
    }

    #[test]
    fn no_rows_have_a_header() {
        assert_eq!(printed("SELECT id FROM range(0)", "1", Format::Csv), "id\n");
    }
}
