//! What `spark-sql` prints: tab-separated cells in Hive's format, no header, NULL as `NULL`. It streams.

use std::io::Write;

use rsql_common::Result;
use rsql_expr::Chunk;

use super::ResultWriter;
use super::cells::Cells;
use super::separated::line;

pub(super) struct Spark;

impl ResultWriter for Spark {
    fn rows(&mut self, out: &mut dyn Write, cells: &Cells, chunk: &Chunk) -> Result<()> {
        cells.for_each(chunk, |row| line(out, "\t", row.iter().map(|c| c.unwrap_or("NULL"))))
    }
}

#[cfg(test)]
mod tests {
    use crate::args::Format;
    use crate::output::testing::printed;

    #[test]
    fn lines_have_no_header() {
        let sql = "SELECT id, if(id = 1, NULL, 'a\\tb') AS t FROM range(2)";
        assert_eq!(printed(sql, "1", Format::Spark), "0\ta\tb\n1\tNULL\n");
    }
}
