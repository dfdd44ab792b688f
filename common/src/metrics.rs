//! Counters that operators keep for `EXPLAIN ANALYZE`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A shared counter; workers add once a chunk or morsel, never once a row.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Keeps the larger of the value and `n`.
    pub fn max(&self, n: u64) {
        self.0.fetch_max(n, Ordering::Relaxed);
    }

    /// The sum so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
