//! A table with lines, for people. Numbers stand to the right; long results show their first and last rows.
//!
//! It does not stream: its widths come from all rows shown. Of longer results only those are kept, and the others counted.

use std::collections::VecDeque;
use std::io::Write;

use rsql_common::Result;
use rsql_expr::{Chunk, Schema};

use super::ResultWriter;
use super::cells::Cells;

/// Rows shown at most; of more, half from the start and half from the end.
const MAX_ROWS: usize = 200;
const HALF: usize = MAX_ROWS / 2;
/// Characters of a cell shown at most.
const MAX_WIDTH: usize = 120;

/// The rows to show, so far.
pub(super) struct Table {
    header: Vec<String>,
    /// Columns whose cells stand to the right.
    right: Vec<bool>,
    first: Vec<Vec<String>>,
    /// The last ones that are not among the first.
    last: VecDeque<Vec<String>>,
    total: usize,
}

impl Table {
    pub(super) fn new(schema: &Schema) -> Self {
        Self {
            header: schema.iter().map(|f| f.name.to_string()).collect(),
            right: schema.iter().map(|f| f.ty.is_numeric()).collect(),
            first: Vec::new(),
            last: VecDeque::new(),
            total: 0,
        }
    }

    fn keep(&mut self, row: Vec<String>) {
        if self.first.len() < HALF {
            self.first.push(row);
            return;
        }
        if self.last.len() == HALF {
            self.last.pop_front();
        }
        self.last.push_back(row);
    }
}

impl ResultWriter for Table {
    fn rows(&mut self, _: &mut dyn Write, cells: &Cells, chunk: &Chunk) -> Result<()> {
        let rows = chunk.rows();
        self.total += rows;
        let head = (HALF - self.first.len()).min(rows);
        let tail = (rows - head).min(HALF);
        // Rows between are neither the first ones nor the last ones, whatever follows: they need no text.
        let dense = chunk.compact()?;
        for part in [dense.slice(0, head), dense.slice(rows - tail, tail)] {
            cells.for_each(&part, |row| {
                self.keep(row.iter().map(|c| shorten(c.unwrap_or("NULL"))).collect());
                Ok(())
            })?;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<()> {
        let mut widths: Vec<usize> = self.header.iter().map(|h| h.chars().count()).collect();
        for row in self.first.iter().chain(&self.last) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let rule = |left: &str, middle: &str, end: &str| {
            let parts: Vec<String> = widths.iter().map(|w| "─".repeat(w + 2)).collect();
            format!("{left}{}{end}", parts.join(middle))
        };
        writeln!(out, "{}", rule("┌", "┬", "┐"))?;
        writeln!(out, "{}", line(&self.header, &widths, &vec![false; self.header.len()]))?;
        writeln!(out, "{}", rule("├", "┼", "┤"))?;
        for row in &self.first {
            writeln!(out, "{}", line(row, &widths, &self.right))?;
        }
        let left_out = self.total - self.first.len() - self.last.len();
        if left_out > 0 {
            writeln!(out, "│ … {left_out} more rows …")?;
        }
        for row in &self.last {
            writeln!(out, "{}", line(row, &widths, &self.right))?;
        }
        writeln!(out, "{}", rule("└", "┴", "┘"))?;
        Ok(())
    }
}

fn line(cells: &[String], widths: &[usize], right: &[bool]) -> String {
    let parts: Vec<String> = cells
        .iter()
        .zip(widths)
        .zip(right)
        .map(|((c, w), r)| {
            let pad = " ".repeat(w.saturating_sub(c.chars().count()));
            if *r {
                format!(" {pad}{c} ")
            } else {
                format!(" {c}{pad} ")
            }
        })
        .collect();
    format!("│{}│", parts.join("│"))
}

fn shorten(text: &str) -> String {
    let text = text.replace('\n', "\\n").replace('\t', "\\t");
    if text.chars().count() <= MAX_WIDTH {
        return text;
    }
    let mut short: String = text.chars().take(MAX_WIDTH - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use crate::args::Format;
    use crate::output::testing::printed;

    #[test]
    fn long_results_show_their_ends_however_they_come() {
        for chunk_rows in ["1", "3", "64", "2048"] {
            let text = printed("SELECT id FROM range(0, 1000, 1, 1)", chunk_rows, Format::Table);
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines.len(), 205, "{chunk_rows}");
            assert_eq!(lines[3..5], ["│   0 │", "│   1 │"]);
            assert_eq!(lines[102..105], ["│  99 │", "│ … 800 more rows …", "│ 900 │"]);
            assert_eq!(lines[203], "│ 999 │");
        }
    }

    #[test]
    fn results_that_fit_are_whole() {
        for (rows, lines) in [(0, 4), (1, 5), (100, 104), (101, 105), (200, 204)] {
            let text = printed(&format!("SELECT id FROM range(0, {rows}, 1, 1)"), "7", Format::Table);
            assert_eq!(text.lines().count(), lines);
            assert!(!text.contains("more rows"));
        }
    }
}
