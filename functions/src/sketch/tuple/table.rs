//! The hash table of a tuple or theta sketch under construction, and of unions.
//!
//! A compact tuple sketch lists its entries in the order of this table, so it starts, grows, probes and rebuilds as
//! Java's does. It keeps the smallest hashes: when it is full beyond twice its nominal size, the hash of rank 2^lg
//! becomes the new bound (`theta`) and all above go.

use super::compact::{Compact, Entry, MAX_THETA};
use super::summary::{Mode, Number, Summary};

/// Smallest table: 2^5 slots.
const LG_MIN_SLOTS: u8 = 5;
/// Tables grow eightfold.
const LG_GROWTH: u8 = 3;

/// The table; a slot's hash is 0 while it is free.
#[derive(Debug, Clone)]
pub(in crate::sketch) struct Table<N> {
    lg_nominal: u8,
    slots: Vec<Entry<N>>,
    count: usize,
    theta: u64,
    empty: bool,
}

impl<N: Number> Table<N> {
    /// An empty table of 2^`lg_nominal` entries.
    pub(in crate::sketch) fn new(lg_nominal: u8) -> Self {
        let lg_full = lg_nominal + 1;
        let lg = if lg_full <= LG_MIN_SLOTS {
            LG_MIN_SLOTS
        } else {
            (lg_full - LG_MIN_SLOTS) % LG_GROWTH + LG_MIN_SLOTS
        };
        Self {
            lg_nominal,
            slots: free_slots(1 << lg),
            count: 0,
            theta: MAX_THETA,
            empty: true,
        }
    }

    /// Something was seen, whether or not an entry came of it.
    pub(in crate::sketch) fn touch(&mut self) {
        self.empty = false;
    }

    pub(in crate::sketch) fn is_empty(&self) -> bool {
        self.empty
    }

    pub(in crate::sketch) fn theta(&self) -> u64 {
        self.theta
    }

    fn nominal(&self) -> usize {
        1 << self.lg_nominal
    }

    /// Adds a number to the key with this hash.
    pub(in crate::sketch) fn update(&mut self, hash: u64, value: N, mode: Mode) {
        self.upsert(hash, |summary| {
            let mut updated = summary.copied().unwrap_or_else(|| Summary::new(mode));
            updated.update(value);
            updated
        });
    }

    /// Adds an entry of another sketch.
    pub(in crate::sketch) fn merge(&mut self, entry: &Entry<N>, mode: Mode) {
        self.upsert(entry.hash, |mine| match mine {
            Some(mine) => Summary::combined(mode, mine, &entry.summary),
            None => entry.summary,
        });
    }

    fn upsert(&mut self, hash: u64, f: impl FnOnce(Option<&Summary<N>>) -> Summary<N>) {
        self.empty = false;
        if hash == 0 || hash >= self.theta {
            return;
        }
        let at = find(&self.slots, hash);
        let slot = &mut self.slots[at];
        if slot.hash == hash {
            slot.summary = f(Some(&slot.summary));
            return;
        }
        *slot = Entry { hash, summary: f(None) };
        self.count += 1;
        if self.slots.len() > self.nominal() {
            if self.count > self.slots.len() / 16 * 15 {
                self.theta = rank(self.entries().map(|e| e.hash).collect(), self.nominal());
                self.rehash(self.slots.len());
            }
        } else if self.count > self.slots.len() / 2 {
            self.rehash(self.slots.len() << LG_GROWTH);
        }
    }

    /// Cuts the table to its nominal number of entries.
    pub(in crate::sketch) fn trim(&mut self) {
        if self.count > self.nominal() {
            self.theta = rank(self.entries().map(|e| e.hash).collect(), self.nominal());
            self.rehash(self.slots.len());
        }
    }

    /// Moves the entries below `theta`, in the order of their slots, to a new table.
    fn rehash(&mut self, slots: usize) {
        let old = std::mem::replace(&mut self.slots, free_slots(slots));
        self.count = 0;
        for entry in old.into_iter().filter(|e| e.hash != 0 && e.hash < self.theta) {
            let at = find(&self.slots, entry.hash);
            self.slots[at] = entry;
            self.count += 1;
        }
    }

    fn entries(&self) -> impl Iterator<Item = &Entry<N>> {
        self.slots.iter().filter(|e| e.hash != 0)
    }

    /// The entries in the order of their slots.
    pub(in crate::sketch) fn compact(&self) -> Compact<N> {
        Compact {
            entries: self.entries().copied().collect(),
            theta: self.theta,
            empty: self.empty,
        }
    }

    /// As the result of a union whose members were bounded by `theta`: at most the nominal number of entries.
    pub(in crate::sketch) fn compact_below(&self, theta: u64) -> Compact<N> {
        if self.empty || theta >= self.theta && self.count <= self.nominal() {
            return self.compact();
        }
        let mut theta = theta.min(self.theta);
        let hashes: Vec<u64> = self.entries().map(|e| e.hash).filter(|h| *h < theta).collect();
        if hashes.len() > self.nominal() {
            theta = rank(hashes, self.nominal());
        }
        Compact {
            entries: self.entries().filter(|e| e.hash < theta).copied().collect(),
            theta,
            empty: false,
        }
    }

    /// Bytes held.
    pub(in crate::sketch) fn size(&self) -> usize {
        self.slots.capacity() * size_of::<Entry<N>>()
    }
}

/// The value of rank `k` (from 0).
fn rank(mut hashes: Vec<u64>, k: usize) -> u64 {
    *hashes.select_nth_unstable(k).1
}

/// `n` free slots.
pub(in crate::sketch) fn free_slots<N: Number>(n: usize) -> Vec<Entry<N>> {
    vec![Entry::free(); n]
}

/// Where `hash` is in the table, or would be. The table must have a free slot.
pub(in crate::sketch) fn find<N>(slots: &[Entry<N>], hash: u64) -> usize {
    let mask = slots.len() - 1;
    let stride = 2 * ((hash >> slots.len().trailing_zeros()) as usize & 127) + 1;
    let mut at = hash as usize & mask;
    for _ in 0..slots.len() {
        if slots[at].hash == 0 || slots[at].hash == hash {
            break;
        }
        at = (at + stride) & mask;
    }
    at
}
