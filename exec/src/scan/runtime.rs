//! Applies runtime filters to key columns: bounds, bitmaps and blooms over integers and strings, thresholds of a top-k;
//! once per code where a column has a dictionary.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;
use rsql_common::{DictId, FilterId, Result};
use rsql_expr::{Chunk, Scalar, Vector, with_codes};

use crate::hashing::{hash_view, view_bytes};

use crate::pipeline::{Flow, LocalOperator, Operator, Output, TaskContext};
use crate::runtime_filter::{RuntimeFilter, Threshold, bloom};

/// After so many rows a filter that drops little is given up.
const TRIAL_ROWS: usize = 200_000;
/// Part of the rows that a filter may let pass and still pay.
const MAX_PASS: f64 = 0.7;

/// A worker's use of one filter.
pub(crate) struct Applied {
    id: FilterId,
    /// Position of the key column.
    pub column: usize,
    filter: Option<Arc<RuntimeFilter>>,
    given_up: bool,
    seen: usize,
    passed: usize,
    /// Which codes of the last dictionary pass.
    codes: Option<(DictId, Arc<[bool]>)>,
}

impl Applied {
    pub fn new(id: FilterId, column: usize) -> Self {
        Self {
            id,
            column,
            filter: None,
            given_up: false,
            seen: 0,
            passed: 0,
            codes: None,
        }
    }

    /// The filter, if it is published and worth applying.
    pub fn active(&mut self, cx: &TaskContext) -> Option<Arc<RuntimeFilter>> {
        if self.given_up {
            return None;
        }
        // A threshold shrinks while the scan runs.
        if matches!(self.filter.as_deref(), None | Some(RuntimeFilter::AtMost(_))) {
            self.filter = cx.filters.get(self.id);
            self.codes = None;
        }
        self.filter.clone()
    }

    /// Part of the rows that passed so far; a guess for a filter not tried yet.
    pub fn pass_rate(&self) -> f64 {
        if self.seen == 0 {
            0.3
        } else {
            self.passed as f64 / self.seen as f64
        }
    }

    /// Rows of a dense column that may have a partner; none: all of them.
    pub fn positions(&mut self, filter: &RuntimeFilter, column: &Vector) -> Result<Option<Vec<u32>>> {
        let rows = column.len();
        let kept = match column {
            Vector::Dictionary(d) => {
                let lut = match &self.codes {
                    Some((id, lut)) if *id == d.dict.id => Arc::clone(lut),
                    _ => {
                        let mut lut = vec![false; d.dict.values.len()];
                        passing(filter, &d.dict.values, &mut |i| lut[i] = true);
                        let lut: Arc<[bool]> = lut.into();
                        self.codes = Some((d.dict.id, Arc::clone(&lut)));
                        lut
                    }
                };
                let null_passes = matches!(filter, RuntimeFilter::AtMost(t) if t.nulls_first);
                if (d.validity.is_none() || null_passes) && lut.iter().all(|b| *b) {
                    None
                } else {
                    let mut out = vec![0u32; rows];
                    let mut n = 0;
                    with_codes!(&d.codes, codes => {
                        let passes = |c: usize| lut.get(c).copied().unwrap_or(false);
                        match &d.validity {
                            Some(v) if null_passes => {
                                for (i, c) in codes.iter().enumerate() {
                                    out[n] = i as u32;
                                    n += usize::from(v.is_null(i) || passes(*c as usize));
                                }
                            }
                            _ => {
                                for (i, c) in codes.iter().enumerate() {
                                    out[n] = i as u32;
                                    n += usize::from(passes(*c as usize));
                                }
                            }
                        }
                    });
                    out.truncate(n);
                    if let Some(v) = d.validity.as_ref().filter(|_| !null_passes) {
                        out.retain(|i| v.is_valid(*i as usize));
                    }
                    Some(out)
                }
            }
            Vector::Constant { value, .. } => {
                let mut pass = false;
                passing(filter, value, &mut |_| pass = true);
                if pass { None } else { Some(Vec::new()) }
            }
            Vector::Flat(array) => Some(select(filter, array)),
        };
        self.seen += rows;
        self.passed += kept.as_ref().map_or(rows, Vec::len);
        let shrinks = matches!(filter, RuntimeFilter::AtMost(_));
        if self.seen >= TRIAL_ROWS && self.pass_rate() > MAX_PASS && !shrinks {
            self.given_up = true;
        }
        Ok(kept.filter(|k| k.len() < rows))
    }
}

