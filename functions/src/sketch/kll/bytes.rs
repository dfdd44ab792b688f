//! Sketches that are added to: those of the crate, merged in Java's order.

use datasketches::kll::KllSketch;
use rsql_common::{Error, Result, quoted_name};

use super::item::Item;
use super::view::View;

/// `KLL_INVALID_INPUT_SKETCH_BUFFER`
pub(super) fn refused(function: &str) -> Error {
    Error::user("KLL_INVALID_INPUT_SKETCH_BUFFER").param("function", quoted_name([function]))
}

/// A sketch from its bytes; the crate checks them before it believes them.
pub(super) fn read<I: Item>(bytes: &[u8]) -> Result<KllSketch<I>> {
    KllSketch::deserialize(bytes).map_err(|e| Error::internal(format!("a KLL sketch: {e}")))
}

/// Adds the sketch in `bytes` to `sketch`.
pub(super) fn merge<I: Item>(sketch: &mut KllSketch<I>, bytes: &[u8]) -> Result<()> {
    // Both libraries keep the youngest value first in the bytes. Java merges them in that order, the crate from the
    // oldest on: turned around, its order is Java's.
    let view = View::<I>::read(bytes)?;
    let mut turned = bytes.to_vec();
    let unsorted = view.values_at..view.values_at + view.unsorted() * I::WIDTH;
    if let Some(values) = bytes.get(unsorted.clone())
        && let Some(place) = turned.get_mut(unsorted)
    {
        let backwards: Vec<u8> = values.rchunks(I::WIDTH).flatten().copied().collect();
        place.copy_from_slice(&backwards);
    }
    sketch
        .merge(&read(&turned)?)
        .map_err(|e| Error::internal(format!("a KLL sketch: {e}")))
}
