//! When an executor that failed is tried all the same, and what a failed try means.

use rsql_common::{Error, ExecutorId, StageId};
use rsql_planner::physical::Rerun;

use super::bench::{Bench, JOB, sender, stage};
use crate::core::state::Attempt;
use crate::core::{Config, Epoch, Event, JobStatus, Launch, TaskId};

const TASK: TaskId = TaskId {
    job: JOB,
    stage: StageId(0),
    task: 0,
};

fn disk_full() -> Error {
    Error::disk_full("no space left")
}

/// One task that was sent to executor 0, which is closed to the stage now.
fn closed(executors: u32) -> (Bench, Launch) {
    let mut bench = Bench::running(Config::default(), executors, vec![stage(0, 1, Rerun::Equal, &[])]);
    let launch = bench.take(0, 0);
    assert_eq!(launch.executor, ExecutorId(0));
    for _ in 0..2 {
        bench.core.charge(ExecutorId(0), TASK);
    }
    (bench, launch)
}

fn cut(bench: &mut Bench, executor: u32) {
    bench.event(Event::Disconnected {
        executor: ExecutorId(executor),
        incarnation: sender(executor).incarnation,
    });
}

#[test]
fn a_stage_waits_for_an_executor_that_is_cut_off() {
    let (mut bench, launch) = closed(2);
    cut(&mut bench, 1);
    bench.fail(&launch, disk_full()).wait(200);
    assert!(bench.launched.is_empty(), "{:?}", bench.launched);
    bench.register(1, 2);
    let second = bench.take(0, 0);
    assert_eq!(second.executor, ExecutorId(1));
    bench.succeed_with(&second, 0);
    assert_eq!(bench.job().status, JobStatus::Running);
}

#[test]
fn it_waits_until_that_one_is_lost_and_no_longer() {
    let (mut bench, launch) = closed(2);
    cut(&mut bench, 1);
    bench.fail(&launch, disk_full());
    bench.wait(29_000);
    assert!(bench.launched.is_empty(), "{:?}", bench.launched);
    bench.wait(2_000);
    let probe = bench.take(0, 0);
    assert_eq!(probe.executor, ExecutorId(0));
    bench.fail(&probe, disk_full());
    assert_eq!(bench.error().unwrap().condition(), "CLUSTER.ALL_EXECUTORS_EXCLUDED");
}

#[test]
fn a_task_that_is_under_way_is_no_probe() {
    let (mut bench, launch) = closed(1);
    // The only attempt runs where the failures were; a second one has nowhere to go.
    bench.run(&launch);
    let now = bench.now;
    let task = bench.core.task_mut(TASK).unwrap();
    task.attempts.push(Attempt::new(Epoch(0), now, true));
    bench.wait(1_000);
    assert!(bench.launched.is_empty(), "{:?}", bench.launched);
    bench.register(1, 2);
    assert_eq!(bench.take(0, 0).executor, ExecutorId(1));
}

#[test]
fn a_race_on_the_last_good_executor_starts_no_probe() {
    let (mut bench, launch) = closed(2);
    bench.fail(&launch, disk_full());
    let good = bench.take(0, 0);
    assert_eq!(good.executor, ExecutorId(1));
    let now = bench.now;
    let task = bench.core.task_mut(TASK).unwrap();
    task.attempts.push(Attempt::new(Epoch(0), now, true));
    bench.run(&good).wait(1_000);
    assert!(bench.launched.is_empty(), "{:?}", bench.launched);
    bench.succeed_with(&good, 0);
    assert_eq!(bench.job().status, JobStatus::Running);
}

#[test]
fn a_failed_probe_ends_nothing_when_an_executor_has_come() {
    let (mut bench, launch) = closed(1);
    bench.fail(&launch, disk_full());
    let probe = bench.take(0, 0);
    assert_eq!(probe.executor, ExecutorId(0));
    bench.register(1, 2);
    bench.fail(&probe, disk_full());
    assert_eq!(bench.job().status, JobStatus::Running, "{:?}", bench.error());
    assert_eq!(bench.take(0, 0).executor, ExecutorId(1));
}
