//! What a join does, by role instead of side, and what its parts share.

use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, OnceLock};

use arrow::datatypes::DataType;
use parking_lot::Mutex;
use rsql_common::{FilterId, Reservation};
use rsql_expr::{Expr, Schema};
use rsql_planner::logical::JoinKind;
use rsql_planner::physical::{HashJoin, PhysicalPlan, Side};

use super::build_sink::BuildPart;
use super::grace::Grace;
use super::table::JoinTable;
use crate::hashing::KeyKind;
use crate::metrics::Usage;

/// A join by roles: the build side is in the table, the probe side streams.
#[derive(Clone)]
pub(crate) struct JoinSpec {
    pub(super) kind: JoinKind,
    /// The table holds left rows.
    pub(super) build_is_left: bool,
    pub(super) null_aware: bool,
    pub(super) build_keys: Vec<Expr>,
    pub(super) probe_keys: Vec<Expr>,
    /// By key: NULL equals NULL.
    pub(super) null_safe: Vec<bool>,
    pub(super) key_types: Vec<DataType>,
    /// Over left columns, then right columns.
    pub(super) filter: Option<Expr>,
    pub(super) publishes: Vec<(FilterId, usize)>,
    pub(super) build_types: Vec<DataType>,
    pub(super) probe_types: Vec<DataType>,
}

impl JoinSpec {
    pub(super) fn new(node: &HashJoin) -> Self {
        let build_is_left = node.build == Side::Left;
        let types = |plan: &PhysicalPlan| engine_types(plan.schema());
        let (left_types, right_types) = (types(&node.left), types(&node.right));
        let (mut left_keys, mut right_keys) = (Vec::new(), Vec::new());
        for (l, r, _) in &node.keys {
            left_keys.push(l.clone());
            right_keys.push(r.clone());
        }
        let ((build_keys, probe_keys), (build_types, probe_types)) = if build_is_left {
            ((left_keys, right_keys), (left_types, right_types))
        } else {
            ((right_keys, left_keys), (right_types, left_types))
        };
        Self {
            kind: node.kind,
            build_is_left,
            null_aware: node.null_aware,
            key_types: build_keys.iter().map(|k| k.ty().arrow()).collect(),
            build_keys,
            probe_keys,
            null_safe: node.keys.iter().map(|k| k.2).collect(),
            filter: node.filter.clone(),
            publishes: node.publishes.clone(),
            build_types,
            probe_types,
        }
    }

    /// Puts out pairs of rows (else: rows or marks of one side).
    pub(super) fn pairs(&self) -> bool {
        use JoinKind::{Full, Inner, Left, LeftSingle, Right};
        matches!(self.kind, Inner | Left | Right | Full | LeftSingle)
    }

    /// Probe rows without partner come with NULLs.
    pub(super) fn probe_outer(&self) -> bool {
        match self.kind {
            JoinKind::Full => true,
            JoinKind::Left | JoinKind::LeftSingle => !self.build_is_left,
            JoinKind::Right => self.build_is_left,
            _ => false,
        }
    }

    /// What the tail does with build rows: `Some(true)` puts out matched ones, `Some(false)` unmatched ones.
    pub(super) fn tail(&self) -> Option<bool> {
        match self.kind {
            JoinKind::Full => Some(false),
            JoinKind::Left => self.build_is_left.then_some(false),
            JoinKind::Right => (!self.build_is_left).then_some(false),
            JoinKind::LeftSemi => self.build_is_left.then_some(true),
            JoinKind::LeftAnti => self.build_is_left.then_some(false),
            _ => None,
        }
    }

    /// Only whether a key is there counts: no payload, no row ids.
    pub(super) fn existence_only(&self) -> bool {
        !self.pairs() && !self.build_is_left && self.filter.is_none()
    }

    /// Build rows that can have no partner are still needed.
    pub(super) fn keeps_unmatchable(&self) -> bool {
        self.tail() == Some(false)
    }

    /// Without build rows there is no output.
    pub(super) fn empty_without_build(&self) -> bool {
        match self.kind {
            JoinKind::Inner | JoinKind::LeftSemi => true,
            JoinKind::LeftAnti => self.build_is_left,
            _ => !self.probe_outer() && self.pairs(),
        }
    }

    /// A single exact integer key.
    pub(super) fn single_int_key(&self) -> bool {
        self.key_types.len() == 1 && KeyKind::of(&self.key_types[0]) == KeyKind::Int
    }
}

/// The engine's types of a schema.
pub(crate) fn engine_types(schema: &Schema) -> Vec<DataType> {
    schema.iter().map(|f| f.ty.arrow()).collect()
}

/// What build sink, probe and tail share.
pub(crate) struct Shared {
    pub(super) spec: JoinSpec,
    pub(super) usage: Usage,
    /// What workers collected.
    pub(super) parts: Mutex<Vec<BuildPart>>,
    /// Rows that came, those dropped for NULL keys included.
    pub(super) build_rows: AtomicUsize,
    /// A build row had a NULL key.
    pub(super) null_key: AtomicBool,
    /// Workers write to the spill files instead.
    pub(super) spilling: AtomicBool,
    pub(super) grace: OnceLock<Grace>,
    pub(super) table: OnceLock<Arc<JoinTable>>,
    /// Shares of the memory pool that live as long as the table.
    pub(super) reservations: Mutex<Vec<Reservation>>,
}

impl Shared {
    pub(super) fn new(spec: JoinSpec, usage: Usage) -> Self {
        Self {
            spec,
            usage,
            parts: Mutex::default(),
            build_rows: AtomicUsize::new(0),
            null_key: AtomicBool::new(false),
            spilling: AtomicBool::new(false),
            grace: OnceLock::new(),
            table: OnceLock::new(),
            reservations: Mutex::default(),
        }
    }
}
