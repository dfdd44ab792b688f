//! Plans that must run in one task, with their inputs gathered; and definitions that several stages read.

use std::collections::BTreeSet;

use rsql_common::{CteId, Result};

use super::spread::Spread;
use super::{Pinned, Placed, Placer};
use crate::PhysicalPlan;
use crate::physical::{Asked, Exchange, Partitioning, RecursiveCte, Rerun, With};

impl Placer<'_> {
    /// Each definition becomes a stage that its readers share.
    pub(super) fn with(&self, mut n: With, pinned: &Pinned) -> Result<Placed> {
        let mut spreads = Vec::new();
        for (_, def) in &mut n.defs {
            let placed = self.place(std::mem::replace(def, PhysicalPlan::nothing()), pinned)?;
            let placed = placed.exchanged(Partitioning::AsProduced);
            *def = placed.plan;
            spreads.push(placed.spread);
        }
        let body = self.place(*n.body, pinned)?;
        n.body = Box::new(body.plan);
        spreads.push(body.spread);
        self.put(PhysicalPlan::With(n), spreads, pinned)
    }

    /// The iteration runs in one task; what does not change from one round to the next is gathered there.
    pub(super) fn recursive_cte(&self, mut n: RecursiveCte, pinned: &Pinned) -> Result<Placed> {
        let anchor = self.place(*n.anchor, pinned)?.gathered();
        n.anchor = Box::new(anchor.plan);
        let mut inner = pinned.clone();
        inner.insert(n.id);
        let mut changing = BTreeSet::from([n.id]);
        definitions(&n.recursive, &mut changing);
        inner.extend(&changing);
        n.recursive = Box::new(self.rounds(*n.recursive, &changing, &inner)?);
        self.put(PhysicalPlan::RecursiveCte(n), vec![Spread::One, Spread::One], pinned)
    }

    /// A part of an iteration: stays as it is above what `changing` is read by, gathered below.
    fn rounds(&self, mut plan: PhysicalPlan, changing: &BTreeSet<CteId>, pinned: &Pinned) -> Result<PhysicalPlan> {
        if !reads(&plan, changing) {
            return Ok(self.place(plan, pinned)?.gathered().plan);
        }
        if let PhysicalPlan::Exchange(asked) = plan {
            // Rows of a round are all in its task.
            return self.rounds(*asked.input, changing, pinned);
        }
        for child in plan.children_mut() {
            *child = self.rounds(std::mem::replace(child, PhysicalPlan::nothing()), changing, pinned)?;
        }
        Ok(plan)
    }
}

fn definitions(plan: &PhysicalPlan, ids: &mut BTreeSet<CteId>) {
    match plan {
        PhysicalPlan::With(n) => ids.extend(n.defs.iter().map(|(id, _)| *id)),
        PhysicalPlan::RecursiveCte(n) => {
            ids.insert(n.id);
        }
        _ => {}
    }
    plan.children().into_iter().for_each(|c| definitions(c, ids));
}

fn reads(plan: &PhysicalPlan, ids: &BTreeSet<CteId>) -> bool {
    match plan {
        PhysicalPlan::CteScan(n) => ids.contains(&n.id),
        PhysicalPlan::With(_) => true,
        other => other.children().into_iter().any(|c| reads(c, ids)),
    }
}

/// The plan in one task: every leaf is gathered. What is left when nothing better was found.
pub(super) fn all(plan: PhysicalPlan) -> PhysicalPlan {
    match plan {
        PhysicalPlan::Scan(_) | PhysicalPlan::Range(_) | PhysicalPlan::Values(_) => PhysicalPlan::Exchange(Exchange {
            estimate: super::size::rows(&plan),
            input: Box::new(plan),
            partitioning: Partitioning::Single,
            rerun: Rerun::Equal,
            tasks: None,
            asked: Asked::No,
        }),
        mut other => {
            for child in other.children_mut() {
                *child = all(std::mem::replace(child, PhysicalPlan::nothing()));
            }
            other
        }
    }
}
