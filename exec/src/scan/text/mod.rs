//! Scans of text formats: lines, delimited records (CSV) and JSON objects.
//!
//! A morsel is a range of a file's bytes that begins and ends at line breaks; a file whose records may hold line breaks
//! (`multiLine`) is one morsel. Cells are read as text and cast to the column's type; what does not fit is NULL, an
//! error, or drops the record, by the `mode` option.

mod csv;
mod json;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, StringViewBuilder};
use bytes::Bytes;
use rsql_catalog::{FileFormat, FileSource, SourceColumn, SourceFile};
use rsql_common::metrics::Counter;
use rsql_common::{Error, Result};
use rsql_expr::eval::scalars_to_array;
use rsql_expr::{Chunk, EvalMode, EvalOptions, Origin, SqlType, Vector, cast};
use rsql_planner::physical::Scan;
use rsql_storage::mapping;

use super::buckets::Part;
use crate::pipeline::{LocalSource, Source, SourceStatus, TaskContext};

/// Bytes of a morsel.
const MORSEL_BYTES: usize = 1 << 20;

/// What happens to a record that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// NULL where a value does not fit.
    Permissive,
    DropMalformed,
    FailFast,
}

/// A scan of text files.
pub(super) struct TextSource {
    shared: Arc<Shared>,
}

struct Shared {
    format: Format,
    files: Vec<SourceFile>,
    contents: Vec<Bytes>,
    morsels: Vec<Morsel>,
    cursor: AtomicUsize,
    /// Read columns by position in the table; those from `n_data` on are partition columns.
    columns: Vec<usize>,
    table: Arc<[SourceColumn]>,
    n_data: usize,
    mode: Mode,
    eval: EvalOptions,
}

enum Format {
    Csv(csv::CsvFormat),
    Json(json::JsonFormat),
    Text { whole: bool },
}

struct Morsel {
    file: usize,
    start: usize,
    end: usize,
}

impl TextSource {
    pub fn new(node: &Scan, source: &FileSource, cx: &TaskContext) -> Result<Self> {
        let option = |key: &str| source.options.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        let mode = match option("mode").map(str::to_ascii_uppercase).as_deref() {
            None | Some("PERMISSIVE") => Mode::Permissive,
            Some("DROPMALFORMED") => Mode::DropMalformed,
            Some("FAILFAST") => Mode::FailFast,
            Some(_) => Mode::Permissive,
        };
        let whole = |key: &str| option(key).is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let n_data = node.source.columns.len() - source.n_partition_columns;
        let format = match source.format {
            FileFormat::Csv => Format::Csv(csv::CsvFormat::new(source, &node.source.columns[..n_data])),
            FileFormat::Json => Format::Json(json::JsonFormat::new(source)),
            FileFormat::Text => Format::Text {
                whole: whole("wholetext"),
            },
            FileFormat::Parquet => return Err(Error::internal("Parquet is no text")),
        };
        let part = Part::of(node, source, cx);
        let files = part.source.files.to_vec();
        let contents = files
            .iter()
            .map(|f| mapping::open(&f.key()))
            .collect::<Result<Vec<_>>>()?;
        let one_morsel = whole("multiline") || matches!(format, Format::Text { whole: true });
        let mut morsels = Vec::new();
        for (file, bytes) in contents.iter().enumerate() {
            let mut start = 0;
            while start < bytes.len() {
                let mut end = if one_morsel {
                    bytes.len()
                } else {
                    (start + MORSEL_BYTES).min(bytes.len())
                };
                end += memchr::memchr(b'\n', &bytes[end..]).map_or(bytes.len() - end, |n| n + 1);
                morsels.push(Morsel { file, start, end });
                start = end;
            }
        }
        keep_share(&mut morsels, &contents, &|total| part.share(total, cx));
        let eval = EvalOptions {
            time_zone: option("timezone").unwrap_or("UTC").into(),
            ..EvalOptions::default()
        };
        Ok(Self {
            shared: Arc::new(Shared {
                format,
                files,
                contents,
                morsels,
                cursor: AtomicUsize::new(0),
                columns: node.columns.clone(),
                table: Arc::clone(&node.source.columns),
                n_data,
                mode,
                eval,
            }),
        })
    }
}

/// Leaves the morsels that begin in the task's share of all bytes.
fn keep_share(morsels: &mut Vec<Morsel>, contents: &[Bytes], share: &dyn Fn(u64) -> Range<u64>) {
    let mut begins = Vec::with_capacity(contents.len());
    let mut total = 0;
    for bytes in contents {
        begins.push(total);
        total += bytes.len() as u64;
    }
    let share = share(total);
    morsels.retain(|m| share.contains(&(begins[m.file] + m.start as u64)));
}

impl Source for TextSource {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>> {
        Ok(Box::new(LocalText {
            shared: Arc::clone(&self.shared),
            chunk_rows: cx.chunk_rows,
            read: cx.totals.bytes_read.clone(),
            current: None,
        }))
    }

    fn parallelism(&self) -> usize {
        self.shared.morsels.len().max(1)
    }
}

struct LocalText {
    shared: Arc<Shared>,
    chunk_rows: usize,
    /// Bytes of morsels that were begun.
    read: Counter,
    /// Morsel, position in its file, chunks so far.
    current: Option<(usize, usize, u64)>,
}

