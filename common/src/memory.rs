//! The one memory pool. Consumers reserve before they allocate; the pool never over-grants.
//!
//! A refused grant raises the revoke flag of the largest revocable consumer, so that its workers spill at their next
//! chunk; the refused consumer itself may spill at once and ask again.
//!
//! Tasks that run side by side in one process each get a [`MemoryPool::share`]: with N of them none holds more than one
//! N-th of the pool, so each can have at least half of that as soon as those that came before have given back what is too
//! much now that there are more. Who alone is there has all of it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::metrics::Gauge;
use crate::{Error, Result};

/// Shared budget in bytes.
#[derive(Debug)]
pub struct MemoryPool {
    limit: usize,
    used: AtomicUsize,
    peak: AtomicUsize,
    consumers: Mutex<Vec<Arc<Consumer>>>,
    /// The pool that this one is a share of.
    whole: Option<Whole>,
    /// Shares of this pool that are alive.
    shares: Mutex<Vec<Weak<MemoryPool>>>,
}

#[derive(Debug)]
struct Whole {
    pool: Arc<MemoryPool>,
    /// The share's cap is never below this, as long as the pool has it.
    promised: usize,
}

#[derive(Debug)]
struct Consumer {
    name: String,
    reserved: AtomicUsize,
    revocable: AtomicBool,
    revoke: AtomicBool,
    /// Follows what is reserved, where somebody asks.
    gauge: Option<Gauge>,
}

/// One consumer's share of a [`MemoryPool`]; returns everything when dropped.
#[derive(Debug)]
pub struct Reservation {
    pool: Arc<MemoryPool>,
    consumer: Arc<Consumer>,
}

