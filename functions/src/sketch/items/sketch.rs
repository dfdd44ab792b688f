//! The sketch of frequent items with Spark's count of NULLs beside it, and its bytes.

use super::item::{Item, Kind};
use super::map::{Counters, LG_MAX_SLOTS, LG_MIN_SLOTS, capacity};

const SERIAL_VERSION: u8 = 1;
const FAMILY: u8 = 10;
const EMPTY: u8 = 5;
/// 64-bit words before the counts.
const PREAMBLE: u8 = 4;

/// Counts of items; when there are too many items, counts are lower than they should be by at most `offset`.
#[derive(Debug, Clone)]
pub(super) struct FrequentItems {
    kind: Kind,
    /// log2 of the largest table, as asked for.
    lg_max: u8,
    counters: Counters,
    /// All that was counted.
    weight: i64,
    offset: i64,
    nulls: i64,
}

/// log2 of the table that tracks so many items.
pub(super) fn lg_for(max_items: i64) -> u8 {
    let slots = (max_items as f64 / 0.75).ceil();
    (slots.ln() / 2f64.ln()).ceil() as u8
}

impl FrequentItems {
    pub(super) fn new(kind: Kind, lg_max: u8) -> Self {
        Self {
            kind,
            lg_max,
            counters: Counters::new(kind, LG_MIN_SLOTS),
            weight: 0,
            offset: 0,
            nulls: 0,
        }
    }

    fn lg_max(&self) -> u8 {
        self.lg_max.max(LG_MIN_SLOTS)
    }

    pub(super) fn add_null(&mut self) {
        self.nulls = self.nulls.saturating_add(1);
    }

    /// Counts an item `count` times.
    pub(super) fn add(&mut self, item: Item, count: i64) {
        self.weight = self.weight.wrapping_add(count);
        self.counters.add(item, count);
        if self.counters.len() <= capacity(self.counters.slots()) {
            return;
        }
        if self.counters.slots() < 1 << self.lg_max() {
            self.counters.grow();
        } else {
            let lowered = self.counters.purge(capacity(1 << self.lg_max));
            self.offset = self.offset.saturating_add(lowered);
        }
    }

    /// Adds what another sketch counted.
    pub(super) fn merge(&mut self, other: &Self) {
        self.nulls = self.nulls.saturating_add(other.nulls);
        if other.counters.len() == 0 {
            return;
        }
        let weight = self.weight.wrapping_add(other.weight);
        for (item, count) in other.counters.by_stride() {
            self.add(item.clone(), count);
        }
        self.offset = self.offset.saturating_add(other.offset);
        self.weight = weight;
    }

    /// The `k` most frequent items, NULL among them, that are surely as frequent as the error.
    pub(super) fn top(&self, k: usize) -> Vec<(Option<&Item>, i64)> {
        let mut rows: Vec<(Option<&Item>, i64)> = self
            .counters
            .by_stride()
            .into_iter()
            .filter(|(_, count)| *count >= self.offset)
            .map(|(item, count)| (Some(item), count.saturating_add(self.offset)))
            .collect();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        if self.nulls > 0 {
            let at = rows.partition_point(|(_, count)| *count >= self.nulls);
            rows.insert(at, (None, self.nulls));
        }
        rows.truncate(k);
        rows
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let entries = self.counters.by_slot();
        let lg = self.counters.slots().trailing_zeros() as u8;
        let mut out;
        if entries.is_empty() {
            out = vec![1, SERIAL_VERSION, FAMILY, self.lg_max(), lg, EMPTY, 0, 0];
        } else {
            out = vec![PREAMBLE, SERIAL_VERSION, FAMILY, self.lg_max(), lg, 0, 0, 0];
            out.extend((entries.len() as u64).to_le_bytes());
            out.extend(self.weight.to_le_bytes());
            out.extend(self.offset.to_le_bytes());
            entries.iter().for_each(|(_, count)| out.extend(count.to_le_bytes()));
            self.kind.write(entries.iter().map(|(item, _)| *item), &mut out);
        }
        out.extend(self.nulls.to_be_bytes());
        out
    }

    /// Reads what [`Self::write`] wrote; `None` for anything else.
    pub(super) fn read(kind: Kind, bytes: &[u8]) -> Option<Self> {
        let (bytes, nulls) = bytes.split_last_chunk::<8>()?;
        let (head, rest) = bytes.split_first_chunk::<8>()?;
        let [preamble, version, family, lg_max, lg, flags, _, _] = *head;
        let empty = flags & EMPTY != 0;
        if version != SERIAL_VERSION || family != FAMILY || empty != (preamble == 1) || lg_max > LG_MAX_SLOTS {
            return None;
        }
        let mut sketch = Self::new(kind, lg_max);
        sketch.nulls = i64::from_be_bytes(*nulls);
        if empty {
            return Some(sketch);
        }
        if preamble != PREAMBLE || lg > sketch.lg_max() {
            return None;
        }
        let (words, _) = rest.as_chunks::<8>();
        let [active, weight, offset, counts @ ..] = words else {
            return None;
        };
        let active = (u64::from_le_bytes(*active) & u64::from(u32::MAX)) as usize;
        if active > capacity(1 << lg.max(LG_MIN_SLOTS)) {
            return None;
        }
        let counts = counts.get(..active)?;
        let items = kind.read(rest.get(24 + 8 * active..)?, active)?;
        sketch.counters = Counters::new(kind, lg.max(LG_MIN_SLOTS));
        for (item, count) in items.into_iter().zip(counts) {
            let count = i64::from_le_bytes(*count);
            if !(0..=i64::MAX / 4).contains(&count) {
                return None;
            }
            if count > 0 {
                sketch.add(item, count);
            }
        }
        sketch.weight = i64::from_le_bytes(*weight);
        sketch.offset = Some(i64::from_le_bytes(*offset)).filter(|o| (0..=i64::MAX / 4).contains(o))?;
        Some(sketch)
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        self.counters.size()
    }
}