/// Cells of some records, by data column; only read columns are filled.
struct Cells {
    /// By position among the read columns.
    columns: Vec<Cell>,
    rows: usize,
}

/// The cells of one column.
enum Cell {
    Text(Box<StringViewBuilder>),
    /// Partition columns.
    Constant,
}

impl Cells {
    fn new(shared: &Shared) -> Self {
        let cell = |c: &usize| {
            if *c < shared.n_data {
                Cell::Text(Box::default())
            } else {
                Cell::Constant
            }
        };
        Self {
            columns: shared.columns.iter().map(cell).collect(),
            rows: 0,
        }
    }

    fn push(&mut self, column: usize, value: Option<&str>) {
        if let Cell::Text(b) = &mut self.columns[column] {
            b.append_option(value);
        }
    }
}

impl LocalSource for LocalText {
    fn next(&mut self) -> Result<SourceStatus> {
        let shared = Arc::clone(&self.shared);
        let (index, mut at, chunk) = match self.current {
            Some(place) => place,
            None => {
                let index = shared.cursor.fetch_add(1, Ordering::Relaxed);
                let Some(morsel) = shared.morsels.get(index) else {
                    return Ok(SourceStatus::Finished);
                };
                self.read.add((morsel.end - morsel.start) as u64);
                (index, morsel.start, 0)
            }
        };
        let morsel = &shared.morsels[index];
        let file = &shared.files[morsel.file];
        let bytes = &shared.contents[morsel.file][..morsel.end];
        let mut cells = Cells::new(&shared);
        while at < bytes.len() && cells.rows < self.chunk_rows {
            at = match &shared.format {
                Format::Csv(format) => format.record(bytes, at, &shared, &mut cells),
                Format::Json(format) => format.records(bytes, at, &shared, &mut cells),
                Format::Text { whole } => Ok(text_line(bytes, at, *whole, &shared, &mut cells)),
            }
            .map_err(|e| e.in_file(&*file.path))?;
        }
        if cells.rows == 0 {
            self.current = None;
            return Ok(SourceStatus::MorselDone);
        }
        self.current = Some((index, at, chunk + 1));
        let chunk_number = (index as u64) << 20 | chunk;
        let chunk = shared.finish(cells, file).map_err(|e| e.in_file(&*file.path))?;
        Ok(SourceStatus::Chunk(chunk.with_sequence(chunk_number)))
    }
}

fn text_line(bytes: &[u8], at: usize, whole: bool, shared: &Shared, cells: &mut Cells) -> usize {
    let (end, next) = match memchr::memchr(b'\n', &bytes[at..]) {
        Some(n) if !whole => (at + n, at + n + 1),
        _ => (bytes.len(), bytes.len()),
    };
    let end = if !whole && end > at && bytes[end - 1] == b'\r' {
        end - 1
    } else {
        end
    };
    let line = String::from_utf8_lossy(&bytes[at..end]);
    for i in 0..shared.columns.len() {
        cells.push(i, Some(&line));
    }
    cells.rows += 1;
    next
}

impl Shared {
    /// Casts cells to their columns' types.
    fn finish(&self, cells: Cells, file: &SourceFile) -> Result<Chunk> {
        let rows = cells.rows;
        let mut malformed: Vec<bool> = vec![false; rows];
        let mut columns = Vec::with_capacity(cells.columns.len());
        for (position, cell) in cells.columns.into_iter().enumerate() {
            let index = self.columns[position];
            let column = &self.table[index];
            match cell {
                Cell::Constant => {
                    let value = &file.partition_values[index - self.n_data..=index - self.n_data];
                    columns.push(Vector::constant(scalars_to_array(value, &column.ty)?, rows));
                }
                Cell::Text(mut b) => {
                    let text: ArrayRef = Arc::new(b.finish());
                    let typed = self.typed(&text, &column.ty)?;
                    if text.logical_null_count() != typed.logical_null_count() {
                        for (row, bad) in malformed.iter_mut().enumerate() {
                            *bad |= text.is_valid(row) && typed.is_null(row);
                        }
                    }
                    columns.push(Vector::Flat(typed));
                }
            }
        }
        let mut chunk = Chunk::new(columns, rows);
        if self.mode != Mode::Permissive && malformed.contains(&true) {
            if self.mode == Mode::FailFast {
                return Err(
                    Error::user("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION").param("failFastMode", "FAILFAST")
                );
            }
            chunk.select((0..rows as u32).filter(|r| !malformed[*r as usize]).collect());
        }
        Ok(chunk)
    }

    fn typed(&self, text: &ArrayRef, ty: &SqlType) -> Result<ArrayRef> {
        if ty.is_string() {
            return Ok(Arc::clone(text));
        }
        if ty.is_nested() {
            return match self.format {
                Format::Json(_) => json::nested(text, ty),
                _ => Err(Error::unsupported(format!("a column of type {ty} in a text file"))),
            };
        }
        cast::cast_array(text, &SqlType::String, ty, EvalMode::Try, &self.eval, Origin::default())
    }
}

#[cfg(test)]
mod tests;
