//! What every crate shares: typed errors, settings, ids, memory pool, cancellation and metrics.
//!
//! Reading order: [`error`] (what a failure is), [`settings`] (what can be set), [`ids`], [`memory`], [`cancel`],
//! [`metrics`], [`progress`], [`redaction`], [`quoted_name`] and [`ordinal_word`] (how messages write names and positions). Nothing here knows SQL, plans or Arrow arrays.

pub mod cancel;
pub mod error;
pub mod ids;
pub mod memory;
pub mod metrics;
mod name;
mod ordinal;
pub mod progress;
pub mod redaction;
pub mod settings;

pub use cancel::CancelToken;
pub use error::{Error, ErrorKind, FetchFailure, FetchReason, Result, Span, read_bytes, read_text};
pub use ids::{ColumnId, CteId, DictId, ExecutorId, FilterId, OutputId, QueryId, ScanId, StageId};
pub use memory::{MemoryPool, Reservation};
pub use name::quoted_name;
pub use ordinal::ordinal_word;
pub use progress::{Progress, StageProgress};
pub use redaction::Redaction;
pub use settings::Settings;
