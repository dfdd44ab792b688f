//! KLL sketches as bytes: what Java's order of merging needs, and the summary Java prints.

use datasketches::common::SearchCriteria;
use datasketches::kll::KllSketch;
use rsql_common::{Error, Result};

use super::item::Item;

const FULL_PREAMBLE: u8 = 5;
const EMPTY: u8 = 1;
const LEVEL_ZERO_SORTED: u8 = 2;
/// Bytes before the levels, and before the values of a small sketch.
const FULL_HEADER: usize = 20;
const SHORT_HEADER: usize = 8;

/// `KLL_INVALID_INPUT_SKETCH_BUFFER`
pub(super) fn refused(function: &str) -> Error {
    Error::user("KLL_INVALID_INPUT_SKETCH_BUFFER").param("function", format!("`{function}`"))
}

/// A sketch from its bytes; the crate checks them before it believes them.
pub(super) fn read<I: Item>(bytes: &[u8]) -> Result<KllSketch<I>> {
    KllSketch::deserialize(bytes).map_err(|e| Error::internal(format!("a KLL sketch: {e}")))
}

/// Adds the sketch in `bytes` to `sketch`.
pub(super) fn merge<I: Item>(sketch: &mut KllSketch<I>, bytes: &[u8]) -> Result<()> {
    // Both libraries keep the youngest value first in the bytes. Java merges them in that order, the crate from the
    // oldest on: turned around, its order is Java's.
    let other = match turned::<I>(bytes) {
        Some(turned) => read(&turned)?,
        None => read(bytes)?,
    };
    sketch
        .merge(&other)
        .map_err(|e| Error::internal(format!("a KLL sketch: {e}")))
}

/// Facts of a sketch's header.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Header {
    flags: u8,
    k: u16,
    m: u8,
    n: u64,
    min_k: u16,
    levels: u8,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let [preamble, _, _, flags, k0, k1, m, _, rest @ ..] = bytes else {
            return None;
        };
        let k = u16::from_le_bytes([*k0, *k1]);
        let mut header = Self {
            flags: *flags,
            k,
            m: *m,
            n: u64::from(flags & EMPTY == 0),
            min_k: k,
            levels: 1,
        };
        if *preamble == FULL_PREAMBLE {
            let (n, rest) = rest.split_first_chunk::<8>()?;
            header.n = u64::from_le_bytes(*n);
            header.min_k = u16::from_le_bytes([*rest.first()?, *rest.get(1)?]);
            header.levels = *rest.get(2)?;
        }
        Some(header)
    }

    /// Most values of a sketch with so many levels: a third less in each level below the top.
    fn capacity(&self) -> usize {
        (0..u32::from(self.levels))
            .map(|depth| self.level_capacity(depth))
            .sum()
    }

    fn level_capacity(&self, depth: u32) -> usize {
        let share = |k: u64, depth: u32| {
            let scaled = (u128::from(k) << (depth + 1)) / 3u128.pow(depth);
            (scaled as u64).div_ceil(2)
        };
        let k = u64::from(self.k);
        let wide = if depth <= 30 {
            share(k, depth)
        } else {
            share(share(k, depth / 2), depth - depth / 2)
        };
        wide.max(u64::from(self.m)) as usize
    }
}

/// The bytes with the values of the lowest level in opposite order; `None` if order means nothing there.
fn turned<I: Item>(bytes: &[u8]) -> Option<Vec<u8>> {
    let header = Header::read(bytes)?;
    if bytes.first() != Some(&FULL_PREAMBLE) || header.flags & LEVEL_ZERO_SORTED != 0 {
        return None;
    }
    let levels = usize::from(header.levels);
    let offset = |i: usize| -> Option<usize> {
        if i == levels {
            return Some(header.capacity());
        }
        let at = FULL_HEADER + 4 * i;
        let word = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(word) as usize)
    };
    let count = offset(1)?.checked_sub(offset(0)?)?;
    // After the offsets come the least and the greatest value.
    let start = FULL_HEADER + 4 * levels + 2 * I::WIDTH;
    let end = start.checked_add(count.checked_mul(I::WIDTH)?)?;
    let mut turned = bytes.to_vec();
    turned.get_mut(start..end)?.copy_from_slice(
        &bytes
            .get(start..end)?
            .rchunks(I::WIDTH)
            .flatten()
            .copied()
            .collect::<Vec<u8>>(),
    );
    Some(turned)
}

/// What Java prints of a sketch.
pub(super) fn summary<I: Item>(bytes: &[u8]) -> Result<String> {
    let sketch = read::<I>(bytes)?;
    let header = Header::read(bytes).ok_or_else(|| Error::internal("a KLL sketch without header"))?;
    let capacity = header.capacity();
    let edge = |item: Option<&I>| item.map_or_else(|| "NaN".to_string(), Item::text);
    let retained = sketch.num_retained();
    let levels = usize::from(header.levels);
    let updatable = FULL_HEADER + 4 * (levels + 1) + (2 + capacity) * I::WIDTH;
    let compact = match sketch.n() {
        0 => SHORT_HEADER,
        1 => SHORT_HEADER + I::WIDTH,
        _ => FULL_HEADER + 4 * levels + (2 + retained) * I::WIDTH,
    };
    let lines: [(&str, String); 17] = [
        ("K", sketch.k().to_string()),
        ("Dynamic min K", sketch.min_k().to_string()),
        ("M", header.m.to_string()),
        ("N", sketch.n().to_string()),
        ("Epsilon", format!("{:.3}%", 100.0 * sketch.normalized_rank_error())),
        ("Epsilon PMF", format!("{:.3}%", 100.0 * sketch.normalized_pmf_error())),
        ("Empty", sketch.is_empty().to_string()),
        ("Estimation Mode", sketch.is_estimation_mode().to_string()),
        ("Levels", levels.to_string()),
        ("Level 0 Sorted", (header.flags & LEVEL_ZERO_SORTED != 0).to_string()),
        ("Capacity Items", capacity.to_string()),
        ("Retained Items", retained.to_string()),
        ("Free Space", capacity.saturating_sub(retained).to_string()),
        ("ReadOnly", "false".to_string()),
        ("Updatable Storage Bytes", updatable.to_string()),
        ("Compact Storage Bytes ", compact.to_string()),
        ("Min Item", edge(sketch.min_item())),
    ];
    let mut out = format!("### Kll{} Summary:\n", I::SKETCH_NAME);
    for (name, value) in &lines {
        out.push_str(&format!("   {name:<23}: {value}\n"));
    }
    out.push_str(&format!("   {:<23}: {}\n", "Max Item", edge(sketch.max_item())));
    out.push_str("### End sketch summary\n");
    Ok(out)
}

/// The value at a rank between 0 and 1.
pub(super) fn quantile<I: Item>(sketch: &KllSketch<I>, rank: f64) -> Result<I> {
    // To Java, NaN is rank 0.
    let rank = if rank.is_nan() { 0.0 } else { rank };
    match sketch.quantile(rank, SearchCriteria::Inclusive) {
        Ok(Some(value)) => Ok(value),
        _ => Err(Error::internal("a KLL sketch without values")),
    }
}

/// The share of values up to `item`.
pub(super) fn rank<I: Item>(sketch: &KllSketch<I>, item: &I) -> Option<f64> {
    sketch.rank(item, SearchCriteria::Inclusive)
}
