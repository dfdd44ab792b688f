//! Runtime filters: what a finished join build tells the scans that feed its probe side.

use std::collections::HashMap;
use std::sync::Arc;

use std::cmp::Ordering;

use parking_lot::RwLock;
use rsql_catalog::parquet_stats::compare;
use rsql_common::FilterId;
use rsql_expr::Scalar;

/// A key column's values on the build side, in the cheapest form that is exact enough. Integer-like keys are widened to
/// `i64`; NULL never passes.
#[derive(Debug)]
pub enum RuntimeFilter {
    /// No row can match.
    Nothing,
    /// Exact set as a bitmap over `min..=max`: bit `v - min`.
    Bitmap {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
        /// Bits, 64 a word.
        bits: Vec<u64>,
    },
    /// Only the bounds are known.
    Range {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// Bounds and a blocked bloom filter over the values (see `bloom` for the hash).
    Bloom {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
        /// One 64-bit block a key, a power of two of them.
        blocks: Vec<u64>,
    },
    /// Strings of bytes: bounds and a blocked bloom filter over their hashes (see `hash_view`).
    Bytes {
        /// Smallest value.
        min: Box<[u8]>,
        /// Largest value.
        max: Box<[u8]>,
        /// As in `Bloom`.
        blocks: Vec<u64>,
    },
    /// What a top-k may still want: the value itself and what sorts before it. It is published again when it shrinks.
    AtMost(Threshold),
}

/// A value in a sort order.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// The value; NULL only if NULLs come first.
    pub value: Scalar,
    /// Large values come first.
    pub descending: bool,
    /// NULLs come first.
    pub nulls_first: bool,
}

impl Threshold {
    /// Whether a value that is not NULL may pass, by its order to the threshold's.
    pub fn passes(&self, order: Ordering) -> bool {
        match self.descending {
            false => order != Ordering::Greater,
            true => order != Ordering::Less,
        }
    }

    /// Whether some value within bounds (a value that is not there is not known) may pass; `nulls`: so may a NULL be.
    pub fn may_pass(&self, min: Option<&Scalar>, max: Option<&Scalar>, nulls: bool) -> bool {
        if nulls && self.nulls_first {
            return true;
        }
        let best = if self.descending { max } else { min };
        let order = best.and_then(|best| compare(best, &self.value));
        !self.value.is_null() && order.is_none_or(|o| self.passes(o))
    }
}

/// Filters published so far in a task.
#[derive(Debug, Default)]
pub struct FilterHub(RwLock<HashMap<FilterId, Arc<RuntimeFilter>>>);

impl FilterHub {
    /// Makes a filter known to scans.
    pub fn publish(&self, id: FilterId, filter: RuntimeFilter) {
        self.0.write().insert(id, Arc::new(filter));
    }

    /// The filter, once published.
    pub fn get(&self, id: FilterId) -> Option<Arc<RuntimeFilter>> {
        self.0.read().get(&id).cloned()
    }
}

impl RuntimeFilter {
    /// Whether any key of `low..=high` may have a partner.
    pub fn may_overlap(&self, low: i64, high: i64) -> bool {
        match self {
            Self::Nothing => false,
            Self::Range { min, max } | Self::Bloom { min, max, .. } => low <= *max && high >= *min,
            Self::Bytes { .. } | Self::AtMost(_) => true,
            Self::Bitmap { min, max, bits } => {
                if low > *max || high < *min {
                    return false;
                }
                let from = low.max(*min).wrapping_sub(*min) as u64 as usize;
                let to = high.min(*max).wrapping_sub(*min) as u64 as usize;
                let (first, last) = (from / 64, to / 64);
                (first..=last.min(bits.len().saturating_sub(1))).any(|w| {
                    let low_mask = if w == first { u64::MAX << (from % 64) } else { u64::MAX };
                    let high_mask = if w == last {
                        u64::MAX >> (63 - to % 64)
                    } else {
                        u64::MAX
                    };
                    bits[w] & low_mask & high_mask != 0
                })
            }
        }
    }

    /// Whether a key may have a partner on the build side.
    pub fn may_contain(&self, value: i64) -> bool {
        match self {
            Self::Nothing => false,
            Self::Range { min, max } => (*min..=*max).contains(&value),
            Self::Bitmap { min, max, bits } => {
                (*min..=*max).contains(&value) && {
                    let bit = value.wrapping_sub(*min) as u64 as usize;
                    bits[bit / 64] >> (bit % 64) & 1 == 1
                }
            }
            Self::Bloom { min, max, blocks } => {
                (*min..=*max).contains(&value) && {
                    let (block, mask) = bloom(value, blocks.len());
                    blocks[block] & mask == mask
                }
            }
            Self::Bytes { .. } | Self::AtMost(_) => true,
        }
    }
}

/// Block and bits of a value in a bloom filter of `blocks` (a power of two) 64-bit blocks.
pub fn bloom(value: i64, blocks: usize) -> (usize, u64) {
    let h = (value as u64 ^ (value as u64 >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let h = h ^ (h >> 29);
    let mask = 1u64 << (h & 63) | 1u64 << (h >> 6 & 63) | 1u64 << (h >> 12 & 63) | 1u64 << (h >> 18 & 63);
    ((h >> 32) as usize & (blocks - 1), mask)
}
