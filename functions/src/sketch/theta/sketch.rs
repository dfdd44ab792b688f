//! Theta sketches as bytes and in set operations: the `datasketches` crate with the checks that bytes from outside need,
//! and Java's table where sketches grow (the crate's has no place for sketches of 2^4 entries).

use datasketches::theta::{CompactThetaSketch, ThetaIntersection};
use rsql_common::{Error, Result};
use rsql_expr::Origin;

use crate::sketch::family;
use crate::sketch::tuple::compact::{Compact, Entry, Union};
use crate::sketch::tuple::summary::{KeyOnly, Mode, Summary};

/// `THETA_INVALID_INPUT_SKETCH_BUFFER`
pub(in crate::sketch) fn refused(function: &str, bytes: &[u8], origin: Origin) -> Error {
    family::refused("THETA_INVALID_INPUT_SKETCH_BUFFER", function, bytes, family::THETA).at(origin.0)
}

/// A sketch from its bytes, or Spark's error naming the function.
pub(in crate::sketch) fn read_for(bytes: &[u8], function: &str, origin: Origin) -> Result<CompactThetaSketch> {
    read(bytes).map_err(|_| refused(function, bytes, origin))
}

/// A sketch from its bytes.
pub(super) fn read(bytes: &[u8]) -> Result<CompactThetaSketch> {
    const BIG_ENDIAN: u8 = 1;
    if bytes.get(5).is_some_and(|flags| flags & BIG_ENDIAN != 0) {
        return Err(Error::internal("a theta sketch of another byte order"));
    }
    let sketch = CompactThetaSketch::deserialize(bytes).map_err(internal)?;
    // The packed form writes differences: what calls itself ordered must be.
    if sketch.is_ordered() && !sketch.iter().map(|e| e.hash()).is_sorted() {
        return Err(Error::internal("a theta sketch out of order"));
    }
    Ok(sketch)
}

/// What the crate could not do.
pub(super) fn internal(error: datasketches::error::Error) -> Error {
    Error::internal(format!("a theta sketch: {error}"))
}

/// A sketch of the entries that a table kept, ordered.
pub(super) fn from_table(kept: &Compact<KeyOnly>) -> Result<CompactThetaSketch> {
    const ORDERED: u8 = 16;
    const READ_ONLY_COMPACT: u8 = 2 | 8;
    let flags = READ_ONLY_COMPACT | ORDERED | if kept.empty { 4 } else { 0 };
    let mut hashes: Vec<u64> = kept.entries.iter().map(|e| e.hash).collect();
    hashes.sort_unstable();
    let mut bytes = vec![3, 3, 3, 0, 0, flags];
    bytes.extend(SEED_HASH.to_le_bytes());
    bytes.extend((hashes.len() as u64).to_le_bytes());
    bytes.extend(kept.theta.to_le_bytes());
    hashes.iter().for_each(|h| bytes.extend(h.to_le_bytes()));
    CompactThetaSketch::deserialize(&bytes).map_err(internal)
}

/// Of the seed 9001.
const SEED_HASH: u16 = 37836;

/// The bytes Spark writes: packed where that is smaller.
pub(super) fn write(sketch: &CompactThetaSketch) -> Vec<u8> {
    const UNPACKED: u8 = 3;
    const SINGLE_ITEM: u8 = 32;
    let mut bytes = sketch.serialize_compressed();
    // Java marks a lone key, the crate does not.
    if let [1, UNPACKED, _, _, _, flags, ..] = bytes.as_mut_slice()
        && !sketch.is_empty()
    {
        *flags |= SINGLE_ITEM;
    }
    bytes
}

/// An empty union of 2^lg entries.
pub(super) fn fresh_union(lg: u8) -> Union<KeyOnly> {
    Union::new(lg, Mode::Sum)
}

/// Adds a sketch to a union.
pub(super) fn add(union: &mut Union<KeyOnly>, sketch: &CompactThetaSketch) {
    let summary = Summary::new(Mode::Sum);
    let entries = sketch.iter().map(|e| Entry {
        hash: e.hash(),
        summary,
    });
    if !sketch.is_empty() {
        union.add_entries(entries, sketch.theta64());
    }
}

/// The ordered union of sketches.
pub(super) fn union(lg: u8, sketches: &[&CompactThetaSketch]) -> Result<CompactThetaSketch> {
    let mut union = fresh_union(lg);
    sketches.iter().for_each(|s| add(&mut union, s));
    from_table(&union.result())
}

/// The ordered intersection of two sketches.
pub(super) fn intersection(first: &CompactThetaSketch, second: &CompactThetaSketch) -> Result<CompactThetaSketch> {
    let mut both = ThetaIntersection::default();
    both.update(first).map_err(internal)?;
    both.update(second).map_err(internal)?;
    both.to_sketch(true)
        .ok_or_else(|| Error::internal("an intersection without result"))
}

/// Number of distinct values, computed in Java's order of operations.
pub(super) fn estimate(sketch: &CompactThetaSketch) -> f64 {
    let retained = sketch.num_retained() as f64;
    if sketch.is_estimation_mode() {
        retained * (i64::MAX as f64 / sketch.theta64() as f64)
    } else {
        retained
    }
}
