//! A worker's way through morsels.
//!
//! Within a morsel the conditions run one after another, cheapest bytes per dropped row first; each sees only the rows
//! its predecessors left, and columns are loaded when a condition or the output first needs them. A loaded column is
//! not cut at once: the positions that each later step kept are composed when the column is needed again.
//!
//! Scans that are read together go through the morsel one after another; see [`super::shared`].

use std::sync::Arc;

use arrow::array::NullArray;
use rsql_common::Result;
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::{Chunk, Vector};
use rsql_storage::mapping;

use super::Reading;
use super::arrow_column;
use super::file::{FileColumn, StoredColumn};
use super::native::{ColumnChunk, Scratch};
use super::plan::{Morsel, PlanRef, ScanPlan, View};
use super::prune::AnyOf;
use crate::metrics::Usage;
use crate::pipeline::{Flow, LocalSource, SourceStatus, TaskContext};
use crate::scan::runtime::Applied;

/// A column is decoded for all rows, if a view to come reads it, where at least one row in so many is wanted.
const KEPT_FROM: usize = 4;

/// One worker of a scan.
pub(super) struct LocalScan {
    reading: Arc<Reading>,
    plan: PlanRef,
    cx: Arc<TaskContext>,
    /// By branch.
    views: Vec<LocalView>,
    scratch: Scratch,
    /// The morsel under work.
    morsel: Option<usize>,
    /// Columns of all its rows that were kept for views to come.
    decoded: Vec<Option<Vector>>,
    /// Branches that have had the morsel.
    done: usize,
    ready: Option<Ready>,
    first: bool,
}

/// A view as this worker runs it.
struct LocalView {
    /// Its number.
    view: usize,
    usage: Usage,
    cx: Arc<TaskContext>,
    eval: EvalCx,
    filters: Vec<Filter>,
    runtime: Vec<Applied>,
    /// Nobody wants more rows of it.
    left: bool,
}

/// A conjunct as this worker runs it.
struct Filter {
    program: Program,
    seen: usize,
    passed: usize,
}

/// Rows of a finished morsel, handed out in slices.
struct Ready {
    columns: Vec<Vector>,
    rows: usize,
    at: usize,
    sequence: u64,
}

/// A condition of the scan.
#[derive(Clone, Copy)]
enum Condition {
    Filter(usize),
    Runtime(usize),
}

/// Columns of a morsel under work for a view.
struct Work<'a> {
    plan: &'a PlanRef,
    view: &'a View,
    morsel: &'a Morsel,
    scratch: &'a mut Scratch,
    /// See [`LocalScan::decoded`].
    decoded: &'a mut [Option<Vector>],
    /// By read column: a view to come reads it. Empty if there is none.
    wanted: Vec<bool>,
    /// Read columns with the number of steps that were done when they were loaded.
    loaded: Vec<Option<(usize, Vector)>>,
    /// What each step kept, relative to the one before.
    steps: Vec<Vec<u32>>,
    /// Rows of the morsel that are left; none: all.
    selected: Option<Vec<u32>>,
}

impl LocalScan {
    pub fn new(reading: Arc<Reading>, cx: Arc<TaskContext>) -> Result<Self> {
        let plan = Arc::clone(&reading.plan);
        let views = reading.views.iter();
        let views = views
            .map(|v| LocalView::new(*v, &plan.views[*v], reading.usages[*v].clone(), &cx))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            morsel: None,
            decoded: vec![None; plan.types.len()],
            done: views.len(),
            views,
            reading,
            plan,
            cx,
            scratch: Scratch::default(),
            ready: None,
            first: true,
        })
    }

    /// Takes a morsel through the view of a branch.
    fn run(&mut self, index: usize, branch: usize) -> Result<Option<Ready>> {
        let (plan, morsel) = (&self.plan, &self.plan.morsels[index]);
        let to_come = self.views[branch + 1..].iter().filter(|v| v.wants(plan, morsel));
        let mut wanted = Vec::new();
        for view in to_come {
            wanted.resize(plan.types.len(), false);
            let reads = wanted.iter_mut().zip(&plan.views[view.view].reads);
            reads.for_each(|(w, r)| *w |= r);
        }
        let view = &mut self.views[branch];
        let mut work = Work {
            plan,
            view: &plan.views[view.view],
            morsel,
            scratch: &mut self.scratch,
            decoded: &mut self.decoded,
            wanted,
            loaded: vec![None; plan.types.len()],
            steps: Vec::new(),
            selected: None,
        };
        let ready = view.morsel(&mut work);
        let (read, decompressed) = self.scratch.take_bytes();
        mapping::was_read(read);
        view.usage.read(read, decompressed);
        let sequence = (index as u64) << 20;
        Ok(ready?.map(|(columns, rows)| Ready {
            columns,
            rows,
            at: 0,
            sequence,
        }))
    }
}

