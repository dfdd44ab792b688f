//! Things a client refers to by an opaque handle: the oldest go when there are too many or when nobody used them long.
//!
//! Drivers leak handles (JDBC one per `execute`), so a session's memory must not depend on their being closed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An opaque handle: random, so that one session's cannot be guessed from another's.
pub(crate) type Handle = [u8; 16];

/// Values by handle.
#[derive(Debug)]
pub(crate) struct Handles<T> {
    values: HashMap<Handle, Kept<T>>,
    capacity: usize,
    time_to_live: Duration,
    clock: u64,
}

#[derive(Debug)]
struct Kept<T> {
    value: Arc<T>,
    used: Instant,
    /// Orders uses that happen within one tick of the clock.
    order: u64,
}

impl<T> Handles<T> {
    /// Keeps at most `capacity` values, each for `time_to_live` after its last use.
    pub fn new(capacity: usize, time_to_live: Duration) -> Self {
        Self {
            values: HashMap::new(),
            capacity: capacity.max(1),
            time_to_live,
            clock: 0,
        }
    }

    /// Keeps a value.
    pub fn insert(&mut self, value: T) -> (Handle, Arc<T>) {
        self.expire(Instant::now());
        if self.values.len() >= self.capacity
            && let Some(oldest) = self.values.iter().min_by_key(|(_, k)| k.order).map(|(h, _)| *h)
        {
            self.values.remove(&oldest);
        }
        let handle: Handle = rand::random();
        let value = Arc::new(value);
        self.clock += 1;
        self.values.insert(
            handle,
            Kept {
                value: Arc::clone(&value),
                used: Instant::now(),
                order: self.clock,
            },
        );
        (handle, value)
    }

    /// A value that is still kept.
    pub fn get(&mut self, handle: &[u8]) -> Option<Arc<T>> {
        self.clock += 1;
        let kept = self.values.get_mut(handle)?;
        kept.used = Instant::now();
        kept.order = self.clock;
        Some(Arc::clone(&kept.value))
    }

    /// Replaces a value.
    pub fn replace(&mut self, handle: &[u8], value: T) -> bool {
        match self.values.get_mut(handle) {
            Some(kept) => {
                kept.value = Arc::new(value);
                true
            }
            None => false,
        }
    }

    /// Drops a value.
    pub fn remove(&mut self, handle: &[u8]) -> Option<Arc<T>> {
        self.values.remove(handle).map(|k| k.value)
    }

    /// Drops what nobody used long.
    pub fn expire(&mut self, now: Instant) {
        let limit = self.time_to_live;
        self.values.retain(|_, k| now.saturating_duration_since(k.used) < limit);
    }

    /// All values.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.values.values().map(|k| &k.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut handles = Handles::new(2, Duration::from_secs(60));
        let (a, _) = handles.insert("a");
        let (b, _) = handles.insert("b");
        assert!(handles.get(&a).is_some());
        let (c, _) = handles.insert("c");
        assert!(handles.get(&b).is_none());
        assert_eq!((*handles.get(&a).unwrap(), *handles.get(&c).unwrap()), ("a", "c"));
        assert_eq!(handles.iter().count(), 2);
    }

    #[test]
    fn unused_ones_expire() {
        let mut handles = Handles::new(10, Duration::from_secs(60));
        let (a, _) = handles.insert(1);
        handles.expire(Instant::now() + Duration::from_secs(61));
        assert!(handles.get(&a).is_none() && handles.get(b"none").is_none());
    }

    #[test]
    fn ten_thousand_unclosed_handles_take_no_more_room() {
        let mut handles = Handles::new(100, Duration::from_secs(60));
        for i in 0..10_000 {
            handles.insert(i);
        }
        assert_eq!(handles.iter().count(), 100);
        assert!(handles.values.capacity() < 1000);
    }
}
