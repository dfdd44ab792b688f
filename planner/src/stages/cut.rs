//! Cuts a plan with exchanges into stages.
//!
//! Each exchange ends a stage; a definition of a WITH behind an exchange becomes a stage that all its readers share.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rsql_catalog::SourceKind;
use rsql_common::{CteId, Error, FilterId, Result, StageId};
use rsql_expr::SortKey;

use super::{Stage, StageEdge, StageGraph, StageRead, filters, keys_alone};
use crate::PhysicalPlan;
use crate::distribute::{ClusterShape, rerun_of, row_bytes, runs_in_one_task, verify};
use crate::physical::{Asked, Exchange, Partitioning, Rerun, StageInput};

/// The stages of a plan; its rows are the result stage's, in task order.
///
/// A plan that was not made for several tasks (the cluster had one executor then) gets no more of them now.
pub fn cut(plan: PhysicalPlan, shape: &ClusterShape) -> Result<StageGraph> {
    let whole;
    let shape = if shape.executors > 1 && verify(&plan, shape).is_ok() {
        shape
    } else {
        whole = shape.undivided();
        &whole
    };
    cut_above(plan, Vec::new(), shape)
}

/// The stages of a plan that reads some of `stages`, behind these.
pub(crate) fn cut_above(plan: PhysicalPlan, stages: Vec<Stage>, shape: &ClusterShape) -> Result<StageGraph> {
    let before: BTreeSet<StageId> = stages.iter().map(|s| s.id).collect();
    let mut cutter = Cutter {
        stages,
        definitions: HashMap::new(),
        shape,
    };
    let rerun = rerun_of(&plan);
    cutter.stage(plan, Partitioning::AsProduced, rerun, Asked::No)?;
    let mut graph = StageGraph { stages: cutter.stages };
    filters::lay(&mut graph, &before, shape);
    for stage in graph.stages.iter_mut().filter(|s| !before.contains(&s.id)) {
        keep_filters_inside(&mut stage.plan);
    }
    Ok(graph)
}

struct Cutter<'a> {
    stages: Vec<Stage>,
    definitions: HashMap<CteId, StageId>,
    shape: &'a ClusterShape,
}

/// What a stage under construction reads.
#[derive(Default)]
struct Inputs {
    reads: BTreeMap<StageId, StageRead>,
    /// Some input is gathered: the stage has one task.
    gathered: bool,
    /// At most so many tasks for what is read of a stage.
    most: BTreeMap<StageId, usize>,
}

