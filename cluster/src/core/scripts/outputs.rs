//! Executors whose disk is gone, and what is remembered of outputs when their query is over.

use rsql_common::{Error, ExecutorId, FetchFailure, FetchReason, OutputId, StageId};
use rsql_planner::physical::Rerun;

use super::bench::{Bench, JOB, sender, stage, two_stages};
use crate::core::{Config, Event, InputOutput, JobStatus};

const MAPS: u32 = 8;

/// Lets every task of the stage that was sent out succeed, and those sent out then.
fn make(bench: &mut Bench, stage: u32) {
    loop {
        let waiting = bench.launched.iter().map(|l| l.attempt.task);
        let Some(task) = waiting.into_iter().find(|t| t.stage == StageId(stage)) else {
            return;
        };
        bench.succeed(stage, task.task);
    }
}

fn is_lost(input: &&InputOutput, lost: &[OutputId]) -> bool {
    lost.contains(&input.output)
}

fn failure(input: &InputOutput, reason: FetchReason) -> FetchFailure {
    FetchFailure {
        output: input.output,
        executor: input.executor,
        reason,
    }
}

/// Rounds until a stage that reads eight maps is done, when the first of two executors lost all it had.
fn rounds_after_a_disk_is_gone(config: Config, reason: FetchReason) -> u32 {
    let stages = vec![
        stage(0, MAPS, Rerun::Equal, &[]),
        stage(1, 1, Rerun::Equal, &[(0, MAPS)]),
    ];
    let mut bench = Bench::running(config, 2, stages);
    make(&mut bench, 0);
    let lost = bench.core.outputs_on(ExecutorId(0), JOB);
    assert!(lost.len() >= 4, "{lost:?}");
    for round in 0.. {
        bench.wait(3_000);
        make(&mut bench, 0);
        assert_eq!(bench.job().status, JobStatus::Running, "{:?}", bench.error());
        let reader = bench.take(1, 0);
        let Some(bad) = reader.inputs.iter().find(|i| is_lost(i, &lost)) else {
            bench.succeed_with(&reader, 100);
            return round;
        };
        bench.fail(&reader, Error::fetch_failed(failure(bad, reason), "cannot read"));
        make(&mut bench, 0);
    }
    unreachable!()
}

#[test]
fn a_disk_that_is_gone_costs_two_rounds_however_many_outputs_were_on_it() {
    assert_eq!(rounds_after_a_disk_is_gone(Config::default(), FetchReason::NotFound), 2);
    assert_eq!(rounds_after_a_disk_is_gone(Config::default(), FetchReason::Corrupt), 2);
    let mut config = Config::default();
    config.exclusion.enabled = false;
    assert_eq!(rounds_after_a_disk_is_gone(config, FetchReason::NotFound), 2);
}

#[test]
fn so_does_one_that_held_the_result() {
    let mut bench = Bench::running(Config::default(), 2, vec![stage(0, MAPS, Rerun::Equal, &[])]);
    make(&mut bench, 0);
    let lost = bench.core.outputs_on(ExecutorId(0), JOB);
    for _ in 0..2 {
        let bad = InputOutput {
            output: *bench.core.outputs_on(ExecutorId(0), JOB).first().unwrap(),
            executor: ExecutorId(0),
        };
        let failure = failure(&bad, FetchReason::NotFound);
        bench.event(Event::ResultFetchFailed { job: JOB, failure });
        make(&mut bench, 0);
        bench.wait(60_000);
        make(&mut bench, 0);
    }
    let left = bench.core.outputs_on(ExecutorId(0), JOB);
    assert!(left.iter().all(|o| !lost.contains(o)), "{left:?}");
    assert_eq!((bench.job().status, bench.job().resubmits), (JobStatus::Running, 2));
}

#[test]
fn what_was_lost_on_an_executor_is_made_elsewhere() {
    let mut bench = Bench::running(Config::default(), 2, two_stages(Rerun::Equal));
    let map = bench.succeed(0, 0);
    bench.succeed(0, 1);
    let reader = bench.take(1, 0);
    bench.fail_fetch(&reader, &map, FetchReason::Corrupt);
    assert_ne!(bench.take(0, 0).executor, map.executor);
}

#[test]
fn an_executor_that_comes_back_keeps_what_it_was_not_thanked_for() {
    let mut bench = Bench::running(Config::default(), 2, two_stages(Rerun::Equal));
    let map = bench.succeed(0, 0);
    let from = sender(map.executor.0);
    bench.event(Event::Disconnected {
        executor: from.executor,
        incarnation: from.incarnation,
    });
    let spec = bench.core.executors[&from.executor].spec.clone();
    let attempts = vec![map.attempt];
    bench.event(Event::Register { from, spec, attempts });
    assert_eq!(bench.kills().iter().filter(|id| **id == map.attempt).count(), 0);
    assert_eq!(bench.core.outputs_on(map.executor, JOB), [map.attempt.output()]);
}

#[test]
fn of_a_query_that_is_over_sums_are_kept() {
    let mut bench = Bench::running(Config::default(), 2, two_stages(Rerun::Equal));
    make(&mut bench, 0);
    make(&mut bench, 1);
    bench.event(Event::ResultRead { job: JOB });
    let job = bench.job();
    assert_eq!(job.status, JobStatus::Finished);
    assert_eq!((job.stages[0].written_rows, job.stages[0].written_bytes), (2, 20));
    let job = &bench.core.jobs[&JOB];
    let kept = job.stages.values().flat_map(|s| &s.tasks).filter_map(|t| t.figures());
    assert!(kept.map(|f| f.partitions.capacity()).all(|n| n == 1));
}
