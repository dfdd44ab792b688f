//! Rows of an output that went out before the rest of it could be had.
//!
//! Rows cannot be taken back, but the output is made again, and most outputs come out in the same order each time. The first
//! rows of the new one are left out if they are those that went out, whatever their order among themselves; the rest follows.
//! If they are others the query has failed.

use rsql_common::{Error, ErrorKind, Result};
use rsql_expr::Chunk;
use rsql_shuffle::RowSetHash;
use rsql_shuffle::hash::{ROW_SEED, RowHasher, Rows};

/// Which rows went out.
#[derive(Debug)]
pub(super) struct Handed {
    rows: u64,
    set: RowSetHash,
    hasher: RowHasher,
}

impl Handed {
    /// None.
    pub(super) fn none() -> Self {
        Self {
            rows: 0,
            set: RowSetHash::default(),
            hasher: RowHasher::new(ROW_SEED),
        }
    }

    /// Counts rows.
    pub(super) fn add(&mut self, chunk: &Chunk) -> Result<()> {
        let chunk = chunk.compact()?;
        let mut hashes = Vec::with_capacity(chunk.len);
        self.hasher.hash(&chunk.columns, Rows::All(chunk.len), &mut hashes)?;
        self.rows += hashes.len() as u64;
        hashes.into_iter().for_each(|hash| self.set.add(hash));
        Ok(())
    }

    /// Whether no row went out.
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }
}

/// Leaves out the rows that went out.
#[derive(Debug)]
pub(super) struct Resume {
    rows: u64,
    set: RowSetHash,
    seen: Handed,
}

impl Resume {
    /// After these rows.
    pub(super) fn after(handed: &Handed) -> Self {
        Self {
            rows: handed.rows,
            set: handed.set,
            seen: Handed::none(),
        }
    }

    /// What of the next chunk of the new output has not gone out.
    pub(super) fn rest(&mut self, chunk: Chunk) -> Result<Option<Chunk>> {
        let left = usize::try_from(self.rows - self.seen.rows).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(Some(chunk));
        }
        if chunk.rows() < left {
            self.seen.add(&chunk)?;
            return Ok(None);
        }
        self.seen.add(&chunk.slice(0, left))?;
        self.check()?;
        Ok((chunk.rows() > left).then(|| chunk.slice(left, chunk.rows() - left)))
    }

    /// Fails if the rows that were left out, all of them, are others than those that went out.
    pub(super) fn check(&self) -> Result<()> {
        if (self.seen.rows, self.seen.set) == (self.rows, self.set) {
            return Ok(());
        }
        Err(
            Error::new(ErrorKind::ExecutorLost, "CLUSTER.NONDETERMINISTIC_INPUT").with_message(format!(
                "A part of the result was lost when {} rows of it had been handed out already, and gave other rows when it \
                 was made again. Run the query again.",
                self.rows
            )),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};
    use rsql_expr::Vector;

    use super::*;

    fn chunk(values: &[i64]) -> Chunk {
        let array: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
        Chunk::new(vec![Vector::Flat(array)], values.len())
    }

    fn values(chunk: Option<Chunk>) -> Vec<i64> {
        let array = chunk.map(|c| c.columns[0].to_array().unwrap());
        array.map_or(Vec::new(), |a| {
            let array: &Int64Array = arrow::array::AsArray::as_primitive(&a);
            array.values().to_vec()
        })
    }

    fn handed(chunks: &[&[i64]]) -> Handed {
        let mut handed = Handed::none();
        chunks.iter().for_each(|c| handed.add(&chunk(c)).unwrap());
        handed
    }

    #[test]
    fn rows_that_went_out_are_left_out_however_they_are_cut() {
        let went = handed(&[&[1, 2, 3], &[4, 5]]);
        let mut resume = Resume::after(&went);
        assert!(values(resume.rest(chunk(&[2, 1])).unwrap()).is_empty());
        assert_eq!(values(resume.rest(chunk(&[3, 4, 5, 6])).unwrap()), [6]);
        assert_eq!(values(resume.rest(chunk(&[7])).unwrap()), [7]);
        let mut exact = Resume::after(&went);
        assert!(exact.rest(chunk(&[1, 2, 3, 4, 5])).unwrap().is_none());
        exact.check().unwrap();
        assert_eq!(values(exact.rest(chunk(&[6])).unwrap()), [6]);
        let mut start = Resume::after(&Handed::none());
        assert_eq!(values(start.rest(chunk(&[1])).unwrap()), [1]);
    }

    #[test]
    fn other_rows_and_fewer_rows_are_an_error() {
        let mut other = Resume::after(&handed(&[&[1, 2, 3]]));
        let error = other.rest(chunk(&[1, 2, 4, 3])).unwrap_err();
        assert_eq!(error.condition(), "CLUSTER.NONDETERMINISTIC_INPUT");
        let mut fewer = Resume::after(&handed(&[&[1, 2, 3]]));
        assert!(fewer.rest(chunk(&[1, 2])).unwrap().is_none());
        fewer.check().unwrap_err();
    }
}