impl MemoryPool {
    /// A pool of `limit` bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Self::make(limit, None)
    }

    fn make(limit: usize, whole: Option<Whole>) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            consumers: Mutex::new(Vec::new()),
            whole,
            shares: Mutex::default(),
        })
    }

    /// A task's fair share: its cap is the pool's limit over the number of shares, or what it was `promised` if that is
    /// more.
    pub fn share(self: &Arc<Self>, promised: u64) -> Arc<Self> {
        let whole = Whole {
            pool: Arc::clone(self),
            promised: usize::try_from(promised).unwrap_or(usize::MAX).min(self.limit),
        };
        let share = Self::make(self.limit, Some(whole));
        self.shares.lock().push(Arc::downgrade(&share));
        share
    }

    /// A pool that refuses nothing; for tests and constant folding.
    pub fn unbounded() -> Arc<Self> {
        Self::new(usize::MAX)
    }

    /// Registers a consumer. `revocable` ones can give memory back by spilling when their revoke flag is raised.
    pub fn register(self: &Arc<Self>, name: impl Into<String>, revocable: bool) -> Reservation {
        self.register_measured(name, revocable, None)
    }

    /// As [`MemoryPool::register`]; `gauge` follows what the consumer holds.
    pub fn register_measured(
        self: &Arc<Self>,
        name: impl Into<String>,
        revocable: bool,
        gauge: Option<Gauge>,
    ) -> Reservation {
        let consumer = Arc::new(Consumer {
            name: name.into(),
            reserved: AtomicUsize::new(0),
            revocable: AtomicBool::new(revocable),
            revoke: AtomicBool::new(false),
            gauge,
        });
        self.consumers.lock().push(Arc::clone(&consumer));
        Reservation {
            pool: Arc::clone(self),
            consumer,
        }
    }

    /// Bytes granted at present.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Most bytes ever granted at one time.
    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// The budget; of a share, what it may hold at present.
    pub fn limit(&self) -> usize {
        match &self.whole {
            None => self.limit,
            Some(whole) => {
                let shares = whole.pool.shares.lock().len().max(1);
                (self.limit / shares).max(whole.promised)
            }
        }
    }

    fn try_take(&self, bytes: usize) -> bool {
        let limit = self.limit();
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|total| *total <= limit)
        });
        let Ok(before) = taken else { return false };
        if let Some(whole) = &self.whole
            && !whole.pool.try_take(bytes)
        {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            whole.pool.revoke_excess();
            return false;
        }
        self.peak.fetch_max(before + bytes, Ordering::Relaxed);
        true
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.pool.give_back(bytes);
        }
    }

    /// Asks the shares that hold more than their cap, since there were fewer when they took it, to give some back.
    fn revoke_excess(&self) {
        let shares: Vec<Arc<Self>> = self.shares.lock().iter().filter_map(Weak::upgrade).collect();
        for share in shares.iter().filter(|s| s.used() > s.limit()) {
            share.revoke_largest();
        }
    }

    fn revoke_largest(&self) {
        let consumers = self.consumers.lock();
        let largest = consumers
            .iter()
            .filter(|c| c.revocable.load(Ordering::Relaxed))
            .max_by_key(|c| c.reserved.load(Ordering::Relaxed));
        if let Some(consumer) = largest {
            consumer.revoke.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for MemoryPool {
    fn drop(&mut self) {
        if let Some(whole) = &self.whole {
            // Its own weak reference is dead by now.
            whole.pool.shares.lock().retain(|s| s.strong_count() > 0);
        }
    }
}

impl Reservation {
    /// Reserves `bytes` more, or fails with `RESOURCE_EXHAUSTED` after raising the largest consumer's revoke flag.
    pub fn try_grow(&self, bytes: usize) -> Result<()> {
        if self.pool.try_take(bytes) {
            self.consumer.reserved.fetch_add(bytes, Ordering::Relaxed);
            if let Some(gauge) = &self.consumer.gauge {
                gauge.rise(bytes);
            }
            return Ok(());
        }
        self.pool.revoke_largest();
        Err(Error::exhausted(format!(
            "{} asked for {bytes} bytes, {} of {} are in use (rsql.memory.limit)",
            self.consumer.name,
            self.pool.used(),
            self.pool.limit()
        )))
    }

    /// Grows or shrinks to `bytes` in all.
    pub fn try_resize(&self, bytes: usize) -> Result<()> {
        let now = self.size();
        if bytes > now {
            self.try_grow(bytes - now)
        } else {
            self.shrink(now - bytes);
            Ok(())
        }
    }

    /// Gives `bytes` back.
    pub fn shrink(&self, bytes: usize) {
        let bytes = bytes.min(self.size());
        self.consumer.reserved.fetch_sub(bytes, Ordering::Relaxed);
        self.pool.give_back(bytes);
        if let Some(gauge) = &self.consumer.gauge {
            gauge.fall(bytes);
        }
    }

    /// Gives everything back.
    pub fn free(&self) {
        self.shrink(self.size());
    }

    /// Bytes held.
    pub fn size(&self) -> usize {
        self.consumer.reserved.load(Ordering::Relaxed)
    }

    /// True when the pool wants memory back; the holder spills, frees and calls [`Reservation::clear_revoke`].
    pub fn revoke_requested(&self) -> bool {
        self.consumer.revoke.load(Ordering::Relaxed)
    }

    /// The holder will not give anything back any more before it is done: others are asked instead.
    pub fn settle(&self) {
        self.consumer.revocable.store(false, Ordering::Relaxed);
        self.clear_revoke();
    }

    /// Lowers the revoke flag after a spill.
    pub fn clear_revoke(&self) {
        self.consumer.revoke.store(false, Ordering::Relaxed);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.free();
        self.pool.consumers.lock().retain(|c| !Arc::ptr_eq(c, &self.consumer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_above_the_limit_and_flags_the_largest() {
        let pool = MemoryPool::new(100);
        let big = pool.register("big", true);
        let small = pool.register("small", false);
        big.try_grow(80).unwrap();
        assert_eq!(small.try_grow(30).unwrap_err().condition(), "RESOURCE_EXHAUSTED");
        assert!(big.revoke_requested());
        drop(big);
        small.try_grow(30).unwrap();
        assert_eq!((pool.used(), pool.peak()), (30, 80));
        drop(small);
        assert_eq!(pool.used(), 0);
    }

    #[test]
    fn tasks_side_by_side_get_equal_shares() {
        let pool = MemoryPool::new(100);
        let first = pool.share(0);
        let hog = first.register("hog", true);
        hog.try_grow(90).unwrap();
        // A second task comes: half is its own, and the first is asked for what is too much.
        let second = pool.share(0);
        let late = second.register("late", true);
        assert_eq!((first.limit(), second.limit()), (50, 50));
        assert!(late.try_grow(40).is_err());
        assert!(hog.revoke_requested());
        assert!(hog.try_grow(1).is_err(), "it has more than its share");
        hog.shrink(60);
        late.try_grow(40).unwrap();
        assert!(late.try_grow(20).is_err(), "neither may have more than half");
        assert_eq!((pool.used(), first.used(), second.used()), (70, 30, 40));
        // The second ends: the first has all.
        drop(late);
        drop(second);
        hog.try_grow(60).unwrap();
        assert_eq!(pool.used(), 90);
        drop((hog, first));
        assert_eq!(pool.used(), 0);
    }

    #[test]
    fn a_promise_counts_more_than_an_equal_share() {
        let pool = MemoryPool::new(100);
        let (retried, other) = (pool.share(80), pool.share(0));
        assert_eq!((retried.limit(), other.limit()), (80, 50));
        let (a, b) = (retried.register("a", true), other.register("b", true));
        a.try_grow(80).unwrap();
        assert!(b.try_grow(30).is_err(), "the pool never over-grants");
        b.try_grow(20).unwrap();
    }

    #[test]
    fn settled_consumers_are_left_alone_and_gauges_keep_the_peak() {
        let pool = MemoryPool::new(100);
        let gauge = Gauge::default();
        let table = pool.register_measured("table", true, Some(gauge.clone()));
        let sort = pool.register("sort", true);
        table.try_grow(70).unwrap();
        sort.try_grow(20).unwrap();
        table.settle();
        assert!(sort.try_grow(20).is_err());
        assert!(sort.revoke_requested() && !table.revoke_requested());
        table.shrink(50);
        assert_eq!((gauge.get(), gauge.peak()), (20, 70));
        drop(table);
        assert_eq!((gauge.get(), gauge.peak()), (0, 70));
    }
}
