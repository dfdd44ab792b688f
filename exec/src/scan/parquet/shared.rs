//! Scans of one table that are read together.
//!
//! Each is a view of the same morsels, with filters, runtime filters and output of its own over the columns that any of them
//! reads. A pipeline of several views takes a morsel through one after another; columns that were decoded for all rows of the
//! morsel, or that most of its rows are wanted of, are kept for the views that follow, which take the rows they want of them.
//! So no view waits for another or keeps anything beyond a morsel, and one that statistics or runtime filters keep out of a
//! morsel costs nothing there. A view read alone is a scan like any other.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rsql_catalog::SourceKind;
use rsql_common::{Error, Result, ScanId};
use rsql_expr::{Expr, Slot};
use rsql_planner::physical::Scan;

use super::Reading;
use super::morsel::LocalScan;
use super::plan::ScanPlan;
use crate::metrics::Usage;
use crate::pipeline::{LocalSource, Source, TaskContext};

/// One of the scans that are read together.
#[derive(Clone)]
pub(crate) struct Member {
    pub scan: Arc<SharedScan>,
    pub view: usize,
}

/// The scans with one id.
pub(crate) struct SharedScan {
    id: ScanId,
    cx: Arc<TaskContext>,
    members: Mutex<Vec<(Scan, Usage)>>,
    /// Made when the first of them begins: all are known then.
    plan: OnceLock<Result<Arc<ScanPlan>>>,
}

impl SharedScan {
    pub fn new(id: ScanId, cx: Arc<TaskContext>) -> Self {
        Self {
            id,
            cx,
            members: Mutex::default(),
            plan: OnceLock::new(),
        }
    }

    pub fn id(&self) -> ScanId {
        self.id
    }

    /// Takes a scan in; its number.
    pub fn add(&self, node: &Scan, usage: Usage) -> usize {
        let mut members = self.members.lock();
        members.push((node.clone(), usage));
        members.len() - 1
    }

    /// A source for some of the scans.
    pub fn source(self: &Arc<Self>, views: Vec<usize>) -> SharedSource {
        SharedSource {
            scan: Arc::clone(self),
            views,
            reading: OnceLock::new(),
        }
    }

    fn plan(&self) -> Result<Arc<ScanPlan>> {
        let make = || {
            let members = self.members.lock();
            let nodes: Vec<&Scan> = members.iter().map(|(n, _)| n).collect();
            let usages: Vec<Usage> = members.iter().map(|(_, u)| u.clone()).collect();
            let nodes = over_all_columns(&nodes);
            let Some(SourceKind::Files(files)) = nodes.first().map(|n| &n.source.kind) else {
                return Err(Error::internal("a shared scan of what is no file"));
            };
            ScanPlan::new(&nodes, files, &self.cx, &usages).map(Arc::new)
        };
        self.plan.get_or_init(make).clone()
    }
}

/// The scans, each over the columns that any of them reads.
fn over_all_columns(nodes: &[&Scan]) -> Vec<Scan> {
    let mut all: Vec<usize> = Vec::new();
    for column in nodes.iter().flat_map(|n| &n.columns) {
        if !all.contains(column) {
            all.push(*column);
        }
    }
    let over = |node: &&Scan| {
        let added = all.len() - node.columns.len();
        // Parameters of lambdas lie behind the columns.
        let place = |at: usize| match node.columns.get(at) {
            Some(column) => all.iter().position(|c| c == column).unwrap_or(at),
            None => at + added,
        };
        let moved = |e: &Expr| {
            let moved = e.clone().try_transform_up::<std::convert::Infallible>(&mut |e| {
                Ok(match e {
                    Expr::Slot(s) => Expr::Slot(Slot {
                        index: place(s.index),
                        ..s
                    }),
                    Expr::Lambda(mut l) => {
                        l.first_slot += added;
                        Expr::Lambda(l)
                    }
                    other => other,
                })
            });
            let Ok(moved) = moved;
            moved
        };
        Scan {
            columns: all.clone(),
            filters: node.filters.iter().map(moved).collect(),
            projection: node.projection.iter().map(|p| place(*p)).collect(),
            consumes: node.consumes.iter().map(|(id, c)| (*id, place(*c))).collect(),
            ..Scan::clone(node)
        }
    };
    nodes.iter().map(over).collect()
}

/// Reads for one view, or for several.
pub(crate) struct SharedSource {
    scan: Arc<SharedScan>,
    views: Vec<usize>,
    reading: OnceLock<Result<Arc<Reading>>>,
}

impl SharedSource {
    fn reading(&self) -> Result<Arc<Reading>> {
        let make = || {
            Ok(Arc::new(Reading {
                plan: self.scan.plan()?,
                usages: self.scan.members.lock().iter().map(|(_, u)| u.clone()).collect(),
                views: self.views.clone(),
                cursor: AtomicUsize::new(0),
            }))
        };
        self.reading.get_or_init(make).clone()
    }
}

impl Source for SharedSource {
    fn open(&self, cx: &Arc<TaskContext>) -> Result<Box<dyn LocalSource>> {
        Ok(Box::new(LocalScan::new(self.reading()?, Arc::clone(cx))?))
    }

    fn parallelism(&self) -> usize {
        self.reading().map_or(1, |r| r.plan.morsels.len().max(1))
    }
}
