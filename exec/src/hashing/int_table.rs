//! Numbers distinct `i64` keys.
//!
//! Where the range of the keys is known and small or dense enough, a plain array maps `key - base` to the number; one
//! lookup is one load. Where keys come without notice, the array is paged ([`PagedSlots`]). Otherwise, and when pages
//! become too many, open addressing with linear probing over 16-byte entries, at most half full.

use arrow::buffer::NullBuffer;

use super::NONE;
use super::hash::hash_int;
use super::paged_slots::PagedSlots;

/// Largest known range that is always held as an array; few keys in a wider one do better in a small hash table.
const DENSE_RANGE: u64 = 1 << 18;
/// An array may have this many slots a key: about what a hash table takes, and lookups of ordered keys stay near.
const SLOTS_A_KEY: u64 = 32;
/// Hash tables above this many entries do not stay in the cache.
const LARGE: usize = 1 << 14;
/// Rows whose entries are fetched ahead.
const AHEAD: usize = 256;

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
    Paged(PagedSlots),
    /// Number plus one by `key - base`; zero is free.
    Dense {
        base: i64,
        slots: Vec<u32>,
    },
    /// Power of two many.
    Hash {
        entries: Vec<Entry>,
    },
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
        let mut table = Self {
            slots: Slots::Paged(PagedSlots::default()),
            len: 0,
            keys: keep_keys.then(Vec::new),
            hash_zero,
        };
        if hash_zero {
            table.change_over();
        }
        table
    }

    /// Prepares for `rows` keys within `range`; only for empty tables.
    pub(crate) fn reserve(&mut self, (min, max): (i64, i64), rows: usize) {
        let limit = DENSE_RANGE.max(SLOTS_A_KEY * rows as u64);
        let span = max.abs_diff(min).saturating_add(1);
        if span <= limit && !self.hash_zero && self.len == 0 {
            self.slots = Slots::Dense {
                base: min,
                slots: vec![0; span as usize],
            };
        } else {
            self.change_over();
            self.grow(rows);
        }
    }

    /// Changes over to hashing at once; for keys known to be strewn.
    pub(crate) fn strewn(&mut self, rows: usize) {
        self.change_over();
        self.grow(rows);
    }
    /// No array any more.
    pub(super) fn is_hashed(&self) -> bool {
        matches!(self.slots, Slots::Hash { .. })
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
            Slots::Paged(p) => p.size(),
            Slots::Dense { slots, .. } => slots.capacity() * 4,
            Slots::Hash { entries } => entries.capacity() * size_of::<Entry>(),
        };
        slots + self.keys.as_ref().map_or(0, |k| k.capacity() * 8)
    }

    /// The number of each row's key, new keys getting the next ones. NULL rows get [`NONE`].
    pub(crate) fn assign(&mut self, values: &[i64], nulls: Option<&NullBuffer>, out: &mut Vec<u32>) {
        out.clear();
        out.reserve(values.len());
        match nulls.filter(|n| n.null_count() > 0) {
            None => self.append(values, out),
            Some(n) => {
                // Keys without the NULLs between them, then NULLs put back.
                let known: Vec<i64> = n.valid_indices().map(|i| values[i]).collect();
                let mut ids = Vec::with_capacity(known.len());
                self.append(&known, &mut ids);
                out.resize(values.len(), NONE);
                n.valid_indices().zip(ids).for_each(|(i, id)| out[i] = id);
            }
        }
    }

    /// Appends the numbers of keys to `out`.
    fn append(&mut self, mut values: &[i64], out: &mut Vec<u32>) {
        loop {
            self.grow(values.len());
            let mut numbering = Numbering {
                given: self.len as u32,
                keys: self.keys.as_mut(),
            };
            let done = match &mut self.slots {
                Slots::Paged(pages) => pages.assign(values, out, &mut numbering),
                Slots::Dense { base, slots } => assign_dense(*base, slots, values, out, &mut numbering),
                Slots::Hash { entries } => {
                    for block in values.chunks(AHEAD) {
                        fetch(entries, block, self.hash_zero);
                        assign_hash(entries, self.hash_zero, block, out, &mut numbering);
                    }
                    values.len()
                }
            };
            self.len = numbering.given as usize;
            values = &values[done..];
            if values.is_empty() {
                return;
            }
            self.change_over();
        }
    }

    /// The number of each row's key, [`NONE`] for keys that are not there and NULL rows.
    pub(crate) fn find(&self, values: &[i64], nulls: Option<&NullBuffer>, out: &mut Vec<u32>) {
        out.clear();
        match &self.slots {
            Slots::Paged(pages) => out.extend(values.iter().map(|v| pages.find(*v))),
            Slots::Dense { base, slots } => {
                let base = *base;
                out.extend(values.iter().map(|v| {
                    let at = v.wrapping_sub(base) as u64 as usize;
                    slots.get(at).copied().unwrap_or(0).wrapping_sub(1)
                }));
            }
            Slots::Hash { entries } => {
                for block in values.chunks(AHEAD) {
                    fetch(entries, block, self.hash_zero);
                    find_hash(entries, block, self.hash_zero, out);
                }
            }
        }
        if let Some(n) = nulls {
            out.iter_mut()
                .zip(n.iter())
                .filter(|(_, ok)| !ok)
                .for_each(|(o, _)| *o = NONE);
        }
    }

    fn change_over(&mut self) {
        let capacity = (self.len * 2).next_power_of_two().max(1024);
        let mut entries = vec![Entry::default(); capacity];
        match &self.slots {
            Slots::Hash { .. } => return,
            Slots::Paged(pages) => {
                for (key, id) in pages.iter() {
                    insert(&mut entries, Entry { key, id }, self.hash_zero);
                }
            }
            Slots::Dense { base, slots } => {
                for (i, id) in slots.iter().enumerate().filter(|(_, id)| **id != 0) {
                    let key = base.wrapping_add(i as i64);
                    insert(&mut entries, Entry { key, id: *id }, self.hash_zero);
                }
            }
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

/// Gives numbers to new keys.
pub(super) struct Numbering<'a> {
    given: u32,
    keys: Option<&'a mut Vec<i64>>,
}

impl Numbering<'_> {
    /// The next number, plus one.
    #[inline]
    pub(super) fn next(&mut self, key: i64) -> u32 {
        if let Some(keys) = &mut self.keys {
            keys.push(key);
        }
        self.given += 1;
        self.given
    }

    /// Numbers given so far.
    pub(super) fn given(&self) -> usize {
        self.given as usize
    }
}

