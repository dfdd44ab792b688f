//! Joining through spill files when the build side does not fit: both sides are cut by the hash of their keys into
//! partitions; partition by partition is then joined in the tail.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use rsql_common::{Error, Result};
use rsql_expr::Chunk;

use super::build_sink::BuildPart;
use super::key::JoinKeys;
use super::probe::LocalProbe;
use super::spec::{JoinSpec, Shared};
use super::table::JoinTable;
use super::unmatched::build_rows;
use crate::hashing::{KeyColumn, hash_keys};
use crate::pipeline::{Flow, LocalOperator, Output, TaskContext};
use crate::spill::{PARTITIONS, SpillFile, SpillReader, SpillWriter, partition_of};

/// The spill files of a join.
pub(crate) struct GraceBuild {
    build: Vec<Mutex<Spool>>,
    probe: Vec<Mutex<Spool>>,
}

/// A file that is written first and read later.
enum Spool {
    Writing(Box<SpillWriter>),
    Written(SpillFile),
    Gone,
}

impl Spool {
    fn write(&mut self, chunk: &Chunk) -> Result<()> {
        match self {
            Spool::Writing(w) => w.write(chunk),
            _ => Err(Error::internal("write to a finished spill file")),
        }
    }

    fn read(&mut self) -> Result<SpillReader> {
        if let Spool::Writing(w) = std::mem::replace(self, Spool::Gone) {
            *self = Spool::Written(w.finish()?);
        }
        match self {
            Spool::Written(f) => f.read(),
            _ => Err(Error::internal("spill file read twice")),
        }
    }
}

impl GraceBuild {
    pub(super) fn create(spec: &JoinSpec, cx: &TaskContext) -> Result<Self> {
        let files = |types: &[arrow::datatypes::DataType]| {
            (0..PARTITIONS)
                .map(|_| {
                    Ok(Mutex::new(Spool::Writing(Box::new(SpillWriter::create(
                        &cx.spill_dir,
                        types,
                    )?))))
                })
                .collect::<Result<Vec<_>>>()
        };
        let build_types = if spec.existence_only() {
            spec.key_types.clone()
        } else {
            spec.build_types.clone()
        };
        Ok(Self {
            build: files(&build_types)?,
            probe: files(&spec.probe_types)?,
        })
    }

    /// Writes collected parts of the build side.
    pub(super) fn take(&self, parts: &[BuildPart], spec: &JoinSpec, cx: &TaskContext) -> Result<()> {
        for part in parts {
            cx.cancel.check()?;
            let rows = if spec.existence_only() {
                let keys = part.keys.iter().zip(&spec.key_types);
                let columns = keys
                    .map(|(k, t)| Ok(rsql_expr::Vector::Flat(k.to_array(t)?)))
                    .collect::<Result<Vec<_>>>()?;
                Chunk::new(columns, part.payload.len)
            } else {
                part.payload.clone()
            };
            scatter(&rows, &part.keys, &self.build, cx)?;
        }
        Ok(())
    }

    /// Joins one partition, appending to `out`; false if there is none of this number.
    pub(super) fn join(
        &self,
        partition: usize,
        shared: &Arc<Shared>,
        cx: &Arc<TaskContext>,
        out: &mut VecDeque<Chunk>,
    ) -> Result<bool> {
        if partition >= PARTITIONS {
            return Ok(false);
        }
        let spec = &shared.spec;
        let memory = cx.memory.register("hash join partition", false);
        let mut keys = if spec.existence_only() {
            let slots: Vec<rsql_expr::Expr> = spec
                .build_keys
                .iter()
                .enumerate()
                .map(|(index, k)| rsql_expr::Expr::Slot(rsql_expr::Slot { index, ty: k.ty() }))
                .collect();
            JoinKeys::new(&slots, &spec.null_safe, cx)?
        } else {
            JoinKeys::new(&spec.build_keys, &spec.null_safe, cx)?
        };
        let mut parts = Vec::new();
        for chunk in self.build[partition].lock().read()? {
            let chunk = chunk?;
            let vectors = keys.vectors(&chunk)?;
            let matchable = keys
                .matchable(&vectors)
                .map(|n| n.valid_indices().map(|i| i as u32).collect::<Vec<u32>>());
            let payload = if spec.existence_only() {
                Chunk::new(Vec::new(), chunk.len)
            } else {
                chunk
            };
            let part = BuildPart {
                payload,
                keys: keys.columns(&vectors)?,
                matchable,
            };
            memory.try_grow(part.bytes() + JoinTable::overhead(part.payload.len))?;
            parts.push(part);
        }
        let table = Arc::new(JoinTable::build(spec, parts, shared.facts(), cx)?);
        let mut probe = LocalProbe::new(Arc::clone(shared), Arc::clone(&table), cx)?;
        let mut collected = Collected(out);
        for chunk in self.probe[partition].lock().read()? {
            cx.cancel.check()?;
            if probe.push(chunk?, &mut collected)? == Flow::Stop {
                break;
            }
        }
        let mut from = 0;
        while from < table.rows {
            if let Some(chunk) = build_rows(spec, &table, from, from + cx.chunk_rows)? {
                out.push_back(chunk);
            }
            from += cx.chunk_rows;
        }
        *self.build[partition].lock() = Spool::Gone;
        *self.probe[partition].lock() = Spool::Gone;
        Ok(true)
    }
}

struct Collected<'a>(&'a mut VecDeque<Chunk>);

impl Output for Collected<'_> {
    fn push(&mut self, chunk: Chunk) -> Result<Flow> {
        if chunk.rows() > 0 {
            self.0.push_back(chunk);
        }
        Ok(Flow::Continue)
    }
}

/// Writes each row of a chunk to the file of its partition.
fn scatter(chunk: &Chunk, keys: &[KeyColumn], files: &[Mutex<Spool>], cx: &TaskContext) -> Result<()> {
    let hashes = hash_keys(keys, chunk.rows(), cx.hash_zero);
    let mut positions: Vec<Vec<u32>> = vec![Vec::new(); PARTITIONS];
    for (row, hash) in hashes.iter().enumerate() {
        positions[partition_of(*hash)].push(row as u32);
    }
    for (rows, file) in positions.into_iter().zip(files) {
        if !rows.is_empty() {
            let mut part = chunk.clone();
            part.select(rows);
            file.lock().write(&part)?;
        }
    }
    Ok(())
}

/// Partitions the probe side into files.
pub(super) struct GraceProbe {
    shared: Arc<Shared>,
    keys: JoinKeys,
    cx: Arc<TaskContext>,
}

impl GraceProbe {
    pub(super) fn new(shared: &Arc<Shared>, cx: &Arc<TaskContext>) -> Result<Self> {
        let spec = &shared.spec;
        Ok(Self {
            keys: JoinKeys::new(&spec.probe_keys, &spec.null_safe, cx)?,
            shared: Arc::clone(shared),
            cx: Arc::clone(cx),
        })
    }
}

impl LocalOperator for GraceProbe {
    fn push(&mut self, input: Chunk, _: &mut dyn Output) -> Result<Flow> {
        let vectors = self.keys.vectors(&input)?;
        let columns = self.keys.columns(&vectors)?;
        if let Some(grace) = self.shared.grace.get() {
            scatter(&input, &columns, &grace.probe, &self.cx)?;
        }
        Ok(Flow::Continue)
    }
}
