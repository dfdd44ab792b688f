//! The page decoder: flat columns of the encodings that matter, straight from the mapped file to vectors.
//!
//! ```text
//!   row range + selection ── page table ──> pages ── inflate ──> levels │ codes → Dictionary vector
//!                                                                       │ plain → values, views in place
//! ```
//!
//! Pages without a wanted row are skipped. If all pages of a range are dictionary-encoded the codes go out as they are,
//! unpacked into the narrowest width; otherwise everything becomes flat values. Nested columns and other encodings are
//! left to [`super::arrow_column`]. Reading order: [`header`], [`pages`], [`hybrid`] (runs and bit packing), [`codes`],
//! [`flat`].

mod codes;
mod flat;
mod header;
mod hybrid;
mod pages;
#[cfg(target_arch = "x86_64")]
mod unpack_avx2;
mod validity;
mod values;
mod views;

use std::sync::Arc;

use parking_lot::Mutex;
use parquet::basic::{Compression, Encoding};
use rsql_common::Result;
use rsql_expr::{Dict, SqlType, Vector};

use super::file::{File, StoredColumn};
use header::PageHeader;
use pages::{Inflater, Page, PageRef, PageTable, damaged, header_at};
pub(super) use values::Kind;
use values::{Values, Wanted};

/// Largest dictionary whose codes are put out.
const MAX_CODES: usize = 1 << 16;
/// Largest dictionary of numbers whose codes are put out unless a condition reads them.
const MAX_NUMBER_CODES: usize = 256;

/// A column chunk as the workers of a scan share it.
#[derive(Default)]
pub(super) struct ChunkState {
    pages: Mutex<Option<Arc<PageTable>>>,
    dictionary: Mutex<Option<Arc<Dictionary>>>,
    /// Inflated pages that reach beyond the morsel they were inflated for: the neighbour takes them.
    border: Mutex<Vec<(usize, Page)>>,
}

struct Dictionary {
    values: Values,
    /// None if it is too large for codes to be put out.
    dict: Option<Arc<Dict>>,
}

/// Most border pages kept for neighbours.
const MAX_BORDER: usize = 4;

/// What one worker reuses.
#[derive(Default)]
pub(super) struct Scratch {
    inflater: Inflater,
    codes: Vec<u32>,
    levels: Vec<u8>,
    rows: Vec<u32>,
}

impl Scratch {
    /// Counts bytes that something else read.
    pub fn count(&mut self, read: u64, decompressed: u64) {
        self.inflater.read += read;
        self.inflater.decompressed += decompressed;
    }

    /// Bytes of pages read since the last call, as stored and decompressed.
    pub fn take_bytes(&mut self) -> (u64, u64) {
        let inflater = &mut self.inflater;
        (
            std::mem::take(&mut inflater.read),
            std::mem::take(&mut inflater.decompressed),
        )
    }
}

/// A column chunk to read from.
pub(super) struct ColumnChunk<'a> {
    pub file: &'a File,
    pub row_group: usize,
    pub column: &'a StoredColumn,
    pub leaf: usize,
    pub kind: Kind,
    pub state: &'a ChunkState,
    /// Codes are wanted even if there are many.
    pub prefer_codes: bool,
}

/// A page and what is wanted of it.
struct Part {
    page: PageRef,
    header: PageHeader,
    /// Rows of the page.
    from: usize,
    to: usize,
    /// Its first row, counted as the selection counts.
    base: u32,
    /// Range of the selection that falls into it.
    selected: (usize, usize),
    /// The page reaches beyond the range that is read.
    border: bool,
}

/// How `column` is decoded here in a row group; none if it is not.
pub(super) fn kind_of(file: &File, row_group: usize, column: &StoredColumn) -> Option<Kind> {
    let chunk = file.footer.row_group(row_group).column(column.leaf?);
    let known = chunk.encodings().all(|e| {
        matches!(
            e,
            Encoding::PLAIN | Encoding::RLE | Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY
        )
    });
    let codec = !matches!(chunk.compression(), Compression::LZO);
    if known && codec {
        Kind::of(chunk.column_descr(), &column.file_type, &column.ty)
    } else {
        None
    }
}

