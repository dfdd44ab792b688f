//! The streaming side of a hash join.

use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::buffer::NullBuffer;
use rsql_common::{Error, Result};
use rsql_expr::{Chunk, Vector};
use rsql_planner::logical::JoinKind;

use super::build_sink::BuildFacts;
use super::emit::{Residual, at_most_one, pairs};
use super::grace::GraceProbe;
use super::key::JoinKeys;
use super::spec::{JoinSpec, Shared};
use super::table::JoinTable;
use super::unmatched::TailSource;
use crate::hashing::{CodeCache, NONE};
use crate::pipeline::{Flow, LocalOperator, Operator, Output, Source, TaskContext};

pub(super) struct Probe {
    shared: Arc<Shared>,
}

impl Probe {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl Operator for Probe {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalOperator>> {
        if self.shared.grace.get().is_some() {
            return Ok(Box::new(GraceProbe::new(&self.shared, cx)?));
        }
        let table = self
            .shared
            .table
            .get()
            .ok_or_else(|| Error::internal("probe before build"))?;
        Ok(Box::new(LocalProbe::new(
            Arc::clone(&self.shared),
            Arc::clone(table),
            cx,
        )?))
    }

    fn tail(&self) -> Option<Arc<dyn Source>> {
        Some(Arc::new(TailSource::new(Arc::clone(&self.shared))))
    }
}

/// A worker's probe of one table.
pub(super) struct LocalProbe {
    shared: Arc<Shared>,
    table: Arc<JoinTable>,
    keys: JoinKeys,
    residual: Option<Residual>,
    cache: CodeCache,
    ids: Vec<u32>,
    chunk_rows: usize,
}

impl LocalProbe {
    pub(super) fn new(shared: Arc<Shared>, table: Arc<JoinTable>, cx: &Arc<TaskContext>) -> Result<Self> {
        let spec = &shared.spec;
        let keys = JoinKeys::new(&spec.probe_keys, &spec.null_safe, cx)?;
        let residual = spec.filter.as_ref().map(|f| Residual::new(f, spec, cx)).transpose()?;
        Ok(Self {
            keys,
            residual,
            table,
            shared,
            cache: CodeCache::default(),
            ids: Vec::new(),
            chunk_rows: cx.chunk_rows,
        })
    }

