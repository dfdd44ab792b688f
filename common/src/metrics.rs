//! Counters and levels that operators keep for `EXPLAIN ANALYZE`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

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

/// A shared level that rises and falls, and the highest it has been.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<Level>);

#[derive(Debug, Default)]
struct Level {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Gauge {
    /// Raises the level by `n`.
    pub fn rise(&self, n: usize) {
        let now = self.0.now.fetch_add(n, Ordering::Relaxed) + n;
        self.0.peak.fetch_max(now, Ordering::Relaxed);
    }

    /// Lowers the level by `n`.
    pub fn fall(&self, n: usize) {
        self.0.now.fetch_sub(n, Ordering::Relaxed);
    }

    /// The level at present.
    pub fn get(&self) -> usize {
        self.0.now.load(Ordering::Relaxed)
    }

    /// The highest level so far.
    pub fn peak(&self) -> usize {
        self.0.peak.load(Ordering::Relaxed)
    }
}
