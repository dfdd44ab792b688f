//! What a scan reads: its files, and the morsels that pruning leaves.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rsql_catalog::FileSource;
use rsql_catalog::parquet_stats::compare;
use rsql_common::{Error, FilterId, Result};
use rsql_expr::{Expr, Scalar, SqlType};
use rsql_planner::physical::Scan;

use super::file::{File, FileColumn};
use super::native::{ChunkState, Kind, kind_of};
use super::prune::{AnyOf, tests_of};
use crate::metrics::Usage;
use crate::pipeline::TaskContext;
use crate::scan::buckets::Part;

/// A scan, ready to run.
pub(super) struct ScanPlan {
    pub files: Vec<File>,
    pub morsels: Vec<Morsel>,
    /// Row groups with morsels.
    pub groups: Vec<Group>,
    /// By read column: a condition looks at it.
    pub tested: Vec<bool>,
    /// Types of the read columns.
    pub types: Vec<SqlType>,
    /// Whom it is read for.
    pub views: Vec<View>,
    /// Morsels in the order they are read, where that is not theirs.
    visit: Option<Vec<usize>>,
    /// By file: a runtime filter on a partition column has ruled it out.
    ruled_out: Vec<AtomicBool>,
}

/// What one scan wants of the read columns; several if they are read together.
pub(super) struct View {
    /// Conjuncts with the columns they read.
    pub filters: Vec<ScanFilter>,
    pub consumes: Vec<(FilterId, usize)>,
    pub projection: Vec<usize>,
    /// Comparisons that statistics can refute.
    pub tests: Vec<AnyOf>,
    /// By read column: something looks at it.
    pub reads: Vec<bool>,
}

/// A conjunct.
pub(super) struct ScanFilter {
    pub expr: Expr,
    /// Read columns it looks at.
    pub columns: Vec<usize>,
    /// May not be moved before its predecessors.
    pub barrier: bool,
}

/// How the read columns of a row group are decoded.
pub(super) struct Group {
    /// None: by the Arrow reader.
    pub kinds: Vec<Option<Kind>>,
    pub chunks: Vec<ChunkState>,
    /// By view: its statistics do not rule it out.
    pub wanted: Vec<bool>,
}

/// A row range of a row group.
#[derive(Debug, Clone)]
pub(super) struct Morsel {
    pub file: usize,
    pub row_group: usize,
    /// Position in [`ScanPlan::groups`].
    pub group: usize,
    pub start: usize,
    pub rows: usize,
}

impl Morsel {
    /// Leaves what lies in a task's share of all rows; `begin` is where the row group lies among them. What cannot be
    /// divided belongs to the task in whose share it begins.
    fn keep(&mut self, begin: u64, share: &Range<u64>, divisible: bool) -> bool {
        let first = begin + self.start as u64;
        if !divisible {
            return share.contains(&first);
        }
        let end = first + self.rows as u64;
        let (from, to) = (share.start.max(first), share.end.min(end));
        if from >= to {
            return false;
        }
        self.start = (from - begin) as usize;
        self.rows = (to - from) as usize;
        true
    }
}

/// Rows a morsel should have at least and at most.
const MORSEL_ROWS: (usize, usize) = (20_000, 100_000);

