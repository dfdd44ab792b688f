//! Finished tuple sketches: their bytes, and what can be done with two of them.

use hashbrown::HashSet;
use rsql_common::Result;
use rsql_expr::Origin;

use super::summary::{Mode, Number, Summary};
use super::table::{Table, find, free_slots};
use crate::sketch::family;

/// No bound: every hash is below it.
pub(in crate::sketch) const MAX_THETA: u64 = i64::MAX as u64;

const SERIAL_VERSION: u8 = 3;
const FAMILY: u8 = family::TUPLE;
const COMPACT_SKETCH: u8 = 1;
const READ_ONLY: u8 = 2;
const EMPTY: u8 = 4;
const COMPACT: u8 = 8;
/// Of the seed 9001.
const SEED_HASH: u16 = 37836;

/// A key's hash and its summary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::sketch) struct Entry<N> {
    pub(in crate::sketch) hash: u64,
    pub(in crate::sketch) summary: Summary<N>,
}

impl<N: Number> Entry<N> {
    /// A slot without entry.
    pub(in crate::sketch) fn free() -> Self {
        Self {
            hash: 0,
            summary: Summary::new(Mode::Sum),
        }
    }
}

/// A sketch that does not change any more.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sketch) struct Compact<N> {
    pub(in crate::sketch) entries: Vec<Entry<N>>,
    /// Only hashes below it are kept; estimates divide by its share of all hashes.
    pub(in crate::sketch) theta: u64,
    pub(in crate::sketch) empty: bool,
}

impl<N: Number> Compact<N> {
    /// The sketch of nothing.
    pub(in crate::sketch) fn nothing() -> Self {
        Self {
            entries: Vec::new(),
            theta: MAX_THETA,
            empty: true,
        }
    }

    fn is_estimating(&self) -> bool {
        self.theta < MAX_THETA && !self.empty
    }

    /// Share of all hashes that are kept.
    pub(in crate::sketch) fn theta(&self) -> f64 {
        self.theta as f64 / MAX_THETA as f64
    }

    /// Number of distinct keys.
    pub(in crate::sketch) fn estimate(&self) -> f64 {
        let retained = self.entries.len() as f64;
        if self.is_estimating() {
            retained / self.theta()
        } else {
            retained
        }
    }

    pub(in crate::sketch) fn write(&self) -> Vec<u8> {
        let single = self.entries.len() == 1 && !self.is_estimating();
        let longs = match () {
            () if self.empty || single => 1,
            () if self.is_estimating() => 3,
            () => 2,
        };
        let flags = COMPACT | READ_ONLY | if self.empty { EMPTY } else { 0 };
        let mut out = vec![longs, SERIAL_VERSION, FAMILY, COMPACT_SKETCH, 0, flags];
        out.extend(SEED_HASH.to_le_bytes());
        if longs > 1 {
            out.extend((self.entries.len() as u32).to_le_bytes());
            out.extend([0; 4]);
        }
        if longs > 2 {
            out.extend(self.theta.to_le_bytes());
        }
        for entry in &self.entries {
            out.extend(entry.hash.to_le_bytes());
            entry.summary.write(&mut out);
        }
        out
    }

    /// Reads what [`Self::write`] wrote; `None` for anything else.
    pub(in crate::sketch) fn read(bytes: &[u8]) -> Option<Self> {
        let (head, mut rest) = bytes.split_first_chunk::<8>()?;
        let [longs, version, family, kind, _, flags, _, _] = *head;
        if version != SERIAL_VERSION || family != FAMILY || kind != COMPACT_SKETCH || !(1..=3).contains(&longs) {
            return None;
        }
        if flags & EMPTY != 0 {
            return Some(Self::nothing());
        }
        let mut count = 1;
        let mut theta = MAX_THETA;
        if longs > 1 {
            let (long, after) = rest.split_first_chunk::<8>()?;
            count = (u64::from_le_bytes(*long) & u64::from(u32::MAX)) as usize;
            rest = after;
        }
        if longs > 2 {
            let (long, after) = rest.split_first_chunk::<8>()?;
            theta = u64::from_le_bytes(*long);
            rest = after;
        }
        let width = 8 + Summary::<N>::WIDTH;
        if theta == 0 || theta > MAX_THETA || rest.len() < count.checked_mul(width)? {
            return None;
        }
        let entries = rest
            .chunks_exact(width)
            .take(count)
            .map(|bytes| {
                let (hash, summary) = bytes.split_first_chunk::<8>()?;
                let hash = u64::from_le_bytes(*hash);
                (hash != 0 && hash < theta).then_some(())?;
                Some(Entry {
                    hash,
                    summary: Summary::read(summary)?,
                })
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            entries,
            theta,
            empty: false,
        })
    }

    /// [`Self::read`] with Spark's error naming the function.
    pub(in crate::sketch) fn read_for(bytes: &[u8], function: &str, origin: Origin) -> Result<Self> {
        Self::read(bytes).ok_or_else(|| {
            family::refused("TUPLE_INVALID_INPUT_SKETCH_BUFFER", function, bytes, family::TUPLE).at(origin.0)
        })
    }

