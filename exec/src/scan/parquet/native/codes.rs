//! Dictionary codes of a row range, in the narrowest width.

use std::sync::Arc;

use arrow::buffer::NullBuffer;
use rsql_common::Result;
use rsql_expr::{Codes, Dict, DictVector, Vector};

use super::hybrid::{Code, HybridDecoder};
use super::pages::damaged;
use super::validity::Validity;
use super::{ColumnChunk, Part, Scratch, header};

impl ColumnChunk<'_> {
    /// The codes of a range whose pages are all dictionary-encoded.
    pub(super) fn codes(
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

    /// Reads a page's definition levels up to the part's end into `out` (0 for NULL). None: no row is NULL up to there;
    /// otherwise how many values are stored before the part.
    pub(super) fn levels(&self, levels: &[u8], part: &Part, out: &mut Vec<u8>) -> Result<Option<usize>> {
        // A value is there if it and all structs around it are.
        let Ok(max @ 1..) = u8::try_from(self.max_def()) else {
            return Ok(None);
        };
        let is_v1 = matches!(part.header.kind, header::PageKind::Data);
        if is_v1 && part.header.def_encoding != header::encoding::RLE {
            return Err(damaged("definition levels have an unknown encoding"));
        }
        let mut decoder = HybridDecoder::new(levels, (u8::BITS - max.leading_zeros()) as usize)?;
        if decoder.repeats(part.to)? == Some(u32::from(max)) {
            return Ok(None);
        }
        out.clear();
        out.resize(part.to, 0);
        decoder.read(out)?;
        if max > 1 {
            out.iter_mut().for_each(|level| *level = u8::from(*level == max));
        }
        Ok(Some(out[..part.from].iter().map(|v| usize::from(*v)).sum()))
    }
}

/// Bit width and runs of a section of codes.
pub(super) fn code_section(values: &[u8]) -> Result<(usize, &[u8])> {
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
