//! Sorts, limits, unions and what users ask of partitions.
//!
//! A large sort goes by ranges: a sample of the keys is taken, rows are spread by the bounds made of it, and each range is
//! sorted by itself; the result is read in the order of the ranges. What can be scanned a second time is scanned for the
//! sample alone first ([`keys_alone`]); anything else is written as produced, sampled meanwhile, and read again to be spread.

use rsql_common::Result;
use rsql_expr::SortKey;

use super::promise::deterministic;
use super::{Pinned, Placed, Placer, size};
use crate::PhysicalPlan;
use crate::physical::{Exchange, Limit, Partitioning, Sort, Union};
use crate::stages::keys_alone;

/// Spread by ranges of keys.
fn by_ranges(input: Placed, keys: Vec<SortKey>, partitions: usize) -> Placed {
    let input = match keys_alone(&input.plan, &keys) {
        Some(_) => input,
        None => input.exchanged(Partitioning::AsProduced),
    };
    input.exchanged(Partitioning::Range { keys, partitions })
}

impl Placer<'_> {
    pub(super) fn sort(&self, mut n: Sort, pinned: &Pinned) -> Result<Placed> {
        let mut input = self.place(*n.input, pinned)?;
        if !n.global {
            n.input = Box::new(input.plan);
            return self.put(PhysicalPlan::Sort(n), vec![input.spread], pinned);
        }
        let pure = deterministic(n.keys.iter().map(|k| &k.expr));
        let large = size::rows(&input.plan) > self.cx.shape.sort_in_one_task_rows;
        if input.is_one() || !pure || n.fetch.is_none() && !large {
            input = input.gathered();
        } else if n.fetch.is_some() {
            let first = Sort {
                input: Box::new(input.plan),
                keys: n.keys.clone(),
                fetch: n.fetch,
                publishes: n.publishes.take(),
                global: true,
            };
            input = self
                .put(PhysicalPlan::Sort(first), vec![input.spread], pinned)?
                .gathered();
        } else {
            input = by_ranges(input, n.keys.clone(), self.cx.shape.partitions);
        }
        n.input = Box::new(input.plan);
        self.put(PhysicalPlan::Sort(n), vec![input.spread], pinned)
    }

    pub(super) fn limit(&self, mut n: Limit, pinned: &Pinned) -> Result<Placed> {
        let mut input = self.place(*n.input, pinned)?;
        if !input.is_one() {
            if let Some(fetch) = n.fetch {
                let first = Limit {
                    input: Box::new(input.plan),
                    skip: 0,
                    fetch: Some(n.skip.saturating_add(fetch)),
                };
                input = self.put(PhysicalPlan::Limit(first), vec![input.spread], pinned)?;
            }
            input = input.gathered();
        }
        n.input = Box::new(input.plan);
        self.put(PhysicalPlan::Limit(n), vec![input.spread], pinned)
    }

    /// Inputs in one task beside inputs in several are read by the first task only.
    pub(super) fn union(&self, mut n: Union, pinned: &Pinned) -> Result<Placed> {
        let inputs = std::mem::take(&mut n.inputs).into_iter();
        let mut inputs = inputs.map(|p| self.place(p, pinned)).collect::<Result<Vec<_>>>()?;
        if !inputs.iter().all(Placed::is_one) {
            let spread_out = |p: Placed| match p.is_one() {
                true => p.exchanged(Partitioning::AsProduced),
                false => p,
            };
            inputs = inputs.into_iter().map(spread_out).collect();
        }
        let spreads = inputs.iter().map(|p| p.spread.clone()).collect();
        n.inputs = inputs.into_iter().map(|p| p.plan).collect();
        self.put(PhysicalPlan::Union(n), spreads, pinned)
    }

    /// An exchange that the user asked for; no partitions means the usual number.
    pub(super) fn repartition(&self, mut n: Exchange, pinned: &Pinned) -> Result<Placed> {
        if n.partitioning == Partitioning::AsProduced {
            return Ok(self.coalesce(*n.input, n.tasks, pinned)?.asked(n.asked));
        }
        // `CollapseRepartition`: rows that are spread again were spread in vain.
        while let PhysicalPlan::Exchange(inner) = *n.input {
            n.input = inner.input;
        }
        let input = self.place(*n.input, pinned)?;
        let or_usual = |p: usize| if p == 0 { self.cx.shape.partitions } else { p };
        let placed = match n.partitioning {
            // A second attempt would spread rows otherwise.
            Partitioning::Hash { keys, partitions, .. } if !deterministic(&keys) => {
                input.exchanged(Partitioning::RoundRobin {
                    partitions: or_usual(partitions),
                })
            }
            Partitioning::Range { keys, partitions } if !deterministic(keys.iter().map(|k| &k.expr)) => input
                .exchanged(Partitioning::RoundRobin {
                    partitions: or_usual(partitions),
                }),
            Partitioning::Hash {
                keys,
                partitions,
                function,
            } => input.exchanged(Partitioning::Hash {
                keys,
                partitions: or_usual(partitions),
                function,
            }),
            Partitioning::Range { keys, partitions } => by_ranges(input, keys, or_usual(partitions)),
            Partitioning::RoundRobin { partitions } => input.exchanged(Partitioning::RoundRobin {
                partitions: or_usual(partitions),
            }),
            Partitioning::Single => input.gathered(),
            other => input.exchanged(other),
        };
        Ok(placed.asked(n.asked))
    }

    /// At most so many tasks read what comes; each reads neighbouring tasks' rows, in order.
    fn coalesce(&self, input: PhysicalPlan, tasks: Option<usize>, pinned: &Pinned) -> Result<Placed> {
        let input = self.place(input, pinned)?;
        if input.is_one() || tasks == Some(1) {
            return Ok(input.gathered());
        }
        let mut coalesced = input.exchanged(Partitioning::AsProduced);
        if let PhysicalPlan::Exchange(e) = &mut coalesced.plan {
            e.tasks = tasks;
        }
        Ok(coalesced)
    }
}