    /// What has none of the hashes of another sketch, which is bounded by `theta`.
    pub(in crate::sketch) fn without(&self, other: impl Iterator<Item = u64>, theta: u64, other_empty: bool) -> Self {
        if self.empty || other_empty {
            return self.clone();
        }
        let theta = theta.min(self.theta);
        let other: HashSet<u64> = other.filter(|h| *h < theta).collect();
        let entries: Vec<Entry<N>> = self
            .entries
            .iter()
            .filter(|e| e.hash < theta && !other.contains(&e.hash))
            .copied()
            .collect();
        Self {
            empty: entries.is_empty() && theta == MAX_THETA,
            entries,
            theta,
        }
    }
}

/// A union of sketches.
#[derive(Debug, Clone)]
pub(in crate::sketch) struct Union<N> {
    table: Table<N>,
    theta: u64,
    mode: Mode,
}

impl<N: Number> Union<N> {
    pub(in crate::sketch) fn new(lg_nominal: u8, mode: Mode) -> Self {
        Self {
            table: Table::new(lg_nominal),
            theta: MAX_THETA,
            mode,
        }
    }

    pub(in crate::sketch) fn add(&mut self, sketch: &Compact<N>) {
        if !sketch.empty {
            self.add_entries(sketch.entries.iter().copied(), sketch.theta);
        }
    }

    /// Adds the entries of a sketch that is not empty.
    pub(in crate::sketch) fn add_entries(&mut self, entries: impl Iterator<Item = Entry<N>>, theta: u64) {
        self.table.touch();
        self.theta = self.theta.min(theta);
        entries.for_each(|e| self.table.merge(&e, self.mode));
        self.theta = self.theta.min(self.table.theta());
    }

    pub(in crate::sketch) fn result(&self) -> Compact<N> {
        self.table.compact_below(self.theta)
    }

    pub(in crate::sketch) fn size(&self) -> usize {
        self.table.size()
    }
}

/// An intersection of sketches: everything until the first one.
#[derive(Debug, Clone)]
pub(in crate::sketch) struct Intersection<N> {
    /// `None` is everything.
    kept: Option<Compact<N>>,
    mode: Mode,
}

impl<N: Number> Intersection<N> {
    pub(in crate::sketch) fn new(mode: Mode) -> Self {
        Self { kept: None, mode }
    }

    pub(in crate::sketch) fn add(&mut self, sketch: &Compact<N>) {
        self.add_entries(sketch.entries.iter().copied(), sketch.theta, sketch.empty);
    }

    /// Intersects with the entries of a sketch.
    pub(in crate::sketch) fn add_entries(&mut self, entries: impl Iterator<Item = Entry<N>>, theta: u64, empty: bool) {
        let kept = match self.kept.take() {
            _ if empty => Compact::nothing(),
            Some(kept) if kept.empty => kept,
            None => Compact {
                entries: tabled(&entries.collect::<Vec<_>>()),
                theta,
                empty: false,
            },
            Some(mut kept) => {
                kept.theta = kept.theta.min(theta);
                // In the order of the other sketch, then of a table: as Java lists them.
                let table = in_table(&kept.entries);
                let matched: Vec<Entry<N>> = entries
                    .filter(|e| e.hash < kept.theta)
                    .filter_map(|e| {
                        let mine = &table[find(&table, e.hash)];
                        (mine.hash == e.hash).then(|| Entry {
                            hash: e.hash,
                            summary: Summary::combined(self.mode, &mine.summary, &e.summary),
                        })
                    })
                    .collect();
                kept.entries = tabled(&matched);
                kept
            }
        };
        self.kept = Some(kept);
    }

    /// The sketch of all; without any, the sketch of nothing, as Spark gives it.
    pub(in crate::sketch) fn result(&self) -> Compact<N> {
        match &self.kept {
            None => Compact::nothing(),
            Some(kept) => Compact {
                entries: kept.entries.iter().filter(|e| e.hash < kept.theta).copied().collect(),
                ..*kept
            },
        }
    }

    pub(in crate::sketch) fn size(&self) -> usize {
        self.kept
            .as_ref()
            .map_or(0, |k| k.entries.capacity() * size_of::<Entry<N>>())
    }
}

/// A table of the entries, at most three quarters full.
fn in_table<N: Number>(entries: &[Entry<N>]) -> Vec<Entry<N>> {
    let least = (entries.len() as f64 / 0.75).ceil() as usize;
    let mut slots = free_slots(least.next_power_of_two().max(16));
    for entry in entries {
        let at = find(&slots, entry.hash);
        slots[at] = *entry;
    }
    slots
}

/// The entries in the order of [`in_table`].
fn tabled<N: Number>(entries: &[Entry<N>]) -> Vec<Entry<N>> {
    in_table(entries).into_iter().filter(|e| e.hash != 0).collect()
}
