//! Joins one partition of spilled rows: in memory if its build side fits, else cut again, else block by block.
//!
//! Output is handed out as it comes, so that a partition with many partners a key does not pile up in memory.

use std::collections::VecDeque;
use std::sync::Arc;

use rsql_common::{Reservation, Result};
use rsql_expr::Chunk;

use super::block_join::BlockJoin;
use super::build_sink::BuildPart;
use super::grace::{Grace, PartReader};
use super::key::JoinKeys;
use super::probe::LocalProbe;
use super::spec::Shared;
use super::table::JoinTable;
use super::unmatched::build_rows;
use crate::pipeline::{Flow, LocalOperator, Output, TaskContext};
use crate::spill::{LAST_LEVEL, PARTITIONS, SpillFile, SpillReader};

/// A build side of so many bytes is joined in memory even if the pool has nothing left.
const FLOOR_BYTES: usize = 256 << 10;

/// The join of a partition under way.
pub(super) struct PartitionJoin {
    shared: Arc<Shared>,
    cx: Arc<TaskContext>,
    /// Partitions and parts of partitions left to do.
    work: Vec<Work>,
    running: Option<Running>,
    ready: VecDeque<Chunk>,
}

/// Both sides of a partition.
struct Work {
    build: SpillFile,
    probe: SpillFile,
    level: u32,
    how: How,
}

/// How a partition is to be joined.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// As memory allows.
    Any,
    /// Cut again, for tests.
    Cut,
    /// Block by block: hashing does not cut it.
    Blocks,
}

enum Running {
    Table(Box<TableJoin>),
    Blocks(Box<BlockJoin>),
}

impl PartitionJoin {
    /// A join of partition `number`.
    pub(super) fn new(
        number: usize,
        (build, probe): (SpillFile, SpillFile),
        shared: &Arc<Shared>,
        cx: &Arc<TaskContext>,
    ) -> Self {
        let how = match number % 3 {
            0 if cx.force_spill => How::Cut,
            1 if cx.force_spill => How::Blocks,
            _ => How::Any,
        };
        let work = Work {
            build,
            probe,
            level: 0,
            how,
        };
        Self {
            shared: Arc::clone(shared),
            cx: Arc::clone(cx),
            work: vec![work],
            running: None,
            ready: VecDeque::new(),
        }
    }

    /// The next rows; none when the partition is done.
    pub(super) fn next(&mut self) -> Result<Option<Chunk>> {
        loop {
            self.cx.cancel.check()?;
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(Some(chunk));
            }
            let more = match &mut self.running {
                Some(Running::Table(join)) => join.step(&self.shared, &self.cx, &mut self.ready)?,
                Some(Running::Blocks(join)) => join.step(&mut self.ready)?,
                None => {
                    let Some(work) = self.work.pop() else {
                        return Ok(None);
                    };
                    self.begin(work)?;
                    continue;
                }
            };
            if !more {
                self.running = None;
            }
        }
    }

    fn begin(&mut self, work: Work) -> Result<()> {
        let (shared, cx) = (&self.shared, &self.cx);
        if work.build.rows() + work.probe.rows() == 0 {
            return Ok(());
        }
        if work.how == How::Any
            && let Some(join) = TableJoin::open(&work, shared, cx)?
        {
            self.running = Some(Running::Table(Box::new(join)));
        } else if work.how == How::Blocks || work.level >= LAST_LEVEL {
            let join = BlockJoin::new(work.build, work.probe, shared, cx)?;
            self.running = Some(Running::Blocks(Box::new(join)));
        } else {
            self.cut(&work)?;
        }
        Ok(())
    }

    /// Cuts a partition by the next bits of the hash.
    fn cut(&mut self, work: &Work) -> Result<()> {
        let (spec, cx) = (&self.shared.spec, &self.cx);
        let level = work.level + 1;
        let files = Grace::new(spec, level, &self.shared.usage, &cx.spill_dir);
        let mut build_keys = PartReader::new(spec, cx)?;
        for rows in work.build.read() {
            cx.cancel.check()?;
            let rows = rows?;
            files.add_build(&rows, &build_keys.keys(&rows)?, cx)?;
        }
        let mut probe_keys = JoinKeys::new(&spec.probe_keys, &spec.null_safe, cx)?;
        for rows in work.probe.read() {
            cx.cancel.check()?;
            let rows = rows?;
            let vectors = probe_keys.vectors(&rows)?;
            files.add_probe(&rows, &probe_keys.columns(&vectors)?, cx)?;
        }
        for number in 0..PARTITIONS {
            let (build, probe) = files.partition(number)?;
            // One key, or few that hash alike: cutting once more would not help.
            let heavy = build.rows() * 10 >= work.build.rows() * 9;
            let how = if heavy { How::Blocks } else { How::Any };
            self.work.push(Work {
                build,
                probe,
                level,
                how,
            });
        }
        Ok(())
    }
}

