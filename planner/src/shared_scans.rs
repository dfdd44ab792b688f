//! Scans of one table that can run at the same time are read together: pages are decoded once for all of them.
//!
//! ```text
//! NestedLoopJoin Inner                    NestedLoopJoin Inner
//!   HashAggregate [a]             →         HashAggregate [a]
//!     Scan t [a, b] filters: (b > 1)          Scan t [a, b] filters: (b > 1) with scan7
//!   HashAggregate [b]                       HashAggregate [b]
//!     Scan t [b]                              Scan t [b] with scan7
//! ```
//! Scans stay where they are, with columns and filters of their own, and get an id in common. The rows of each go through a
//! pipeline up to a join's table, an aggregate or a sort; pipelines that are read together start when all that any of them
//! waits for is there. So that this never becomes a circle, and no runtime filter is missed, scans are put together only if
//! neither waits for the other: the pipelines and what they wait for are laid out here as `exec` will build them. Nothing has
//! to be kept between scans: one that runs later than another reads for itself.
//!
//! Not applied to scans that have no column in common, to small tables, to what streams into the result, a limit, a sample
//! or a union (their rows are wanted one after another, and perhaps not all), nor to scans that a top-k sort cuts short.

use std::collections::{HashMap, HashSet};

use rsql_catalog::{FileFormat, SourceKind};
use rsql_common::ids::IdGen;
use rsql_common::{CteId, FilterId, ScanId};

use crate::PhysicalPlan;
use crate::physical::{HashJoin, Scan, Side};

/// Gives scans that are to be read together an id: of tables of `least_bytes` at least.
pub fn share_scans(plan: &mut PhysicalPlan, least_bytes: u64, ids: &IdGen) {
    if !names_repeat(plan) {
        return;
    }
    let mut pipelines = Pipelines {
        least_bytes,
        ..Pipelines::default()
    };
    pipelines.visit(plan);
    let shared = pipelines.together(ids);
    if !shared.is_empty() {
        mark(plan, &mut 0, &shared);
    }
}

/// Whether two scans may be of one table; most plans have none.
fn names_repeat(plan: &PhysicalPlan) -> bool {
    fn visit<'a>(plan: &'a PhysicalPlan, seen: &mut HashSet<&'a str>) -> bool {
        match plan {
            PhysicalPlan::Scan(s) => !seen.insert(&s.source.name),
            other => other.children().into_iter().any(|c| visit(c, seen)),
        }
    }
    visit(plan, &mut HashSet::new())
}

/// Scans are numbered as they come.
fn mark(plan: &mut PhysicalPlan, next: &mut usize, shared: &HashMap<usize, ScanId>) {
    if let PhysicalPlan::Scan(s) = plan {
        s.shared = shared.get(next).copied();
        *next += 1;
    }
    for child in plan.children_mut() {
        mark(child, next, shared);
    }
}

/// Rows on their way: where they come from, and what has to be done before.
#[derive(Default)]
struct Stream {
    /// A scan whose rows nothing but streaming operators has passed on.
    scan: Option<usize>,
    waits_for: Vec<usize>,
}

/// The pipelines of a plan.
#[derive(Default)]
struct Pipelines<'a> {
    least_bytes: u64,
    scans: Vec<&'a Scan>,
    /// By pipeline: the pipelines that end before it begins.
    waits_for: Vec<Vec<usize>>,
    /// The pipeline of a scan, if it has one that may be shared.
    of_scan: HashMap<usize, usize>,
    /// Pipelines that fill the tables of CTEs.
    ctes: HashMap<CteId, usize>,
    /// Pipelines that publish runtime filters.
    publishers: HashMap<FilterId, usize>,
}

impl<'a> Pipelines<'a> {
    fn visit(&mut self, plan: &'a PhysicalPlan) -> Stream {
        use PhysicalPlan as P;
        match plan {
            P::Scan(n) => {
                self.scans.push(n);
                let scan = Some(self.scans.len() - 1);
                Stream {
                    scan,
                    ..Stream::default()
                }
            }
            P::Values(_) | P::Range(_) | P::StageInput(_) => Stream::default(),
            P::CteScan(n) => Stream {
                scan: None,
                waits_for: self.ctes.get(&n.id).copied().into_iter().collect(),
            },
            P::Projection(n) => self.visit(&n.input),
            P::Filter(n) => self.visit(&n.input),
            P::Generate(n) => self.visit(&n.input),
            P::Expand(n) => self.visit(&n.input),
            P::WindowGroupLimit(n) => self.visit(&n.input),
            P::Exchange(n) => self.visit(&n.input),
            P::HashAggregate(n) => self.breaker(&n.input),
            P::Window(n) => self.breaker(&n.input),
            P::Sort(n) => self.breaker(&n.input),
            P::HashJoin(n) => self.hash_join(n),
            P::NestedLoopJoin(n) => {
                let (left, right) = (self.visit(&n.left), self.visit(&n.right));
                let collected = self.end(right);
                left.after(collected)
            }
            P::With(n) => {
                for (id, def) in &n.defs {
                    let filled = self.breaker(def);
                    self.ctes.extend(filled.waits_for.first().map(|p| (*id, *p)));
                }
                self.visit(&n.body)
            }
            // Rows that are wanted in order, and perhaps not all.
            P::Limit(_) | P::Sample(_) | P::Union(_) | P::RecursiveCte(_) => {
                let inputs = plan.children().into_iter().map(|c| self.visit(c).waits_for);
                Stream {
                    scan: None,
                    waits_for: inputs.collect::<Vec<_>>().concat(),
                }
            }
        }
    }

