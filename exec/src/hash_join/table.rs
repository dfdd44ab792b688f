//! The table of a hash join: from a key to the build rows that have it, and those rows' columns.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, UInt32Array, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rsql_common::{Error, Result};
use rsql_expr::{DictVector, Vector};

use super::build_sink::{BuildFacts, BuildPart};
use super::spec::JoinSpec;
use crate::concat::concat;
use crate::hashing::{KeyColumn, KeyKind, KeyTable, NONE};
use crate::pipeline::TaskContext;

/// Widest bitmap of existing keys, in bits: this, or so many a row.
const EXISTENCE_SPAN: u64 = 1 << 24;
const EXISTENCE_BITS_A_ROW: u64 = 1 << 9;
/// From so many rows on a table is built by several threads.
const LARGE: usize = 1 << 17;

/// A finished build side.
pub(crate) struct JoinTable {
    lookup: Lookup,
    partners: Partners,
    pub(super) payload: Vec<Vector>,
    /// Rows of the payload.
    pub(super) rows: usize,
    /// One bit a row that found a partner; empty where nobody asks.
    matched: Vec<AtomicU64>,
    pub(super) facts: BuildFacts,
}

enum Lookup {
    /// Which keys exist: bit `key - min`.
    Exists {
        min: i64,
        bits: Vec<u64>,
    },
    Keys(KeyTable),
}

/// From a key's number to build rows.
enum Partners {
    /// Nobody asks.
    Unknown,
    /// Keys are unique and numbered like rows.
    Same,
    /// Keys are unique: the row of each.
    One(Vec<u32>),
    /// Rows of key `k`: `rows[offsets[k]..offsets[k + 1]]`.
    Many { offsets: Vec<u32>, rows: Vec<u32> },
}

impl JoinTable {
    /// Bytes that a table over this many rows may need beside its rows.
    pub(super) fn overhead(rows: usize) -> usize {
        rows * 24
    }

