//! The selected rows of a chunk, grouped by partition; stable within a partition.

use rsql_expr::Chunk;

/// Physical rows, partition after partition.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    order: Vec<u32>,
    /// Where each partition begins in `order`, and its length at the end.
    starts: Vec<u32>,
}

impl Routes {
    /// All selected rows to the first of `partitions`.
    pub(crate) fn all_to_first(&mut self, chunk: &Chunk, partitions: usize) {
        self.order.clear();
        match &chunk.selection {
            Some(s) => self.order.extend_from_slice(s.rows()),
            None => self.order.extend(0..chunk.len as u32),
        }
        self.starts.clear();
        self.starts.push(0);
        self.starts.resize(partitions + 1, self.order.len() as u32);
    }

    /// The `i`-th selected row to the partition `of[i]`: a counting sort.
    pub(crate) fn group(&mut self, chunk: &Chunk, of: &[u32], partitions: usize) {
        self.starts.clear();
        self.starts.resize(partitions + 1, 0);
        for p in of {
            self.starts[*p as usize + 1] += 1;
        }
        for p in 0..partitions {
            self.starts[p + 1] += self.starts[p];
        }
        self.order.clear();
        self.order.resize(of.len(), 0);
        let mut next = self.starts.clone();
        let mut put = |p: u32, row: u32| {
            let place = &mut next[p as usize];
            self.order[*place as usize] = row;
            *place += 1;
        };
        match &chunk.selection {
            Some(s) => of.iter().zip(s.rows()).for_each(|(p, row)| put(*p, *row)),
            None => of.iter().zip(0..).for_each(|(p, row)| put(*p, row)),
        }
    }

    /// Partitions.
    pub(crate) fn partitions(&self) -> usize {
        self.starts.len() - 1
    }

    /// The rows of a partition.
    pub(crate) fn of(&self, partition: usize) -> &[u32] {
        &self.order[self.range(partition)]
    }

    /// Where the rows of a partition are in [`Routes::order`].
    pub(crate) fn range(&self, partition: usize) -> std::ops::Range<usize> {
        self.starts[partition] as usize..self.starts[partition + 1] as usize
    }

    /// All rows.
    pub(crate) fn order(&self) -> &[u32] {
        &self.order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_selected_rows_in_order() {
        let mut chunk = Chunk::new(Vec::new(), 10);
        chunk.select(vec![1, 3, 4, 7, 9]);
        let mut routes = Routes::default();
        routes.group(&chunk, &[2, 0, 2, 0, 2], 4);
        let groups: Vec<&[u32]> = (0..4).map(|p| routes.of(p)).collect();
        assert_eq!(groups, [&[3u32, 7][..], &[], &[1, 4, 9], &[]]);
        routes.all_to_first(&chunk, 2);
        assert_eq!((routes.of(0), routes.of(1)), (&[1u32, 3, 4, 7, 9][..], &[][..]));
    }
}
