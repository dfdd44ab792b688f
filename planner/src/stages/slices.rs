//! Which slices of its inputs a task reads.

use super::{Slice, Stage, StageEdge, StageRead};

impl Stage {
    /// What task `task` of this stage reads of `producer` over `edge`, in reading order.
    pub fn slices(&self, edge: &StageEdge, producer: &Stage, task: usize) -> Vec<Slice> {
        let maps = producer.tasks as u32;
        let partitions = producer.partitioning.partitions_written() as u32;
        match &edge.read {
            StageRead::Partition if task as u32 >= partitions => Vec::new(),
            StageRead::Partition => vec![Slice {
                partition: task as u32,
                maps: 0..maps,
            }],
            StageRead::All => (0..partitions)
                .map(|partition| Slice {
                    partition,
                    maps: 0..maps,
                })
                .collect(),
            StageRead::Task => {
                let share = |i: usize| (i * producer.tasks / self.tasks.max(1)) as u32;
                let maps = share(task)..share(task + 1);
                if maps.is_empty() {
                    return Vec::new();
                }
                (0..partitions)
                    .map(|partition| Slice {
                        partition,
                        maps: maps.clone(),
                    })
                    .collect()
            }
            StageRead::Slices(by_task) => by_task.get(task).cloned().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rsql_common::StageId;
    use rsql_expr::Schema;

    use super::*;
    use crate::PhysicalPlan;
    use crate::physical::{Asked, Partitioning, Rerun, Values};

    fn stage(tasks: usize, partitioning: Partitioning) -> Stage {
        Stage {
            id: StageId(0),
            plan: PhysicalPlan::Values(Values {
                rows: vec![],
                schema: Schema::default(),
            }),
            tasks,
            partitioning,
            rerun: Rerun::Equal,
            inputs: vec![],
            sample: None,
            asked: Asked::No,
            sample_only: false,
        }
    }

    fn edge(read: StageRead) -> StageEdge {
        StageEdge {
            stage: StageId(0),
            read,
        }
    }

    #[test]
    fn every_read_covers_the_output_once() {
        for (producers, consumers) in [(1, 1), (3, 7), (7, 3), (4, 4), (5, 1)] {
            let hash = Partitioning::RoundRobin { partitions: consumers };
            let (producer, consumer) = (stage(producers, hash), stage(consumers, Partitioning::Single));
            let by_partition: Vec<_> = (0..consumers)
                .flat_map(|t| consumer.slices(&edge(StageRead::Partition), &producer, t))
                .collect();
            assert_eq!(by_partition.len(), consumers);
            assert!(by_partition.iter().all(|s| s.maps == (0..producers as u32)));

            let produced = stage(producers, Partitioning::AsProduced);
            let by_task: Vec<u32> = (0..consumers)
                .flat_map(|t| consumer.slices(&edge(StageRead::Task), &produced, t))
                .flat_map(|s| s.maps)
                .collect();
            assert_eq!(by_task, (0..producers as u32).collect::<Vec<_>>());
            let all = consumer.slices(&edge(StageRead::All), &produced, consumers - 1);
            assert_eq!(
                all,
                [Slice {
                    partition: 0,
                    maps: 0..producers as u32
                }]
            );
        }
    }

    #[test]
    fn a_task_beyond_the_partitions_reads_nothing() {
        let producer = stage(2, Partitioning::Single);
        let consumer = stage(3, Partitioning::Single);
        assert!(consumer.slices(&edge(StageRead::Partition), &producer, 1).is_empty());
    }
}
