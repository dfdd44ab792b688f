//! The HyperLogLog sketch of DataSketches with 8-bit registers, bit for bit as the Java library keeps it.
//!
//! It starts as a list of up to eight *coupons* (six bits of value, 26 of slot), goes on as a hash set of them, and
//! ends as registers. Spark shows the *updatable* form, in which the place of a coupon in its table is visible, so the
//! tables grow and probe as Java's do. What only needs the numbers (estimates, with their interpolation tables) is
//! asked of the `datasketches` crate.

use super::bytes;

/// Smallest and largest log2 of the number of registers.
pub(super) const LG_K: std::ops::RangeInclusive<u8> = 4..=21;
/// Slots of the list.
pub(super) const LIST_SLOTS: usize = 8;
/// log2 of the first hash set's slots.
const LG_FIRST_SET: u8 = 5;
const SLOT_MASK: u32 = (1 << 26) - 1;

/// A sketch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hll {
    pub(super) lg_k: u8,
    pub(super) mode: Mode,
}

/// What a sketch holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mode {
    /// Coupons in the order they came; 0 is a free slot.
    List(Coupons),
    /// Coupons in an open hash table.
    Set(Coupons),
    Registers(Registers),
}

/// A table of coupons.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Coupons {
    pub(super) slots: Vec<u32>,
    pub(super) count: usize,
}

/// Registers and what estimates are made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Registers {
    pub(super) values: Vec<u8>,
    /// The estimate that follows the order of the input ("historic inverse probability").
    pub(super) hip: f64,
    /// Sums of 2^-value, of values below 32 and of the others.
    pub(super) sums: (f64, f64),
    /// The smallest value, as of the last time it was counted, and how many have it.
    pub(super) least: (u8, u32),
    /// Unions lose the order, and with it the meaning of `hip`.
    pub(super) out_of_order: bool,
    /// `sums` and `least` have to be computed again.
    pub(super) stale: bool,
}

impl Hll {
    pub(super) fn new(lg_k: u8) -> Self {
        Self {
            lg_k,
            mode: Mode::List(Coupons {
                slots: vec![0; LIST_SLOTS],
                count: 0,
            }),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match &self.mode {
            Mode::List(c) | Mode::Set(c) => c.count == 0,
            // As in Java: a sketch with registers has seen something.
            Mode::Registers(_) => false,
        }
    }

    /// Adds a value by its bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        let (low, high) = super::super::murmur::hash128(bytes);
        let value = high.leading_zeros().min(62) + 1;
        self.add(value << 26 | low as u32 & SLOT_MASK);
    }

    /// Adds a coupon.
    pub(super) fn add(&mut self, coupon: u32) {
        if coupon >> 26 == 0 {
            return;
        }
        match &mut self.mode {
            Mode::List(list) => {
                if list.push(coupon) && list.count >= LIST_SLOTS {
                    self.promote();
                }
            }
            Mode::Set(set) => {
                let (slot, found) = find(&set.slots, coupon);
                if found {
                    return;
                }
                set.slots[slot] = coupon;
                set.count += 1;
                if 4 * set.count > 3 * set.slots.len() {
                    if set.lg_slots() + 3 == u32::from(self.lg_k) {
                        self.promote();
                    } else {
                        set.grow();
                    }
                }
            }
            Mode::Registers(r) => r.add(coupon, self.lg_k),
        }
    }

    /// A full list becomes a set, a full set registers; small sketches have no set.
    fn promote(&mut self) {
        let (coupons, to_set) = match &self.mode {
            Mode::List(c) => (c.slots.clone(), self.lg_k >= 8),
            Mode::Set(c) => (c.slots.clone(), false),
            Mode::Registers(_) => return,
        };
        if to_set {
            self.mode = Mode::Set(Coupons {
                slots: vec![0; 1 << LG_FIRST_SET],
                count: 0,
            });
            coupons.into_iter().for_each(|c| self.add(c));
            return;
        }
        let hip = self.estimate();
        let mut registers = Registers::new(self.lg_k);
        coupons
            .into_iter()
            .filter(|c| *c != 0)
            .for_each(|c| registers.add(c, self.lg_k));
        registers.hip = hip;
        self.mode = Mode::Registers(registers);
    }

    /// Number of distinct values.
    pub(super) fn estimate(&self) -> f64 {
        // Our own bytes, so reading them back cannot fail.
        datasketches::hll::HllSketch::deserialize(&bytes::for_estimate(self)).map_or(0.0, |s| s.estimate())
    }

    /// The occupied slots, as coupons.
    fn coupons(&self) -> Vec<u32> {
        match &self.mode {
            Mode::List(c) | Mode::Set(c) => c.slots.iter().copied().filter(|c| *c != 0).collect(),
            Mode::Registers(r) => (0u32..)
                .zip(&r.values)
                .filter(|(_, v)| **v != 0)
                .map(|(slot, v)| u32::from(*v) << 26 | slot)
                .collect(),
        }
    }

    /// The same registers folded into fewer.
    fn downsampled(&self, lg_k: u8) -> Self {
        let mut folded = Registers::new(lg_k);
        self.coupons().into_iter().for_each(|c| folded.add(c, lg_k));
        if let Mode::Registers(r) = &self.mode {
            folded.hip = if r.out_of_order { 0.0 } else { r.hip };
            folded.out_of_order = r.out_of_order;
        }
        Self {
            lg_k,
            mode: Mode::Registers(folded),
        }
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        match &self.mode {
            Mode::List(c) | Mode::Set(c) => 4 * c.slots.capacity(),
            Mode::Registers(r) => r.values.capacity(),
        }
    }
}

