//! The page decoder: flat columns of the encodings that matter, straight from the mapped file to vectors.
//!
//! ```text
//!   row range + selection ── page table ──> pages ── inflate ──> levels │ codes → Dictionary vector
//!                                                                       │ plain → values, views in place
//! ```
//!
//! Pages without a wanted row are skipped. If all pages of a range are dictionary-encoded the codes go out as they are,
//! unpacked into the narrowest width; otherwise everything becomes flat values. Nested columns and other encodings are
//! left to [`super::arrow_column`].

mod header;
mod hybrid;
mod pages;
#[cfg(target_arch = "x86_64")]
mod unpack_avx2;
mod values;
mod views;

use std::sync::Arc;

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::NullBuffer;
use parking_lot::Mutex;
use parquet::basic::{Compression, Encoding};
use rsql_common::Result;
use rsql_expr::{Codes, Dict, DictVector, SqlType, Vector};

use super::file::{File, StoredColumn};
use header::{PageHeader, encoding};
use hybrid::{Code, HybridDecoder};
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
            Values::Views(v) => v.plain(page.into_buffer(0)?, Wanted::Range(0, n), self.kind == Kind::Str)?,
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

    fn codes(
        &self,
        parts: &[Part],
        wanted: usize,
        selected: Option<&[u32]>,
        dict: &Arc<Dict>,
        scratch: &mut Scratch,
    ) -> Result<Vector> {
        let n = dict.values.len();
        let (codes, validity) = if n <= 1 << 8 {
            let (c, v) = self.unpack::<u8>(parts, wanted, selected, n, scratch)?;
            (Codes::from(c), v)
        } else {
            let (c, v) = self.unpack::<u16>(parts, wanted, selected, n, scratch)?;
            (Codes::from(c), v)
        };
        Ok(Vector::Dictionary(DictVector {
            codes,
            validity,
            dict: Arc::clone(dict),
        }))
    }

    fn unpack<T: Code + Into<u32> + Ord>(
        &self,
        parts: &[Part],
        wanted: usize,
        selected: Option<&[u32]>,
        dictionary: usize,
        scratch: &mut Scratch,
    ) -> Result<(Vec<T>, Option<NullBuffer>)> {
        let mut out = vec![T::default(); wanted];
        let mut done = 0;
        let mut buffer: Vec<T> = Vec::new();
        let mut validity = Validity::new(wanted);
        for part in parts {
            let page = self.fetch(part, &mut scratch.inflater)?;
            let (levels, values) = page.parts(self.max_def())?;
            let nulls = self.levels(levels, part, &mut scratch.levels)?;
            let picked = part.picked(selected);
            let rows = picked.map_or(part.to - part.from, <[u32]>::len);
            let target = &mut out[done..done + rows];
            let (bits, runs) = code_section(values)?;
            let mut decoder = HybridDecoder::new(runs, bits)?;
            match nulls {
                None => {
                    decoder.skip(part.from)?;
                    match picked {
                        None => decoder.read(target)?,
                        Some(picked) => {
                            buffer.resize(part.to - part.from, T::default());
                            decoder.read(&mut buffer)?;
                            let base = part.base;
                            for (o, r) in target.iter_mut().zip(picked) {
                                *o = buffer[(*r - base) as usize];
                            }
                        }
                    }
                    validity.valid(rows);
                }
                Some(before) => {
                    decoder.skip(before)?;
                    let valid = &scratch.levels[part.from..part.to];
                    let stored = valid.iter().map(|v| usize::from(*v)).sum();
                    buffer.resize(stored, T::default());
                    decoder.read(&mut buffer)?;
                    spread_codes(&buffer, valid, picked.map(|p| (p, part.base)), target);
                    validity.rows(valid, picked.map(|p| (p, part.base)));
                }
            }
            if target.iter().copied().max().unwrap_or_default().into() as usize >= dictionary.max(1) {
                return Err(damaged("a code lies outside the dictionary"));
            }
            done += rows;
            self.release(part, page, &mut scratch.inflater);
        }
        Ok((out, validity.finish()))
    }

    fn values(
        &self,
        table: &PageTable,
        parts: &[Part],
        wanted: usize,
        selected: Option<&[u32]>,
        scratch: &mut Scratch,
    ) -> Result<Vector> {
        let mut out = self.kind.values(wanted);
        let mut validity = Validity::new(wanted);
        for part in parts {
            let page = self.fetch(part, &mut scratch.inflater)?;
            let (levels, _) = page.parts(self.max_def())?;
            let nulls = self.levels(levels, part, &mut scratch.levels)?;
            let picked = part.picked(selected);
            let base = part.base;
            let before = out.len();
            match nulls {
                None => {
                    let wanted = match picked {
                        None => Wanted::Range(part.from, part.to),
                        Some(picked) => {
                            scratch.rows.clear();
                            scratch.rows.extend(picked.iter().map(|r| r - base + part.from as u32));
                            Wanted::Rows(&scratch.rows)
                        }
                    };
                    validity.valid(wanted.len());
                    self.decode(
                        table,
                        part,
                        page,
                        wanted,
                        &mut out,
                        &mut scratch.codes,
                        &mut scratch.inflater,
                    )?;
                }
                Some(stored_before) => {
                    let valid = &scratch.levels[part.from..part.to];
                    let mut kept: Vec<u8> = Vec::new();
                    scratch.rows.clear();
                    let mut stored = stored_before as u32;
                    match picked {
                        None => {
                            kept.extend_from_slice(valid);
                            let n = valid.iter().map(|v| u32::from(*v)).sum::<u32>();
                            scratch.rows.extend(stored..stored + n);
                        }
                        Some(picked) => {
                            let mut at = 0;
                            for r in picked {
                                let r = (*r - base) as usize;
                                stored += valid[at..r].iter().map(|v| u32::from(*v)).sum::<u32>();
                                at = r;
                                kept.push(valid[r]);
                                if valid[r] != 0 {
                                    scratch.rows.push(stored);
                                }
                            }
                        }
                    }
                    validity.rows(&kept, None);
                    let rows = Wanted::Rows(&scratch.rows);
                    self.decode(
                        table,
                        part,
                        page,
                        rows,
                        &mut out,
                        &mut scratch.codes,
                        &mut scratch.inflater,
                    )?;
                    out.spread(before, &kept);
                }
            }
        }
        let ty = self.column.ty.arrow();
        Ok(Vector::Flat(out.finish(validity.finish(), &ty)?))
    }

    /// Appends wanted stored values of a page.
    fn decode(
        &self,
        table: &PageTable,
        part: &Part,
        page: Page,
        wanted: Wanted<'_>,
        out: &mut Values,
        codes: &mut Vec<u32>,
        inflater: &mut Inflater,
    ) -> Result<()> {
        if page.header.is_dictionary_encoded() {
            let dictionary = self.dictionary(table, inflater)?;
            let (bits, runs) = code_section(page.parts(self.max_def())?.1)?;
            let mut decoder = HybridDecoder::new(runs, bits)?;
            let (from, to) = match wanted {
                Wanted::Range(from, to) => (from, to),
                Wanted::Rows(rows) => (rows.first().map_or(0, |r| *r as usize), wanted.end()),
            };
            decoder.skip(from)?;
            codes.resize(to - from, 0);
            decoder.read(codes)?;
            if let Wanted::Rows(rows) = wanted {
                for (i, r) in rows.iter().enumerate() {
                    codes[i] = codes[*r as usize - from];
                }
                codes.truncate(rows.len());
            }
            if codes
                .iter()
                .copied()
                .max()
                .is_some_and(|c| c as usize >= dictionary.values.len())
            {
                return Err(damaged("a code lies outside the dictionary"));
            }
            out.gather(&dictionary.values, codes);
            self.release(part, page, inflater);
            return Ok(());
        }
        match (page.header.encoding, &mut *out) {
            (encoding::PLAIN, Values::Views(views)) => {
                views.plain(page.into_buffer(self.max_def())?, wanted, self.kind == Kind::Str)
            }
            (encoding::PLAIN, out) => {
                out.plain(self.kind, page.parts(self.max_def())?.1, wanted)?;
                self.release(part, page, inflater);
                Ok(())
            }
            (encoding::RLE, Values::Bool(out)) => {
                let values = page.parts(self.max_def())?.1;
                let runs = values
                    .get(4..)
                    .ok_or_else(|| damaged("a page of booleans is cut short"))?;
                let mut all = vec![0u8; wanted.end()];
                HybridDecoder::new(runs, 1)?.read(&mut all)?;
                match wanted {
                    Wanted::Range(from, to) => out.extend(all[from..to].iter().map(|v| *v != 0)),
                    Wanted::Rows(rows) => out.extend(rows.iter().map(|r| all[*r as usize] != 0)),
                }
                Ok(())
            }
            (other, _) => Err(damaged(format!(
                "encoding {other} stands in a page but not in the footer"
            ))),
        }
    }

    /// Reads a page's definition levels up to the part's end into `out` (0 for NULL). None: no row is NULL up to there;
    /// otherwise how many values are stored before the part.
    fn levels(&self, levels: &[u8], part: &Part, out: &mut Vec<u8>) -> Result<Option<usize>> {
        if self.max_def() == 0 {
            return Ok(None);
        }
        let is_v1 = matches!(part.header.kind, header::PageKind::Data);
        if is_v1 && part.header.def_encoding != encoding::RLE {
            return Err(damaged("definition levels have an unknown encoding"));
        }
        let mut decoder = HybridDecoder::new(levels, 1)?;
        if decoder.repeats(part.to)? == Some(1) {
            return Ok(None);
        }
        out.clear();
        out.resize(part.to, 0);
        decoder.read(out)?;
        Ok(Some(out[..part.from].iter().map(|v| usize::from(*v)).sum()))
    }
}