    /// What follows an operator that takes all rows before it gives one.
    fn breaker(&mut self, input: &'a PhysicalPlan) -> Stream {
        let input = self.visit(input);
        Stream::default().after(self.end(input))
    }

    fn hash_join(&mut self, n: &'a HashJoin) -> Stream {
        let (left, right) = (self.visit(&n.left), self.visit(&n.right));
        let (build, probe) = match n.build {
            Side::Left => (left, right),
            Side::Right => (right, left),
        };
        let built = self.end(build);
        self.publishers.extend(n.publishes.iter().map(|(id, _)| (*id, built)));
        probe.after(built)
    }

    fn end(&mut self, stream: Stream) -> usize {
        let pipeline = self.waits_for.len();
        self.of_scan.extend(stream.scan.map(|s| (s, pipeline)));
        self.waits_for.push(stream.waits_for);
        pipeline
    }

    /// Ids for the scans that are read together.
    fn together(mut self, ids: &IdGen) -> HashMap<usize, ScanId> {
        // Not needed to run, but to run fast: a scan waits for the filters it applies.
        for (scan, pipeline) in &self.of_scan {
            let filters = self.scans[*scan].consumes.iter();
            let published = filters.filter_map(|(id, _)| self.publishers.get(id));
            self.waits_for[*pipeline].extend(published);
        }
        let mut candidates: Vec<usize> = self.of_scan.keys().copied().filter(|s| self.may_share(*s)).collect();
        candidates.sort_unstable();
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for scan in candidates {
            let fits = groups.iter().position(|g| self.fits(scan, g));
            match fits {
                Some(group) => {
                    self.join(scan, groups[group][0]);
                    groups[group].push(scan);
                }
                None => groups.push(vec![scan]),
            }
        }
        let shared = groups.into_iter().filter(|g| g.len() > 1).flat_map(|group| {
            let id = ids.scan();
            group.into_iter().map(move |scan| (scan, id))
        });
        shared.collect()
    }

    fn may_share(&self, scan: usize) -> bool {
        let scan = self.scans[scan];
        let SourceKind::Files(files) = &scan.source.kind else {
            return false;
        };
        let cut_short = |(id, _): &(FilterId, usize)| !self.publishers.contains_key(id);
        files.format == FileFormat::Parquet
            && files.files.iter().map(|f| f.size).sum::<u64>() >= self.least_bytes
            && scan.limit.is_none()
            && scan.best_first.is_none()
            && !scan.consumes.iter().any(cut_short)
    }

    /// Reads the same files as the scans of a group, a column that one of them reads too, and need not wait for them.
    fn fits(&self, scan: usize, group: &[usize]) -> bool {
        let (new, first) = (self.scans[scan], self.scans[group[0]]);
        let reads = |s: &usize| self.scans[*s].columns.iter().any(|c| new.columns.contains(c));
        let (a, b) = (self.of_scan[&scan], self.of_scan[&group[0]]);
        new.source.name == first.source.name
            && new.source == first.source
            && group.iter().any(reads)
            && a != b
            && !self.is_behind(a, b)
            && !self.is_behind(b, a)
    }

    /// Whether `pipeline` waits for `other`, maybe through others.
    fn is_behind(&self, pipeline: usize, other: usize) -> bool {
        let mut seen = HashSet::new();
        let mut pending = vec![pipeline];
        while let Some(p) = pending.pop() {
            if p == other {
                return true;
            }
            if seen.insert(p) {
                pending.extend(&self.waits_for[p]);
            }
        }
        false
    }

    /// Lets the pipelines of two scans begin and end together.
    fn join(&mut self, scan: usize, with: usize) {
        let (old, new) = (self.of_scan[&scan], self.of_scan[&with]);
        let moved = std::mem::take(&mut self.waits_for[old]);
        self.waits_for[new].extend(moved);
        let numbers = self.waits_for.iter_mut().flatten().chain(self.of_scan.values_mut());
        numbers.filter(|p| **p == old).for_each(|p| *p = new);
        self.publishers
            .values_mut()
            .filter(|p| **p == old)
            .for_each(|p| *p = new);
    }
}

impl Stream {
    fn after(mut self, pipeline: usize) -> Self {
        self.waits_for.push(pipeline);
        self
    }
}
