//! Cooperative cancellation: a flag every long loop reads at least once a chunk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Error, Result};

/// A cloneable flag; all clones see one cancellation.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    set: AtomicBool,
    outer: Option<CancelToken>,
}

impl CancelToken {
    /// Asks the work to stop. Idempotent.
    pub fn cancel(&self) {
        self.0.set.store(true, Ordering::Relaxed);
    }

    /// True once somebody cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.set.load(Ordering::Relaxed) || self.0.outer.as_ref().is_some_and(Self::is_cancelled)
    }

    /// A token for a part of the work: it is cancelled with the whole, the whole is not cancelled with it.
    pub fn child(&self) -> Self {
        Self(Arc::new(Flag {
            set: AtomicBool::new(false),
            outer: Some(self.clone()),
        }))
    }

    /// `Err(OPERATION_CANCELED)` once somebody cancelled.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            Err(Error::cancelled())
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_with_the_whole_and_not_the_other_way() {
        let whole = CancelToken::default();
        let (one, other) = (whole.child(), whole.child());
        one.cancel();
        assert!(one.is_cancelled() && !other.is_cancelled() && !whole.is_cancelled());
        whole.cancel();
        assert!(other.check().is_err());
    }
}
