//! The cheapest tree of joins over a cluster's relations.
//!
//! The cost of a join is what its operator does: rows built (dearer), rows probed, rows given. Cross products are looked at
//! only with aggregates of one row or where nothing else connects.

use rsql_expr::Expr;
use rsql_planner::logical::JoinKind;

use super::cluster::{Cluster, Role};
use super::{MOST_EXACT, Set, conditions};
use crate::statistics::{Statistics, joined};

const BUILD: f64 = 2.0;
const PROBE: f64 = 1.0;
const OUTPUT: f64 = 1.0;
/// A pair of rows in a nested loop.
const PAIR: f64 = 0.5;

/// An order of joins; the right side is the one to build.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    Leaf(usize),
    Join(Box<Tree>, Box<Tree>),
}

#[derive(Clone)]
struct Entry {
    set: Set,
    cost: f64,
    statistics: Statistics,
    tree: Tree,
}

pub(super) fn best(cluster: &Cluster) -> Option<Tree> {
    let leaves: Vec<Entry> = cluster
        .relations
        .iter()
        .enumerate()
        .map(|(i, r)| Entry {
            set: 1 << i,
            cost: 0.0,
            statistics: r.statistics.clone(),
            tree: Tree::Leaf(i),
        })
        .collect();
    if leaves.len() <= MOST_EXACT {
        exact(cluster, &leaves).or_else(|| greedy(cluster, leaves))
    } else {
        greedy(cluster, leaves)
    }
}

fn dependent(cluster: &Cluster, set: Set) -> Option<(JoinKind, &[(Expr, Expr)], &[Expr], Set)> {
    if set.count_ones() != 1 {
        return None;
    }
    match &cluster.relations[set.trailing_zeros() as usize].role {
        Role::Dependent {
            kind,
            on,
            filter,
            needs,
        } => Some((*kind, on, filter, *needs)),
        Role::Inner => None,
    }
}

/// How two entries can be joined: kind, keys, remaining condition.
struct Step {
    kind: JoinKind,
    on: Vec<(Expr, Expr)>,
    filter: Vec<Expr>,
}

/// `right` joined to `left`; `None` where that is no join the cluster allows. `cross`: products are allowed.
fn step(cluster: &Cluster, left: &Entry, right: &Entry, cross: bool) -> Option<Step> {
    if dependent(cluster, left.set).is_some() {
        return None;
    }
    if let Some((kind, on, filter, needs)) = dependent(cluster, right.set) {
        return (needs & !left.set == 0).then(|| Step {
            kind,
            on: on.to_vec(),
            filter: filter.to_vec(),
        });
    }
    let all = conditions(cluster, left.set, right.set);
    let small = [left, right].into_iter().any(|e| is_one_row(cluster, e));
    if all.is_empty() && !cross && !small {
        return None;
    }
    let (mut on, mut filter) = (Vec::new(), Vec::new());
    for e in all {
        match key(&e, cluster, left.set) {
            Some(pair) => on.push(pair),
            None => filter.push(e),
        }
    }
    Some(Step {
        kind: JoinKind::Inner,
        on,
        filter,
    })
}

/// An equality's sides, left one first.
fn key(e: &Expr, cluster: &Cluster, left: Set) -> Option<(Expr, Expr)> {
    let Expr::Compare {
        op: rsql_expr::CompareOp::Eq,
        left: a,
        right: b,
    } = e
    else {
        return None;
    };
    let on_left = |e: &Expr| {
        let columns = e.columns();
        !columns.is_empty()
            && columns.iter().all(|c| {
                cluster
                    .relations
                    .iter()
                    .enumerate()
                    .any(|(i, r)| left & (1 << i) != 0 && r.plan.schema().index_of(*c).is_some())
            })
    };
    match (on_left(a), on_left(b)) {
        (true, false) if !b.columns().is_empty() => Some((a.as_ref().clone(), b.as_ref().clone())),
        (false, true) if !a.columns().is_empty() => Some((b.as_ref().clone(), a.as_ref().clone())),
        _ => None,
    }
}

fn cost(hashed: bool, left: f64, right: f64, out: f64) -> f64 {
    if !hashed {
        return left * right * PAIR + out * OUTPUT + right;
    }
    let (build, probe) = if left < right { (left, right) } else { (right, left) };
    build * BUILD + probe * PROBE + out * OUTPUT
}

impl Step {
    /// Can run by hash.
    fn is_hashed(&self) -> bool {
        !self.on.is_empty() || self.filter.iter().any(is_null_safe)
    }
}

/// What [`step`] would say, without building it: whether two entries can be joined, and if so by hash.
fn connects(cluster: &Cluster, left: &Entry, right: &Entry, cross: bool) -> Option<bool> {
    if dependent(cluster, left.set).is_some() {
        return None;
    }
    if let Some((_, on, filter, needs)) = dependent(cluster, right.set) {
        return (needs & !left.set == 0).then(|| !on.is_empty() || filter.iter().any(is_null_safe));
    }
    // Members of a class stand together.
    let (mut class, mut relations): (usize, Set) = (usize::MAX, 0);
    for member in &cluster.equal {
        if member.class != class {
            (class, relations) = (member.class, 0);
        }
        relations |= member.relation;
        if relations & left.set != 0 && relations & right.set != 0 {
            return Some(true);
        }
    }
    let both = left.set | right.set;
    let mut connected = cross || [left, right].into_iter().any(|e| is_one_row(cluster, e));
    for p in &cluster.predicates {
        if p.relations & !both == 0 && p.relations & left.set != 0 && p.relations & right.set != 0 {
            if is_equality(&p.expr) {
                return Some(true);
            }
            connected = true;
        }
    }
    connected.then_some(false)
}

