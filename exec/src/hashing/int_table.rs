//! Numbers distinct `i64` keys.
//!
//! While the range of the keys is small (or dense enough) a plain array maps `key - base` to the number; one lookup is
//! one load. Otherwise open addressing with linear probing over 16-byte entries, at most half full. The table starts
//! dense and changes over when the range outgrows its limit.

use arrow::buffer::NullBuffer;

use super::NONE;
use super::hash::hash_int;
use super::key_column::int_range;

/// Largest range that is always held as an array.
const DENSE_RANGE: u64 = 4 << 20;
/// An array may have this many slots a key.
const SLOTS_A_KEY: u64 = 8;

/// Table from `i64` to numbers given in order of first appearance.
#[derive(Debug)]
pub(crate) struct IntTable {
    slots: Slots,
    len: usize,
    /// Keys by number, where they are kept.
    keys: Option<Vec<i64>>,
    hash_zero: bool,
}

#[derive(Debug)]
enum Slots {
    /// Number plus one by `key - base`; zero is free.
    Dense { base: i64, slots: Vec<u32> },
    /// Power of two many.
    Hash { entries: Vec<Entry> },
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    key: i64,
    /// Number plus one; zero is free.
    id: u32,
}

impl IntTable {
    /// An empty table. `keep_keys`: [`IntTable::keys`] will be asked for.
    pub(crate) fn new(keep_keys: bool, hash_zero: bool) -> Self {
        let slots = if hash_zero {
            Slots::Hash {
                entries: vec![Entry::default(); 16],
            }
        } else {
            Slots::Dense {
                base: 0,
                slots: Vec::new(),
            }
        };
        Self {
            slots,
            len: 0,
            keys: keep_keys.then(Vec::new),
            hash_zero,
        }
    }

    /// Prepares for `rows` keys within `range`.
    pub(crate) fn reserve(&mut self, range: (i64, i64), rows: usize) {
        self.cover(range, rows);
        self.grow(rows);
    }

    /// Distinct keys.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Keys by number (if kept).
    pub(crate) fn keys(&self) -> &[i64] {
        self.keys.as_deref().unwrap_or_default()
    }

    /// Bytes held.
    pub(crate) fn size(&self) -> usize {
        let slots = match &self.slots {
            Slots::Dense { slots, .. } => slots.capacity() * 4,
            Slots::Hash { entries } => entries.capacity() * size_of::<Entry>(),
        };
        slots + self.keys.as_ref().map_or(0, |k| k.capacity() * 8)
    }

    /// The number of each row's key, new keys getting the next ones. NULL rows get [`NONE`].
    pub(crate) fn assign(&mut self, values: &[i64], nulls: Option<&NullBuffer>, out: &mut Vec<u32>) {
        out.clear();
        out.reserve(values.len());
        if let Slots::Dense { .. } = self.slots
            && let Some(range) = int_range(values, nulls)
        {
            self.cover(range, values.len());
        }
        self.grow(values.len());
        let Self {
            slots,
            len,
            keys,
            hash_zero,
        } = self;
        let mut next = *len as u32;
        let new = |key: i64| {
            if let Some(keys) = keys {
                keys.push(key);
            }
            next += 1;
            next
        };
        match slots {
            Slots::Dense { base, slots } => assign_dense(*base, slots, values, nulls, out, new),
            Slots::Hash { entries } => assign_hash(entries, *hash_zero, values, nulls, out, new),
        }
        *len = next as usize;
    }

    /// The number of each row's key, [`NONE`] for keys that are not there and NULL rows.
    pub(crate) fn find(&self, values: &[i64], nulls: Option<&NullBuffer>, out: &mut Vec<u32>) {
        out.clear();
        match &self.slots {
            Slots::Dense { base, slots } => {
                let base = *base;
                out.extend(values.iter().map(|v| {
                    let at = v.wrapping_sub(base) as u64 as usize;
                    slots.get(at).copied().unwrap_or(0).wrapping_sub(1)
                }));
            }
            Slots::Hash { entries } => {
                let mask = entries.len() - 1;
                let (mut last, mut last_id) = (0i64, None);
                out.extend(values.iter().map(|v| {
                    if let Some(id) = last_id
                        && last == *v
                    {
                        return id;
                    }
                    let mut at = hash(*v, self.hash_zero) as usize & mask;
                    let id = loop {
                        let e = entries[at];
                        if e.id == 0 {
                            break NONE;
                        }
                        if e.key == *v {
                            break e.id - 1;
                        }
                        at = (at + 1) & mask;
                    };
                    (last, last_id) = (*v, Some(id));
                    id
                }));
            }
        }
        if let Some(n) = nulls {
            out.iter_mut()
                .zip(n.iter())
                .filter(|(_, ok)| !ok)
                .for_each(|(o, _)| *o = NONE);
        }
    }

