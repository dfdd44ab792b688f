//! Whether a changed stage still gives each row once: every part of its inputs is read, and lies where the plan needs it.
//!
//! Slices are looked at partition by partition. A partition is read whole by one task, or in parts by several, or whole by
//! several. Inputs that are spread by the same keys must be read by the same tasks, and within a partition what is read in
//! parts counts as spread anyhow and what is read by several tasks as copied: the plan has to stand over that, as it would
//! had it been planned so for all rows. Of two inputs each part of the one may be read with each part of the other: a plan
//! that stands with either of them in parts and the other one copied gives every pair of parts its share of the rows.
//!
//! Tasks that read a table by bucket read the buckets of their number: what is read beside them by partition has to be read so
//! as well.

use std::collections::{BTreeMap, BTreeSet};

use rsql_common::{Error, Result, StageId};

use crate::buckets::{buckets_of_task, reads_buckets};
use crate::distribute::{ClusterShape, Spread, spread_in_stage};
use crate::physical::Partitioning;
use crate::stages::{Stage, StageEdge, StageGraph, StageRead};

/// How one partition of an input is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mode {
    /// By one task.
    Whole,
    /// In parts, by several tasks.
    Split,
    /// By several tasks, each all of it.
    Copied,
    /// In parts, each by several tasks.
    Crossed,
}

/// Fails if `stage`, put into the graph, would give wrong rows.
pub(crate) fn check_stage(graph: &StageGraph, stage: &Stage, shape: &ClusterShape) -> Result<()> {
    let mut fixed = BTreeMap::new();
    let mut parted = Vec::new();
    for edge in &stage.inputs {
        let producer = graph
            .stage(edge.stage)
            .ok_or_else(|| Error::internal(format!("{} reads {}, which is not there", stage.id, edge.stage)))?;
        match (&edge.read, &producer.partitioning) {
            (_, Partitioning::Single) if stage.tasks != 1 => {
                return wrong(stage, "reads gathered rows in several tasks");
            }
            (StageRead::All, _) => {
                fixed.insert(edge.stage, if stage.tasks == 1 { Spread::One } else { Spread::Copied });
            }
            (StageRead::Task, _) => {
                fixed.insert(edge.stage, Spread::Any);
            }
            (StageRead::Partition | StageRead::Slices(_), _) => parted.push((edge, producer)),
        }
    }
    let combinations = combinations(stage, &parted)?;
    if stage.tasks == 1 {
        // Whatever the plan needs, the only task has it.
        return Ok(());
    }
    for modes in combinations {
        let mut spreads = fixed.clone();
        for ((edge, producer), mode) in parted.iter().zip(modes) {
            let spread = match (mode, &producer.partitioning) {
                (
                    Mode::Whole,
                    Partitioning::Hash {
                        keys,
                        partitions,
                        function,
                    },
                ) => Spread::hash(keys, *partitions, *function),
                (Mode::Whole | Mode::Split | Mode::Crossed, _) => Spread::Any,
                (Mode::Copied, _) => Spread::Copied,
            };
            spreads.insert(edge.stage, spread);
        }
        check_plan(stage, &spreads, shape)?;
    }
    Ok(())
}

fn wrong<T>(stage: &Stage, why: &str) -> Result<T> {
    Err(Error::internal(format!("{} {why}", stage.id)))
}

/// That the plan stands over inputs that lie so.
fn check_plan(stage: &Stage, spreads: &BTreeMap<StageId, Spread>, shape: &ClusterShape) -> Result<()> {
    let input = |id: StageId| spreads.get(&id).cloned().unwrap_or(Spread::Any);
    match spread_in_stage(&stage.plan, shape, &input)? {
        Spread::Copied => wrong(stage, "gives each row several times"),
        Spread::Partial if !matches!(stage.partitioning, Partitioning::Single | Partitioning::Hash { .. }) => {
            wrong(stage, "leaves parts of an answer apart")
        }
        _ => Ok(()),
    }
}

