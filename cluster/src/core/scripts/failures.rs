//! The failure table, kind by kind.

use rsql_common::{Error, ErrorKind, ExecutorId, FetchReason};
use rsql_planner::physical::Rerun;

use super::bench::{Bench, JOB, stage};
use crate::core::{Action, Config, Event, JobLimits, JobSpec, JobStatus, Report};

fn one_task(executors: u32) -> Bench {
    Bench::running(Config::default(), executors, vec![stage(0, 1, Rerun::Equal, &[])])
}

#[test]
fn user_errors_end_the_job_at_once_and_typed() {
    let mut bench = one_task(2);
    let launch = bench.take(0, 0);
    bench.fail(&launch, Error::user("DIVIDE_BY_ZERO").param("config", "x"));
    assert_eq!(bench.job().status, JobStatus::Failed);
    let error = bench.error().unwrap();
    assert_eq!((error.kind(), error.condition()), (ErrorKind::User, "DIVIDE_BY_ZERO"));
    bench.wait(600_000);
    assert!(bench.launched.is_empty(), "{:?}", bench.launched);
}

#[test]
fn only_what_a_query_still_needs_is_a_failure_to_warn_of() {
    let failures = |bench: &Bench| {
        let failed = |action: &Action| matches!(action, Action::Log(turn) if turn.failure().is_some());
        bench.orders.iter().filter(|action| failed(action)).count()
    };
    let reading = || {
        let stages = vec![stage(0, 1, Rerun::Equal, &[]), stage(1, 1, Rerun::Equal, &[(0, 1)])];
        let mut bench = Bench::running(Config::default(), 2, stages);
        let map = bench.succeed(0, 0);
        let reader = bench.take(1, 0);
        (bench, map, reader)
    };
    let (mut bench, map, reader) = reading();
    bench.fail_fetch(&reader, &map, FetchReason::NotFound);
    assert_eq!(failures(&bench), 1);
    // Executors clear up as they hear of the end, one before another.
    let (mut bench, map, reader) = reading();
    bench.event(Event::ResultRead { job: JOB });
    bench.fail_fetch(&reader, &map, FetchReason::NotFound);
    assert_eq!(failures(&bench), 0);
}

#[test]
fn io_failures_are_retried_elsewhere_with_growing_waits_four_times() {
    let mut bench = one_task(2);
    let mut times = vec![bench.now];
    let mut places = Vec::new();
    for attempt in 0..4 {
        let launch = bench.take(0, 0);
        places.push(launch.executor);
        bench.fail(&launch, Error::io(format!("reset {attempt}")));
        if attempt < 3 {
            assert!(bench.launched.is_empty(), "it waits first");
            while bench.launched.is_empty() {
                bench.wait(100);
            }
            times.push(bench.now);
        }
    }
    assert_eq!(bench.error_kind(), Some(ErrorKind::Io));
    assert!(bench.error().unwrap().message().contains("reset 3"));
    assert_ne!(places[0], places[1], "another executor is preferred");
    let waits: Vec<u64> = times.windows(2).map(|w| w[1] - w[0]).collect();
    for (wait, least) in waits.iter().zip([500, 1_000, 2_000]) {
        assert!((least..=least * 5 / 4 + 200).contains(wait), "{waits:?}");
    }
}

#[test]
fn memory_doubles_then_the_executor_is_alone() {
    let mut bench = one_task(1);
    let mut grants = Vec::new();
    for _ in 0..4 {
        let launch = bench.take(0, 0);
        grants.push(launch.memory);
        bench.fail(&launch, Error::exhausted("memory"));
    }
    assert_eq!(grants[..2], [500, 1_000], "twice the memory");
    assert_eq!(bench.error_kind(), Some(ErrorKind::ResourceExhausted));

    let mut bench = Bench::running(Config::default(), 1, vec![stage(0, 2, Rerun::Equal, &[])]);
    let (first, other) = (bench.take(0, 0), bench.take(0, 1));
    bench.fail(&first, Error::exhausted("memory"));
    assert!(
        bench.launched.is_empty(),
        "1,000 bytes are free only when the other is done"
    );
    bench.succeed_with(&other, 1);
    assert_eq!(bench.take(0, 0).memory, 1_000);
}

#[test]
fn a_full_disk_moves_the_task_and_asks_for_no_memory() {
    let mut bench = one_task(2);
    let first = bench.take(0, 0);
    bench.fail(&first, Error::exhausted("no space left").param("resource", "disk"));
    let second = bench.take(0, 0);
    assert_ne!(first.executor, second.executor);
    assert_eq!(first.memory, second.memory);
}

#[test]
fn bugs_get_two_attempts_on_two_executors() {
    let mut bench = one_task(2);
    let first = bench.take(0, 0);
    bench.fail(&first, Error::internal("index out of bounds"));
    let second = bench.take(0, 0);
    assert_ne!(first.executor, second.executor);
    bench.fail(&second, Error::internal("index out of bounds"));
    assert_eq!(bench.error_kind(), Some(ErrorKind::Internal));
}

#[test]
fn three_deaths_make_a_poison_task() {
    let mut bench = one_task(4);
    for death in 0..3 {
        let launch = bench.take(0, 0);
        bench.run(&launch);
        bench.exit(launch.executor.0);
        assert_eq!(bench.job().status == JobStatus::Failed, death == 2);
    }
    assert_eq!(bench.error().unwrap().condition(), "CLUSTER.POISON_TASK");
    assert_eq!(bench.core.executors.len(), 1, "the last executor is spared");
}

