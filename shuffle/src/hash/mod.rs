//! The partition hash: where a row goes, and which rows an output holds, decided by logical values.
//!
//! Equal values hash alike whatever vector holds them: decimals by their number at the column's scale, `-0.0` as `0.0`,
//! every NaN as one, strings by their bytes, NULL as a value of its own, maps whatever the order of their entries. The
//! function and its seeds are fixed by [`HASH_VERSION`] and are not those of the hash tables, which would otherwise see
//! only keys that collide. Dictionaries are hashed once an entry and looked up by code.

mod word;

use arrow::array::{Array, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use rsql_common::{DictId, Result};
use rsql_expr::{Vector, with_codes};

pub(crate) use word::hash_bytes;
use word::{NULL_WORD, canonical_f32, canonical_f64, mix, words};

/// Changes whenever a value would hash otherwise; executors of another version refuse each other's plans.
pub const HASH_VERSION: u16 = 1;

/// Seed of the hash that picks a partition.
pub const PARTITION_SEED: u64 = 0x9ae1_6a3b_2f90_404f;
/// Seed of the hash that identifies a row.
pub const ROW_SEED: u64 = 0xc2b2_ae3d_27d4_eb4f;

/// The rows of some vectors that count.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// The first so many.
    All(usize),
    /// These positions.
    Selected(&'a [u32]),
}

impl Rows<'_> {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Rows::All(n) => *n,
            Rows::Selected(r) => r.len(),
        }
    }

    /// True if none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Hashes rows; remembers the dictionary it saw last in each column.
#[derive(Debug)]
pub struct RowHasher {
    seed: u64,
    dictionaries: Vec<Option<(DictId, Vec<u64>)>>,
}

impl RowHasher {
    /// A hasher under a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            dictionaries: Vec::new(),
        }
    }

    /// One hash a row of `columns`, in the order of `rows`.
    pub fn hash<'v>(
        &mut self,
        columns: impl IntoIterator<Item = &'v Vector>,
        rows: Rows<'_>,
        out: &mut Vec<u64>,
    ) -> Result<()> {
        out.clear();
        out.resize(rows.len(), self.seed);
        for (i, column) in columns.into_iter().enumerate() {
            if i == self.dictionaries.len() {
                self.dictionaries.push(None);
            }
            match column {
                Vector::Flat(array) => flat(array.as_ref(), rows, out)?,
                Vector::Constant { value, .. } => {
                    let word = words(value.as_ref())?[0];
                    out.iter_mut().for_each(|h| *h = mix(*h, word));
                }
                Vector::Dictionary(d) => {
                    let known = &mut self.dictionaries[i];
                    if known.as_ref().is_none_or(|(id, _)| *id != d.dict.id) {
                        *known = Some((d.dict.id, words(d.dict.values.as_ref())?));
                    }
                    let of_code: &[u64] = known.as_ref().map_or(&[], |(_, w)| w);
                    // Codes of NULL rows are arbitrary, also where the dictionary is empty.
                    let word = |code: usize| of_code.get(code).copied().unwrap_or(NULL_WORD);
                    with_codes!(&d.codes, codes => combine(out, rows, d.validity.as_ref(), |r| word(codes[r] as usize)));
                }
            }
        }
        Ok(())
    }
}

/// The partition of a hash, by its high bits.
#[inline(always)]
pub fn partition_of(hash: u64, partitions: usize) -> usize {
    ((u128::from(hash) * partitions as u128) >> 64) as usize
}

/// Mixes one word a row into the rows' hashes.
#[inline(always)]
fn combine(out: &mut [u64], rows: Rows<'_>, nulls: Option<&NullBuffer>, word: impl Fn(usize) -> u64) {
    match (rows, nulls) {
        (Rows::All(_), None) => out.iter_mut().enumerate().for_each(|(r, h)| *h = mix(*h, word(r))),
        (Rows::Selected(s), None) => out.iter_mut().zip(s).for_each(|(h, r)| *h = mix(*h, word(*r as usize))),
        (Rows::All(_), Some(n)) => out.iter_mut().enumerate().for_each(|(r, h)| {
            *h = mix(*h, if n.is_valid(r) { word(r) } else { NULL_WORD });
        }),
        (Rows::Selected(s), Some(n)) => out.iter_mut().zip(s).for_each(|(h, r)| {
            let r = *r as usize;
            *h = mix(*h, if n.is_valid(r) { word(r) } else { NULL_WORD });
        }),
    }
}

/// The types that queries hash most go without a word array in between.
fn flat(array: &dyn Array, rows: Rows<'_>, out: &mut [u64]) -> Result<()> {
    let nulls = array.nulls();
    match array.data_type() {
        DataType::Int32 | DataType::Date32 => {
            let data = array.to_data();
            let v = data.buffer::<i32>(0);
            combine(out, rows, nulls, |r| i64::from(v[r]) as u64);
        }
        DataType::Int64 | DataType::Decimal64(..) | DataType::Timestamp(..) | DataType::Duration(_) => {
            let data = array.to_data();
            let v = data.buffer::<i64>(0);
            combine(out, rows, nulls, |r| v[r] as u64);
        }
        DataType::Float32 => {
            let v = array.as_primitive::<Float32Type>().values();
            combine(out, rows, nulls, |r| canonical_f32(v[r]));
        }
        DataType::Float64 => {
            let v = array.as_primitive::<Float64Type>().values();
            combine(out, rows, nulls, |r| canonical_f64(v[r]));
        }
        DataType::Utf8View => {
            let v = array.as_string_view();
            combine(out, rows, nulls, |r| hash_bytes(v.value(r).as_bytes()));
        }
        _ => {
            let words = words(array)?;
            combine(out, rows, None, |r| words[r]);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