/// A partition whose build side is in memory.
struct TableJoin {
    table: Arc<JoinTable>,
    probe: ProbeRows,
    /// Next build row to be looked at once the probe side is done.
    tail: usize,
    _memory: Reservation,
}

impl TableJoin {
    /// Reads the build side; none if it does not fit.
    fn open(work: &Work, shared: &Arc<Shared>, cx: &Arc<TaskContext>) -> Result<Option<Self>> {
        let spec = &shared.spec;
        let memory = shared.usage.register(&cx.memory, "hash join partition", false);
        let mut reader = PartReader::new(spec, cx)?;
        let mut parts = Vec::new();
        let mut bytes = 0;
        for rows in work.build.read() {
            cx.cancel.check()?;
            let part = reader.part(rows?)?;
            bytes += part_bytes(&part);
            if memory.try_resize(bytes).is_err() && bytes > FLOOR_BYTES {
                return Ok(None);
            }
            parts.push(part);
        }
        let table = Arc::new(JoinTable::build(spec, parts, shared.facts(), cx)?);
        let probe = LocalProbe::new(Arc::clone(shared), Arc::clone(&table), cx)?;
        Ok(Some(Self {
            probe: ProbeRows::new(&work.probe, probe, cx),
            table,
            tail: 0,
            _memory: memory,
        }))
    }

    /// Does a little more; false when all is done.
    fn step(&mut self, shared: &Shared, cx: &TaskContext, out: &mut VecDeque<Chunk>) -> Result<bool> {
        if self.probe.step(out)? {
            return Ok(true);
        }
        if self.tail >= self.table.rows || shared.spec.tail().is_none() {
            return Ok(false);
        }
        let to = self.tail + cx.chunk_rows;
        out.extend(build_rows(&shared.spec, &self.table, self.tail, to)?);
        self.tail = to;
        Ok(true)
    }
}

/// Memory that a part of the build side needs, its place in the table and a second copy while that is made included.
pub(super) fn part_bytes(part: &BuildPart) -> usize {
    2 * part.bytes() + JoinTable::overhead(part.payload.len)
}

/// The probe side of a partition on its way through a probe, in slices that are smaller the more comes of them.
pub(super) struct ProbeRows {
    rows: SpillReader,
    probe: LocalProbe,
    chunk: Option<(Chunk, usize)>,
    slice: usize,
    chunk_rows: usize,
}

impl ProbeRows {
    pub(super) fn new(file: &SpillFile, probe: LocalProbe, cx: &TaskContext) -> Self {
        Self {
            rows: file.read(),
            probe,
            chunk: None,
            slice: 256,
            chunk_rows: cx.chunk_rows,
        }
    }

    /// Joins the next slice; false when all rows are done.
    pub(super) fn step(&mut self, out: &mut VecDeque<Chunk>) -> Result<bool> {
        let (chunk, at) = match self.chunk.take() {
            Some(rest) => rest,
            None => match self.rows.next() {
                Some(chunk) => (chunk?, 0),
                None => return Ok(false),
            },
        };
        let n = self.slice.min(chunk.len - at);
        let mut collected = Collected { out, rows: 0 };
        let flow = self.probe.push(chunk.slice(at, n), &mut collected)?;
        match collected.rows {
            few if few < self.chunk_rows => self.slice = (self.slice * 2).min(1 << 16),
            many if many > 4 * self.chunk_rows => self.slice = (self.slice / 2).max(1),
            _ => {}
        }
        if at + n < chunk.len {
            self.chunk = Some((chunk, at + n));
        }
        Ok(flow == Flow::Continue)
    }
}

struct Collected<'a> {
    out: &'a mut VecDeque<Chunk>,
    rows: usize,
}

impl Output for Collected<'_> {
    fn push(&mut self, chunk: Chunk) -> Result<Flow> {
        if chunk.rows() > 0 {
            self.rows += chunk.rows();
            self.out.push_back(chunk);
        }
        Ok(Flow::Continue)
    }
}
