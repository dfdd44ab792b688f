//! The counters of the frequent-items sketch: a hash table that, when it is full, lowers all counters by about their
//! median and drops those that reach zero. Slots, probing, growth and the order of iteration are Java's, since ties
//! among items come out in that order.

use super::item::{Item, Kind};
use crate::sketch::murmur::finish;

/// log2 of the smallest table.
pub(super) const LG_MIN_SLOTS: u8 = 3;
/// log2 of the largest table Spark makes (for 1,000,000 items).
pub(super) const LG_MAX_SLOTS: u8 = 21;
/// Counters looked at for the median.
const SAMPLE: usize = 1024;

/// A counter.
#[derive(Debug, Clone)]
struct Counter {
    item: Item,
    count: i64,
}

/// Items and their counts.
#[derive(Debug, Clone)]
pub(super) struct Counters {
    kind: Kind,
    /// Counter (from 1; 0 is a free slot) and its distance from the slot it hashes to (from 1).
    slots: Vec<(u32, u32)>,
    counters: Vec<Counter>,
    active: usize,
}

/// Counters that a table of so many slots holds.
pub(super) fn capacity(slots: usize) -> usize {
    slots / 4 * 3 + slots % 4 * 3 / 4
}

impl Counters {
    pub(super) fn new(kind: Kind, lg_slots: u8) -> Self {
        Self {
            kind,
            slots: vec![(0, 0); 1 << lg_slots],
            counters: Vec::new(),
            active: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.active
    }

    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    fn counter(&self, slot: usize) -> Option<&Counter> {
        let (id, _) = self.slots[slot];
        self.counters.get((id as usize).checked_sub(1)?)
    }

    /// Adds to an item's count.
    pub(super) fn add(&mut self, item: Item, count: i64) {
        let (slot, distance, found) = self.find(&item);
        if found {
            let (id, _) = self.slots[slot];
            let mine = &mut self.counters[id as usize - 1].count;
            *mine = mine.saturating_add(count);
            return;
        }
        self.counters.push(Counter { item, count });
        self.slots[slot] = (self.counters.len() as u32, distance);
        self.active += 1;
    }

    /// The slot of an item or the free one it would take, the distance from where it hashes to, and whether it is
    /// there. The table always has a free slot.
    fn find(&self, item: &Item) -> (usize, u32, bool) {
        let mask = self.slots.len() - 1;
        let mut slot = finish(i64::from(self.kind.hash_code(item)) as u64) as usize & mask;
        let mut distance = 1;
        while let Some(counter) = self.counter(slot) {
            if counter.item == *item {
                return (slot, distance, true);
            }
            slot = (slot + 1) & mask;
            distance += 1;
        }
        (slot, distance, false)
    }

    /// Doubles the table.
    pub(super) fn grow(&mut self) {
        let counters: Vec<Counter> = self.in_slots().cloned().collect();
        *self = Self {
            kind: self.kind,
            slots: vec![(0, 0); self.slots.len() * 2],
            counters: Vec::with_capacity(counters.len()),
            active: 0,
        };
        counters.into_iter().for_each(|c| self.add(c.item, c.count));
    }

    /// The counters in the order of their slots.
    fn in_slots(&self) -> impl Iterator<Item = &Counter> {
        (0..self.slots.len()).filter_map(|slot| self.counter(slot))
    }

    /// Items and counts in the order of their slots.
    pub(super) fn by_slot(&self) -> Vec<(&Item, i64)> {
        self.in_slots().map(|c| (&c.item, c.count)).collect()
    }

    /// Items and counts in the order that Java iterates: by strides of the golden ratio.
    pub(super) fn by_stride(&self) -> Vec<(&Item, i64)> {
        let n = self.slots.len();
        let stride = (n as f64 * ((5f64.sqrt() - 1.0) / 2.0)) as usize | 1;
        (0..n)
            .filter_map(|i| self.counter(i.wrapping_mul(stride) & (n - 1)))
            .map(|c| (&c.item, c.count))
            .collect()
    }

    /// Lowers all counters by about their median, `sample` of them looked at, and gives that.
    pub(super) fn purge(&mut self, sample: usize) -> i64 {
        let mut samples: Vec<i64> = self.in_slots().take(sample.min(SAMPLE)).map(|c| c.count).collect();
        if samples.is_empty() {
            return 0;
        }
        let middle = samples.len() / 2;
        let median = *samples.select_nth_unstable(middle).1;
        self.counters
            .iter_mut()
            .for_each(|c| c.count = c.count.saturating_sub(median));
        self.drop_spent();
        median
    }

    /// Drops the counters that are not positive, cluster by cluster from the back, as Java does.
    fn drop_spent(&mut self) {
        let n = self.slots.len();
        let first_free = (0..n).rev().find(|s| self.slots[*s].0 == 0).unwrap_or(0);
        for slot in (0..first_free).rev().chain((first_free..n).rev()) {
            if self.counter(slot).is_some_and(|c| c.count <= 0) {
                self.free(slot);
                self.active -= 1;
            }
        }
        // What no slot points at any more goes.
        let mut kept = Vec::with_capacity(self.active);
        for slot in 0..n {
            if let Some(counter) = self.counter(slot).cloned() {
                kept.push(counter);
                self.slots[slot].0 = kept.len() as u32;
            }
        }
        self.counters = kept;
    }

    /// Frees a slot and moves what had to probe past it.
    fn free(&mut self, mut freed: usize) {
        let mask = self.slots.len() - 1;
        self.slots[freed] = (0, 0);
        let mut distance = 1;
        let mut slot = (freed + 1) & mask;
        while self.slots[slot].0 != 0 {
            let (id, from_home) = self.slots[slot];
            if from_home > distance {
                self.slots[freed] = (id, from_home - distance);
                self.slots[slot] = (0, 0);
                distance = 0;
                freed = slot;
            }
            slot = (slot + 1) & mask;
            distance += 1;
        }
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        self.slots.capacity() * 8 + self.counters.capacity() * size_of::<Counter>()
    }
}