    /// Finds the key number of each selected row; gives which rows can have partners at all.
    fn find(&mut self, input: &Chunk) -> Result<Option<NullBuffer>> {
        let rows = input.rows();
        let vectors = self.keys.vectors(input)?;
        let matchable = self.keys.matchable(&vectors);
        let (keys, table) = (&mut self.keys, &self.table);
        let cached = self.cache.resolve(&vectors, rows, &mut self.ids, |rows| {
            let few = vectors.iter().map(|v| v.take(rows)).collect::<Result<Vec<Vector>>>()?;
            let mut ids = Vec::new();
            table.find(
                &keys.columns(&few)?,
                rows.len(),
                keys.matchable(&few).as_ref(),
                &mut ids,
            );
            Ok(ids)
        })?;
        if !cached {
            let columns = self.keys.columns(&vectors)?;
            self.table.find(&columns, rows, matchable.as_ref(), &mut self.ids);
        }
        Ok(matchable)
    }
}

impl LocalOperator for LocalProbe {
    fn push(&mut self, input: Chunk, out: &mut dyn Output) -> Result<Flow> {
        let rows = input.rows();
        if rows == 0 {
            return Ok(Flow::Continue);
        }
        let shared = Arc::clone(&self.shared);
        let spec = &shared.spec;
        if self.table.rows == 0 && self.table.facts.rows == 0 && spec.empty_without_build() {
            return Ok(Flow::Stop);
        }
        let matchable = self.find(&input)?;
        let table = Arc::clone(&self.table);
        let mut ids = std::mem::take(&mut self.ids);
        let flow = if let Some(residual) = &self.residual {
            self.with_candidates(spec, &table, residual, input, &ids, out)
        } else if !spec.pairs() {
            match spec.build_is_left {
                true => {
                    table.mark(ids.iter().flat_map(|id| table.partners(id)).copied());
                    Ok(Flow::Continue)
                }
                false => existence(spec, table.facts, input, &ids, matchable.as_ref(), out),
            }
        } else if table.unique() {
            table.to_rows(&mut ids);
            table.mark(ids.iter().copied());
            out.push(at_most_one(spec, &table, input, &ids, spec.probe_outer())?)
        } else {
            self.expand(spec, &table, input, &ids, out)
        };
        self.ids = ids;
        flow
    }
}

/// Semi, anti and mark over the probe side without residual condition; `ids` are [`NONE`] where there is no partner.
pub(super) fn existence(
    spec: &JoinSpec,
    facts: BuildFacts,
    mut input: Chunk,
    ids: &[u32],
    matchable: Option<&NullBuffer>,
    out: &mut dyn Output,
) -> Result<Flow> {
    match spec.kind {
        JoinKind::LeftSemi => keep(&mut input, ids.iter().map(|id| *id != NONE)),
        JoinKind::LeftAnti if !spec.null_aware || facts.rows == 0 => keep(&mut input, ids.iter().map(|id| *id == NONE)),
        // NOT IN a set with NULL is never TRUE.
        JoinKind::LeftAnti if facts.null_key => return Ok(Flow::Stop),
        JoinKind::LeftAnti => {
            let known = |i: usize| matchable.is_none_or(|n| n.is_valid(i));
            keep(
                &mut input,
                ids.iter().enumerate().map(|(i, id)| *id == NONE && known(i)),
            );
        }
        _ => {
            let found: Vec<bool> = ids.iter().map(|id| *id != NONE).collect();
            let unknown = |i: usize| facts.null_key || matchable.is_some_and(|n| n.is_null(i));
            let nulls = (spec.null_aware && facts.rows > 0)
                .then(|| (0..ids.len()).map(|i| found[i] || !unknown(i)).collect::<NullBuffer>());
            return out.push(with_marks(&input, BooleanArray::new(found.into(), nulls))?);
        }
    }
    out.push(input)
}

fn keep(input: &mut Chunk, flags: impl Iterator<Item = bool>) {
    let rows = input.rows();
    let kept: Vec<u32> = flags
        .enumerate()
        .filter(|(_, keep)| *keep)
        .map(|(i, _)| i as u32)
        .collect();
    if kept.len() < rows {
        input.select(kept);
    }
}

/// The selected rows and a BOOLEAN column.
pub(crate) fn with_marks(input: &Chunk, marks: BooleanArray) -> Result<Chunk> {
    let mut dense = input.compact()?;
    dense.columns.push(Vector::Flat(Arc::new(marks)));
    Ok(dense)
}

impl LocalProbe {
    /// Pairs of keys with several build rows.
    fn expand(
        &self,
        spec: &JoinSpec,
        table: &JoinTable,
        input: Chunk,
        ids: &[u32],
        out: &mut dyn Output,
    ) -> Result<Flow> {
        let outer = spec.probe_outer();
        let (mut probe, mut build) = (Vec::with_capacity(self.chunk_rows), Vec::with_capacity(self.chunk_rows));
        for (row, id) in ids.iter().enumerate() {
            let mut partners = table.partners(id);
            if partners.is_empty() && outer {
                partners = &[NONE];
            }
            if partners.len() > 1 && spec.kind == JoinKind::LeftSingle {
                return Err(too_many_rows());
            }
            while !partners.is_empty() {
                let (now, later) = partners.split_at(partners.len().min(self.chunk_rows - build.len()));
                probe.resize(probe.len() + now.len(), row as u32);
                build.extend_from_slice(now);
                partners = later;
                if build.len() == self.chunk_rows {
                    table.mark(build.iter().copied());
                    if out.push(pairs(spec, table, &input, &probe, &build, outer)?)? == Flow::Stop {
                        return Ok(Flow::Stop);
                    }
                    probe.clear();
                    build.clear();
                }
            }
        }
        if build.is_empty() {
            return Ok(Flow::Continue);
        }
        table.mark(build.iter().copied());
        out.push(pairs(spec, table, &input, &probe, &build, outer)?)
    }

