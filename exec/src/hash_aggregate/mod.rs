//! Hash aggregation: groups rows by keys and keeps one state a group and call, stored by column.
//!
//! ```text
//!   input ──> AggregateSink: GroupedState per worker (KeyTable + accumulators + distinct sets)
//!                 │ merged at finalize, or by hash partition in the source's workers when there are many groups
//!                 └──> AggregateSource ──> groups, then aggregates
//! ```
//!
//! Groups come in the order of their first appearance, unless there are so many that workers merge partitions of them,
//! or they were spilled. Calls that depend on the order of rows (`collect_list`, `first`) make the sink keep the rows and
//! aggregate them in source order at the end. Under memory pressure those rows go through runs on disk, and partial states go
//! to spill files by hash partition and are merged partition by partition; a partition that does not fit is read several
//! times, each time for a part of its groups, or of its distinct tuples (see [`spilled`]).

mod call;
mod distinct;
mod input;
mod partial;
mod sink;
mod source;
mod spilled;
mod state;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use rsql_common::Result;
use rsql_planner::physical::HashAggregate;

use crate::build::Builder;
use crate::hash_join::engine_types;
use crate::pipeline::Chain;

use call::AggregateSpec;
use sink::{AggregateSink, SharedAggregate};
use source::AggregateSource;

/// Ends the input's chain; the new chain starts with the groups.
pub(crate) fn build(node: &HashAggregate, b: &mut Builder) -> Result<Chain> {
    let spec = AggregateSpec::new(node, &b.cx().registry)?;
    let shared = Arc::new(SharedAggregate::new(
        spec,
        engine_types(node.input.schema()).into(),
        b.usage(),
    ));
    let chain = b.chain(&node.input)?;
    let done = b.finish(chain, Arc::new(AggregateSink::new(Arc::clone(&shared))));
    Ok(Chain::new(Arc::new(AggregateSource::new(shared))).after(done))
}