fn is_equality(e: &Expr) -> bool {
    matches!(
        e,
        Expr::Compare {
            op: rsql_expr::CompareOp::Eq,
            ..
        }
    )
}

fn is_one_row(cluster: &Cluster, e: &Entry) -> bool {
    matches!(e.tree, Tree::Leaf(i) if cluster.relations[i].one_row)
}

fn is_null_safe(e: &Expr) -> bool {
    matches!(
        e,
        Expr::Compare {
            op: rsql_expr::CompareOp::NullSafeEq,
            ..
        }
    )
}

/// Both entries joined, with the smaller side on the right where the kind allows.
fn combine(a: &Entry, b: &Entry, step: &Step, statistics: Statistics) -> Entry {
    let own = cost(step.is_hashed(), a.statistics.rows, b.statistics.rows, statistics.rows);
    let swap = step.kind == JoinKind::Inner && a.statistics.rows < b.statistics.rows;
    let (l, r) = if swap { (b, a) } else { (a, b) };
    Entry {
        set: a.set | b.set,
        cost: a.cost + b.cost + own,
        statistics,
        tree: Tree::Join(Box::new(l.tree.clone()), Box::new(r.tree.clone())),
    }
}

/// Dynamic programming over all sets.
fn exact(cluster: &Cluster, leaves: &[Entry]) -> Option<Tree> {
    let n = leaves.len();
    let mut table: Vec<Option<Entry>> = vec![None; 1 << n];
    for leaf in leaves {
        table[leaf.set as usize] = Some(leaf.clone());
    }
    for set in 1..1u64 << n {
        if set.count_ones() < 2 || !is_closed(cluster, set) {
            continue;
        }
        let entry = best_split(cluster, &table, set, false).or_else(|| {
            // Nothing connects: a product, if it is the whole.
            let whole = set == (1 << n) - 1;
            whole.then(|| best_split(cluster, &table, set, true)).flatten()
        });
        table[set as usize] = entry;
    }
    table.pop().flatten().map(|e| e.tree)
}

/// Each dependent relation stands with what it needs.
fn is_closed(cluster: &Cluster, set: Set) -> bool {
    (0..cluster.relations.len())
        .filter(|i| set & (1 << i) != 0)
        .all(|i| dependent(cluster, 1 << i).is_none_or(|(.., needs)| needs & !set == 0))
}

fn best_split(cluster: &Cluster, table: &[Option<Entry>], set: Set, cross: bool) -> Option<Entry> {
    let mut best: Option<(f64, Set)> = None;
    let mut statistics: Option<Statistics> = None;
    // All pairs once: subsets without the lowest relation against the rest, tried both ways around.
    let mut part = (set - 1) & set;
    while part != 0 {
        let rest = set & !part;
        if let (Some(a), Some(b)) = (&table[part as usize], &table[rest as usize])
            && (part < rest || dependent(cluster, rest).is_some())
            && best.as_ref().is_none_or(|(c, _)| a.cost + b.cost < *c)
            && let Some(hashed) = connects(cluster, a, b, cross)
        {
            if statistics.is_none() {
                let step = step(cluster, a, b, cross)?;
                statistics = Some(joined(step.kind, &step.on, &step.filter, &a.statistics, &b.statistics));
            }
            let rows = statistics.as_ref().map_or(0.0, |s| s.rows);
            let total = a.cost + b.cost + cost(hashed, a.statistics.rows, b.statistics.rows, rows);
            if best.as_ref().is_none_or(|(c, _)| total < *c) {
                best = Some((total, part));
            }
        }
        part = (part - 1) & set;
    }
    let (_, part) = best?;
    let a = table[part as usize].as_ref()?;
    let b = table[(set & !part) as usize].as_ref()?;
    let step = step(cluster, a, b, cross)?;
    Some(combine(a, b, &step, statistics?))
}

/// Joins the pair with the fewest rows until one is left.
fn greedy(cluster: &Cluster, mut entries: Vec<Entry>) -> Option<Tree> {
    while entries.len() > 1 {
        let found = cheapest_pair(cluster, &entries, false).or_else(|| cheapest_pair(cluster, &entries, true));
        let (i, j, entry) = found?;
        entries.remove(i.max(j));
        entries.remove(i.min(j));
        entries.push(entry);
    }
    entries.pop().map(|e| e.tree)
}

fn cheapest_pair(cluster: &Cluster, entries: &[Entry], cross: bool) -> Option<(usize, usize, Entry)> {
    let mut best: Option<(f64, usize, usize, Entry)> = None;
    for (i, a) in entries.iter().enumerate() {
        for (j, b) in entries.iter().enumerate() {
            if i == j || i > j && dependent(cluster, b.set).is_none() {
                continue;
            }
            let Some(step) = step(cluster, a, b, cross) else {
                continue;
            };
            let s = joined(step.kind, &step.on, &step.filter, &a.statistics, &b.statistics);
            // A join that drops rows of a large side is worth its cost early.
            let weight = s.rows + 0.1 * (a.statistics.rows + b.statistics.rows);
            if best.as_ref().is_none_or(|(w, ..)| weight < *w) {
                best = Some((weight, i, j, combine(a, b, &step, s)));
            }
        }
    }
    best.map(|(_, i, j, e)| (i, j, e))
}