impl Coupons {
    /// Adds to a list; true if it was not there.
    fn push(&mut self, coupon: u32) -> bool {
        for slot in &mut self.slots {
            if *slot == coupon {
                return false;
            }
            if *slot == 0 {
                *slot = coupon;
                self.count += 1;
                return true;
            }
        }
        false
    }

    pub(super) fn lg_slots(&self) -> u32 {
        self.slots.len().trailing_zeros()
    }

    fn grow(&mut self) {
        let mut slots = vec![0; self.slots.len() * 2];
        for coupon in self.slots.iter().filter(|c| **c != 0) {
            let (slot, _) = find(&slots, *coupon);
            slots[slot] = *coupon;
        }
        self.slots = slots;
    }
}

/// Where `coupon` is in the table, or would be.
fn find(slots: &[u32], coupon: u32) -> (usize, bool) {
    let mask = slots.len() - 1;
    let stride = ((coupon & SLOT_MASK) >> slots.len().trailing_zeros()) as usize | 1;
    let mut slot = coupon as usize & mask;
    // The table is never full, and an odd stride visits every slot.
    for _ in 0..slots.len() {
        if slots[slot] == 0 || slots[slot] == coupon {
            break;
        }
        slot = (slot + stride) & mask;
    }
    (slot, slots[slot] == coupon)
}

impl Registers {
    pub(super) fn new(lg_k: u8) -> Self {
        let k = 1u32 << lg_k;
        Self {
            values: vec![0; k as usize],
            hip: 0.0,
            sums: (f64::from(k), 0.0),
            least: (0, k),
            out_of_order: false,
            stale: false,
        }
    }

    fn add(&mut self, coupon: u32, lg_k: u8) {
        let slot = (coupon & ((1 << lg_k) - 1)) as usize;
        let value = (coupon >> 26) as u8;
        let old = self.values[slot];
        if value <= old {
            return;
        }
        self.values[slot] = value & 63;
        self.hip += f64::from(1u32 << lg_k) / (self.sums.0 + self.sums.1);
        for (v, sign) in [(old, -1.0), (value, 1.0)] {
            let sum = if v < 32 { &mut self.sums.0 } else { &mut self.sums.1 };
            *sum += sign * power(v);
        }
        if old == 0 {
            self.least.1 = self.least.1.saturating_sub(1);
        }
    }

    /// Takes the larger of each two registers; `other` has as many or more.
    fn merge(&mut self, other: &Self) {
        let mask = self.values.len() - 1;
        for (slot, v) in other.values.iter().enumerate() {
            let mine = &mut self.values[slot & mask];
            *mine = (*mine).max(*v);
        }
        self.hip = 0.0;
        self.out_of_order = true;
        self.stale = true;
    }

    /// Counts anew what a merge left stale.
    fn recount(&mut self) {
        if !self.stale {
            return;
        }
        let (mut low, mut high) = (self.values.len() as f64, 0.0);
        let (mut least, mut count) = (64u8, 0u32);
        for v in &self.values {
            if *v > 0 {
                // Java subtracts the one of an empty register from both sums.
                let sum = if *v < 32 { &mut low } else { &mut high };
                *sum += power(*v) - 1.0;
            }
            match v.cmp(&least) {
                std::cmp::Ordering::Less => (least, count) = (*v, 1),
                std::cmp::Ordering::Equal => count += 1,
                std::cmp::Ordering::Greater => {}
            }
        }
        self.sums = (low, high);
        self.least = (least, count);
        self.stale = false;
    }
}

/// 2^-v
fn power(v: u8) -> f64 {
    0.5f64.powi(i32::from(v))
}

/// A union of sketches, of at most `lg_max` in size.
#[derive(Debug, Clone)]
pub(super) struct Union {
    lg_max: u8,
    gadget: Hll,
}

impl Union {
    pub(super) fn new(lg_max: u8) -> Self {
        Self {
            lg_max,
            gadget: Hll::new(lg_max),
        }
    }

    /// Size of what it holds now.
    pub(super) fn lg_k(&self) -> u8 {
        self.gadget.lg_k
    }

    /// Adds a sketch. A set can be taken over whole (`keep_table`) or coupon by coupon, which may place them
    /// differently.
    pub(super) fn add(&mut self, sketch: &Hll, keep_table: bool) {
        if sketch.is_empty() {
            return;
        }
        let registers = match &sketch.mode {
            Mode::Set(_) if keep_table && self.gadget.is_empty() && sketch.lg_k == self.gadget.lg_k => {
                self.gadget = sketch.clone();
                return;
            }
            Mode::List(_) | Mode::Set(_) => {
                sketch.coupons().into_iter().for_each(|c| self.gadget.add(c));
                return;
            }
            Mode::Registers(r) => r,
        };
        if let Mode::Registers(_) = &self.gadget.mode {
            if sketch.lg_k < self.gadget.lg_k {
                self.gadget = self.gadget.downsampled(sketch.lg_k);
            }
            if let Mode::Registers(mine) = &mut self.gadget.mode {
                mine.merge(registers);
            }
            return;
        }
        // The union had few values: they go into the other's registers.
        let mut taken = if sketch.lg_k > self.lg_max {
            sketch.downsampled(self.lg_max)
        } else {
            sketch.clone()
        };
        self.gadget.coupons().into_iter().for_each(|c| taken.add(c));
        self.gadget = taken;
    }

    /// The sketch of all.
    pub(super) fn result(&self) -> Hll {
        let mut result = self.gadget.clone();
        if let Mode::Registers(r) = &mut result.mode {
            r.recount();
        }
        result
    }

    /// Bytes held.
    pub(super) fn size(&self) -> usize {
        self.gadget.size()
    }
}
