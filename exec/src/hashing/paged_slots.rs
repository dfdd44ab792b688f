//! A direct-address array in pages that exist only where keys are.
//!
//! Keys that come clustered (a table sorted by its key, with gaps) touch few pages at a time, and the array needs no
//! copying when it grows. Keys strewn over a wide range would touch every page for a few slots each: then the array
//! gives up and the caller changes over to hashing.

use super::NONE;
use super::int_table::Numbering;

const PAGE_BITS: u32 = 14;
const PAGE: usize = 1 << PAGE_BITS;
/// Slots that may always be touched.
const FREE_SLOTS: usize = 4 << 20;
/// Slots that may be touched for each key.
const SLOTS_A_KEY: usize = 16;
/// Most entries of the directory.
const DIRECTORY: u64 = 1 << 20;

/// Numbers plus one by key; zero is free.
#[derive(Debug, Default)]
pub(super) struct PagedSlots {
    /// Key of the first slot of the first page.
    base: i64,
    pages: Vec<Option<Box<[u32]>>>,
    touched: usize,
}

impl PagedSlots {
    /// Numbers keys until all are done or the array gives up; gives how many were done.
    pub(super) fn assign(&mut self, values: &[i64], out: &mut Vec<u32>, keys: &mut Numbering<'_>) -> usize {
        let mut done = 0;
        while done < values.len() {
            done += self.assign_present(&values[done..], out, keys);
            if done == values.len() || !self.touch(values[done], keys.given()) {
                break;
            }
        }
        done
    }

    /// As [`PagedSlots::assign`], up to the first key without a page.
    fn assign_present(&mut self, values: &[i64], out: &mut Vec<u32>, keys: &mut Numbering<'_>) -> usize {
        let base = self.base;
        for (i, v) in values.iter().enumerate() {
            let offset = v.wrapping_sub(base) as u64;
            let Some(Some(page)) = self.pages.get_mut((offset >> PAGE_BITS) as usize) else {
                return i;
            };
            let slot = &mut page[offset as usize & (PAGE - 1)];
            if *slot == 0 {
                *slot = keys.next(*v);
            }
            out.push(*slot - 1);
        }
        values.len()
    }

    /// The number of a key.
    #[inline]
    pub(super) fn find(&self, v: i64) -> u32 {
        let offset = v.wrapping_sub(self.base) as u64;
        match self.pages.get((offset >> PAGE_BITS) as usize) {
            Some(Some(page)) => page[offset as usize & (PAGE - 1)].wrapping_sub(1),
            _ => NONE,
        }
    }

    /// Makes the page of a key; false if that would be too much.
    fn touch(&mut self, v: i64, keys: usize) -> bool {
        if (self.touched + 1) * PAGE > FREE_SLOTS.max(SLOTS_A_KEY * keys) {
            return false;
        }
        let start = v & !(PAGE as i64 - 1);
        if self.pages.is_empty() {
            self.base = start;
        }
        if start < self.base {
            let more = self.base.abs_diff(start) >> PAGE_BITS;
            if more + self.pages.len() as u64 > DIRECTORY {
                return false;
            }
            // Room below for keys that keep coming down.
            let more = more
                .max((self.pages.len() as u64).min(DIRECTORY - self.pages.len() as u64))
                .max(1);
            let Some(base) = self.base.checked_sub_unsigned(more << PAGE_BITS) else {
                return false;
            };
            let mut pages: Vec<Option<Box<[u32]>>> = (0..more).map(|_| None).collect();
            pages.append(&mut self.pages);
            (self.base, self.pages) = (base, pages);
        }
        let at = v.abs_diff(self.base) >> PAGE_BITS;
        if at >= DIRECTORY {
            return false;
        }
        let at = at as usize;
        if at >= self.pages.len() {
            self.pages.resize_with(at + 1, || None);
        }
        self.pages[at] = Some(vec![0u32; PAGE].into_boxed_slice());
        self.touched += 1;
        true
    }

    /// All keys with their number plus one.
    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, u32)> + '_ {
        let base = self.base;
        self.pages.iter().enumerate().flat_map(move |(p, page)| {
            let first = base.wrapping_add((p as i64) << PAGE_BITS);
            let slots = page.as_deref().unwrap_or_default();
            slots
                .iter()
                .enumerate()
                .filter(|(_, id)| **id != 0)
                .map(move |(i, id)| (first.wrapping_add(i as i64), *id))
        })
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        self.touched * PAGE * 4 + self.pages.capacity() * 16
    }
}
