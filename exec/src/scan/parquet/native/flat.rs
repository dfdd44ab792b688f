//! Flat values of a row range, whatever its pages' encodings.

use rsql_common::Result;
use rsql_expr::Vector;

use super::codes::code_section;
use super::header::encoding;
use super::hybrid::HybridDecoder;
use super::pages::{Inflater, Page, PageTable, damaged};
use super::validity::Validity;
use super::values::{Values, Wanted};
use super::{ColumnChunk, Part, Scratch};

impl ColumnChunk<'_> {
    /// The values of a range, one a row.
    pub(super) fn values(
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
            out.gather(&dictionary.values, codes)?;
            self.release(part, page, inflater);
            return Ok(());
        }
        match (page.header.encoding, &mut *out) {
            (encoding::PLAIN, Values::Views(views)) => views.plain(page.into_buffer(self.max_def())?, wanted),
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
}
