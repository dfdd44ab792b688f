//! Bytes of remote blocks that may be in flight or wait for a worker.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// A number of bytes that requests reserve before they are sent and blocks give back when they are decoded.
#[derive(Debug)]
pub(super) struct Budget {
    free: Mutex<i64>,
    changed: Notify,
}

/// A share of a [`Budget`]; given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Budget {
    pub(super) fn new(bytes: u64) -> Arc<Self> {
        Arc::new(Self {
            free: Mutex::new(bytes as i64),
            changed: Notify::new(),
        })
    }

    /// Reserves when there is enough.
    pub(super) async fn reserve(self: &Arc<Self>, bytes: u64) -> Held {
        loop {
            let changed = self.changed.notified();
            if let Some(held) = self.try_reserve(bytes) {
                return held;
            }
            changed.await;
        }
    }

    pub(super) fn try_reserve(self: &Arc<Self>, bytes: u64) -> Option<Held> {
        let mut free = self.free.lock();
        if *free < bytes as i64 {
            return None;
        }
        *free -= bytes as i64;
        drop(free);
        Some(self.held(bytes))
    }

    /// Reserves beyond the budget: the rest of a block of which a part is held already, which no decoding could free.
    pub(super) fn overdraw(self: &Arc<Self>, bytes: u64) -> Held {
        *self.free.lock() -= bytes as i64;
        self.held(bytes)
    }

    fn held(self: &Arc<Self>, bytes: u64) -> Held {
        Held {
            budget: Arc::clone(self),
            bytes,
        }
    }
}

impl Held {
    /// Splits `bytes` off, or all if they are fewer.
    pub(super) fn split(&mut self, bytes: u64) -> Held {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.budget.held(bytes)
    }

    /// Takes the bytes of another share.
    pub(super) fn merge(&mut self, mut other: Held) {
        self.bytes += std::mem::take(&mut other.bytes);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.bytes > 0 {
            *self.budget.free.lock() += self.bytes as i64;
            // All waiters look: the first may want more than there is, another less.
            self.budget.changed.notify_waiters();
        }
    }
}
