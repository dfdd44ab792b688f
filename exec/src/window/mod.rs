//! Window functions over one partitioning and order.
//!
//! ```text
//!   input ──> WindowSink: collects; sorts by partition keys, then order keys, once all rows are there
//!                 └──> WindowSource: workers take runs of whole partitions, evaluate calls, put out rows in that order
//! ```
//!
//! Rows with equal keys keep the order of the source. Aggregates over the whole partition are computed with one group a
//! partition; over a growing frame incrementally; over short sliding frames row by row; over long ones from partial
//! states of spans of powers of two rows (see [`aggregate`]).
//!
//! When the pool refuses memory, rows are sorted through runs on disk and one worker evaluates them partition by partition
//! as they are merged (see [`streamed`]). A partition that does not fit either stays on disk; its calls are evaluated one
//! after another, by page where the frame allows it (see [`paged`]).

mod aggregate;
mod eval;
mod frame;
mod group_limit;
mod paged;
mod sink;
mod sliding;
mod source;
mod streamed;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use rsql_common::Result;
use rsql_planner::physical::Window;

use crate::build::Builder;
use crate::hash_join::engine_types;
use crate::pipeline::Chain;

pub(crate) use group_limit::build as build_group_limit;
use sink::{SharedWindow, WindowSink};
use source::WindowSource;

/// Ends the input's chain; the new chain starts with sorted rows and the calls' columns.
pub(crate) fn build(node: &Window, b: &mut Builder) -> Result<Chain> {
    let shared = Arc::new(SharedWindow::new(
        node.partition_by.clone(),
        node.order_by.clone(),
        node.calls.clone(),
        engine_types(node.input.schema()).into(),
        b.usage(),
    ));
    let chain = b.chain(&node.input)?;
    let done = b.finish(chain, Arc::new(WindowSink::new(Arc::clone(&shared))));
    Ok(Chain::new(Arc::new(WindowSource::new(shared))).after(done))
}
