//! What a KLL sketch in bytes answers: counts, quantiles, ranks, and the summary Java prints.
//!
//! Java looks at the structure of the bytes and takes every value as it stands, so the functions that only read do too:
//! a sketch of longs answers as a sketch of doubles of the same bits would.

use rsql_common::{Error, Result};

use super::item::Item;

const FAMILY: u8 = 15;
const FULL_PREAMBLE: u8 = 5;
const SHORT_PREAMBLE: u8 = 2;
const EMPTY: u8 = 1;
const LEVEL_ZERO_SORTED: u8 = 2;
const SINGLE_ITEM: u8 = 4;
/// Bytes before the levels, and before the values of a small sketch.
const FULL_HEADER: usize = 20;
const SHORT_HEADER: usize = 8;
/// The least capacity of a level.
const M: u8 = 8;
const MAX_LEVELS: usize = 61;

/// A sketch's parts.
#[derive(Debug, Clone)]
pub(super) struct View<I> {
    flags: u8,
    k: u16,
    min_k: u16,
    n: u64,
    /// The least and the greatest value seen.
    edges: Option<(I, I)>,
    /// The retained values of each level, the lowest first; one of level i stands for 2^i.
    levels: Vec<Vec<I>>,
    /// Where the retained values lie in the bytes, those of level 0 first.
    pub(super) values_at: usize,
}

fn broken(what: &str) -> Error {
    Error::internal(format!("a KLL sketch with {what}"))
}

/// Most values of a sketch of so many levels: a third less in each level below the top.
fn capacity(k: u16, levels: usize) -> usize {
    let share = |k: u64, depth: u32| {
        let scaled = (u128::from(k) << (depth + 1)) / 3u128.pow(depth);
        (scaled as u64).div_ceil(2)
    };
    (0..levels as u32)
        .map(|depth| {
            let wide = if depth <= 30 {
                share(k.into(), depth)
            } else {
                share(share(k.into(), depth / 2), depth - depth / 2)
            };
            wide.max(M.into()) as usize
        })
        .sum()
}