/// The ways in which partitions are read, each as the modes of all inputs that are read by partition.
fn combinations(stage: &Stage, parted: &[(&StageEdge, &Stage)]) -> Result<BTreeSet<Vec<Mode>>> {
    let all_plain = parted.iter().all(|(e, _)| e.read == StageRead::Partition);
    if all_plain {
        let beyond = |(_, p): &(&StageEdge, &Stage)| p.partitioning.partitions_written() > stage.tasks;
        return match parted.iter().any(beyond) {
            true => wrong(stage, "has too few tasks for the partitions that it reads"),
            false => Ok(BTreeSet::from([vec![Mode::Whole; parted.len()]])),
        };
    }
    let mut all = Vec::new();
    for (edge, producer) in parted {
        all.push(readings(stage, edge, producer)?);
    }
    let partitions = all.first().map_or(0, Vec::len);
    if all.iter().any(|r| r.len() != partitions) {
        return wrong(stage, "reads inputs of other numbers of partitions");
    }
    let bucketed = reads_buckets(&stage.plan, partitions);
    let mut found = BTreeSet::new();
    for partition in 0..partitions {
        let of_partition: Vec<&Reading> = all.iter().map(|r| &r[partition]).collect();
        let of_bucket =
            |task: &usize| buckets_of_task(partitions as u32, stage.tasks, *task).contains(&(partition as u32));
        if bucketed
            && of_partition
                .iter()
                .any(|r| r.tasks.len() != 1 || !r.tasks.iter().all(of_bucket))
        {
            return wrong(stage, "reads equal keys of buckets and partitions in unequal tasks");
        }
        if of_partition.windows(2).any(|w| w[0].tasks != w[1].tasks) {
            return wrong(stage, "reads equal keys in unequal tasks");
        }
        let crossed: Vec<usize> = (0..of_partition.len())
            .filter(|i| of_partition[*i].mode == Mode::Crossed)
            .collect();
        let modes: Vec<Mode> = of_partition.iter().map(|r| r.mode).collect();
        match crossed.as_slice() {
            [] => _ = found.insert(modes),
            [one, other] if meet_once(of_partition[*one], of_partition[*other]) => {
                for (split, copied) in [(*one, *other), (*other, *one)] {
                    let mut modes = modes.clone();
                    (modes[split], modes[copied]) = (Mode::Split, Mode::Copied);
                    found.insert(modes);
                }
            }
            _ => return wrong(stage, "does not read every row once"),
        }
    }
    for ((_, producer), readings) in parted.iter().zip(&all) {
        let ordered = readings.windows(2).all(|w| w[0].tasks.first() <= w[1].tasks.first());
        let whole = readings.iter().all(|r| r.mode == Mode::Whole);
        if matches!(producer.partitioning, Partitioning::Range { .. }) && !(ordered && whole) {
            return wrong(stage, "reads ordered partitions out of their order");
        }
    }
    Ok(found)
}

/// Who reads a partition, and how.
struct Reading {
    mode: Mode,
    tasks: BTreeSet<usize>,
    /// The maps whose parts each task reads, if it is all of them at once.
    maps: BTreeMap<usize, (u32, u32)>,
}

/// Whether each part of one input is read with each part of the other in one task.
fn meet_once(one: &Reading, other: &Reading) -> bool {
    let pairs: Vec<_> = one.tasks.iter().map(|t| (one.maps.get(t), other.maps.get(t))).collect();
    let distinct: BTreeSet<_> = pairs.iter().collect();
    let parts = |of: &Reading| of.maps.values().collect::<BTreeSet<_>>().len();
    distinct.len() == pairs.len() && pairs.len() == parts(one) * parts(other)
}