impl ScanPlan {
    /// A plan for scans over the same columns, each with what it reports to.
    pub fn new(nodes: &[Scan], source: &FileSource, cx: &TaskContext, usages: &[Usage]) -> Result<Self> {
        let Some((node, others)) = nodes.split_first() else {
            return Err(Error::internal("a scan for nobody"));
        };
        let part = Part::of(node, source, cx);
        let files = part
            .source
            .files
            .iter()
            .map(|f| File::open(&node.source, source, f, &node.columns))
            .collect::<Result<Vec<_>>>()?;
        let columns = node.columns.iter().filter_map(|c| node.source.column(*c));
        let types: Vec<SqlType> = columns.map(|c| c.ty.clone()).collect();
        let views: Vec<View> = nodes.iter().map(|n| View::new(n, types.len())).collect();
        let total: i64 = files.iter().map(|f| f.footer.file_metadata().num_rows()).sum();
        let wanted = usize::try_from(total).unwrap_or(0) / (cx.threads * 4);
        let wanted = wanted.clamp(MORSEL_ROWS.0, MORSEL_ROWS.1);
        let share = part.share(total.max(0) as u64, cx);
        let mut morsels = Vec::new();
        let mut groups = Vec::new();
        let mut begin = 0;
        for (i, file) in files.iter().enumerate() {
            for group in 0..file.footer.num_row_groups() {
                let rows = file.footer.row_group(group).num_rows().max(0) as u64;
                let end = begin + rows;
                let meets = share.start < end && begin < share.end;
                let may_match = |v: &View| {
                    meets
                        && v.tests
                            .iter()
                            .all(|any| any.may_hold(|t| file.group_may_match(group, t)))
                };
                let wanted_by: Vec<bool> = views.iter().map(may_match).collect();
                if wanted_by.contains(&true) {
                    let first = morsels.len();
                    file.cut((i, group, groups.len()), wanted, &mut morsels);
                    let mut cut = morsels.split_off(first);
                    cut.retain_mut(|m| m.keep(begin, &share, file.is_divisible(group)));
                    morsels.append(&mut cut);
                    groups.push(file.group(group, wanted_by.clone()));
                }
                begin = end;
                for (usage, wanted) in usages.iter().zip(wanted_by) {
                    if let Some(scan) = usage.scan().filter(|_| meets) {
                        scan.groups.add(1);
                        if !wanted {
                            scan.groups_pruned.add(1);
                            scan.rows_pruned.add(rows);
                        }
                    }
                }
            }
        }
        if let Some(limit) = node.limit
            && others.is_empty()
            && node.filters.is_empty()
            && node.consumes.is_empty()
        {
            cut_off(&mut morsels, limit);
        }
        let visit = node.best_first.map(|(column, large)| {
            let best = |m: &Morsel| files[m.file].best_value(m.row_group, m.start, m.rows, column, large);
            let mut order: Vec<(usize, Option<Scalar>)> = morsels.iter().map(best).enumerate().collect();
            order.sort_by(|(_, a), (_, b)| by_promise(a, b, large));
            order.into_iter().map(|(i, _)| i).collect()
        });
        for (i, usage) in usages.iter().enumerate() {
            if let Some(scan) = usage.scan() {
                scan.files.add(files.len() as u64);
                let ranges = morsels.iter().filter(|m: &&Morsel| groups[m.group].wanted[i]);
                scan.ranges.add(ranges.count() as u64);
            }
        }
        let mut tested = vec![false; types.len()];
        views.iter().flat_map(View::tested).for_each(|c| tested[c] = true);
        Ok(Self {
            visit,
            ruled_out: files.iter().map(|_| AtomicBool::new(false)).collect(),
            files,
            morsels,
            groups,
            tested,
            types,
            views,
        })
    }

    /// The morsel to read after `taken` others.
    pub fn nth(&self, taken: usize) -> Option<usize> {
        match &self.visit {
            Some(visit) => visit.get(taken).copied(),
            None => (taken < self.morsels.len()).then_some(taken),
        }
    }

    /// Morsels are read in the order in which they stand in the files.
    pub fn is_read_in_order(&self) -> bool {
        self.visit.is_none()
    }

    /// Whether this is the first time that a runtime filter on `column` drops all rows of a file, which it does if the
    /// file's name gives the column's value.
    pub fn rule_out(&self, file: usize, column: usize) -> bool {
        matches!(self.files[file].columns[column], FileColumn::Constant(_))
            && !self.ruled_out[file].swap(true, Ordering::Relaxed)
    }
}

/// Leaves the first `limit` rows.
fn cut_off(morsels: &mut Vec<Morsel>, limit: u64) {
    let mut left = usize::try_from(limit).unwrap_or(usize::MAX);
    morsels.retain_mut(|m| {
        m.rows = m.rows.min(left);
        left -= m.rows;
        m.rows > 0
    });
}