/// Calls `each` with the rows that pass.
fn passing(filter: &RuntimeFilter, array: &ArrayRef, each: &mut dyn FnMut(usize)) {
    for i in select(filter, array) {
        each(i as usize);
    }
}

/// Whether the only value of an array may have a partner.
pub(crate) fn may_pass(filter: &RuntimeFilter, value: &ArrayRef) -> bool {
    !select(filter, value).is_empty()
}

fn select(filter: &RuntimeFilter, array: &ArrayRef) -> Vec<u32> {
    match filter {
        RuntimeFilter::AtMost(threshold) => return at_most(threshold, array),
        RuntimeFilter::Bytes { min, max, blocks } => return in_bytes(min, max, blocks, array),
        _ => {}
    }
    let mut out = match width(array.data_type()) {
        Some(1) => select_in(filter, array.to_data().buffer::<i8>(0), array.len()),
        Some(2) => select_in(filter, array.to_data().buffer::<i16>(0), array.len()),
        Some(4) => select_in(filter, array.to_data().buffer::<i32>(0), array.len()),
        Some(8) => select_in(filter, array.to_data().buffer::<i64>(0), array.len()),
        _ => (0..array.len() as u32).collect(),
    };
    if let Some(nulls) = array.nulls() {
        out.retain(|i| nulls.is_valid(*i as usize));
    }
    out
}

/// Bytes of integer-like types; none for others, which no filter is published for.
fn width(ty: &DataType) -> Option<usize> {
    match ty {
        DataType::Float16 | DataType::Float32 | DataType::Float64 | DataType::Decimal128(..) => None,
        t => t.primitive_width(),
    }
}

/// Views and what long ones point into, of string and binary arrays.
fn views(array: &ArrayRef) -> Option<(&[u128], &[Buffer])> {
    match array.data_type() {
        DataType::Utf8View => {
            let a = array.as_string_view();
            Some((a.views(), a.data_buffers()))
        }
        DataType::BinaryView => {
            let a = array.as_binary_view();
            Some((a.views(), a.data_buffers()))
        }
        _ => None,
    }
}

fn in_bytes(min: &[u8], max: &[u8], blocks: &[u64], array: &ArrayRef) -> Vec<u32> {
    let all = 0..array.len() as u32;
    let Some((views, buffers)) = views(array) else {
        return all.collect();
    };
    all.filter(|i| {
        let view = views[*i as usize];
        let (block, mask) = bloom(hash_view(view, buffers) as i64, blocks.len());
        array.is_valid(*i as usize) && blocks[block] & mask == mask && {
            let bytes = view_bytes(&view, buffers);
            min <= bytes && bytes <= max
        }
    })
    .collect()
}

/// Rows that a top-k may want: by the values' order, and NULLs if they come first.
fn at_most(threshold: &Threshold, array: &ArrayRef) -> Vec<u32> {
    let rows = 0..array.len() as u32;
    if threshold.value.is_null() {
        return rows.filter(|i| array.is_null(*i as usize)).collect();
    }
    let keep = |i: &u32, order: Ordering| match array.is_null(*i as usize) {
        true => threshold.nulls_first,
        false => threshold.passes(order),
    };
    macro_rules! ints {
        ($t:ty, $limit:expr) => {{
            let data = array.to_data();
            let values = &data.buffer::<$t>(0)[..array.len()];
            rows.filter(|i| keep(i, i64::from(values[*i as usize]).cmp(&$limit)))
                .collect()
        }};
    }
    match (width(array.data_type()), threshold.value.as_i64(), views(array)) {
        (Some(1), Some(limit), _) => ints!(i8, limit),
        (Some(2), Some(limit), _) => ints!(i16, limit),
        (Some(4), Some(limit), _) => ints!(i32, limit),
        (Some(8), Some(limit), _) => ints!(i64, limit),
        (_, _, Some((views, buffers))) => {
            let limit = match &threshold.value {
                Scalar::Str(s) => s.as_bytes(),
                Scalar::Bin(b) => b,
                _ => return rows.collect(),
            };
            rows.filter(|i| keep(i, view_bytes(&views[*i as usize], buffers).cmp(limit)))
                .collect()
        }
        _ => rows.collect(),
    }
}