impl ColumnChunk<'_> {
    /// Values of rows `start..start + rows` of the row group; of these only `selected`, if given.
    pub fn load(&self, start: usize, rows: usize, selected: Option<&[u32]>, scratch: &mut Scratch) -> Result<Vector> {
        let table = self.pages()?;
        let parts = self.parts(&table, start, rows, selected)?;
        let wanted = selected.map_or(rows, <[u32]>::len);
        if !parts.is_empty() && parts.iter().all(|p| p.header.is_dictionary_encoded()) {
            let dictionary = self.dictionary(&table, &mut scratch.inflater)?;
            // Functions of dates and strings are dear: once a code is cheaper than once a row.
            let dear = self.kind.is_bytes() || self.column.ty == SqlType::Date || self.prefer_codes;
            if let Some(dict) = &dictionary.dict
                && (dear || dictionary.values.len() <= MAX_NUMBER_CODES)
            {
                return self.codes(&parts, wanted, selected, dict, scratch);
            }
        }
        self.values(&table, &parts, wanted, selected, scratch)
    }

    /// A part's page, inflated; maybe by the worker of the neighbouring morsel.
    fn fetch(&self, part: &Part, inflater: &mut Inflater) -> Result<Page> {
        if part.border {
            let mut border = self.state.border.lock();
            if let Some(i) = border.iter().position(|(offset, _)| *offset == part.page.offset) {
                let mut page = border.swap_remove(i).1;
                page.shared = true;
                return Ok(page);
            }
        }
        inflater.page(&self.file.bytes, part.page.offset, self.codec())
    }

    fn release(&self, part: &Part, page: Page, inflater: &mut Inflater) {
        if !part.border || page.shared || self.codec() == Compression::UNCOMPRESSED {
            inflater.recycle(page);
            return;
        }
        let mut border = self.state.border.lock();
        if border.len() >= MAX_BORDER {
            inflater.recycle(border.remove(0).1);
        }
        border.push((part.page.offset, page));
    }

    fn codec(&self) -> Compression {
        self.file
            .footer
            .row_group(self.row_group)
            .column(self.leaf)
            .compression()
    }

    fn max_def(&self) -> i16 {
        let chunk = self.file.footer.row_group(self.row_group).column(self.leaf);
        chunk.column_descr().max_def_level()
    }

    fn pages(&self) -> Result<Arc<PageTable>> {
        let mut pages = self.state.pages.lock();
        if let Some(table) = &*pages {
            return Ok(Arc::clone(table));
        }
        let group = self.file.footer.row_group(self.row_group);
        let locations = self
            .file
            .footer
            .offset_index()
            .and_then(|i| i.get(self.row_group)?.get(self.leaf))
            .map(|i| i.page_locations().as_slice())
            .filter(|l| !l.is_empty());
        let rows = usize::try_from(group.num_rows()).unwrap_or(0);
        let table = Arc::new(PageTable::new(
            &self.file.bytes,
            group.column(self.leaf),
            locations,
            rows,
        )?);
        *pages = Some(Arc::clone(&table));
        Ok(table)
    }

    fn dictionary(&self, table: &PageTable, inflater: &mut Inflater) -> Result<Arc<Dictionary>> {
        let mut known = self.state.dictionary.lock();
        if let Some(d) = &*known {
            return Ok(Arc::clone(d));
        }
        let offset = table
            .dictionary
            .ok_or_else(|| damaged("a column has codes but no dictionary"))?;
        let page = inflater.page(&self.file.bytes, offset, self.codec())?;
        let n = page.header.values;
        // Every value takes a bit at least, so that a wild count cannot ask for wild memory.
        if n > page.parts(0)?.1.len() * 8 {
            return Err(damaged("a dictionary is shorter than its header says"));
        }
        let mut values = self.kind.values(n);
        match &mut values {
            Values::Views(v) => v.plain(page.into_buffer(0)?, Wanted::Range(0, n))?,
            other => {
                other.plain(self.kind, page.parts(0)?.1, Wanted::Range(0, n))?;
                inflater.recycle(page);
            }
        }
        // Entries differ as stored; what is rounded or compares equal with other bits may repeat.
        let distinct = !matches!(
            self.kind,
            Kind::F32 | Kind::F64 | Kind::F32ToF64 | Kind::Int96 | Kind::I64(_, 2..)
        );
        let codes_are_put_out = n <= MAX_CODES;
        let dict = match codes_are_put_out {
            true => Some(Dict::new(
                values.clone().finish(None, &self.column.ty.arrow())?,
                distinct,
            )),
            false => None,
        };
        let dictionary = Arc::new(Dictionary { values, dict });
        *known = Some(Arc::clone(&dictionary));
        Ok(dictionary)
    }

    /// The pages that hold wanted rows.
    fn parts(&self, table: &PageTable, start: usize, rows: usize, selected: Option<&[u32]>) -> Result<Vec<Part>> {
        let end = start + rows;
        let first = table.pages.partition_point(|p| p.first_row + p.rows <= start);
        let mut parts = Vec::new();
        for page in table.pages[first..].iter().take_while(|p| p.first_row < end) {
            let from = start.max(page.first_row);
            let to = end.min(page.first_row + page.rows);
            let selected = match selected {
                None => (0, 0),
                Some(s) => {
                    let low = s.partition_point(|r| (*r as usize) < from - start);
                    let high = s.partition_point(|r| (*r as usize) < to - start);
                    if low == high {
                        continue;
                    }
                    (low, high)
                }
            };
            if from == to {
                continue;
            }
            let header = header_at(&self.file.bytes, page.offset)?;
            if header.values != page.rows {
                return Err(damaged("a page has another number of rows than the index says"));
            }
            parts.push(Part {
                page: *page,
                header,
                from: from - page.first_row,
                to: to - page.first_row,
                base: (from - start) as u32,
                selected,
                border: page.first_row < start || page.first_row + page.rows > end,
            });
        }
        let covered: usize = parts.iter().map(|p| p.to - p.from).sum();
        if selected.is_none() && covered != rows {
            return Err(damaged("a column has fewer rows than its row group"));
        }
        Ok(parts)
    }
}

impl Part {
    /// The selected rows that fall into the page.
    fn picked<'s>(&self, selected: Option<&'s [u32]>) -> Option<&'s [u32]> {
        selected.map(|s| &s[self.selected.0..self.selected.1])
    }
}