impl Part {
    /// The selected rows that fall into the page.
    fn picked<'s>(&self, selected: Option<&'s [u32]>) -> Option<&'s [u32]> {
        selected.map(|s| &s[self.selected.0..self.selected.1])
    }
}

/// Bit width and runs of a section of codes.
fn code_section(values: &[u8]) -> Result<(usize, &[u8])> {
    match values.split_first() {
        Some((bits, runs)) => Ok((usize::from(*bits), runs)),
        // A page without values has no codes.
        None => Ok((0, &[])),
    }
}

fn spread_codes<T: Copy + Default>(stored: &[T], valid: &[u8], picked: Option<(&[u32], u32)>, out: &mut [T]) {
    match picked {
        None => {
            let mut next = 0;
            for (o, v) in out.iter_mut().zip(valid) {
                if *v != 0 {
                    *o = stored[next];
                    next += 1;
                }
            }
        }
        Some((rows, base)) => {
            let (mut at, mut next) = (0, 0);
            for (o, r) in out.iter_mut().zip(rows) {
                let r = (*r - base) as usize;
                next += valid[at..r].iter().map(|v| usize::from(*v)).sum::<usize>();
                at = r;
                if valid[r] != 0 {
                    *o = stored[next];
                }
            }
        }
    }
}

/// Validity of the rows put out; nothing is stored until a NULL comes.
struct Validity {
    bits: Option<BooleanBufferBuilder>,
    rows: usize,
    capacity: usize,
}

impl Validity {
    fn new(capacity: usize) -> Self {
        Self {
            bits: None,
            rows: 0,
            capacity,
        }
    }

    fn valid(&mut self, n: usize) {
        if let Some(bits) = &mut self.bits {
            bits.append_n(n, true);
        }
        self.rows += n;
    }

    /// Rows of a part, or the picked ones.
    fn rows(&mut self, valid: &[u8], picked: Option<(&[u32], u32)>) {
        let (rows, capacity) = (self.rows, self.capacity);
        let bits = self.bits.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(capacity);
            bits.append_n(rows, true);
            bits
        });
        match picked {
            None => valid.iter().for_each(|v| bits.append(*v != 0)),
            Some((picked, base)) => picked
                .iter()
                .for_each(|r| bits.append(valid[(*r - base) as usize] != 0)),
        }
        self.rows += picked.map_or(valid.len(), |(p, _)| p.len());
    }

    fn finish(self) -> Option<NullBuffer> {
        let nulls = NullBuffer::new(self.bits?.finish());
        (nulls.null_count() > 0).then_some(nulls)
    }
}