    /// Builds the table; its keys and its payload columns at the same time.
    pub(super) fn build(spec: &JoinSpec, parts: Vec<BuildPart>, facts: BuildFacts, cx: &TaskContext) -> Result<Self> {
        let rows: usize = parts.iter().map(|p| p.payload.len).sum();
        if u32::try_from(rows).is_err() {
            return Err(Error::exhausted(format!(
                "{rows} rows on the build side of a hash join"
            )));
        }
        let keys = || match existence_bitmap(spec, &parts, cx) {
            Some(lookup) => Ok((lookup, Partners::Unknown)),
            None => key_table(spec, &parts, rows, cx),
        };
        let payload = || match spec.existence_only() {
            true => Ok(Vec::new()),
            false => concat_payload(&parts, &spec.build_types, cx),
        };
        let (keys, payload) = match rows > LARGE {
            true => rayon::join(keys, payload),
            false => (keys(), payload()),
        };
        let ((lookup, partners), payload) = (keys?, payload?);
        let matched = match spec.tail() {
            Some(_) => (0..rows.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
            None => Vec::new(),
        };
        Ok(Self {
            lookup,
            partners,
            payload,
            rows,
            matched,
            facts,
        })
    }

    /// The number of each row's key, or [`NONE`]; rows that are not `matchable` have none.
    pub(super) fn find(&self, keys: &[KeyColumn], rows: usize, matchable: Option<&NullBuffer>, out: &mut Vec<u32>) {
        match &self.lookup {
            Lookup::Exists { min, bits } => {
                let min = *min;
                out.clear();
                out.extend(keys[0].ints().iter().map(|v| {
                    let bit = v.wrapping_sub(min) as u64 as usize;
                    let word = bits.get(bit / 64).copied().unwrap_or(0);
                    (word >> (bit % 64) & 1) as u32
                }));
                out.iter_mut().for_each(|o| *o = o.wrapping_sub(1));
            }
            Lookup::Keys(table) => table.find(keys, rows, out),
        }
        if let Some(n) = matchable {
            out.iter_mut()
                .zip(n.iter())
                .filter(|(_, ok)| !ok)
                .for_each(|(o, _)| *o = NONE);
        }
    }

    /// No key has two rows.
    pub(super) fn unique(&self) -> bool {
        !matches!(self.partners, Partners::Many { .. })
    }

    /// Turns key numbers into rows; for unique tables.
    pub(super) fn to_rows(&self, ids: &mut [u32]) {
        if let Partners::One(rows) = &self.partners {
            ids.iter_mut()
                .for_each(|id| *id = rows.get(*id as usize).copied().unwrap_or(NONE));
        }
    }

    /// The rows of a key; the slice is empty for [`NONE`].
    #[inline]
    pub(super) fn partners<'a>(&'a self, id: &'a u32) -> &'a [u32] {
        if *id == NONE {
            return &[];
        }
        match &self.partners {
            Partners::Unknown | Partners::Same => std::slice::from_ref(id),
            Partners::One(rows) => std::slice::from_ref(&rows[*id as usize]),
            Partners::Many { offsets, rows } => {
                &rows[offsets[*id as usize] as usize..offsets[*id as usize + 1] as usize]
            }
        }
    }

    /// Notes that rows found partners.
    pub(super) fn mark(&self, rows: impl Iterator<Item = u32>) {
        if self.matched.is_empty() {
            return;
        }
        for row in rows.filter(|r| *r != NONE) {
            let (word, bit) = (&self.matched[row as usize / 64], 1u64 << (row % 64));
            if word.load(Ordering::Relaxed) & bit == 0 {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    /// Whether a row has found a partner; only where that is tracked.
    #[inline]
    pub(super) fn is_marked(&self, row: u32) -> bool {
        self.matched[row as usize / 64].load(Ordering::Relaxed) >> (row % 64) & 1 == 1
    }

    /// Rows of `from..to` that found a partner, or those that did not.
    pub(super) fn marked(&self, from: usize, to: usize, matched: bool) -> Vec<u32> {
        (from..to.min(self.rows))
            .map(|r| r as u32)
            .filter(|r| self.is_marked(*r) == matched)
            .collect()
    }

    /// Payload column `column` at `rows`; [`NONE`] gives NULL.
    pub(super) fn gather(&self, rows: &RowIndex, types: &[DataType]) -> Result<Vec<Vector>> {
        if self.rows == 0 || rows.all_none {
            return types
                .iter()
                .map(|t| Ok(Vector::constant(new_null_array(t, 1), rows.index.len())))
                .collect();
        }
        self.payload.iter().map(|v| gather(v, &rows.index)).collect()
    }
}

/// Build rows to gather.
pub(super) struct RowIndex {
    index: UInt32Array,
    all_none: bool,
}

impl RowIndex {
    pub(super) fn array(&self) -> &UInt32Array {
        &self.index
    }

    /// `nullable`: some rows may be [`NONE`].
    pub(super) fn new(rows: &[u32], nullable: bool) -> Self {
        if !nullable {
            return Self {
                index: UInt32Array::from(rows.to_vec()),
                all_none: false,
            };
        }
        let valid: NullBuffer = rows.iter().map(|r| *r != NONE).collect();
        let all_none = valid.null_count() == rows.len();
        let values: Vec<u32> = rows.iter().map(|r| if *r == NONE { 0 } else { *r }).collect();
        let nulls = (valid.null_count() > 0).then_some(valid);
        Self {
            index: UInt32Array::new(values.into(), nulls),
            all_none,
        }
    }
}

/// Rows of a vector by index; a NULL index gives NULL. Codes stay codes.
pub(crate) fn gather(vector: &Vector, index: &UInt32Array) -> Result<Vector> {
    Ok(match vector {
        Vector::Flat(a) => Vector::Flat(arrow::compute::take(a, index, None)?),
        Vector::Dictionary(d) => {
            let own = d.validity.as_ref().map(|v| {
                index
                    .values()
                    .iter()
                    .map(|i| v.is_valid(*i as usize))
                    .collect::<NullBuffer>()
            });
            Vector::Dictionary(DictVector {
                codes: d.codes.take(index.values()),
                validity: NullBuffer::union(own.as_ref(), index.nulls()),
                dict: Arc::clone(&d.dict),
            })
        }
        Vector::Constant { value, .. } if index.null_count() == 0 => Vector::constant(Arc::clone(value), index.len()),
        Vector::Constant { value, .. } => {
            let zeros = UInt32Array::new(vec![0u32; index.len()].into(), index.nulls().cloned());
            Vector::Flat(arrow::compute::take(value, &zeros, None)?)
        }
    })
}

/// A bitmap of the keys, where nothing else is asked and their range allows it.
fn existence_bitmap(spec: &JoinSpec, parts: &[BuildPart], cx: &TaskContext) -> Option<Lookup> {
    if !spec.existence_only() || !spec.single_int_key() || spec.null_safe[0] || cx.hash_zero {
        return None;
    }
    let rows: usize = parts.iter().map(|p| p.payload.len).sum();
    let widest = EXISTENCE_SPAN.max(EXISTENCE_BITS_A_ROW * rows as u64);
    let (min, max) = key_range(parts, 0)?;
    let span = max.abs_diff(min).checked_add(1).filter(|s| *s <= widest)?;
    let mut bits = vec![0u64; span.div_ceil(64) as usize];
    for part in parts {
        let key = &part.keys[0];
        let mut set = |v: i64| {
            let bit = v.wrapping_sub(min) as u64 as usize;
            bits[bit / 64] |= 1 << (bit % 64);
        };
        match &part.matchable {
            None => key.ints().iter().for_each(|v| set(*v)),
            Some(rows) => rows.iter().for_each(|r| set(key.ints()[*r as usize])),
        }
    }
    Some(Lookup::Exists { min, bits })
}

fn key_range(parts: &[BuildPart], key: usize) -> Option<(i64, i64)> {
    parts
        .iter()
        .filter_map(|p| p.keys[key].int_range())
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// The key number of each build row, kept only from where it differs from the row's number.
#[derive(Default)]
struct RowKeys {
    same: usize,
    ids: Vec<u32>,
}

impl RowKeys {
    fn extend(&mut self, ids: &[u32]) {
        if self.ids.is_empty() {
            let same = ids
                .iter()
                .enumerate()
                .take_while(|(i, id)| **id as usize == self.same + i)
                .count();
            if same == ids.len() {
                self.same += same;
                return;
            }
            self.ids = (0..self.same as u32).collect();
        }
        self.ids.extend_from_slice(ids);
    }
}

fn key_table(spec: &JoinSpec, parts: &[BuildPart], rows: usize, cx: &TaskContext) -> Result<(Lookup, Partners)> {
    let mut table = KeyTable::new(&spec.key_types, false, cx.hash_zero);
    let ints = |k: usize| KeyKind::of(&spec.key_types[k]) == KeyKind::Int;
    let ranges: Vec<_> = (0..spec.key_types.len())
        .map(|k| if ints(k) { key_range(parts, k) } else { None })
        .collect();
    table.reserve(&ranges, rows);
    let mut keys_of = RowKeys::default();
    let mut scratch = Vec::new();
    let mut matchable_rows = 0;
    for part in parts {
        cx.cancel.check()?;
        let len = part.payload.len;
        match &part.matchable {
            None => {
                table.assign(&part.keys, len, &mut scratch);
                keys_of.extend(&scratch);
                matchable_rows += len;
            }
            Some(matchable) => {
                let keys: Vec<KeyColumn> = part.keys.iter().map(|k| k.take(matchable)).collect();
                table.assign(&keys, matchable.len(), &mut scratch);
                let mut ids = vec![NONE; len];
                for (row, id) in matchable.iter().zip(&scratch) {
                    ids[*row as usize] = *id;
                }
                keys_of.extend(&ids);
                matchable_rows += matchable.len();
            }
        }
    }
    let ids = keys_of.ids;
    let partners = if spec.existence_only() {
        Partners::Unknown
    } else if ids.is_empty() {
        Partners::Same
    } else if table.len() == matchable_rows {
        let mut by_id = vec![NONE; table.len()];
        for (row, id) in ids.iter().enumerate().filter(|(_, id)| **id != NONE) {
            by_id[*id as usize] = row as u32;
        }
        Partners::One(by_id)
    } else {
        many(&ids, table.len())
    };
    Ok((Lookup::Keys(table), partners))
}

/// Rows by key, each key's in order.
fn many(ids: &[u32], keys: usize) -> Partners {
    let mut offsets = vec![0u32; keys + 2];
    for id in ids.iter().filter(|id| **id != NONE) {
        offsets[*id as usize + 2] += 1;
    }
    for i in 2..offsets.len() {
        offsets[i] += offsets[i - 1];
    }
    // `offsets[k + 1]` runs from the start of key `k` to its end while rows are placed.
    let mut rows = vec![0u32; offsets[keys + 1] as usize];
    for (row, id) in ids.iter().enumerate().filter(|(_, id)| **id != NONE) {
        let place = &mut offsets[*id as usize + 1];
        rows[*place as usize] = row as u32;
        *place += 1;
    }
    offsets.pop();
    Partners::Many { offsets, rows }
}

fn concat_payload(parts: &[BuildPart], types: &[DataType], cx: &TaskContext) -> Result<Vec<Vector>> {
    let column = |(i, ty): (usize, &DataType)| {
        cx.cancel.check()?;
        let pieces: Vec<Vector> = parts.iter().map(|p| p.payload.columns[i].clone()).collect();
        concat(&pieces, ty)
    };
    match parts.iter().map(|p| p.payload.len).sum::<usize>() > LARGE {
        true => types.par_iter().enumerate().map(column).collect(),
        false => types.iter().enumerate().map(column).collect(),
    }
}
