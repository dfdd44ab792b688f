//! What the driver writes down about each rule that changed the plan.

use std::time::Duration;

/// One application of a rule that changed the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceEntry {
    /// Batch the rule ran in.
    pub batch: &'static str,
    /// The rule.
    pub rule: &'static str,
    /// Iteration of the batch, from 0.
    pub iteration: usize,
    /// Time it took.
    pub time: Duration,
    /// The plan's text after it, when asked for.
    pub after: Option<String>,
}
