//! Hash join: one side becomes a table, the other streams past it.
//!
//! ```text
//!   build child ──> BuildSink ──┐ JoinTable (by row id: keys, payload columns, matched bits)
//!   probe child ──> … ──> Probe ┴─> pairs, unmatched probe rows, or marks ──> …   then tail: unmatched build rows
//! ```
//!
//! The probe side keeps its order; for one probe row, partners come in the order of the build side. Unmatched build rows
//! come at the end, in the build side's order. Parallel on both sides. Under memory pressure both sides are partitioned
//! by hash to spill files and joined partition by partition in the tail (see [`grace`]), which gives up order. A partition
//! that does not fit is cut again; one that hashing does not cut, because most rows have one key, is joined block by block
//! (see [`partition_join`] and [`block_join`]).
//!
//! Layouts of the table, chosen when the build side is known: a bitmap where only existence counts, a direct-address
//! array, hashing of single or packed integers, hashing of anything (see [`crate::hashing`]).

mod block_join;
mod build_sink;
mod emit;
mod grace;
mod key;
mod null_aware;
mod partition_join;
mod probe;
mod publish;
mod spec;
mod table;
#[cfg(test)]
mod tests;
mod unmatched;

use std::sync::Arc;

use rsql_common::Result;
use rsql_planner::physical::{HashJoin, Side};

use crate::build::Builder;
use crate::pipeline::Chain;

use build_sink::BuildSink;
pub(crate) use emit::mark_slots;
use probe::Probe;
pub(crate) use probe::{too_many_rows, with_marks};
#[cfg(test)]
pub(crate) use publish::bytes_filter;
pub(crate) use spec::engine_types;
use spec::{JoinSpec, Shared};
pub(crate) use table::gather;
pub(crate) use unmatched::TAIL_SEQUENCE;

/// Ends the build side's chain and appends the probe to the other side's.
pub(crate) fn build(node: &HashJoin, b: &mut Builder) -> Result<Chain> {
    if let Some(general) = null_aware::as_nested_loop(node) {
        return crate::nested_loop_join::build(&general, b);
    }
    let spec = JoinSpec::new(node);
    let shared = Arc::new(Shared::new(spec, b.usage()));
    // Children are visited left to right, whichever is built.
    let (left, right) = (b.chain(&node.left)?, b.chain(&node.right)?);
    let (build, probe) = match node.build {
        Side::Right => (right, left),
        Side::Left => (left, right),
    };
    let sink = Arc::new(BuildSink::new(Arc::clone(&shared)));
    let built = b.finish_sized(build, sink, node.build_estimate);
    Ok(probe.then(Arc::new(Probe::new(shared))).after(built))
}
