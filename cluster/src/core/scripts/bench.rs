//! A core with a hand on each lever.

use rsql_common::{Error, ErrorKind, ExecutorId, FetchFailure, FetchReason, OutputId, QueryId, StageId};
use rsql_planner::physical::Rerun;

use crate::core::{
    Action, AttemptId, Config, Event, ExecutorSpec, Incarnation, JobSnapshot, JobSpec, Launch, LeaderEpoch, Millis,
    OutputFigures, PartitionFigures, Read, Report, Sender, StageSpec, State, TaskSpec, step,
};

pub(super) const LEADER: LeaderEpoch = LeaderEpoch(1);
pub(super) const JOB: QueryId = QueryId(1);

/// The core and what it ordered so far.
pub(super) struct Bench {
    pub(super) core: State,
    pub(super) now: Millis,
    /// Orders of the last event.
    pub(super) orders: Vec<Action>,
    /// Launches that were not answered.
    pub(super) launched: Vec<Launch>,
}

pub(super) fn sender(executor: u32) -> Sender {
    Sender {
        leader: LEADER,
        executor: ExecutorId(executor),
        incarnation: Incarnation(u128::from(executor) + 100),
    }
}

/// A stage of so many tasks, each reading all of the stages named.
pub(super) fn stage(id: u32, tasks: u32, rerun: Rerun, reads: &[(u32, u32)]) -> StageSpec {
    let task = TaskSpec {
        reads: reads
            .iter()
            .map(|(stage, maps)| Read {
                stage: StageId(*stage),
                partition: 0,
                maps: 0..*maps,
            })
            .collect(),
        ..TaskSpec::default()
    };
    StageSpec {
        id: StageId(id),
        name: format!("stage {id}"),
        tasks: vec![task; tasks as usize],
        rerun,
        bounds_of: None,
        replan: false,
    }
}

/// Two map tasks and a result task that reads both.
pub(super) fn two_stages(rerun: Rerun) -> Vec<StageSpec> {
    vec![stage(0, 2, rerun, &[]), stage(1, 1, Rerun::Equal, &[(0, 2)])]
}

impl Bench {
    pub(super) fn new(config: Config) -> Self {
        Self {
            core: State::new(config, LEADER),
            now: 1_000,
            orders: Vec::new(),
            launched: Vec::new(),
        }
    }

    /// A bench with executors of two slots on hosts of their own and a job that runs.
    pub(super) fn running(config: Config, executors: u32, stages: Vec<StageSpec>) -> Self {
        let mut bench = Self::new(config);
        for n in 0..executors {
            bench.register(n, 2);
        }
        bench.submit(JOB, JobSpec::default());
        bench.plan(JOB, stages);
        bench
    }

    pub(super) fn event(&mut self, event: Event) -> &mut Self {
        self.orders = step(&mut self.core, event, self.now);
        for order in &self.orders {
            if let Action::Launch(launch) = order {
                self.launched.push(launch.clone());
            }
        }
        self
    }

    pub(super) fn wait(&mut self, time: Millis) -> &mut Self {
        let end = self.now + time;
        while self.now < end {
            let due = self.core.next_deadline().filter(|due| *due > self.now).unwrap_or(end);
            self.now = due.min(end).min(self.now + 5_000);
            let living: Vec<u32> = self.core.executors.keys().map(|id| id.0).collect();
            for executor in living {
                self.report(executor, Report::Heartbeat);
            }
            self.event(Event::Tick);
        }
        self
    }

    /// Lets time pass without a sign of life from anybody.
    pub(super) fn silence(&mut self, time: Millis) -> &mut Self {
        let end = self.now + time;
        while let Some(due) = self.core.next_deadline().filter(|due| *due <= end) {
            self.now = due;
            self.event(Event::Tick);
        }
        self.now = end;
        self
    }