/// Large (or small) values first, then what promises nothing.
fn by_promise(a: &Option<Scalar>, b: &Option<Scalar>, large: bool) -> std::cmp::Ordering {
    match (a, b) {
        (Some(a), Some(b)) => {
            let order = compare(a, b).unwrap_or(std::cmp::Ordering::Equal);
            if large { order.reverse() } else { order }
        }
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

impl View {
    fn new(node: &Scan, columns: usize) -> Self {
        let mut view = Self {
            filters: node.filters.iter().map(|f| ScanFilter::new(f, columns)).collect(),
            consumes: node.consumes.clone(),
            projection: node.projection.clone(),
            tests: tests_of(&node.filters),
            reads: vec![false; columns],
        };
        let reads: Vec<usize> = view.tested().chain(node.projection.iter().copied()).collect();
        reads.into_iter().for_each(|c| view.reads[c] = true);
        view
    }

    /// Columns that a condition looks at.
    fn tested(&self) -> impl Iterator<Item = usize> {
        let by_filters = self.filters.iter().flat_map(|f| f.columns.iter().copied());
        by_filters.chain(self.consumes.iter().map(|(_, c)| *c))
    }
}

impl ScanFilter {
    /// A conjunct over so many read columns; parameters of its lambdas lie behind them.
    fn new(expr: &Expr, read: usize) -> Self {
        let mut columns = Vec::new();
        expr.visit(&mut |e| {
            if let Expr::Slot(s) = e
                && s.index < read
            {
                columns.push(s.index);
            }
        });
        columns.sort_unstable();
        columns.dedup();
        Self {
            expr: expr.clone(),
            columns,
            barrier: expr.is_fallible() || !expr.is_deterministic(),
        }
    }
}

impl File {
    fn group(&self, row_group: usize, wanted: Vec<bool>) -> Group {
        let kind = |c: &FileColumn| match c {
            FileColumn::Stored(s) => kind_of(self, row_group, s),
            FileColumn::Constant(_) => None,
        };
        Group {
            kinds: self.columns.iter().map(kind).collect(),
            chunks: self.columns.iter().map(|_| ChunkState::default()).collect(),
            wanted,
        }
    }

    /// Whether reading may begin at any row of a row group: nested columns cannot be entered midway without an index.
    fn is_divisible(&self, row_group: usize) -> bool {
        let nested = |c: &FileColumn| matches!(c, FileColumn::Stored(s) if s.leaf.is_none());
        let has_index = self.footer.offset_index().is_some_and(|i| i.get(row_group).is_some());
        has_index || !self.columns.iter().any(nested)
    }

    /// Cuts a row group into morsels at the pages of its largest read column.
    fn cut(&self, (file, row_group, position): (usize, usize, usize), wanted: usize, out: &mut Vec<Morsel>) {
        let group = self.footer.row_group(row_group);
        let total = usize::try_from(group.num_rows()).unwrap_or(0);
        let mut stored = self.columns.iter().filter_map(|c| match c {
            FileColumn::Stored(s) => Some(s),
            FileColumn::Constant(_) => None,
        });
        let largest = stored
            .clone()
            .flat_map(|s| s.leaves.clone())
            .max_by_key(|leaf| group.column(*leaf).compressed_size());
        let nested = stored.any(|s| s.leaf.is_none());
        let offsets = largest.and_then(|leaf| self.footer.offset_index()?.get(row_group)?.get(leaf));
        let starts: Vec<usize> = match offsets {
            Some(index) => index
                .page_locations()
                .iter()
                .map(|p| usize::try_from(p.first_row_index).unwrap_or(0))
                .collect(),
            // Nested columns cannot be entered midway without an index.
            None if nested => vec![0],
            None => (0..total).step_by(MORSEL_ROWS.0).collect(),
        };
        let mut start = 0;
        for end in starts.into_iter().skip(1).chain([total]) {
            if end <= start || end > total || (end - start < wanted && end != total) {
                continue;
            }
            let rows = end - start;
            out.push(Morsel {
                file,
                row_group,
                group: position,
                start,
                rows,
            });
            start = end;
        }
    }
}

/// A shared plan.
pub(super) type PlanRef = Arc<ScanPlan>;
