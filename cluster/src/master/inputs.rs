//! What executors are told of outputs: those that a task reads, those that are copied, those that are the result.
//!
//! A launch names the executors that hold something once, and of each output the partitions that the task reads. With all of
//! them the launches of one stage would grow with the square of its tasks, each, and soon be more than a message takes.

use std::collections::{BTreeMap, HashMap};

use rsql_common::{Error, ExecutorId, OutputId, QueryId, Result, StageId};
use rsql_shuffle::{MapOutput, OutputLocation};

use super::jobs::ResultPart;
use super::scheduler::Scheduler;
use crate::core::{InputOutput, Launch as Order, Read};
use crate::rpc::connect::MESSAGE_LIMIT;
use crate::rpc::messages::{HeldOutputs, Launch, MasterMessage, OutputCopy};

/// Bytes of a message about copies, about: an executor that hangs up in between has lost little.
const COPIES_BYTES: usize = 1 << 20;
/// Bytes that an output, and a partition of it, take in a launch at most.
const OUTPUT_BYTES: usize = 64;
const PARTITION_BYTES: usize = 64;

impl Scheduler {
    /// The message that an order to launch becomes.
    pub(super) fn launch_message(&self, order: Order) -> Result<(ExecutorId, Launch)> {
        let job = self
            .jobs
            .get(&order.attempt.task.job)
            .ok_or_else(|| Error::internal("the query is not known"))?;
        let (plan, _) = job
            .plans
            .get(&order.attempt.task.stage)
            .ok_or_else(|| Error::internal("the stage has no plan"))?;
        let reader = self
            .executors
            .get(order.executor)
            .ok_or_else(|| Error::internal("the executor is not known"))?;
        let reads = ReadPartitions::new(&order.reads);
        let mut held: BTreeMap<ExecutorId, HeldOutputs> = BTreeMap::new();
        let mut bytes = order.bounds.as_ref().map_or(0, |b| b.0.len());
        for input in &order.inputs {
            let partitions = reads.of(input.output);
            bytes += OUTPUT_BYTES + partitions.len() * PARTITION_BYTES;
            check_size(bytes)?;
            let part = self.figures(input.output)?.part(&partitions)?;
            let holder = match held.get_mut(&input.executor) {
                Some(holder) => holder,
                None => {
                    let location = self.location(*input, &reader.spec.host)?;
                    held.entry(input.executor).or_insert(HeldOutputs::none(location))
                }
            };
            holder.outputs.push(part);
        }
        let launch = Launch {
            attempt: order.attempt,
            plan: *plan,
            reads: order.reads,
            inputs: held.into_values().collect(),
            bounds: order.bounds,
            memory: order.memory,
            key: job.key.clone(),
        };
        Ok((order.executor, launch))
    }

    /// Has an executor take over what another one holds. What it does not get is computed again when the grace is over.
    pub(super) fn move_outputs(&mut self, from: ExecutorId, to: ExecutorId, outputs: &[OutputId]) {
        let mut copies = Vec::with_capacity(outputs.len());
        for output in outputs {
            match self.copy_of(*output, from, to) {
                Ok(copy) => copies.push(copy),
                Err(e) => tracing::warn!(%from, %to, ?output, error = %e, "an output is not moved"),
            }
        }
        for message in in_messages(copies, COPIES_BYTES) {
            self.executors.say(to, MasterMessage::Copy(message));
        }
    }

    fn copy_of(&self, output: OutputId, from: ExecutorId, to: ExecutorId) -> Result<OutputCopy> {
        let reader = self
            .executors
            .get(to)
            .ok_or_else(|| Error::internal(format!("{to} is not known")))?;
        let figures = self.figures(output)?;
        let all: Vec<u32> = (0..).take(figures.partitions.len()).collect();
        let executor = from;
        let stage = self.jobs.get(&output.query).and_then(|j| j.graph.stage(output.stage));
        let stage = stage.ok_or_else(|| Error::internal(format!("the stage of {output:?} is not known")))?;
        Ok(OutputCopy {
            location: self.location(InputOutput { output, executor }, &reader.spec.host)?,
            output: figures.part(&all)?,
            schema: stage.plan.schema().clone(),
        })
    }

    /// Where a query's result is, for a reader in this process.
    pub(super) fn result_parts(&self, outputs: &[InputOutput]) -> Result<Vec<ResultPart>> {
        let part = |of: &InputOutput| {
            Ok(ResultPart {
                location: self.location(*of, &self.host)?,
                output: self.figures(of.output)?.clone(),
            })
        };
        outputs.iter().map(part).collect()
    }

    /// Where an output is, for a reader on `host`.
    fn location(&self, input: InputOutput, host: &str) -> Result<OutputLocation> {
        let holder = self
            .executors
            .get(input.executor)
            .ok_or_else(|| Error::internal(format!("{} is not known", input.executor)))?;
        Ok(OutputLocation {
            output: input.output,
            executor: input.executor,
            endpoint: holder.spec.endpoint.clone(),
            local_dir: (self.local_reads && holder.spec.host == host).then(|| holder.shuffle_dir.clone().into()),
        })
    }

    fn figures(&self, id: OutputId) -> Result<&MapOutput> {
        self.jobs
            .get(&id.query)
            .and_then(|j| j.outputs.get(&id))
            .ok_or_else(|| Error::internal(format!("the figures of {id:?} are not known")))
    }

    /// Lets go of the samples that bounds were computed from.
    pub(super) fn forget_samples(&mut self, job: QueryId, outputs: &[OutputId]) {
        let Some(job) = self.jobs.get_mut(&job) else { return };
        for id in outputs {
            if let Some(output) = job.outputs.remove(id) {
                match output.without_sample() {
                    Ok(output) => _ = job.outputs.insert(*id, output),
                    Err(e) => tracing::warn!(output = ?id, error = %e, "figures are lost"),
                }
            }
        }
    }
}