impl<I: Item> View<I> {
    /// Reads the bytes' structure.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let [preamble, version, family, flags, k0, k1, m, _, rest @ ..] = bytes else {
            return Err(broken("too few bytes"));
        };
        let k = u16::from_le_bytes([*k0, *k1]);
        if *family != FAMILY || *m != M || k < u16::from(M) {
            return Err(broken("another header"));
        }
        let mut view = Self {
            flags: *flags,
            k,
            min_k: k,
            n: 0,
            edges: None,
            levels: vec![Vec::new()],
            values_at: SHORT_HEADER,
        };
        match (*preamble, *version, flags & (EMPTY | SINGLE_ITEM)) {
            (SHORT_PREAMBLE, 1, EMPTY) => {}
            (SHORT_PREAMBLE, 2, SINGLE_ITEM) => {
                let value = read_item::<I>(rest, 0)?;
                view.n = 1;
                view.edges = Some((value.clone(), value.clone()));
                view.levels[0].push(value);
            }
            (FULL_PREAMBLE, 1, 0) => view.read_full(bytes)?,
            _ => return Err(broken("another structure")),
        }
        Ok(view)
    }

    fn read_full(&mut self, bytes: &[u8]) -> Result<()> {
        let head = bytes
            .get(SHORT_HEADER..FULL_HEADER)
            .ok_or_else(|| broken("too few bytes"))?;
        self.n = head.iter().take(8).rev().fold(0, |n, b| n << 8 | u64::from(*b));
        self.min_k = u16::from_le_bytes([head[8], head[9]]);
        let levels = usize::from(head[10]);
        if !(1..=MAX_LEVELS).contains(&levels) {
            return Err(broken("an impossible number of levels"));
        }
        let (words, _) = bytes[FULL_HEADER..].as_chunks::<4>();
        let offsets = words.get(..levels).ok_or_else(|| broken("too few bytes"))?;
        let offsets = offsets.iter().map(|w| u32::from_le_bytes(*w) as usize);
        let offsets: Vec<usize> = offsets.chain([capacity(self.k, levels)]).collect();
        if !offsets.is_sorted() {
            return Err(broken("levels out of order"));
        }
        let edges_at = FULL_HEADER + 4 * levels;
        self.edges = Some((read_item(bytes, edges_at)?, read_item(bytes, edges_at + I::WIDTH)?));
        self.values_at = edges_at + 2 * I::WIDTH;
        let retained = offsets[levels] - offsets[0];
        if bytes.len() < self.values_at + retained * I::WIDTH {
            return Err(broken("too few bytes"));
        }
        self.levels = offsets
            .windows(2)
            .map(|w| {
                (w[0]..w[1])
                    .map(|i| read_item(bytes, self.values_at + (i - offsets[0]) * I::WIDTH))
                    .collect()
            })
            .collect::<Result<_>>()?;
        Ok(())
    }

    /// Number of values seen.
    pub(super) fn n(&self) -> u64 {
        self.n
    }

    /// Number of values of level 0 if their order means something and there are several.
    pub(super) fn unsorted(&self) -> usize {
        match self.flags & (LEVEL_ZERO_SORTED | EMPTY | SINGLE_ITEM) {
            0 => self.levels[0].len(),
            _ => 0,
        }
    }

    /// All values ascending with the weight of all up to each. Compaction may have dropped the edges: they take their
    /// place at either end with a weight of one.
    fn sorted(&self) -> Vec<(I, u64)> {
        let mut weighted: Vec<(I, u64)> = Vec::new();
        for (level, values) in self.levels.iter().enumerate() {
            weighted.extend(values.iter().map(|v| (v.clone(), 1 << level)));
        }
        weighted.sort_by(|a, b| a.0.total(&b.0));
        let mut all = 0u64;
        for (_, weight) in &mut weighted {
            all = all.saturating_add(*weight);
            *weight = all;
        }
        if let Some((least, greatest)) = &self.edges {
            if weighted.last().is_some_and(|(v, _)| v.total(greatest).is_ne()) {
                if let Some((_, weight)) = weighted.last_mut() {
                    *weight -= 1;
                }
                weighted.push((greatest.clone(), all));
            }
            if weighted.first().is_some_and(|(v, _)| v.total(least).is_ne()) {
                weighted.insert(0, (least.clone(), 1));
            }
        }
        weighted
    }

    /// The values at ranks between 0 and 1; `None` if there are no values.
    pub(super) fn quantiles(&self, ranks: &[f64]) -> Option<Vec<I>> {
        /// Below so many values Java rounds what multiplication left behind the seventh digit.
        const FINE: f64 = 1e7;
        let sorted = self.sorted();
        let (last, _) = sorted.last()?;
        let n = self.n as f64;
        let value = |rank: &f64| {
            let mut natural = rank * n;
            if n <= FINE {
                natural = (natural * FINE + 0.5).floor() / FINE;
            }
            // NaN becomes 0.
            let natural = natural.ceil() as u64;
            let at = sorted.partition_point(|(_, weight)| *weight < natural);
            sorted.get(at).map_or_else(|| last.clone(), |(v, _)| v.clone())
        };
        Some(ranks.iter().map(value).collect())
    }

    /// The shares of values up to each of `values`; `None` if there are no values.
    pub(super) fn ranks(&self, values: &[I]) -> Option<Vec<f64>> {
        let sorted = self.sorted();
        sorted.last()?;
        let rank = |value: &I| {
            let upto = sorted.partition_point(|(v, _)| v.total(value).is_le());
            match upto.checked_sub(1).and_then(|i| sorted.get(i)) {
                Some((_, weight)) => *weight as f64 / self.n as f64,
                None => 0.0,
            }
        };
        Some(values.iter().map(rank).collect())
    }

    /// What Java prints of a sketch.
    pub(super) fn summary(&self) -> String {
        let levels = self.levels.len();
        let capacity = capacity(self.k, levels);
        let retained: usize = self.levels.iter().map(Vec::len).sum();
        let edge = |pick: fn(&(I, I)) -> &I| self.edges.as_ref().map_or("NaN".into(), |e| pick(e).text());
        let compact = match self.n {
            0 => SHORT_HEADER,
            1 => SHORT_HEADER + I::WIDTH,
            _ => FULL_HEADER + 4 * levels + (2 + retained) * I::WIDTH,
        };
        let min_k = f64::from(self.min_k);
        let epsilon = |factor: f64, power: f64| format!("{:.3}%", 100.0 * factor / min_k.powf(power));
        let lines: [(&str, String); 18] = [
            ("K", self.k.to_string()),
            ("Dynamic min K", self.min_k.to_string()),
            ("M", M.to_string()),
            ("N", self.n.to_string()),
            ("Epsilon", epsilon(2.296, 0.9723)),
            ("Epsilon PMF", epsilon(2.446, 0.9433)),
            ("Empty", (self.n == 0).to_string()),
            ("Estimation Mode", (levels > 1).to_string()),
            ("Levels", levels.to_string()),
            ("Level 0 Sorted", (self.flags & LEVEL_ZERO_SORTED != 0).to_string()),
            ("Capacity Items", capacity.to_string()),
            ("Retained Items", retained.to_string()),
            ("Free Space", capacity.saturating_sub(retained).to_string()),
            ("ReadOnly", "false".to_string()),
            (
                "Updatable Storage Bytes",
                (FULL_HEADER + 4 * (levels + 1) + (2 + capacity) * I::WIDTH).to_string(),
            ),
            ("Compact Storage Bytes", compact.to_string()),
            ("Min Item", edge(|e| &e.0)),
            ("Max Item", edge(|e| &e.1)),
        ];
        let mut out = format!("\n### Kll{} Summary:\n", I::SKETCH_NAME);
        for (name, value) in &lines {
            out.push_str(&format!("   {name:<23}: {value}\n"));
        }
        out.push_str("### End sketch summary\n");
        out
    }
}

/// The value at `at`.
fn read_item<I: Item>(bytes: &[u8], at: usize) -> Result<I> {
    bytes
        .get(at..at + I::WIDTH)
        .and_then(I::from_bytes)
        .ok_or_else(|| broken("too few bytes or a NaN"))
}