    /// Any kind of join with a residual condition.
    fn with_candidates(
        &self,
        spec: &JoinSpec,
        table: &JoinTable,
        residual: &Residual,
        mut input: Chunk,
        ids: &[u32],
        out: &mut dyn Output,
    ) -> Result<Flow> {
        let rows = input.rows();
        let marks_only = !spec.pairs() && spec.build_is_left;
        let mut found = Found {
            matched: vec![false; rows],
            next: 0,
            probe: Vec::new(),
            build: Vec::new(),
        };
        let (mut probe, mut build) = (Vec::with_capacity(self.chunk_rows), Vec::with_capacity(self.chunk_rows));
        for row in 0..=rows {
            let mut partners = ids.get(row).map_or(&[] as &[u32], |id| table.partners(id));
            loop {
                let (now, later) = partners.split_at(partners.len().min(self.chunk_rows - build.len()));
                match marks_only {
                    // One partner is enough for a build row.
                    true => build.extend(now.iter().filter(|b| !table.is_marked(**b))),
                    false => build.extend_from_slice(now),
                }
                probe.resize(build.len(), row as u32);
                partners = later;
                if build.len() == self.chunk_rows || (row == rows && !build.is_empty()) {
                    let passing = residual.passing(spec, table, &input, &probe, &build)?;
                    found.take(spec, table, &probe, &build, passing)?;
                    probe.clear();
                    build.clear();
                    if found.build.len() >= self.chunk_rows && found.flush(spec, table, &input, out)? == Flow::Stop {
                        return Ok(Flow::Stop);
                    }
                }
                if partners.is_empty() {
                    break;
                }
            }
        }
        if spec.pairs() {
            if spec.probe_outer() {
                found.unmatched_before(rows);
            }
            return found.flush(spec, table, &input, out);
        }
        if spec.build_is_left {
            return Ok(Flow::Continue);
        }
        match spec.kind {
            JoinKind::LeftSemi => keep(&mut input, found.matched.iter().copied()),
            JoinKind::LeftAnti => keep(&mut input, found.matched.iter().map(|m| !m)),
            _ => return out.push(with_marks(&input, BooleanArray::from(found.matched))?),
        }
        out.push(input)
    }
}

/// Pairs that passed the residual condition, with unmatched probe rows in their places.
struct Found {
    matched: Vec<bool>,
    /// Probe rows before this one are in the output.
    next: usize,
    probe: Vec<u32>,
    build: Vec<u32>,
}

impl Found {
    fn take(
        &mut self,
        spec: &JoinSpec,
        table: &JoinTable,
        probe: &[u32],
        build: &[u32],
        passing: Option<Vec<u32>>,
    ) -> Result<()> {
        match passing {
            None => (0..build.len()).try_for_each(|i| self.add(spec, table, probe[i], build[i])),
            Some(passing) => passing
                .into_iter()
                .try_for_each(|i| self.add(spec, table, probe[i as usize], build[i as usize])),
        }
    }

    fn add(&mut self, spec: &JoinSpec, table: &JoinTable, probe: u32, build: u32) -> Result<()> {
        table.mark(std::iter::once(build));
        if spec.pairs() {
            if spec.kind == JoinKind::LeftSingle && self.matched[probe as usize] {
                return Err(too_many_rows());
            }
            if spec.probe_outer() {
                self.unmatched_before(probe as usize);
            }
            self.probe.push(probe);
            self.build.push(build);
        }
        self.matched[probe as usize] = true;
        Ok(())
    }

    /// Puts out the probe rows before `row` that found nothing.
    fn unmatched_before(&mut self, row: usize) {
        while self.next < row {
            if !self.matched[self.next] {
                self.probe.push(self.next as u32);
                self.build.push(NONE);
            }
            self.next += 1;
        }
    }

    fn flush(&mut self, spec: &JoinSpec, table: &JoinTable, input: &Chunk, out: &mut dyn Output) -> Result<Flow> {
        if self.build.is_empty() {
            return Ok(Flow::Continue);
        }
        let chunk = pairs(spec, table, input, &self.probe, &self.build, spec.probe_outer())?;
        self.probe.clear();
        self.build.clear();
        out.push(chunk)
    }
}

pub(crate) fn too_many_rows() -> Error {
    Error::user("SCALAR_SUBQUERY_TOO_MANY_ROWS")
}
