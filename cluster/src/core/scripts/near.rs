//! Tasks that read earlier stages go where most of it is, and wait for it as long as that pays.

use rsql_common::ExecutorId;
use rsql_planner::physical::Rerun;

use super::bench::{Bench, JOB, stage};
use crate::core::{Config, JobSpec, OutputFigures, PartitionFigures, Report};

/// Executors 0 and 1 of one slot. Map 0 wrote `bytes` on executor 0, map 1 wrote ten bytes on executor 1; two tasks read both.
fn two_readers(config: Config, hosts: [&str; 2], bytes: u64) -> Bench {
    let mut bench = Bench::new(config);
    bench.register(0, 1).register(1, 1).submit(JOB, JobSpec::default());
    for (executor, host) in bench.core.executors.values_mut().zip(hosts) {
        executor.spec.host = host.to_string();
    }
    let stages = vec![stage(0, 2, Rerun::Equal, &[]), stage(1, 2, Rerun::Equal, &[(0, 2)])];
    bench.plan(JOB, stages);
    for (task, bytes) in [bytes, 10].into_iter().enumerate() {
        let launch = bench.take(0, task as u32);
        assert_eq!(launch.executor, ExecutorId(task as u32));
        let partition = PartitionFigures {
            bytes,
            rows: 1,
            hash: (1, 1),
        };
        let figures = OutputFigures {
            partitions: vec![partition],
            ..OutputFigures::default()
        };
        let attempt = launch.attempt;
        bench.report(launch.executor.0, Report::Succeeded { attempt, figures });
    }
    bench
}

const GIGABYTE: u64 = 1_000_000_000;

#[test]
fn a_large_input_is_worth_the_whole_wait() {
    let mut bench = two_readers(Config::default(), ["a", "b"], GIGABYTE);
    assert_eq!(bench.take(1, 0).executor, ExecutorId(0));
    assert!(bench.launched.is_empty(), "a is busy, b is free");
    bench.wait(2_900);
    assert!(bench.launched.is_empty());
    bench.wait(100);
    assert_eq!(bench.take(1, 1).executor, ExecutorId(1));
}

#[test]
fn a_small_input_is_worth_as_long_as_it_takes_to_send() {
    let mut bench = two_readers(Config::default(), ["a", "b"], 100_000 * 50);
    assert_eq!(bench.take(1, 0).executor, ExecutorId(0));
    assert!(bench.launched.is_empty());
    bench.wait(50);
    assert_eq!(bench.take(1, 1).executor, ExecutorId(1));
    let mut bench = two_readers(Config::default(), ["a", "b"], 20);
    assert_eq!(bench.take(1, 0).executor, ExecutorId(0));
    assert_eq!(bench.take(1, 1).executor, ExecutorId(1));
}

#[test]
fn the_setting_bounds_the_wait() {
    let config = Config {
        locality_wait: 0,
        ..Config::default()
    };
    let mut bench = two_readers(config, ["a", "b"], GIGABYTE);
    assert_eq!(bench.take(1, 1).executor, ExecutorId(1));
}

#[test]
fn on_one_host_nobody_waits() {
    let mut bench = two_readers(Config::default(), ["a", "a"], GIGABYTE);
    assert_eq!(
        bench.take(1, 0).executor,
        ExecutorId(0),
        "who has it comes first all the same"
    );
    assert_eq!(bench.take(1, 1).executor, ExecutorId(1));
}

#[test]
fn a_neighbour_of_who_has_it_comes_before_strangers() {
    let mut bench = Bench::new(Config::default());
    for n in 0..3 {
        bench.register(n, 1);
    }
    for (executor, host) in bench.core.executors.values_mut().zip(["a", "b", "a"]) {
        executor.spec.host = host.to_string();
    }
    bench.submit(JOB, JobSpec::default());
    bench.plan(
        JOB,
        vec![stage(0, 1, Rerun::Equal, &[]), stage(1, 2, Rerun::Equal, &[(0, 1)])],
    );
    assert_eq!(bench.succeed(0, 0).executor, ExecutorId(0));
    assert_eq!(bench.take(1, 0).executor, ExecutorId(0));
    assert_eq!(bench.take(1, 1).executor, ExecutorId(2));
}