impl LocalView {
    fn new(view: usize, of: &View, usage: Usage, cx: &Arc<TaskContext>) -> Result<Self> {
        let filters = of
            .filters
            .iter()
            .map(|f| {
                Ok(Filter {
                    program: cx.compile(&f.expr)?,
                    seen: 0,
                    passed: 0,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            view,
            usage,
            filters,
            runtime: of
                .consumes
                .iter()
                .map(|(id, column)| Applied::new(*id, *column))
                .collect(),
            eval: cx.eval(),
            cx: Arc::clone(cx),
            left: false,
        })
    }

    fn wants(&self, plan: &ScanPlan, morsel: &Morsel) -> bool {
        !self.left && plan.groups[morsel.group].wanted[self.view]
    }

    /// The output columns of the rows that are left of a morsel, and their number; none if no row is.
    fn morsel(&mut self, work: &mut Work<'_>) -> Result<Option<(Vec<Vector>, usize)>> {
        let scan = self.usage.scan().cloned();
        let (plan, view, morsel) = (work.plan, work.view, work.morsel);
        let file = &plan.files[morsel.file];
        let (group, start, rows) = (morsel.row_group, morsel.start, morsel.rows);
        let may_match = |any: &AnyOf| any.may_hold(|t| file.rows_may_match(group, start, rows, t));
        if !view.tests.iter().all(may_match) {
            if let Some(scan) = scan {
                scan.ranges_pruned.add(1);
                scan.rows_pruned.add(rows as u64);
            }
            return Ok(None);
        }
        let mut order = Vec::new();
        for (i, applied) in self.runtime.iter_mut().enumerate() {
            if let Some(filter) = applied.active(&self.cx) {
                if !file.rows_may_join(group, start, rows, applied.column, &filter) {
                    if let Some(scan) = scan {
                        scan.rows_by_runtime.add(rows as u64);
                        scan.files_pruned
                            .add(u64::from(plan.rule_out(morsel.file, applied.column)));
                    }
                    return Ok(None);
                }
                order.push(Condition::Runtime(i));
            }
        }
        let movable = view
            .filters
            .iter()
            .position(|f| f.barrier)
            .unwrap_or(view.filters.len());
        order.extend((0..movable).map(Condition::Filter));
        order.sort_by(|a, b| self.rank(*a, work).total_cmp(&self.rank(*b, work)));
        order.extend((movable..view.filters.len()).map(Condition::Filter));
        for condition in order {
            self.cx.cancel.check()?;
            let kept = match condition {
                Condition::Filter(i) => self.filter(i, work)?,
                Condition::Runtime(i) => {
                    let applied = &mut self.runtime[i];
                    match applied.active(&self.cx) {
                        Some(filter) => applied.positions(&filter, &work.column(applied.column)?)?,
                        None => None,
                    }
                }
            };
            if let Some(kept) = kept {
                if let Some(scan) = &scan {
                    let counter = match condition {
                        Condition::Filter(_) => &scan.rows_filtered,
                        Condition::Runtime(_) => &scan.rows_by_runtime,
                    };
                    counter.add((work.rows() - kept.len()) as u64);
                }
                if kept.is_empty() {
                    return Ok(None);
                }
                work.keep(kept);
            }
        }
        let columns = view
            .projection
            .iter()
            .map(|c| work.column(*c))
            .collect::<Result<Vec<_>>>()?;
        Ok(Some((columns, work.rows())))
    }

    fn filter(&mut self, i: usize, work: &mut Work<'_>) -> Result<Option<Vec<u32>>> {
        let rows = work.rows();
        let nothing = Vector::constant(Arc::new(NullArray::new(1)), rows);
        let mut columns = vec![nothing; work.plan.types.len()];
        for c in &work.view.filters[i].columns {
            columns[*c] = work.column(*c)?;
        }
        let filter = &mut self.filters[i];
        let kept = filter.program.filter(&Chunk::new(columns, rows), &self.eval)?;
        filter.seen += rows;
        filter.passed += kept.as_ref().map_or(rows, Vec::len);
        Ok(kept.filter(|k| k.len() < rows))
    }

    /// Cost of a condition per row it drops: bytes to decode over the part that goes.
    fn rank(&self, condition: Condition, work: &Work<'_>) -> f64 {
        let (bytes, pass) = match condition {
            Condition::Filter(i) => {
                let f = &self.filters[i];
                let pass = if f.seen == 0 {
                    0.3
                } else {
                    f.passed as f64 / f.seen as f64
                };
                (
                    work.view.filters[i]
                        .columns
                        .iter()
                        .map(|c| work.bytes_per_row(*c))
                        .sum(),
                    pass,
                )
            }
            Condition::Runtime(i) => (work.bytes_per_row(self.runtime[i].column), self.runtime[i].pass_rate()),
        };
        (bytes + 0.2) / (1.0 - pass).max(0.001)
    }
}

impl Work<'_> {
    fn rows(&self) -> usize {
        self.selected.as_ref().map_or(self.morsel.rows, Vec::len)
    }

    fn keep(&mut self, kept: Vec<u32>) {
        self.selected = Some(match &self.selected {
            Some(s) => kept.iter().map(|i| s[*i as usize]).collect(),
            None => kept.clone(),
        });
        self.steps.push(kept);
    }

    /// A read column's values for the rows that are left.
    fn column(&mut self, column: usize) -> Result<Vector> {
        let now = self.steps.len();
        let vector = match self.loaded[column].take() {
            Some((step, vector)) if step == now => vector,
            Some((step, vector)) => {
                let mut positions = self.steps[now - 1].clone();
                for earlier in self.steps[step..now - 1].iter().rev() {
                    positions.iter_mut().for_each(|p| *p = earlier[*p as usize]);
                }
                vector.take(&positions)?
            }
            None => self.load(column)?,
        };
        self.loaded[column] = Some((now, vector.clone()));
        Ok(vector)
    }

    fn load(&mut self, column: usize) -> Result<Vector> {
        let plan = self.plan;
        let stored = match &plan.files[self.morsel.file].columns[column] {
            FileColumn::Constant(value) => return Ok(Vector::constant(Arc::clone(value), self.rows())),
            FileColumn::Stored(stored) => stored,
        };
        let most = self.rows() * KEPT_FROM >= self.morsel.rows;
        if self.decoded[column].is_none() && most && self.wanted.get(column) == Some(&true) {
            self.decoded[column] = Some(self.decode(column, stored, None)?);
        }
        match (&self.decoded[column], &self.selected) {
            (Some(all), None) => Ok(all.clone()),
            (Some(all), Some(selected)) => all.take(selected),
            (None, _) => {
                let selected = self.selected.take();
                let vector = self.decode(column, stored, selected.as_deref());
                self.selected = selected;
                vector
            }
        }
    }

    fn decode(&mut self, column: usize, stored: &StoredColumn, selected: Option<&[u32]>) -> Result<Vector> {
        let vector = self.decode_stored(column, stored, selected)?;
        match &stored.rebase {
            Some(rebase) => rebase.column(vector),
            None => Ok(vector),
        }
    }

    fn decode_stored(&mut self, column: usize, stored: &StoredColumn, selected: Option<&[u32]>) -> Result<Vector> {
        let m = self.morsel;
        let file = &self.plan.files[m.file];
        let group = &self.plan.groups[m.group];
        let (Some(kind), Some(leaf)) = (group.kinds[column], stored.leaf) else {
            let (read, decompressed) = file.bytes_of(m.row_group, stored, m.rows);
            self.scratch.count(read, decompressed);
            return arrow_column::load(file, m.row_group, m.start, m.rows, stored, selected);
        };
        let chunk = ColumnChunk {
            file,
            row_group: m.row_group,
            column: stored,
            leaf,
            kind,
            state: &group.chunks[column],
            prefer_codes: self.plan.tested[column],
        };
        chunk
            .load(m.start, m.rows, selected, self.scratch)
            .map_err(|e| e.in_file(&*file.path))
    }

    fn bytes_per_row(&self, column: usize) -> f64 {
        let file = &self.plan.files[self.morsel.file];
        if self.loaded[column].is_some() || self.decoded[column].is_some() {
            return 0.0;
        }
        match &file.columns[column] {
            FileColumn::Constant(_) => 0.0,
            FileColumn::Stored(stored) => {
                let group = file.footer.row_group(self.morsel.row_group);
                let bytes = stored.leaf.map_or(1 << 30, |leaf| group.column(leaf).compressed_size());
                bytes as f64 / group.num_rows().max(1) as f64
            }
        }
    }
}

impl LocalSource for LocalScan {
    fn next(&mut self) -> Result<SourceStatus> {
        loop {
            if let Some(ready) = &mut self.ready {
                if ready.at < ready.rows {
                    let n = self.cx.chunk_rows.min(ready.rows - ready.at);
                    let columns = ready.columns.iter().map(|c| c.slice(ready.at, n)).collect();
                    let sequence = ready.sequence + (ready.at / self.cx.chunk_rows) as u64;
                    ready.at += n;
                    return Ok(SourceStatus::Chunk(Chunk::new(columns, n).with_sequence(sequence)));
                }
                self.ready = None;
            }
            if let (Some(index), Some(view)) = (self.morsel, self.views.get(self.done)) {
                if view.wants(&self.plan, &self.plan.morsels[index]) {
                    self.ready = self.run(index, self.done)?;
                }
                self.done += 1;
                continue;
            }
            self.decoded.fill(None);
            if !std::mem::take(&mut self.first) {
                self.first = true;
                return Ok(SourceStatus::MorselDone);
            }
            self.morsel = self.reading.next_morsel();
            if self.morsel.is_none() {
                return Ok(SourceStatus::Finished);
            }
            self.done = 0;
        }
    }

    fn branch(&self) -> usize {
        self.done - 1
    }

    fn leave(&mut self, branch: usize) -> Flow {
        self.views[branch].left = true;
        if branch + 1 == self.done {
            self.ready = None;
        }
        match self.views.iter().all(|v| v.left) {
            true => Flow::Stop,
            false => Flow::Continue,
        }
    }
}