#[test]
fn deaths_while_draining_are_nobodys_fault() {
    let mut bench = one_task(4);
    for _ in 0..3 {
        let launch = bench.take(0, 0);
        bench.run(&launch);
        bench.event(Event::Drain {
            executor: launch.executor,
            grace: 60_000,
        });
        bench.exit(launch.executor.0);
    }
    assert_eq!(bench.job().status, JobStatus::Running);
    bench.succeed(0, 0);
}

#[test]
fn without_executors_jobs_fail_by_name_after_the_grace() {
    let mut bench = one_task(1);
    bench.exit(0);
    bench.wait(29_000);
    assert_eq!(bench.job().status, JobStatus::Running);
    bench.wait(2_000);
    assert_eq!(bench.error().unwrap().condition(), "CLUSTER.NO_EXECUTORS");
}

#[test]
fn an_executor_that_comes_in_time_saves_the_job() {
    let mut bench = one_task(1);
    bench.exit(0);
    bench.wait(29_000);
    bench.launched.clear();
    bench.register(5, 1);
    let launch = bench.take(0, 0);
    bench.run(&launch).wait(60_000);
    assert_eq!(bench.job().status, JobStatus::Running);
}

#[test]
fn an_attempt_that_is_not_taken_on_goes_elsewhere() {
    let mut bench = one_task(2);
    let first = bench.take(0, 0);
    bench.wait(11_000);
    let second = bench.take(0, 0);
    assert_ne!(first.executor, second.executor);
    // What the first one says now changes nothing, and is stopped.
    bench.report(first.executor.0, Report::Killed { attempt: first.attempt });
    bench.report(first.executor.0, Report::Accepted { attempt: first.attempt });
    assert_eq!(bench.kills(), [first.attempt]);
}

#[test]
fn one_attempt_only_if_the_query_says_so() {
    let mut bench = Bench::new(Config::default());
    let limits = JobLimits {
        attempts: Some(1),
        ..JobLimits::default()
    };
    bench.register(0, 1).submit(
        JOB,
        JobSpec {
            limits,
            ..JobSpec::default()
        },
    );
    bench.plan(JOB, vec![stage(0, 1, Rerun::Equal, &[])]);
    let launch = bench.take(0, 0);
    bench.fail(&launch, Error::io("reset"));
    assert_eq!(bench.error_kind(), Some(ErrorKind::Io));
}

#[test]
fn failing_executors_are_excluded_then_their_host_then_probed() {
    let config = Config {
        max_attempts: 100,
        ..Config::default()
    };
    let mut bench = Bench::running(config, 1, vec![stage(0, 1, Rerun::Equal, &[])]);
    for _ in 0..2 {
        let launch = bench.take(0, 0);
        bench.fail(&launch, Error::io("reset"));
        bench.wait(5_000);
    }
    // Both failures were here, so it is closed to the stage: the third attempt is a probe.
    let stage_state = bench.core.stage(bench.launched[0].attempt.task).unwrap();
    assert_eq!(stage_state.charges.get(&ExecutorId(0)), Some(&2));
    assert_eq!(stage_state.probe, Some(bench.launched[0].attempt));
    let probe = bench.take(0, 0);
    bench.fail(&probe, Error::io("reset"));
    let error = bench.error().unwrap();
    assert_eq!(error.condition(), "CLUSTER.ALL_EXECUTORS_EXCLUDED");
    assert!(error.message().contains("executor0 on host0"), "{error}");
}

#[test]
fn a_probe_that_succeeds_opens_the_executor() {
    let config = Config {
        max_attempts: 100,
        ..Config::default()
    };
    let mut bench = Bench::running(config, 1, vec![stage(0, 2, Rerun::Equal, &[])]);
    let other = bench.take(0, 1);
    bench.run(&other);
    for _ in 0..2 {
        let launch = bench.take(0, 0);
        bench.fail(&launch, Error::io("reset"));
        bench.wait(5_000);
    }
    let probe = bench.take(0, 0);
    bench.succeed_with(&probe, 0);
    let stage_state = bench.core.stage(probe.attempt.task).unwrap();
    assert!(stage_state.charges.is_empty(), "{:?}", stage_state.charges);
}

#[test]
fn four_failures_close_an_executor_and_two_executors_their_host() {
    let mut config = Config::default();
    config.exclusion.stage_failures = 100;
    let mut bench = Bench::new(config);
    bench.register(0, 1);
    let task = crate::core::TaskId {
        job: JOB,
        stage: rsql_common::StageId(0),
        task: 0,
    };
    bench.register(1, 1);
    for id in [0, 1] {
        bench.core.executors.get_mut(&ExecutorId(id)).unwrap().spec.host = "shared".to_string();
        for _ in 0..4 {
            bench.core.charge(ExecutorId(id), task);
        }
    }
    assert!(bench.core.executors.values().all(|e| e.excluded_until.is_some()));
    assert_eq!(bench.core.excluded_hosts().len(), 1);
    bench.wait(3_600_000);
    assert!(bench.core.executors.values().all(|e| e.excluded_until.is_none()));
    assert!(bench.core.excluded_hosts().is_empty());
}
