//! Publishes what the build side's keys tell about the probe side.

use super::build_sink::BuildPart;
use super::spec::JoinSpec;
use crate::hashing::{KeyColumn, KeyKind, KeyValues, hash_view, view_bytes};
use crate::runtime_filter::{FilterHub, RuntimeFilter, bloom};

/// Widest exact bitmap: 16 MiB.
const BITMAP_SPAN: u64 = 1 << 27;
/// Most keys that a bloom filter is made of.
const BLOOM_KEYS: usize = 1 << 24;

/// One filter for each published key that is an exact integer or a string of bytes.
pub(super) fn publish(spec: &JoinSpec, parts: &[BuildPart], hub: &FilterHub) {
    for (id, key) in &spec.publishes {
        // A NULL that equals NULL would have to pass, which filters cannot say.
        if spec.null_safe[*key] {
            continue;
        }
        let columns: Vec<&KeyColumn> = parts.iter().map(|p| &p.keys[*key]).collect();
        match KeyKind::of(&spec.key_types[*key]) {
            KeyKind::Int => hub.publish(*id, filter_of(&columns)),
            KeyKind::Bytes => {
                if let Some(filter) = bytes_filter_of(&columns) {
                    hub.publish(*id, filter);
                }
            }
            _ => {}
        }
    }
}

/// Bounds and hashes of strings; none if there are too many.
fn bytes_filter_of(columns: &[&KeyColumn]) -> Option<RuntimeFilter> {
    let keys: usize = columns.iter().map(|c| c.len()).sum();
    if keys > BLOOM_KEYS {
        return None;
    }
    let mut blocks = vec![0u64; (keys / 4).next_power_of_two().max(16)];
    let count = blocks.len();
    let mut bounds: Option<(&[u8], &[u8])> = None;
    for column in columns {
        let KeyValues::Bytes(values) = &column.values else {
            continue;
        };
        for (i, view) in values.views().iter().enumerate() {
            if column.nulls.as_ref().is_some_and(|n| n.is_null(i)) {
                continue;
            }
            let (block, mask) = bloom(hash_view(*view, values.buffers()) as i64, count);
            blocks[block] |= mask;
            let bytes = view_bytes(view, values.buffers());
            let (min, max) = bounds.unwrap_or((bytes, bytes));
            bounds = Some((min.min(bytes), max.max(bytes)));
        }
    }
    Some(match bounds {
        None => RuntimeFilter::Nothing,
        Some((min, max)) => RuntimeFilter::Bytes {
            min: min.into(),
            max: max.into(),
            blocks,
        },
    })
}

fn filter_of(columns: &[&KeyColumn]) -> RuntimeFilter {
    let range = columns
        .iter()
        .filter_map(|c| c.int_range())
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let Some((min, max)) = range else {
        return RuntimeFilter::Nothing;
    };
    let span = max.abs_diff(min).saturating_add(1);
    if span <= BITMAP_SPAN {
        let mut bits = vec![0u64; span.div_ceil(64) as usize];
        for_each_value(columns, |v| {
            let bit = v.wrapping_sub(min) as u64 as usize;
            bits[bit / 64] |= 1 << (bit % 64);
        });
        return RuntimeFilter::Bitmap { min, max, bits };
    }
    let keys: usize = columns.iter().map(|c| c.len()).sum();
    if keys > BLOOM_KEYS {
        return RuntimeFilter::Range { min, max };
    }
    let mut blocks = vec![0u64; (keys / 4).next_power_of_two().max(16)];
    let count = blocks.len();
    for_each_value(columns, |v| {
        let (block, mask) = bloom(v, count);
        blocks[block] |= mask;
    });
    RuntimeFilter::Bloom { min, max, blocks }
}

fn for_each_value(columns: &[&KeyColumn], mut f: impl FnMut(i64)) {
    for column in columns {
        let values = column.ints();
        match &column.nulls {
            None => values.iter().for_each(|v| f(*v)),
            Some(n) => n.valid_indices().for_each(|i| f(values[i])),
        }
    }
}

/// The filter of these strings.
#[cfg(test)]
pub(crate) fn bytes_filter(keys: &arrow::array::ArrayRef) -> RuntimeFilter {
    bytes_filter_of(&[&KeyColumn::from_array(keys).unwrap()]).unwrap()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use arrow::array::{ArrayRef, Int64Array};

    #[test]
    fn filters_pass_every_key_and_exact_ones_nothing_else() {
        for (values, exact) in [
            (vec![], true),
            (vec![Some(5), None, Some(-3)], true),
            (vec![Some(0), Some(1 << 40), Some(77)], false),
        ] {
            let array: ArrayRef = Arc::new(Int64Array::from(values.clone()));
            let column = KeyColumn::from_array(&array).unwrap();
            let filter = filter_of(&[&column]);
            assert!(values.iter().flatten().all(|v| filter.may_contain(*v)));
            assert!(!exact || !filter.may_contain(4));
        }
    }
}