fn readings(stage: &Stage, edge: &StageEdge, producer: &Stage) -> Result<Vec<Reading>> {
    let partitions = producer.partitioning.partitions_written();
    let maps = producer.tasks as u32;
    // By partition: the maps that are read, and by whom.
    let mut parts: Vec<Vec<(u32, u32, usize)>> = vec![Vec::new(); partitions];
    for task in 0..stage.tasks {
        for slice in stage.slices(edge, producer, task) {
            match parts.get_mut(slice.partition as usize) {
                Some(of) => of.push((slice.maps.start, slice.maps.end, task)),
                None => return wrong(stage, "reads a partition that is not there"),
            }
        }
    }
    let reading = |mut parts: Vec<(u32, u32, usize)>| {
        parts.sort_unstable();
        let tasks: BTreeSet<usize> = parts.iter().map(|(.., task)| *task).collect();
        // The parts that `of` wants follow each other from the first map to the last.
        let covers = |of: &dyn Fn(usize) -> bool| {
            let mut wanted = parts.iter().filter(|(.., task)| of(*task));
            wanted.try_fold(0, |at, (start, end, _)| (*start == at && end > start).then_some(*end)) == Some(maps)
        };
        let each_all = |task: &usize| covers(&|t| t == *task);
        let mode = if !tasks.is_empty() && tasks.iter().all(each_all) {
            if tasks.len() == 1 { Mode::Whole } else { Mode::Copied }
        } else if covers(&|_| true) {
            Mode::Split
        } else if parts.len() == tasks.len() && tile(parts.iter().map(|(start, end, _)| (*start, *end)), maps) {
            Mode::Crossed
        } else {
            return wrong(stage, &format!("does not read every row of {} once", edge.stage));
        };
        let maps = parts.iter().map(|(start, end, task)| (*task, (*start, *end)));
        Ok(Reading {
            mode,
            tasks,
            maps: maps.collect(),
        })
    };
    parts.into_iter().map(reading).collect()
}

