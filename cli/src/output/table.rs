//! A table with lines, for people. Numbers stand to the right; long results show their first and last rows.

use std::io::Write;

use rsql_common::Result;
use rsql_engine::StatementOutput;

use super::cells;

/// Rows shown at most; of more, half from the start and half from the end.
const MAX_ROWS: usize = 200;
/// Characters of a cell shown at most.
const MAX_WIDTH: usize = 120;

/// Writes the table.
pub(super) fn write(out: &mut dyn Write, output: &StatementOutput, zone: &str) -> Result<()> {
    let header: Vec<String> = output.schema.iter().map(|f| f.name.to_string()).collect();
    let right: Vec<bool> = output.schema.iter().map(|f| f.ty.is_numeric()).collect();
    let total = output.n_rows();
    let (head, tail) = if total > MAX_ROWS {
        (MAX_ROWS / 2, total - MAX_ROWS / 2)
    } else {
        (total, total)
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut at = 0;
    cells::for_each(output, zone, |row| {
        if at < head || at >= tail {
            rows.push(row.iter().map(|c| shorten(c.as_deref().unwrap_or("NULL"))).collect());
        }
        at += 1;
        Ok(())
    })?;
    let mut widths: Vec<usize> = header.iter().map(|h| h.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let rule = |left: &str, middle: &str, end: &str| {
        let parts: Vec<String> = widths.iter().map(|w| "─".repeat(w + 2)).collect();
        format!("{left}{}{end}", parts.join(middle))
    };
    writeln!(out, "{}", rule("┌", "┬", "┐"))?;
    writeln!(out, "{}", line(&header, &widths, &vec![false; header.len()]))?;
    writeln!(out, "{}", rule("├", "┼", "┤"))?;
    for (i, row) in rows.iter().enumerate() {
        if i == head && tail > head {
            writeln!(out, "│ … {} more rows …", tail - head)?;
        }
        writeln!(out, "{}", line(row, &widths, &right))?;
    }
    writeln!(out, "{}", rule("└", "┴", "┘"))?;
    Ok(())
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