impl Cutter<'_> {
    fn stage(&mut self, plan: PhysicalPlan, partitioning: Partitioning, rerun: Rerun, asked: Asked) -> Result<StageId> {
        let mut inputs = Inputs::default();
        let plan = self.inside(plan, &mut inputs)?;
        if let Partitioning::Range { keys, .. } = &partitioning {
            self.sample(&plan, keys, &mut inputs)?;
        }
        let id = self.next_id();
        let tasks = self.tasks(&plan, &inputs);
        self.stages.push(Stage {
            id,
            plan,
            tasks,
            partitioning,
            rerun,
            inputs: inputs
                .reads
                .into_iter()
                .map(|(stage, read)| StageEdge { stage, read })
                .collect(),
            sample: None,
            asked,
            sample_only: false,
        });
        Ok(id)
    }

    fn next_id(&self) -> StageId {
        StageId(self.stages.iter().map(|s| s.id.0 + 1).max().unwrap_or(0))
    }

    /// Sees that a stage before takes a sample of the keys by which the rows of `plan` are spread: the one that wrote them, or
    /// one that computes their keys alone.
    fn sample(&mut self, plan: &PhysicalPlan, keys: &[SortKey], inputs: &mut Inputs) -> Result<()> {
        if let PhysicalPlan::StageInput(input) = plan {
            let sampled = self.stages.iter_mut().find(|s| s.id == input.stage);
            let sampled =
                sampled.ok_or_else(|| Error::internal(format!("{} is read before it is made", input.stage)))?;
            sampled.sample = Some(keys.to_vec());
            return Ok(());
        }
        let (plan, keys) = keys_alone(plan, keys)
            .ok_or_else(|| Error::internal("rows are spread by ranges of keys of which nobody takes a sample"))?;
        let id = self.next_id();
        self.stages.push(Stage {
            id,
            tasks: self.tasks(&plan, &Inputs::default()),
            plan,
            partitioning: Partitioning::AsProduced,
            rerun: Rerun::Equal,
            inputs: Vec::new(),
            sample: Some(keys),
            asked: Asked::No,
            sample_only: true,
        });
        // Its rows are none, but it has to be there before.
        inputs.reads.insert(id, StageRead::Task);
        Ok(())
    }

    /// The part of a plan that runs in one stage; what is below exchanges becomes stages of its own.
    fn inside(&mut self, plan: PhysicalPlan, inputs: &mut Inputs) -> Result<PhysicalPlan> {
        match plan {
            PhysicalPlan::Exchange(e) => self.exchange(e, inputs),
            PhysicalPlan::With(mut n) if n.defs.iter().any(|(_, d)| matches!(d, PhysicalPlan::Exchange(_))) => {
                for (id, def) in std::mem::take(&mut n.defs) {
                    let PhysicalPlan::Exchange(e) = def else {
                        return Err(Error::internal(format!(
                            "{id} is defined both inside a stage and outside"
                        )));
                    };
                    let stage = self.stage(*e.input, e.partitioning, e.rerun, e.asked)?;
                    self.definitions.insert(id, stage);
                }
                self.inside(*n.body, inputs)
            }
            PhysicalPlan::CteScan(n) => match self.definitions.get(&n.id) {
                None => Ok(PhysicalPlan::CteScan(n)),
                Some(stage) => {
                    let estimate = crate::Estimates::unknown().rows;
                    self.read(*stage, StageRead::Task, n.schema, estimate, inputs)
                }
            },
            PhysicalPlan::StageInput(n) => {
                let read = self.usual_read(n.stage)?;
                inputs.gathered |= self.partitioning(n.stage) == Some(&Partitioning::Single);
                self.read(n.stage, read, n.schema, n.estimate, inputs)
            }
            mut other => {
                for child in other.children_mut() {
                    let taken = std::mem::replace(child, PhysicalPlan::nothing());
                    *child = self.inside(taken, inputs)?;
                }
                Ok(other)
            }
        }
    }

    fn exchange(&mut self, e: Exchange, inputs: &mut Inputs) -> Result<PhysicalPlan> {
        let read = match e.partitioning {
            Partitioning::Single | Partitioning::Broadcast => StageRead::All,
            Partitioning::AsProduced => StageRead::Task,
            _ => StageRead::Partition,
        };
        inputs.gathered |= e.partitioning == Partitioning::Single;
        let schema = e.input.schema().clone();
        // What a shared definition put out is read by all as it is.
        if let (StageRead::All, PhysicalPlan::CteScan(scan)) = (&read, e.input.as_ref())
            && let Some(stage) = self.definitions.get(&scan.id)
        {
            let estimate = crate::Estimates::unknown().rows;
            return self.read(*stage, read, schema, estimate, inputs);
        }
        // As is what a stage put out that was there before this plan.
        if let (StageRead::All, PhysicalPlan::StageInput(n)) = (&read, e.input.as_ref())
            && (e.partitioning == Partitioning::Single || self.partitioning(n.stage) != Some(&Partitioning::Single))
        {
            return self.read(n.stage, read, schema, n.estimate, inputs);
        }
        let stage = self.stage(*e.input, e.partitioning, e.rerun, e.asked)?;
        inputs.reads.insert(stage, read);
        inputs.most.extend(e.tasks.map(|most| (stage, most)));
        Ok(PhysicalPlan::StageInput(StageInput {
            stage,
            schema,
            estimate: e.estimate,
        }))
    }

    fn partitioning(&self, stage: StageId) -> Option<&Partitioning> {
        self.stages.iter().find(|s| s.id == stage).map(|s| &s.partitioning)
    }

    /// How the rows of a stage are read that has spread them for a reader that is no more.
    fn usual_read(&self, stage: StageId) -> Result<StageRead> {
        let partitioning = self
            .partitioning(stage)
            .ok_or_else(|| Error::internal(format!("{stage} is read and not there")))?;
        Ok(match partitioning {
            Partitioning::Hash { .. } | Partitioning::Range { .. } | Partitioning::RoundRobin { .. } => {
                StageRead::Partition
            }
            Partitioning::Single => StageRead::All,
            Partitioning::Broadcast | Partitioning::AsProduced => StageRead::Task,
        })
    }

    /// Reads a stage that was there before, or a shared definition. A stage reads each producer one way; for a second way the rows are passed on.
    fn read(
        &mut self,
        stage: StageId,
        read: StageRead,
        schema: rsql_expr::Schema,
        estimate: f64,
        inputs: &mut Inputs,
    ) -> Result<PhysicalPlan> {
        let leaf = |stage| {
            PhysicalPlan::StageInput(StageInput {
                stage,
                schema: schema.clone(),
                estimate,
            })
        };
        if inputs.reads.get(&stage).is_none_or(|r| *r == read) {
            inputs.reads.insert(stage, read);
            return Ok(leaf(stage));
        }
        let id = self.next_id();
        let tasks = self.stages.iter().find(|s| s.id == stage).map_or(1, |s| s.tasks);
        self.stages.push(Stage {
            id,
            plan: leaf(stage),
            tasks,
            partitioning: Partitioning::AsProduced,
            rerun: Rerun::Equal,
            inputs: vec![StageEdge {
                stage,
                read: StageRead::Task,
            }],
            sample: None,
            asked: Asked::No,
            sample_only: false,
        });
        inputs.reads.insert(id, read);
        Ok(leaf(id))
    }

    fn tasks(&self, plan: &PhysicalPlan, inputs: &Inputs) -> usize {
        if inputs.gathered || runs_in_one_task(plan, self.shape) {
            return 1;
        }
        let producer = |id: &StageId| self.stages.iter().find(|s| s.id == *id);
        let of_inputs = inputs.reads.iter().map(|(id, read)| match (read, producer(id)) {
            (StageRead::Partition, Some(s)) => s.partitioning.partitions_written(),
            (StageRead::Task, Some(s)) => inputs.most.get(id).map_or(s.tasks, |most| s.tasks.min(*most)),
            _ => 1,
        });
        of_inputs.max().unwrap_or(1).max(leaf_tasks(plan, self.shape))
    }
}