    /// Makes the array cover `range`, or changes over to hashing.
    fn cover(&mut self, (min, max): (i64, i64), rows: usize) {
        let Slots::Dense { base, slots } = &mut self.slots else {
            return;
        };
        let end = base.saturating_add(slots.len() as i64);
        if !slots.is_empty() && min >= *base && max < end {
            return;
        }
        let (low, high) = if slots.is_empty() {
            (min, max)
        } else {
            (min.min(*base), max.max(end - 1))
        };
        let limit = DENSE_RANGE.max(SLOTS_A_KEY * (self.len + rows) as u64);
        let span = high.abs_diff(low).saturating_add(1);
        if span > limit || high == i64::MAX {
            return self.change_over();
        }
        // Room to grow in the direction of growth.
        let spare = (slots.len() as u64).min(limit - span);
        let (low, size) = if !slots.is_empty() && min < *base {
            (low.saturating_sub_unsigned(spare), span + spare)
        } else {
            (low, span + spare)
        };
        if low.checked_add_unsigned(size).is_none() {
            return self.change_over();
        }
        let mut grown = vec![0u32; size as usize];
        if !slots.is_empty() {
            let shift = base.abs_diff(low) as usize;
            grown[shift..shift + slots.len()].copy_from_slice(slots);
        }
        *base = low;
        *slots = grown;
    }

    fn change_over(&mut self) {
        let Slots::Dense { base, slots } = &self.slots else {
            return;
        };
        let capacity = (self.len * 2).next_power_of_two().max(1024);
        let mut entries = vec![Entry::default(); capacity];
        for (i, id) in slots.iter().enumerate().filter(|(_, id)| **id != 0) {
            insert(
                &mut entries,
                Entry {
                    key: base.wrapping_add(i as i64),
                    id: *id,
                },
                self.hash_zero,
            );
        }
        self.slots = Slots::Hash { entries };
    }

    /// Makes room for `rows` new keys in the hash table.
    fn grow(&mut self, rows: usize) {
        let Slots::Hash { entries } = &mut self.slots else {
            return;
        };
        let needed = (self.len + rows) * 2;
        if needed <= entries.len() {
            return;
        }
        let old = std::mem::replace(entries, vec![Entry::default(); needed.next_power_of_two()]);
        for e in old.into_iter().filter(|e| e.id != 0) {
            insert(entries, e, self.hash_zero);
        }
    }
}

#[inline(always)]
fn hash(key: i64, hash_zero: bool) -> u64 {
    if hash_zero { 0 } else { hash_int(key) }
}

fn insert(entries: &mut [Entry], entry: Entry, hash_zero: bool) {
    let mask = entries.len() - 1;
    let mut at = hash(entry.key, hash_zero) as usize & mask;
    while entries[at].id != 0 {
        at = (at + 1) & mask;
    }
    entries[at] = entry;
}

/// `new` gives a new key's number plus one.
fn assign_dense(
    base: i64,
    slots: &mut [u32],
    values: &[i64],
    nulls: Option<&NullBuffer>,
    out: &mut Vec<u32>,
    mut new: impl FnMut(i64) -> u32,
) {
    let mut one = |v: i64| {
        let slot = &mut slots[v.wrapping_sub(base) as u64 as usize];
        if *slot == 0 {
            *slot = new(v);
        }
        *slot - 1
    };
    match nulls {
        None => out.extend(values.iter().map(|v| one(*v))),
        Some(n) => out.extend(
            values
                .iter()
                .zip(n.iter())
                .map(|(v, ok)| if ok { one(*v) } else { NONE }),
        ),
    }
}

/// As [`assign_dense`]; a run of equal keys is looked up once.
fn assign_hash(
    entries: &mut [Entry],
    hash_zero: bool,
    values: &[i64],
    nulls: Option<&NullBuffer>,
    out: &mut Vec<u32>,
    mut new: impl FnMut(i64) -> u32,
) {
    let mask = entries.len() - 1;
    let (mut last, mut last_id) = (0i64, NONE);
    let mut one = |v: i64| {
        if last == v && last_id != NONE {
            return last_id;
        }
        let mut at = hash(v, hash_zero) as usize & mask;
        last_id = loop {
            let e = &mut entries[at];
            if e.id == 0 {
                *e = Entry { key: v, id: new(v) };
                break e.id - 1;
            }
            if e.key == v {
                break e.id - 1;
            }
            at = (at + 1) & mask;
        };
        last = v;
        last_id
    };
    match nulls {
        None => out.extend(values.iter().map(|v| one(*v))),
        Some(n) => out.extend(
            values
                .iter()
                .zip(n.iter())
                .map(|(v, ok)| if ok { one(*v) } else { NONE }),
        ),
    }
}