/// Whether ranges, however often each comes, follow each other from the first map to the last.
fn tile(ranges: impl Iterator<Item = (u32, u32)>, maps: u32) -> bool {
    let ranges: BTreeSet<(u32, u32)> = ranges.collect();
    let follows = |at: u32, (start, end): (u32, u32)| (start == at && end > start).then_some(end);
    ranges.into_iter().try_fold(0, follows) == Some(maps)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{bucketed, join_graph, key, shape, slices};
    use super::*;
    use crate::PhysicalPlan;
    use crate::logical::JoinKind;
    use crate::physical::{HashFunction, Scan};

    /// The join's stage with these slices of its two inputs.
    fn reading(kind: JoinKind, left: &[&[(u32, u32, u32)]], right: &[&[(u32, u32, u32)]]) -> Result<()> {
        let graph = join_graph(kind, 2, 2);
        let mut stage = graph.stages[2].clone();
        stage.tasks = left.len().max(right.len());
        stage.inputs[0].read = slices(left);
        stage.inputs[1].read = slices(right);
        check_stage(&graph, &stage, &shape())
    }

    #[test]
    fn coalesced_and_split_partitions_pass() {
        let one: &[&[(u32, u32, u32)]] = &[&[(0, 0, 2), (1, 0, 2)]];
        reading(JoinKind::Full, one, one).unwrap();
        let left: &[&[(u32, u32, u32)]] = &[&[(0, 0, 1)], &[(0, 1, 2)], &[(1, 0, 2)]];
        let right: &[&[(u32, u32, u32)]] = &[&[(0, 0, 2)], &[(0, 0, 2)], &[(1, 0, 2)]];
        reading(JoinKind::Left, left, right).unwrap();
        reading(JoinKind::Right, right, left).unwrap();
        // The copied side must not be preserved.
        reading(JoinKind::Left, right, left).unwrap_err();
        reading(JoinKind::Full, left, right).unwrap_err();
    }

    #[test]
    fn every_pair_of_parts_is_read_once() {
        let whole: &[(u32, u32, u32)] = &[(1, 0, 2)];
        let (first, second): (&[_], &[_]) = (&[(0, 0, 1)], &[(0, 1, 2)]);
        let left: &[&[(u32, u32, u32)]] = &[first, first, second, second, whole];
        let right: &[&[(u32, u32, u32)]] = &[first, second, first, second, whole];
        reading(JoinKind::Inner, left, right).unwrap();
        for kind in [JoinKind::Left, JoinKind::Right, JoinKind::Full, JoinKind::LeftSemi] {
            reading(kind, left, right).unwrap_err();
        }
        let turned: &[&[(u32, u32, u32)]] = &[first, second, second, first, whole];
        reading(JoinKind::Inner, left, turned).unwrap();
        // A pair twice, parts that do not meet, and a pair too few.
        let twice: &[&[(u32, u32, u32)]] = &[first, second, first, first, whole];
        reading(JoinKind::Inner, left, twice).unwrap_err();
        reading(JoinKind::Inner, left, left).unwrap_err();
        reading(JoinKind::Inner, &left[1..], &right[1..]).unwrap_err();
    }

    #[test]
    fn buckets_meet_partitions_of_their_number() {
        let mut graph = join_graph(JoinKind::Full, 2, 4);
        graph.stages[1].partitioning = Partitioning::Hash {
            keys: vec![key()],
            partitions: 4,
            function: HashFunction::Bucket,
        };
        let mut stage = graph.stages[2].clone();
        let PhysicalPlan::HashJoin(join) = &mut stage.plan else {
            panic!("{stage:?}")
        };
        *join.left = PhysicalPlan::Scan(bucketed(4));
        stage.inputs.remove(0);
        check_stage(&graph, &stage, &shape()).unwrap();
        let mut reads = |tasks: usize, right: &[&[(u32, u32, u32)]]| {
            stage.tasks = tasks;
            stage.inputs[0].read = slices(right);
            check_stage(&graph, &stage, &shape())
        };
        let each: [&[(u32, u32, u32)]; 4] = [&[(0, 0, 2)], &[(1, 0, 2)], &[(2, 0, 2)], &[(3, 0, 2)]];
        reads(4, &each).unwrap();
        // Two tasks have two buckets each.
        reads(2, &[&[(0, 0, 2), (1, 0, 2)], &[(2, 0, 2), (3, 0, 2)]]).unwrap();
        reads(2, &[&[(0, 0, 2)], &[(1, 0, 2), (2, 0, 2), (3, 0, 2)]]).unwrap_err();
        reads(4, &[each[1], each[0], each[2], each[3]]).unwrap_err();
        reads(5, &[&[(0, 0, 1)], &[(0, 1, 2)], each[1], each[2], each[3]]).unwrap_err();
        // The usual hash of the same number of partitions is another one, and rows in shares lie anyhow.
        let mut stage = graph.stages[2].clone();
        stage.inputs.remove(0);
        for (by_bucket, function) in [(true, HashFunction::Partition), (false, HashFunction::Bucket)] {
            let PhysicalPlan::HashJoin(join) = &mut stage.plan else {
                panic!("{stage:?}")
            };
            *join.left = PhysicalPlan::Scan(Scan {
                by_bucket,
                ..bucketed(4)
            });
            if let Partitioning::Hash { function: of, .. } = &mut graph.stages[1].partitioning {
                *of = function;
            }
            check_stage(&graph, &stage, &shape()).unwrap_err();
        }
    }

    #[test]
    fn rows_that_are_missed_or_read_twice_are_seen() {
        let right: &[&[(u32, u32, u32)]] = &[&[(0, 0, 2)], &[(1, 0, 2)]];
        let bad: [&[&[(u32, u32, u32)]]; 5] = [
            &[&[(0, 0, 2)], &[]],
            &[&[(0, 0, 1)], &[(1, 0, 2)]],
            &[&[(0, 0, 2), (0, 0, 2)], &[(1, 0, 2)]],
            &[&[(1, 0, 2)], &[(0, 0, 2)]],
            &[&[(0, 0, 2)], &[(7, 0, 2)]],
        ];
        reading(JoinKind::Inner, right, right).unwrap();
        for left in bad {
            reading(JoinKind::Inner, left, right).unwrap_err();
        }
    }
}
