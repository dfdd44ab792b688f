//! Identifiers that are more than a number: one newtype each, so that they cannot be mixed up.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, concat!($prefix, "{}"), self.0) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
    };
}

id!(
    /// A column of a logical plan; unique within one statement. Names are for display only.
    ColumnId, "#"
);
id!(
    /// A common table expression instance.
    CteId, "cte"
);
id!(
    /// A runtime filter: published by a join, consumed by scans.
    FilterId, "rf"
);

id!(
    /// Scans of one table that are read together.
    ScanId, "scan"
);
id!(
    /// A stage of a distributed query: the plan between exchanges.
    StageId, "stage"
);
id!(
    /// An executor, numbered by the master in the order of registration; never used twice within one master.
    ExecutorId, "executor"
);

/// A query on its way through a cluster; unique within one master.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueryId(pub u64);

impl fmt::Display for QueryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "q{:016x}", self.0)
    }
}
impl fmt::Debug for QueryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The output of one attempt at one map task. Paths are built from these numbers alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OutputId {
    /// Query.
    pub query: QueryId,
    /// Stage that wrote it.
    pub stage: StageId,
    /// Task within the stage.
    pub map: u32,
    /// Attempt at the task; unique within the stage, across its epochs.
    pub attempt: u32,
}

/// Source of fresh ids for one statement. Shared by analyzer and optimizer through the session's statement context.
#[derive(Debug, Default)]
pub struct IdGen(AtomicU32);

impl IdGen {
    /// A column id never handed out before by this generator.
    pub fn column(&self) -> ColumnId {
        ColumnId(self.0.fetch_add(1, Ordering::Relaxed))
    }

    /// A CTE id never handed out before by this generator.
    pub fn cte(&self) -> CteId {
        CteId(self.0.fetch_add(1, Ordering::Relaxed))
    }

    /// An id for scans that are read together, never handed out before by this generator.
    pub fn scan(&self) -> ScanId {
        ScanId(self.0.fetch_add(1, Ordering::Relaxed))
    }

    /// A runtime-filter id never handed out before by this generator.
    pub fn filter(&self) -> FilterId {
        FilterId(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Identity of a dictionary's values within the process: equal ids mean equal entries in equal order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DictId(u64);

impl DictId {
    /// An id no other dictionary of this process has.
    pub fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        DictId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
