//! A global ORDER BY: the cluster's rows against the local ones, row by row and in order.

use std::time::{Duration, Instant};

use rsql_common::Result;
use rsql_engine::{Session, StatementOptions};
use rsql_shuffle::hash::{ROW_SEED, RowHasher, Rows};

/// What a result looks like to a reader who minds the order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// Rows.
    pub rows: u64,
    /// A hash of all rows in their order.
    pub hash: u64,
}

/// Reads a query's rows to the end, keeping none.
pub fn fingerprint(session: &Session, sql: &str) -> Result<(Fingerprint, Duration)> {
    let start = Instant::now();
    let mut running = session.start(sql, StatementOptions::default())?;
    let (mut hasher, mut hashes) = (RowHasher::new(ROW_SEED), Vec::new());
    let mut seen = Fingerprint::default();
    while let Some(chunk) = running.next_chunk()? {
        let rows = match &chunk.selection {
            Some(s) => Rows::Selected(s.rows()),
            None => Rows::All(chunk.len),
        };
        hasher.hash(&chunk.columns, rows, &mut hashes)?;
        seen.rows += hashes.len() as u64;
        for hash in &hashes {
            seen.hash = seen.hash.rotate_left(5).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ hash;
        }
    }
    Ok((seen, start.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_matters() {
        let session = Session::new().unwrap();
        let of = |sql: &str| fingerprint(&session, sql).unwrap().0;
        let up = of("SELECT id FROM range(100) ORDER BY id");
        assert_eq!(up.rows, 100);
        assert_eq!(
            up,
            of("SELECT id FROM range(50) UNION ALL SELECT id FROM range(50, 100)")
        );
        assert_ne!(up, of("SELECT id FROM range(100) ORDER BY id DESC"));
    }
}