/// Tasks that a stage is worth whatever it reads by partition.
pub(crate) fn least_tasks(graph: &StageGraph, stage: &Stage, shape: &ClusterShape) -> usize {
    let by_task = stage.inputs.iter().filter(|e| e.read == StageRead::Task);
    let producers = by_task.filter_map(|e| graph.stage(e.stage)).map(|s| s.tasks);
    producers.max().unwrap_or(1).max(leaf_tasks(&stage.plan, shape))
}

/// Tasks that the leaves of a stage are worth.
fn leaf_tasks(plan: &PhysicalPlan, shape: &ClusterShape) -> usize {
    let bytes: u64 = match plan {
        PhysicalPlan::Scan(s) => match &s.source.kind {
            SourceKind::Files(files) => files.files.iter().map(|f| f.size).sum(),
            SourceKind::Memory(batches) => batches.iter().map(|b| b.get_array_memory_size() as u64).sum(),
        },
        PhysicalPlan::Range(r) => {
            let rows = (i128::from(r.end) - i128::from(r.start)) / i128::from(if r.step == 0 { 1 } else { r.step });
            rows.saturating_mul(8).clamp(0, u64::MAX.into()) as u64
        }
        PhysicalPlan::Values(n) => (n.rows.len() as f64 * row_bytes(&n.schema)) as u64,
        other => {
            return other
                .children()
                .into_iter()
                .map(|c| leaf_tasks(c, shape))
                .max()
                .unwrap_or(1);
        }
    };
    let most = match plan {
        PhysicalPlan::Scan(s) => s.by_buckets().map_or(usize::MAX, |b| b.count as usize),
        _ => usize::MAX,
    };
    usize::try_from(bytes.div_ceil(shape.scan_task_bytes))
        .unwrap_or(usize::MAX)
        .clamp(1, shape.slots)
        .min(most)
}

/// Runtime filters work inside a task: those whose join or scan is in another stage go.
pub(crate) fn keep_filters_inside(plan: &mut PhysicalPlan) {
    let (mut published, mut consumed) = (BTreeSet::new(), BTreeSet::new());
    collect(plan, &mut published, &mut consumed);
    let both: BTreeSet<FilterId> = published.intersection(&consumed).copied().collect();
    if both.len() < published.len() || both.len() < consumed.len() {
        retain(plan, &both);
    }
}

fn collect(plan: &PhysicalPlan, published: &mut BTreeSet<FilterId>, consumed: &mut BTreeSet<FilterId>) {
    match plan {
        PhysicalPlan::HashJoin(n) => published.extend(n.publishes.iter().map(|(id, _)| *id)),
        PhysicalPlan::Sort(n) => published.extend(n.publishes),
        PhysicalPlan::Scan(n) => consumed.extend(n.consumes.iter().map(|(id, _)| *id)),
        _ => {}
    }
    plan.children()
        .into_iter()
        .for_each(|c| collect(c, published, consumed));
}

fn retain(plan: &mut PhysicalPlan, kept: &BTreeSet<FilterId>) {
    match plan {
        PhysicalPlan::HashJoin(n) => n.publishes.retain(|(id, _)| kept.contains(id)),
        PhysicalPlan::Sort(n) => n.publishes = n.publishes.filter(|id| kept.contains(id)),
        PhysicalPlan::Scan(n) => n.consumes.retain(|(id, _)| kept.contains(id)),
        _ => {}
    }
    plan.children_mut().into_iter().for_each(|c| retain(c, kept));
}
