//! Both sides of a join in spill files, cut by the hash of their keys into partitions that are joined one by one.

use std::path::Path;
use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::{Chunk, Expr, Slot, Vector};

use super::build_sink::BuildPart;
use super::key::JoinKeys;
use super::spec::{JoinSpec, Shared};
use crate::hashing::{KeyColumn, hash_keys};
use crate::metrics::Usage;
use crate::pipeline::{Flow, LocalOperator, Output, TaskContext};
use crate::spill::{Partitions, SpillFile};

/// The spill files of a join, or of a partition that was cut again.
pub(crate) struct Grace {
    build: Partitions,
    probe: Partitions,
}

impl Grace {
    pub(super) fn new(spec: &JoinSpec, level: u32, usage: &Usage, dir: &Path) -> Self {
        let build_types = match spec.existence_only() {
            true => &spec.key_types,
            false => &spec.build_types,
        };
        Self {
            build: Partitions::new(dir, build_types, level, usage),
            probe: Partitions::new(dir, &spec.probe_types, level, usage),
        }
    }

    /// Writes collected parts of the build side.
    pub(super) fn take(&self, parts: &[BuildPart], spec: &JoinSpec, cx: &TaskContext) -> Result<()> {
        for part in parts {
            cx.cancel.check()?;
            self.add_build(&stored(part, spec)?, &part.keys, cx)?;
        }
        Ok(())
    }

    pub(super) fn add_build(&self, rows: &Chunk, keys: &[KeyColumn], cx: &TaskContext) -> Result<()> {
        self.build.scatter(rows, &hash_keys(keys, rows.rows(), cx.hash_zero))
    }

    pub(super) fn add_probe(&self, rows: &Chunk, keys: &[KeyColumn], cx: &TaskContext) -> Result<()> {
        self.probe.scatter(rows, &hash_keys(keys, rows.rows(), cx.hash_zero))
    }

    /// Build and probe rows of a partition; to be taken once.
    pub(super) fn partition(&self, number: usize) -> Result<(SpillFile, SpillFile)> {
        Ok((self.build.take(number)?, self.probe.take(number)?))
    }
}

/// What of a part of the build side is written: keys where only existence counts.
fn stored(part: &BuildPart, spec: &JoinSpec) -> Result<Chunk> {
    if !spec.existence_only() {
        return Ok(part.payload.clone());
    }
    let keys = part.keys.iter().zip(&spec.key_types);
    let columns = keys
        .map(|(k, t)| Ok(Vector::Flat(k.to_array(t)?)))
        .collect::<Result<Vec<_>>>()?;
    Ok(Chunk::new(columns, part.payload.len))
}

/// Makes parts of what was written of the build side.
pub(super) struct PartReader {
    keys: JoinKeys,
    existence_only: bool,
}

impl PartReader {
    pub(super) fn new(spec: &JoinSpec, cx: &TaskContext) -> Result<Self> {
        let existence_only = spec.existence_only();
        let slots = || {
            let keys = spec.build_keys.iter().enumerate();
            keys.map(|(index, k)| Expr::Slot(Slot { index, ty: k.ty() }))
                .collect::<Vec<_>>()
        };
        Ok(Self {
            keys: match existence_only {
                true => JoinKeys::new(&slots(), &spec.null_safe, cx)?,
                false => JoinKeys::new(&spec.build_keys, &spec.null_safe, cx)?,
            },
            existence_only,
        })
    }

    /// The keys of written rows.
    pub(super) fn keys(&mut self, rows: &Chunk) -> Result<Vec<KeyColumn>> {
        let vectors = self.keys.vectors(rows)?;
        self.keys.columns(&vectors)
    }

    pub(super) fn part(&mut self, rows: Chunk) -> Result<BuildPart> {
        let vectors = self.keys.vectors(&rows)?;
        let matchable = self
            .keys
            .matchable(&vectors)
            .map(|n| n.valid_indices().map(|i| i as u32).collect::<Vec<u32>>());
        let payload = match self.existence_only {
            true => Chunk::new(Vec::new(), rows.len),
            false => rows,
        };
        Ok(BuildPart {
            payload,
            keys: self.keys.columns(&vectors)?,
            matchable,
        })
    }
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
            grace.add_probe(&input, &columns, &self.cx)?;
        }
        Ok(Flow::Continue)
    }
}
