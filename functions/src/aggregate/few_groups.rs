//! Sums over a handful of groups.
//!
//! They are kept in several lanes, taken in turn: a row then does not wait for the sum that the row before it has just stored.

use std::ops::Add;

/// Groups at most.
pub(super) const MOST_GROUPS: usize = 16;
/// Rows at most, which bounds what a lane holds.
pub(super) const MOST_ROWS: usize = 1 << 13;
const LANES: usize = 4;

/// Whether so many groups and rows are few.
pub(super) fn are_few(groups: usize, rows: usize) -> bool {
    groups <= MOST_GROUPS && (64..=MOST_ROWS).contains(&rows)
}

/// Sums by group of rows that are few.
pub(super) struct FewSums<T> {
    lanes: [[T; MOST_GROUPS]; LANES],
    seen: [bool; MOST_GROUPS],
    next: usize,
}

impl<T: Copy + Default + Add<Output = T>> FewSums<T> {
    pub(super) fn new() -> Self {
        Self {
            lanes: [[T::default(); MOST_GROUPS]; LANES],
            seen: [false; MOST_GROUPS],
            next: 0,
        }
    }

    /// Adds a row's value. The sum of [`MOST_ROWS`] of them must not overflow.
    #[inline]
    pub(super) fn add(&mut self, group: usize, value: T) {
        let group = group % MOST_GROUPS;
        let lane = &mut self.lanes[self.next % LANES][group];
        *lane = *lane + value;
        self.seen[group] = true;
        self.next = self.next.wrapping_add(1);
    }

    /// The sums of groups that had a row.
    pub(super) fn sums(&self) -> impl Iterator<Item = (usize, T)> {
        let of = |group: usize| self.lanes.iter().fold(T::default(), |sum, lane| sum + lane[group]);
        (0..MOST_GROUPS).filter(|g| self.seen[*g]).map(move |g| (g, of(g)))
    }
}

/// Adds the number of rows of each group to `counts`.
pub(super) fn count_rows(counts: &mut [i64], group_of: &[u32]) {
    if are_few(counts.len(), group_of.len()) {
        let mut few = FewSums::<i64>::new();
        group_of.iter().for_each(|g| few.add(*g as usize, 1));
        few.sums().for_each(|(g, n)| counts[g] += n);
    } else {
        group_of.iter().for_each(|g| counts[*g as usize] += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_add_up() {
        let group_of: Vec<u32> = (0..5_000u32).map(|i| i * i % 7).collect();
        let mut few = FewSums::<i128>::new();
        let mut want = [0i128; 7];
        for (i, g) in group_of.iter().enumerate() {
            few.add(*g as usize, i as i128 - 99);
            want[*g as usize] += i as i128 - 99;
        }
        let got: Vec<(usize, i128)> = few.sums().collect();
        let want: Vec<(usize, i128)> = want
            .into_iter()
            .enumerate()
            .filter(|(g, _)| [0, 1, 2, 4].contains(g))
            .collect();
        assert_eq!(got, want);
        let (mut counts, mut naive) = ([1i64; 7], [1i64; 7]);
        count_rows(&mut counts, &group_of);
        group_of.iter().for_each(|g| naive[*g as usize] += 1);
        assert_eq!(counts, naive);
    }
}
