//! The writing end of an exchange: a sink that routes rows to partitions and leaves one output behind.
//!
//! Each worker buffers rows by partition ([`crate::buffer`]) and encodes a block when a partition has enough of them.
//! Blocks stay in memory while the pool grants it; when a grant fails, when the pool asks, or under
//! `rsql.exec.force_spill`, a worker encodes what it has and appends its blocks to an unnamed file. `finalize` copies all
//! blocks, partition after partition, into the data file and writes the index. Nothing has a name before that, and what a
//! failed `finalize` began is removed.
//!
//! With one partition and `rsql.preserve_order` the rows lie in the order of their sequence numbers.

mod assemble;
mod block;
mod local;
mod order;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::datatypes::DataType;
use parking_lot::Mutex;
use rsql_common::{Error, OutputId, Reservation, Result, Settings};
use rsql_exec::TaskContext;
use rsql_exec::encoding::Compression;
use rsql_exec::pipeline::{LocalSink, Sink};
use rsql_expr::{Schema, SortKey};
use rsql_planner::physical::Partitioning;

use crate::format::{OutputCipher, QueryKey};
use crate::output::{MapOutput, RowSetHash};
use crate::partition::{KeySample, RangeBounds};
use crate::store::ShuffleStore;
use block::Block;

/// What to write, where, and how rows are spread.
#[derive(Debug, Clone)]
pub struct WriteSpec {
    /// Attempt whose output it is.
    pub output: OutputId,
    /// Columns.
    pub schema: Schema,
    /// How rows are spread.
    pub partitioning: Partitioning,
    /// Bounds, for range partitioning.
    pub bounds: Option<Arc<RangeBounds>>,
    /// Keys to sample, if the output is later to be cut by range.
    pub sample: Option<Vec<SortKey>>,
    /// The sample is all that is wanted: no row is written.
    pub sample_only: bool,
    /// Block format.
    pub options: WriteOptions,
}

/// How blocks are made.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Compression of blocks.
    pub compression: Compression,
    /// Encrypts blocks under a key of the query.
    pub key: Option<QueryKey>,
    /// Bytes of rows that make a block, before compression.
    pub block_bytes: usize,
}

impl WriteOptions {
    /// What a query's settings say (`spark.io.compression.codec`), with its key if its blocks are to be encrypted.
    pub fn from_settings(settings: &Settings, key: Option<QueryKey>) -> Self {
        let codec = settings.get("spark.io.compression.codec").unwrap_or_default();
        let compression = match codec.to_ascii_lowercase().as_str() {
            "none" => Compression::None,
            "zstd" => Compression::Zstd,
            _ => Compression::Lz4,
        };
        Self {
            compression,
            key,
            ..Self::default()
        }
    }
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            compression: Compression::default(),
            key: None,
            block_bytes: 1 << 20,
        }
    }
}

/// Writes one output.
pub struct ShuffleSink {
    shared: Arc<Shared>,
}

/// What the workers of a sink share.
struct Shared {
    store: Arc<ShuffleStore>,
    spec: WriteSpec,
    tag: u64,
    types: Arc<[DataType]>,
    partitions: usize,
    /// Rows lie in sequence order.
    ordered: bool,
    cipher: Option<OutputCipher>,
    next_block: AtomicU64,
    collected: Mutex<Collected>,
    written: Mutex<Option<MapOutput>>,
}

/// What workers handed over.
struct Collected {
    blocks: Vec<Block>,
    rows: Vec<(u64, RowSetHash)>,
    sample: Option<KeySample>,
    memory: Vec<Reservation>,
}

impl ShuffleSink {
    /// A sink that writes into `store`.
    pub fn new(store: Arc<ShuffleStore>, spec: WriteSpec, cx: &TaskContext) -> Result<Arc<Self>> {
        let partitions = spec.partitioning.partitions_written();
        let tag = rand::random();
        let types = spec.schema.iter().map(|f| f.ty.arrow()).collect();
        Ok(Arc::new(Self {
            shared: Arc::new(Shared {
                cipher: spec
                    .options
                    .key
                    .as_ref()
                    .map(|k| OutputCipher::new(k, spec.output, tag)),
                ordered: partitions == 1 && cx.preserve_order,
                next_block: AtomicU64::new(0),
                collected: Mutex::new(Collected {
                    blocks: Vec::new(),
                    rows: vec![Default::default(); partitions],
                    sample: spec.sample.as_ref().map(|_| KeySample::default()),
                    memory: Vec::new(),
                }),
                written: Mutex::new(None),
                store,
                spec,
                tag,
                types,
                partitions,
            }),
        }))
    }

    /// The figures of the output, once it is finalized.
    pub fn output(&self) -> Result<MapOutput> {
        let written = self.shared.written.lock().clone();
        written.ok_or_else(|| Error::internal("a shuffle output is asked for before it is finalized"))
    }
}

impl Shared {
    /// Where unnamed files go.
    fn query_dir(&self) -> Result<PathBuf> {
        let dir = self.store.files(self.spec.output).dir;
        std::fs::create_dir_all(&dir).map_err(|e| crate::store::io_error(&e, &dir))?;
        Ok(dir)
    }
}

impl Sink for ShuffleSink {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSink>> {
        Ok(Box::new(local::LocalWriter::new(Arc::clone(&self.shared), cx)?))
    }

    fn finalize(&self, cx: &Arc<TaskContext>) -> Result<()> {
        let output = assemble::assemble(&self.shared, cx)?;
        *self.shared.written.lock() = Some(output);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