    pub(super) fn register(&mut self, executor: u32, slots: u32) -> &mut Self {
        self.event(Event::Register {
            from: sender(executor),
            spec: ExecutorSpec {
                host: format!("host{executor}"),
                endpoint: String::new(),
                slots,
                memory: 1_000,
            },
            attempts: Vec::new(),
        })
    }

    pub(super) fn submit(&mut self, job: QueryId, spec: JobSpec) -> &mut Self {
        self.event(Event::Submit { job, spec })
    }

    pub(super) fn plan(&mut self, job: QueryId, stages: Vec<StageSpec>) -> &mut Self {
        self.event(Event::Planned {
            job,
            stages: Ok(stages),
        })
    }

    pub(super) fn report(&mut self, executor: u32, report: Report) -> &mut Self {
        self.event(Event::Report {
            from: sender(executor),
            report,
        })
    }

    /// Takes the launch of a task from the list.
    pub(super) fn take(&mut self, stage: u32, task: u32) -> Launch {
        let place = self
            .launched
            .iter()
            .position(|l| l.attempt.task.stage == StageId(stage) && l.attempt.task.task == task)
            .unwrap_or_else(|| panic!("task {task} of stage {stage} was not launched: {:?}", self.launched));
        self.launched.remove(place)
    }

    /// Lets the attempt run.
    pub(super) fn run(&mut self, launch: &Launch) -> &mut Self {
        let attempt = launch.attempt;
        self.report(launch.executor.0, Report::Accepted { attempt });
        self.report(launch.executor.0, Report::Running { attempt })
    }

    pub(super) fn succeed_with(&mut self, launch: &Launch, hash: u64) -> &mut Self {
        let figures = figures(hash);
        self.report(
            launch.executor.0,
            Report::Succeeded {
                attempt: launch.attempt,
                figures,
            },
        )
    }

    /// The task succeeds, with rows that depend on the task alone.
    pub(super) fn succeed(&mut self, stage: u32, task: u32) -> Launch {
        let launch = self.take(stage, task);
        self.succeed_with(&launch, u64::from(stage * 100 + task));
        launch
    }

    pub(super) fn fail(&mut self, launch: &Launch, error: Error) -> &mut Self {
        let attempt = launch.attempt;
        self.report(launch.executor.0, Report::Failed { attempt, error })
    }

    /// The attempt could not fetch an output.
    pub(super) fn fail_fetch(&mut self, launch: &Launch, from: &Launch, reason: FetchReason) -> &mut Self {
        let failure = FetchFailure {
            output: from.attempt.output(),
            executor: from.executor,
            reason,
        };
        self.fail(launch, Error::fetch_failed(failure, "cannot read"))
    }

    pub(super) fn exit(&mut self, executor: u32) -> &mut Self {
        self.event(Event::Exited {
            executor: ExecutorId(executor),
            incarnation: sender(executor).incarnation,
            code: None,
        })
    }

    pub(super) fn job(&self) -> JobSnapshot {
        self.core.job(JOB).unwrap()
    }

    /// The kind of error that the job failed with.
    pub(super) fn error(&self) -> Option<Error> {
        self.job().error
    }

    pub(super) fn error_kind(&self) -> Option<ErrorKind> {
        self.error().map(|e| e.kind())
    }

    pub(super) fn kills(&self) -> Vec<AttemptId> {
        let kill = |action: &Action| match action {
            Action::Kill { attempt, .. } => Some(*attempt),
            _ => None,
        };
        self.orders.iter().filter_map(kill).collect()
    }

    pub(super) fn drops(&self) -> Vec<OutputId> {
        let drops = |action: &Action| match action {
            Action::DropOutputs { outputs, .. } => outputs.clone(),
            _ => Vec::new(),
        };
        self.orders.iter().flat_map(drops).collect()
    }
}

/// An output of one partition.
pub(super) fn figures(hash: u64) -> OutputFigures {
    OutputFigures {
        partitions: vec![PartitionFigures {
            bytes: 10,
            rows: 1,
            hash: (hash, hash),
        }],
        ..OutputFigures::default()
    }
}
