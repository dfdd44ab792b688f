//! Which partition a row goes to.
//!
//! A [`Router`] is a worker's compiled partitioning. Hash and round-robin partitionings use the partition hash (of the
//! keys, of the whole row), so that a second attempt routes alike; what joins a bucketed table goes by the hash of its buckets; range partitioning compares encoded sort keys with
//! bounds that were fixed before.

mod range;

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use rsql_common::{Error, Result};
use rsql_exec::TaskContext;
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::{Chunk, Expr, Vector};
use rsql_planner::buckets::bucket_expr;
use rsql_planner::physical::{HashFunction, Partitioning};

use crate::hash::{PARTITION_SEED, RowHasher, Rows, partition_of};

pub(crate) use range::KeyEncoder;
pub use range::{KeySample, KeySampler, RangeBounds};

/// Routes chunks.
pub(crate) struct Router {
    partitions: usize,
    kind: Kind,
    eval: EvalCx,
    /// Every hash is zero (`rsql.exec.hash_zero`).
    zero: bool,
}

enum Kind {
    One,
    Hash {
        keys: Vec<Key>,
        hasher: RowHasher,
        hashes: Vec<u64>,
    },
    /// By the bucket that a program gives: where the other side lies in files nothing else will do, not even hashes that
    /// are all zero.
    Bucket(Program),
    /// By the row hashes that the writer computes anyway.
    Row,
    Range {
        encoder: KeyEncoder,
        bounds: Arc<RangeBounds>,
    },
}

/// A key: a column as it lies, or what an expression gives.
enum Key {
    Column(usize),
    Computed(Program),
}

impl Router {
    pub(crate) fn new(
        partitioning: &Partitioning,
        bounds: Option<&Arc<RangeBounds>>,
        cx: &TaskContext,
    ) -> Result<Self> {
        let partitions = partitioning.partitions_written();
        if partitions == 0 || u32::try_from(partitions).is_err() {
            return Err(Error::internal(format!("{partitions} partitions")));
        }
        let kind = match partitioning {
            Partitioning::Single | Partitioning::Broadcast | Partitioning::AsProduced => Kind::One,
            _ if partitions == 1 => Kind::One,
            Partitioning::RoundRobin { .. } => Kind::Row,
            Partitioning::Hash {
                keys,
                partitions,
                function: HashFunction::Bucket,
            } => Kind::Bucket(cx.compile(&bucket_expr(keys.clone(), *partitions as u32))?),
            Partitioning::Hash { keys, .. } => Kind::Hash {
                keys: keys.iter().map(|k| Key::new(k, cx)).collect::<Result<_>>()?,
                hasher: RowHasher::new(PARTITION_SEED),
                hashes: Vec::new(),
            },
            Partitioning::Range { keys, .. } => Kind::Range {
                encoder: KeyEncoder::new(keys, cx)?,
                bounds: bounds
                    .cloned()
                    .ok_or_else(|| Error::internal("rows are to be routed by range before the bounds are known"))?,
            },
        };
        Ok(Self {
            partitions,
            kind,
            eval: cx.eval(),
            zero: cx.hash_zero,
        })
    }

    /// One partition a selected row; `false` if all rows go to the first one and `out` was left alone.
    pub(crate) fn route(&mut self, chunk: &Chunk, row_hashes: &[u64], out: &mut Vec<u32>) -> Result<bool> {
        let n = self.partitions;
        let zero = self.zero;
        let to_partition = |h: &u64| if zero { 0 } else { partition_of(*h, n) as u32 };
        match &mut self.kind {
            Kind::One => return Ok(false),
            Kind::Row => {
                out.clear();
                out.extend(row_hashes.iter().map(to_partition));
            }
            Kind::Hash { keys, hasher, hashes } => {
                hash_keys(keys, hasher, chunk, &self.eval, hashes)?;
                out.clear();
                out.extend(hashes.iter().map(to_partition));
            }
            Kind::Bucket(program) => {
                let buckets = program.eval(chunk, &self.eval)?.to_array()?;
                out.clear();
                out.extend(buckets.as_primitive::<Int32Type>().values().iter().map(|b| *b as u32));
            }
            Kind::Range { encoder, bounds } => {
                let keys = encoder.encode(chunk, &self.eval)?;
                out.clear();
                out.extend(keys.iter().map(|k| bounds.partition_of(k.as_ref()) as u32));
            }
        }
        Ok(true)
    }
}

impl Key {
    fn new(expr: &Expr, cx: &TaskContext) -> Result<Self> {
        Ok(match expr {
            Expr::Slot(slot) => Key::Column(slot.index),
            _ => Key::Computed(cx.compile(expr)?),
        })
    }
}

/// Hashes keys; columns are read under the chunk's selection, computed keys are dense.
fn hash_keys(keys: &[Key], hasher: &mut RowHasher, chunk: &Chunk, eval: &EvalCx, out: &mut Vec<u64>) -> Result<()> {
    let columns: Option<Vec<&Vector>> = keys
        .iter()
        .map(|k| match k {
            Key::Column(i) => chunk.columns.get(*i),
            Key::Computed(_) => None,
        })
        .collect();
    if let Some(columns) = columns {
        return hasher.hash(columns, selected(chunk), out);
    }
    let columns = keys
        .iter()
        .map(|k| match k {
            Key::Column(i) => chunk.dense_column(*i),
            Key::Computed(program) => program.eval(chunk, eval),
        })
        .collect::<Result<Vec<_>>>()?;
    hasher.hash(&columns, Rows::All(chunk.rows()), out)
}

/// The rows of a chunk that count.
pub(crate) fn selected(chunk: &Chunk) -> Rows<'_> {
    match &chunk.selection {
        Some(s) => Rows::Selected(s.rows()),
        None => Rows::All(chunk.len),
    }
}