fn select_in<T: Copy + Into<i64>>(filter: &RuntimeFilter, values: &[T], len: usize) -> Vec<u32> {
    let values = &values[..len];
    let mut out = vec![0u32; len];
    let mut n = 0;
    match filter {
        RuntimeFilter::Nothing => {}
        RuntimeFilter::Range { min, max } => {
            let span = max.wrapping_sub(*min) as u64;
            for (i, v) in values.iter().enumerate() {
                out[n] = i as u32;
                n += usize::from((*v).into().wrapping_sub(*min) as u64 <= span);
            }
        }
        RuntimeFilter::Bitmap { min, max, bits } => {
            let span = max.wrapping_sub(*min) as u64;
            for (i, v) in values.iter().enumerate() {
                let bit = (*v).into().wrapping_sub(*min) as u64;
                let inside = bit <= span;
                let bit = if inside { bit } else { 0 };
                let set = bits[(bit >> 6) as usize] >> (bit & 63) & 1 == 1;
                out[n] = i as u32;
                n += usize::from(inside & set);
            }
        }
        RuntimeFilter::Bloom { min, max, blocks } => {
            let span = max.wrapping_sub(*min) as u64;
            for (i, v) in values.iter().enumerate() {
                let v: i64 = (*v).into();
                let (block, mask) = bloom(v, blocks.len());
                let hit = blocks[block] & mask == mask && v.wrapping_sub(*min) as u64 <= span;
                out[n] = i as u32;
                n += usize::from(hit);
            }
        }
        // These have ways of their own.
        RuntimeFilter::Bytes { .. } | RuntimeFilter::AtMost(_) => return (0..len as u32).collect(),
    }
    out.truncate(n);
    out
}

/// Applies filters behind a source that does not do so itself.
pub(crate) struct RuntimeFilterOperator(Vec<(FilterId, usize)>);

impl RuntimeFilterOperator {
    pub fn new(consumes: &[(FilterId, usize)]) -> Self {
        Self(consumes.to_vec())
    }
}

struct LocalRuntimeFilter {
    filters: Vec<Applied>,
    cx: Arc<TaskContext>,
}

impl Operator for RuntimeFilterOperator {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalOperator>> {
        Ok(Box::new(LocalRuntimeFilter {
            filters: self.0.iter().map(|(id, column)| Applied::new(*id, *column)).collect(),
            cx: Arc::clone(cx),
        }))
    }
}

impl LocalOperator for LocalRuntimeFilter {
    fn push(&mut self, mut input: Chunk, out: &mut dyn Output) -> Result<Flow> {
        for applied in &mut self.filters {
            if let Some(filter) = applied.active(&self.cx) {
                let column = input.dense_column(applied.column)?;
                if let Some(positions) = applied.positions(&filter, &column)? {
                    input.select(positions);
                }
            }
        }
        out.push(input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, Int64Array};

    #[test]
    fn forms_agree() {
        let array: ArrayRef = Arc::new(Int64Array::from(vec![Some(5), None, Some(70), Some(-3), Some(64)]));
        let bitmap = RuntimeFilter::Bitmap {
            min: 5,
            max: 70,
            bits: vec![1 | 1 << 59, 1 << 1],
        };
        assert_eq!(select(&bitmap, &array), [0, 2, 4]);
        assert_eq!(select(&RuntimeFilter::Range { min: 6, max: 70 }, &array), [2, 4]);
        assert!(select(&RuntimeFilter::Nothing, &array).is_empty());
        let narrow: ArrayRef = Arc::new(Int32Array::from(vec![6, 70]));
        assert_eq!(select(&bitmap, &narrow), [1]);
    }
}