/// What a task reads, by the stage that it is of.
struct ReadPartitions<'a>(HashMap<StageId, Vec<&'a Read>>);

impl<'a> ReadPartitions<'a> {
    fn new(reads: &'a [Read]) -> Self {
        let mut by_stage: HashMap<StageId, Vec<&Read>> = HashMap::new();
        for read in reads {
            by_stage.entry(read.stage).or_default().push(read);
        }
        Self(by_stage)
    }

    /// The partitions that are read of an output, in order.
    fn of(&self, output: OutputId) -> Vec<u32> {
        let reads = self.0.get(&output.stage).into_iter().flatten();
        let mut partitions: Vec<u32> = reads
            .filter(|r| r.maps.contains(&output.map))
            .map(|r| r.partition)
            .collect();
        partitions.sort_unstable();
        partitions.dedup();
        partitions
    }
}

/// Refuses what no executor could take, which would break its connection each time that it is sent.
fn check_size(bytes: usize) -> Result<()> {
    if bytes < MESSAGE_LIMIT {
        return Ok(());
    }
    Err(Error::exhausted(format!(
        "what a task has to know of its input takes more than the {MESSAGE_LIMIT} bytes of a message; fewer partitions \
         (spark.sql.shuffle.partitions) take less"
    )))
}

/// The copies in messages of about so many bytes.
fn in_messages(copies: Vec<OutputCopy>, limit: usize) -> Vec<Vec<OutputCopy>> {
    let mut messages: Vec<Vec<OutputCopy>> = Vec::new();
    let mut room = 0;
    for copy in copies {
        let bytes = postcard::to_stdvec(&copy).map_or(limit, |b| b.len());
        match messages.last_mut() {
            Some(message) if bytes <= room => {
                message.push(copy);
                room -= bytes;
            }
            _ => {
                messages.push(vec![copy]);
                room = limit.saturating_sub(bytes);
            }
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use rsql_expr::Schema;
    use rsql_shuffle::{PartitionFigures, RowSetHash};

    use super::*;

    fn output(map: u32, partitions: u32) -> MapOutput {
        let id = OutputId {
            query: QueryId(u64::MAX),
            stage: StageId(3),
            map,
            attempt: 0,
        };
        let figures = PartitionFigures {
            bytes: 1 << 20,
            rows: 1 << 14,
            hash: RowSetHash {
                sum: u64::MAX,
                xor: u64::MAX,
            },
            crc: u32::MAX,
        };
        MapOutput::seal(id, u64::MAX, vec![figures; partitions as usize], None, false).unwrap()
    }

    #[test]
    fn a_launch_grows_with_what_is_read_and_not_with_what_was_written() {
        let reads = [Read {
            stage: StageId(3),
            partition: 7,
            maps: 0..400,
        }];
        let reads = ReadPartitions::new(&reads);
        let bytes = |partitions: u32| {
            let outputs = (0..400).map(|map| output(map, partitions));
            let parts: Vec<_> = outputs.map(|o| o.part(&reads.of(o.id)).unwrap()).collect();
            postcard::to_stdvec(&parts).unwrap().len()
        };
        assert_eq!(bytes(8), bytes(400));
        assert!(bytes(400) < 400 * (OUTPUT_BYTES + PARTITION_BYTES), "{}", bytes(400));
    }

    #[test]
    fn partitions_of_an_output_are_those_that_reads_of_its_map_name() {
        let read = |partition, maps| Read {
            stage: StageId(3),
            partition,
            maps,
        };
        let reads = [read(5, 0..2), read(2, 0..4), read(2, 1..2)];
        let reads = ReadPartitions::new(&reads);
        assert_eq!(reads.of(output(1, 0).id), [2, 5]);
        assert_eq!(reads.of(output(3, 0).id), [2]);
        let other = OutputId {
            stage: StageId(4),
            ..output(1, 0).id
        };
        assert!(reads.of(other).is_empty());
    }

    #[test]
    fn what_no_message_holds_is_refused_with_a_remedy() {
        check_size(MESSAGE_LIMIT / 2).unwrap();
        let e = check_size(MESSAGE_LIMIT).unwrap_err();
        assert_eq!(e.condition(), "RESOURCE_EXHAUSTED");
        assert!(e.to_string().contains("spark.sql.shuffle.partitions"), "{e}");
    }

    #[test]
    fn copies_are_told_in_messages_of_bounded_size() {
        let copy = |map| {
            let output = output(map, 400);
            OutputCopy {
                location: OutputLocation {
                    output: output.id,
                    executor: ExecutorId(1),
                    endpoint: "127.0.0.1:1".into(),
                    local_dir: None,
                },
                output: output.part(&(0..400).collect::<Vec<_>>()).unwrap(),
                schema: Schema::new([]),
            }
        };
        let messages = in_messages((0..100).map(copy).collect(), 64 << 10);
        assert!(messages.len() > 10);
        assert!(
            messages
                .iter()
                .all(|m| postcard::to_stdvec(m).unwrap().len() < (64 << 10) + 10)
        );
        let maps: Vec<u32> = messages.iter().flatten().map(|c| c.output.id.map).collect();
        assert_eq!(maps, (0..100).collect::<Vec<_>>());
        // One that is larger goes alone.
        assert_eq!(in_messages((0..3).map(copy).collect(), 10).len(), 3);
        assert!(in_messages(Vec::new(), 10).is_empty());
    }
}
