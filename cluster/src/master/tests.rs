//! The shell around the core, order by order: what cannot be carried out, or arrives damaged, has an answer.

use std::collections::HashMap;
use std::sync::{Arc, mpsc};

use rsql_common::{Error, ExecutorId, OutputId, QueryId, Settings, StageId};
use rsql_exec::write::{Committer, WrittenFile};
use rsql_planner::adaptive::{AdaptiveSettings, Progress as PlanProgress};
use rsql_planner::distribute::ClusterShape;
use rsql_planner::stages::StageGraph;
use rsql_shuffle::{MapOutput, PartitionFigures};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::actions::commit;
use super::inbox::Inbox;
use super::jobs::{AdaptiveJob, Job, Submission};
use super::scheduler::Scheduler;
use crate::core::{
    Action, AttemptId, Config, Epoch, Event, ExecutorSpec, Incarnation, InputOutput, JobSpec, Launch, LeaderEpoch,
    OutputFigures, Report,
};
use crate::events::EventLog;
use crate::rpc::messages::{MasterMessage, Registration, ToExecutor, protocol};

const QUERY: QueryId = QueryId(7);
const LIFE: Incarnation = Incarnation(5);

/// A scheduler with one executor, what that one is told, and a query without stages.
fn scheduler() -> (Scheduler, ExecutorId, UnboundedReceiver<ToExecutor>) {
    let (send, _) = mpsc::channel();
    let settings = Settings::default();
    let events = EventLog::open(None, 200).unwrap();
    let config = Config::default();
    let host = "h".to_string();
    let epoch = LeaderEpoch(1);
    let mut scheduler = Scheduler::new(config, epoch, 1, host, events, settings.clone(), Inbox(send));
    let registration = Registration {
        protocol: protocol(),
        spec: ExecutorSpec {
            host: "h".into(),
            endpoint: "h:1".into(),
            slots: 1,
            memory: 1 << 20,
        },
        attempts: Vec::new(),
        shuffle_dir: "/shuffle".into(),
        pid: 1,
    };
    let (to, told) = unbounded_channel();
    let executor = scheduler.executors.connect(LIFE, 0, registration, to);
    let (updates, _) = mpsc::channel();
    let (_, _, job) = Job::new(Submission {
        query: QUERY,
        spec: JobSpec::default(),
        sql: "SELECT 1".into(),
        hidden: rsql_common::Redaction::default(),
        graph: StageGraph { stages: Vec::new() },
        plans: HashMap::new(),
        write: None,
        key: None,
        adaptive: AdaptiveJob {
            settings: AdaptiveSettings::from_settings(&settings).unwrap(),
            shape: ClusterShape::from_settings(&settings, 1, 1).unwrap(),
            joins: None,
            session: Vec::new(),
            progress: PlanProgress::default(),
        },
        metered: false,
        updates,
        progress: rsql_common::Progress::default(),
    });
    scheduler.jobs.insert(QUERY, job);
    (scheduler, executor, told)
}

fn attempt(map: u32) -> AttemptId {
    AttemptId::of(OutputId {
        query: QUERY,
        stage: StageId(0),
        map,
        attempt: 0,
    })
}

fn output(map: u32) -> MapOutput {
    MapOutput::seal(attempt(map).output(), 1, vec![PartitionFigures::default()], None, false).unwrap()
}

fn succeeded(map: u32) -> Report {
    Report::Succeeded {
        attempt: attempt(map),
        figures: OutputFigures::default(),
    }
}

#[test]
fn an_attempt_whose_figures_are_damaged_has_failed() {
    let (mut scheduler, executor, mut told) = scheduler();
    let mut damaged = output(0);
    damaged.tag += 1;
    for bad in [damaged, output(1)] {
        let report = scheduler.note_output(executor, succeeded(0), bad);
        assert!(
            matches!(&report, Report::Failed { attempt: of, .. } if *of == attempt(0)),
            "{report:?}"
        );
        assert!(scheduler.jobs[&QUERY].outputs.is_empty());
        let dropped = told.try_recv().unwrap().body;
        assert!(
            matches!(&dropped, MasterMessage::Drop(outputs) if *outputs == [attempt(0).output()]),
            "{dropped:?}"
        );
    }
    let report = scheduler.note_output(executor, succeeded(0), output(0));
    assert_eq!(report, succeeded(0));
    assert_eq!(scheduler.jobs[&QUERY].outputs.len(), 1);
}

#[test]
fn figures_stay_while_an_output_may_stand_elsewhere() {
    let (mut scheduler, executor, _told) = scheduler();
    scheduler.note_output(executor, succeeded(0), output(0));
    let outputs = vec![attempt(0).output()];
    scheduler.carry_out(Action::DropOutputs { executor, outputs });
    let input = InputOutput {
        output: attempt(0).output(),
        executor,
    };
    assert_eq!(scheduler.result_parts(&[input]).unwrap().len(), 1);
}

#[test]
fn what_cannot_be_ordered_ends_the_query_and_not_the_waiting() {
    let (mut scheduler, executor, _told) = scheduler();
    scheduler.carry_out(Action::Launch(Launch {
        executor,
        incarnation: LIFE,
        attempt: attempt(0),
        epoch: Epoch(0),
        memory: 0,
        reads: Vec::new(),
        inputs: Vec::new(),
        bounds: None,
    }));
    let unknown = InputOutput {
        output: attempt(9).output(),
        executor,
    };
    scheduler.carry_out(Action::ResultReady {
        job: QUERY,
        outputs: vec![unknown],
    });
    let broken = |e: &Event| matches!(e, Event::Broken { job, .. } if *job == QUERY);
    assert_eq!(scheduler.pending.iter().filter(|e| broken(e)).count(), 2);
}

#[derive(Debug)]
struct Panics;

impl Committer for Panics {
    fn commit(&self, _: &[WrittenFile]) -> Result<(), Error> {
        panic!("out of luck")
    }

    fn abort(&self) {}
}

#[test]
fn a_commit_that_panics_is_answered() {
    let committer: Arc<dyn Committer> = Arc::new(Panics);
    let error = commit(committer.as_ref(), &[]).unwrap_err();
    assert!(error.to_string().contains("out of luck"), "{error}");
}
