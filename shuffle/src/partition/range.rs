//! Range partitioning: samples of sort keys, the bounds computed from them, and the comparison that routes rows.
//!
//! Keys are encoded as byte strings whose order is the sort's order (NULLS FIRST and LAST, DESC, one zero, NaN largest),
//! so samples of different tasks compare with each other. A row goes to the first partition whose bound is not below its
//! key; equal keys stay together.

use arrow::array::{ArrayRef, AsArray, PrimitiveArray};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::row::{RowConverter, Rows as KeyRows, SortField};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rsql_common::Result;
use rsql_exec::TaskContext;
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::{Chunk, SortKey};
use serde::{Deserialize, Serialize};

/// Keys that one worker keeps of its rows.
const SAMPLE_KEYS: usize = 4096;

/// Bytes of a key that count for its partition. Samples travel with reports of tasks; what keys differ in behind these bytes
/// stays together, and is sorted where it arrives.
const KEY_PREFIX: usize = 256;

/// Encodes sort keys as comparable bytes.
pub(crate) struct KeyEncoder {
    programs: Vec<Program>,
    converter: RowConverter,
}

impl KeyEncoder {
    pub(crate) fn new(keys: &[SortKey], cx: &TaskContext) -> Result<Self> {
        let fields = keys.iter().map(|k| {
            let options = SortOptions {
                descending: k.descending,
                nulls_first: k.nulls_first,
            };
            SortField::new_with_options(k.expr.ty().arrow(), options)
        });
        Ok(Self {
            programs: cx.compile_all(keys.iter().map(|k| &k.expr))?,
            converter: RowConverter::new(fields.collect())?,
        })
    }

    /// The keys of the selected rows.
    pub(crate) fn encode(&mut self, chunk: &Chunk, eval: &EvalCx) -> Result<KeyRows> {
        let columns = self
            .programs
            .iter()
            .map(|p| Ok(normalize_floats(p.eval(chunk, eval)?.to_array()?)))
            .collect::<Result<Vec<_>>>()?;
        Ok(self.converter.convert_columns(&columns)?)
    }
}

fn normalize_floats(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Float32 => {
            let a: PrimitiveArray<Float32Type> = array
                .as_primitive::<Float32Type>()
                .unary(|v| if v.is_nan() { f32::NAN } else { v + 0.0 });
            std::sync::Arc::new(a)
        }
        DataType::Float64 => {
            let a: PrimitiveArray<Float64Type> = array
                .as_primitive::<Float64Type>()
                .unary(|v| if v.is_nan() { f64::NAN } else { v + 0.0 });
            std::sync::Arc::new(a)
        }
        _ => array,
    }
}

fn prefix(key: &[u8]) -> &[u8] {
    key.get(..KEY_PREFIX).unwrap_or(key)
}

/// A random sample of the keys of some rows, by worker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySample {
    strata: Vec<Stratum>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stratum {
    /// Rows that the keys stand for.
    rows: u64,
    keys: Vec<Vec<u8>>,
}

impl KeySample {
    /// Rows that were seen.
    pub fn rows(&self) -> u64 {
        self.strata.iter().map(|s| s.rows).sum()
    }

    /// Keys that were kept.
    pub fn keys(&self) -> usize {
        self.strata.iter().map(|s| s.keys.len()).sum()
    }

    /// Takes another sample's keys.
    pub fn merge(&mut self, other: KeySample) {
        self.strata.extend(other.strata);
    }
}

/// Draws a [`KeySample`] of the chunks it is shown.
pub struct KeySampler {
    encoder: KeyEncoder,
    eval: EvalCx,
    rng: SmallRng,
    rows: u64,
    keys: Vec<Vec<u8>>,
}

impl KeySampler {
    /// A sampler; the same seed and rows give the same sample.
    pub fn new(keys: &[SortKey], seed: u64, cx: &TaskContext) -> Result<Self> {
        Ok(Self {
            encoder: KeyEncoder::new(keys, cx)?,
            eval: cx.eval(),
            rng: SmallRng::seed_from_u64(seed),
            rows: 0,
            keys: Vec::new(),
        })
    }

    /// Sees the selected rows of a chunk.
    pub fn see(&mut self, chunk: &Chunk) -> Result<()> {
        // Which rows enter the sample is drawn first: only their keys are computed.
        let mut entering: Vec<(u32, usize)> = Vec::new();
        let mut full = self.keys.len();
        for row in 0..chunk.rows() as u32 {
            self.rows += 1;
            if full < SAMPLE_KEYS {
                entering.push((row, full));
                full += 1;
            } else {
                let place = self.rng.random_range(0..self.rows) as usize;
                if place < SAMPLE_KEYS {
                    entering.push((row, place));
                }
            }
        }
        if entering.is_empty() {
            return Ok(());
        }
        let mut drawn = chunk.clone();
        drawn.select(entering.iter().map(|(row, _)| *row).collect());
        let keys = self.encoder.encode(&drawn, &self.eval)?;
        self.keys.resize(full, Vec::new());
        for ((_, place), key) in entering.iter().zip(keys.iter()) {
            self.keys[*place] = prefix(key.as_ref()).to_vec();
        }
        Ok(())
    }

    /// The sample so far.
    pub fn finish(self) -> KeySample {
        let strata = if self.rows == 0 {
            Vec::new()
        } else {
            vec![Stratum {
                rows: self.rows,
                keys: self.keys,
            }]
        };
        KeySample { strata }
    }
}

/// Where ranges end: partition `i` holds keys up to and including bound `i`, the last one the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeBounds {
    bounds: Vec<Vec<u8>>,
}

impl RangeBounds {
    /// Bounds that cut what the samples stand for into `partitions` parts of about equal size. Fewer parts come out if
    /// there are fewer different keys.
    pub fn from_samples<'a>(samples: impl IntoIterator<Item = &'a KeySample>, partitions: usize) -> Self {
        let mut weighted: Vec<(&[u8], f64)> = Vec::new();
        for stratum in samples.into_iter().flat_map(|s| &s.strata) {
            let weight = stratum.rows as f64 / stratum.keys.len().max(1) as f64;
            weighted.extend(stratum.keys.iter().map(|k| (k.as_slice(), weight)));
        }
        weighted.sort_unstable_by(|a, b| a.0.cmp(b.0));
        let mut left: f64 = weighted.iter().map(|(_, w)| w).sum();
        let mut bounds: Vec<Vec<u8>> = Vec::new();
        // Weight of the part that is being filled, and its last key.
        let (mut part, mut last): (f64, &[u8]) = (0.0, &[]);
        for same in weighted.chunk_by(|a, b| a.0 == b.0) {
            let key = same[0].0;
            let weight: f64 = same.iter().map(|(_, w)| w).sum();
            // A heavy key may fill more than its part; what is left is divided among the partitions that are left.
            let target = left / partitions.saturating_sub(bounds.len()).max(1) as f64;
            let closer_without = part + weight - target > target - part;
            if part > 0.0 && closer_without && bounds.len() + 1 < partitions {
                bounds.push(last.to_vec());
                left -= part;
                part = 0.0;
            }
            part += weight;
            last = key;
        }
        Self { bounds }
    }

    /// Partitions that can receive rows.
    pub fn partitions(&self) -> usize {
        self.bounds.len() + 1
    }

    /// The partition of an encoded key.
    pub(crate) fn partition_of(&self, key: &[u8]) -> usize {
        let key = prefix(key);
        self.bounds.partition_point(|b| b.as_slice() < key)
    }
}