/// Numbers keys up to the first that lies outside the array; gives how many.
fn assign_dense(
    base: i64,
    slots: &mut [u32],
    values: &[i64],
    out: &mut Vec<u32>,
    numbering: &mut Numbering<'_>,
) -> usize {
    for (i, v) in values.iter().enumerate() {
        let Some(slot) = slots.get_mut(v.wrapping_sub(base) as u64 as usize) else {
            return i;
        };
        if *slot == 0 {
            *slot = numbering.next(*v);
        }
        out.push(*slot - 1);
    }
    values.len()
}

/// Numbers all keys; a run of equal keys is looked up once.
fn assign_hash(
    entries: &mut [Entry],
    hash_zero: bool,
    values: &[i64],
    out: &mut Vec<u32>,
    numbering: &mut Numbering<'_>,
) {
    let mask = entries.len() - 1;
    let (mut last, mut last_id) = (0i64, NONE);
    out.extend(values.iter().map(|v| {
        let v = *v;
        if last == v && last_id != NONE {
            return last_id;
        }
        let mut at = hash(v, hash_zero) as usize & mask;
        last_id = loop {
            let e = &mut entries[at];
            if e.id == 0 {
                *e = Entry {
                    key: v,
                    id: numbering.next(v),
                };
                break e.id - 1;
            }
            if e.key == v {
                break e.id - 1;
            }
            at = (at + 1) & mask;
        };
        last = v;
        last_id
    }));
}

/// Reads the first entry of each key without looking at it, so that cache misses overlap.
fn fetch(entries: &[Entry], values: &[i64], hash_zero: bool) {
    if entries.len() < LARGE {
        return;
    }
    let mask = entries.len() - 1;
    let seen = values
        .iter()
        .fold(0u32, |seen, v| seen ^ entries[hash(*v, hash_zero) as usize & mask].id);
    std::hint::black_box(seen);
}

fn find_hash(entries: &[Entry], values: &[i64], hash_zero: bool, out: &mut Vec<u32>) {
    let mask = entries.len() - 1;
    out.extend(values.iter().map(|v| {
        let mut at = hash(*v, hash_zero) as usize & mask;
        loop {
            let e = entries[at];
            if e.id == 0 || e.key == *v {
                return e.id.wrapping_sub(1);
            }
            at = (at + 1) & mask;
        }
    }));
}
