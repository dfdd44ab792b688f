//! Numbers distinct keys of any form, by hash and columnwise compare.
//!
//! Open addressing over 8-byte slots: 32 bits of the hash and the key's number. A chunk is worked in rounds: find for
//! every open row the next slot that is free or has the same hash bits; append the new keys to the key columns; compare
//! the candidates column by column; rows that met another key go on in the next round.

use arrow::buffer::{BooleanBuffer, NullBuffer};

use super::bytes::BytesStore;
use super::{KeyColumn, KeyKind, KeyValues, NONE, hash_keys};

/// Numbers distinct tuples.
#[derive(Debug)]
pub(super) struct GeneralTable {
    /// Upper half of the hash in the upper half, number plus one in the lower; zero is free. A power of two many.
    slots: Vec<u64>,
    hashes: Vec<u64>,
    columns: Vec<StoredColumn>,
    hash_zero: bool,
}

#[derive(Debug)]
struct StoredColumn {
    values: StoredValues,
    /// One flag a key, absent while no key is NULL.
    valid: Option<Vec<bool>>,
}

#[derive(Debug)]
enum StoredValues {
    Int(Vec<i64>),
    Wide(Vec<i128>),
    Bytes(BytesStore),
}

impl GeneralTable {
    pub(super) fn new(kinds: &[KeyKind], hash_zero: bool) -> Self {
        let columns = kinds.iter().map(|k| StoredColumn {
            values: match k {
                KeyKind::Int | KeyKind::Float => StoredValues::Int(Vec::new()),
                KeyKind::Wide => StoredValues::Wide(Vec::new()),
                KeyKind::Bytes | KeyKind::Row => StoredValues::Bytes(BytesStore::default()),
            },
            valid: None,
        });
        Self {
            slots: vec![0; 1024],
            hashes: Vec::new(),
            columns: columns.collect(),
            hash_zero,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    pub(super) fn size(&self) -> usize {
        let columns: usize = self.columns.iter().map(StoredColumn::size).sum();
        self.slots.capacity() * 8 + self.hashes.capacity() * 8 + columns
    }

    pub(super) fn reserve(&mut self, rows: usize) {
        let needed = (self.len() + rows) * 2;
        if needed <= self.slots.len() {
            return;
        }
        let mut slots = vec![0u64; needed.next_power_of_two()];
        let mask = slots.len() - 1;
        for (id, h) in self.hashes.iter().enumerate() {
            let mut at = *h as usize & mask;
            while slots[at] != 0 {
                at = (at + 1) & mask;
            }
            slots[at] = slot(*h, id as u32);
        }
        self.slots = slots;
    }

    /// Numbers each row's key, NULL being a value like others.
    pub(super) fn assign(&mut self, keys: &[KeyColumn], rows: usize, out: &mut Vec<u32>) {
        self.reserve(rows);
        let hashes = hash_keys(keys, rows, self.hash_zero);
        out.clear();
        out.resize(rows, NONE);
        let mask = self.slots.len() - 1;
        let mut at: Vec<u32> = hashes.iter().map(|h| (*h as usize & mask) as u32).collect();
        let mut open: Vec<u32> = (0..rows as u32).collect();
        let (mut new, mut candidates, mut differ) = (Vec::new(), Vec::new(), Vec::new());
        while !open.is_empty() {
            new.clear();
            candidates.clear();
            for row in &open {
                let r = *row as usize;
                let h = hashes[r];
                let mut place = at[r] as usize;
                loop {
                    let s = self.slots[place];
                    if s == 0 {
                        let id = self.hashes.len() as u32;
                        self.slots[place] = slot(h, id);
                        self.hashes.push(h);
                        out[r] = id;
                        new.push(*row);
                        break;
                    }
                    if s >> 32 == h >> 32 {
                        out[r] = s as u32 - 1;
                        at[r] = ((place + 1) & mask) as u32;
                        candidates.push(*row);
                        break;
                    }
                    place = (place + 1) & mask;
                }
            }
            for (stored, key) in self.columns.iter_mut().zip(keys) {
                stored.append(key, &new);
            }
            self.compare(keys, &mut candidates, out, &mut differ);
            std::mem::swap(&mut open, &mut differ);
        }
    }

    /// Looks up each row's key.
    pub(super) fn find(&self, keys: &[KeyColumn], rows: usize, out: &mut Vec<u32>) {
        let hashes = hash_keys(keys, rows, self.hash_zero);
        out.clear();
        out.resize(rows, NONE);
        let mask = self.slots.len() - 1;
        let mut at: Vec<u32> = hashes.iter().map(|h| (*h as usize & mask) as u32).collect();
        let mut open: Vec<u32> = (0..rows as u32).collect();
        let (mut candidates, mut differ) = (Vec::new(), Vec::new());
        while !open.is_empty() {
            candidates.clear();
            for row in &open {
                let r = *row as usize;
                let h = hashes[r];
                let mut place = at[r] as usize;
                out[r] = loop {
                    let s = self.slots[place];
                    if s == 0 {
                        break NONE;
                    }
                    place = (place + 1) & mask;
                    if s >> 32 == h >> 32 {
                        at[r] = place as u32;
                        candidates.push(*row);
                        break s as u32 - 1;
                    }
                };
            }
            self.compare(keys, &mut candidates, out, &mut differ);
            std::mem::swap(&mut open, &mut differ);
        }
    }

    /// Leaves in `differ` the candidates whose key is not the stored one.
    fn compare(&self, keys: &[KeyColumn], candidates: &mut Vec<u32>, out: &[u32], differ: &mut Vec<u32>) {
        differ.clear();
        for (stored, key) in self.columns.iter().zip(keys) {
            stored.compare(key, candidates, out, differ);
        }
        // Rows must be worked in order, so that numbers follow first appearance.
        differ.sort_unstable();
    }

    /// The distinct keys, by number.
    pub(super) fn keys(&self) -> Vec<KeyColumn> {
        self.columns.iter().map(StoredColumn::column).collect()
    }
}

#[inline(always)]
fn slot(hash: u64, id: u32) -> u64 {
    hash >> 32 << 32 | u64::from(id + 1)
}

impl StoredColumn {
    fn len(&self) -> usize {
        match &self.values {
            StoredValues::Int(v) => v.len(),
            StoredValues::Wide(v) => v.len(),
            StoredValues::Bytes(b) => b.len(),
        }
    }

    fn append(&mut self, key: &KeyColumn, rows: &[u32]) {
        if rows.is_empty() {
            return;
        }
        if key.nulls.is_some() && self.valid.is_none() {
            self.valid = Some(vec![true; self.len()]);
        }
        if let Some(valid) = &mut self.valid {
            valid.extend(
                rows.iter()
                    .map(|r| key.nulls.as_ref().is_none_or(|n| n.is_valid(*r as usize))),
            );
        }
        match (&mut self.values, &key.values) {
            (StoredValues::Int(s), KeyValues::Int(v)) => s.extend(rows.iter().map(|r| v[*r as usize])),
            (StoredValues::Wide(s), KeyValues::Wide(v)) => s.extend(rows.iter().map(|r| v[*r as usize])),
            (StoredValues::Bytes(s), KeyValues::Bytes(v)) => s.append(v, rows),
            _ => debug_assert!(false, "a key column keeps its form"),
        }
    }

    /// Moves the candidates that differ to `differ`.
    fn compare(&self, key: &KeyColumn, candidates: &mut Vec<u32>, out: &[u32], differ: &mut Vec<u32>) {
        if self.valid.is_some() || key.nulls.is_some() {
            split(candidates, differ, |r| {
                let stored = self.valid.as_ref().is_none_or(|v| v[out[r] as usize]);
                let probed = key.nulls.as_ref().is_none_or(|n| n.is_valid(r));
                stored == probed
            });
        }
        // Values under NULLs are zero on both sides, so they compare equal.
        match (&self.values, &key.values) {
            (StoredValues::Int(s), KeyValues::Int(v)) => split(candidates, differ, |r| s[out[r] as usize] == v[r]),
            (StoredValues::Wide(s), KeyValues::Wide(v)) => split(candidates, differ, |r| s[out[r] as usize] == v[r]),
            (StoredValues::Bytes(s), KeyValues::Bytes(v)) => {
                split(candidates, differ, |r| s.equals(out[r], v.views()[r], v.buffers()));
            }
            _ => debug_assert!(false, "a key column keeps its form"),
        }
    }

    fn column(&self) -> KeyColumn {
        let values = match &self.values {
            StoredValues::Int(v) => KeyValues::Int(v.clone().into()),
            StoredValues::Wide(v) => KeyValues::Wide(v.clone().into()),
            StoredValues::Bytes(b) => KeyValues::Bytes(b.column()),
        };
        let nulls = self
            .valid
            .as_ref()
            .map(|v| NullBuffer::new(BooleanBuffer::from(v.as_slice())))
            .filter(|n| n.null_count() > 0);
        KeyColumn { values, nulls }
    }

    fn size(&self) -> usize {
        let values = match &self.values {
            StoredValues::Int(v) => v.capacity() * 8,
            StoredValues::Wide(v) => v.capacity() * 16,
            StoredValues::Bytes(b) => b.size(),
        };
        values + self.valid.as_ref().map_or(0, Vec::capacity)
    }
}

#[inline(always)]
fn split(candidates: &mut Vec<u32>, differ: &mut Vec<u32>, equal: impl Fn(usize) -> bool) {
    candidates.retain(|r| {
        let same = equal(*r as usize);
        if !same {
            differ.push(*r);
        }
        same
    });
}
