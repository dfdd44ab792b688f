//! Admission, pools, locality, limits and speculation.

use rsql_common::{ErrorKind, ExecutorId, QueryId, Settings};
use rsql_planner::physical::Rerun;

use super::bench::{Bench, JOB, stage};
use crate::core::{Action, Config, Event, JobLimits, JobSpec, JobStatus, KillReason, Pool, PoolMode};

fn in_pool(pool: &str) -> JobSpec {
    JobSpec {
        pool: pool.to_string(),
        ..JobSpec::default()
    }
}

#[test]
fn jobs_wait_their_turn_and_the_queue_has_an_end() {
    let mut config = Config::default();
    config.admission.max_running = 1;
    config.admission.max_queued = 1;
    config.admission.queue_timeout = 5_000;
    let mut bench = Bench::new(config);
    for n in 1..=3 {
        bench.submit(QueryId(n), JobSpec::default());
    }
    let status = |bench: &Bench, n| bench.core.job(QueryId(n)).unwrap().status;
    assert_eq!(
        [1, 2, 3].map(|n| status(&bench, n)),
        [JobStatus::Planning, JobStatus::Queued, JobStatus::Failed]
    );
    let refused = bench.core.job(QueryId(3)).unwrap().error.unwrap();
    assert_eq!(refused.kind(), ErrorKind::ResourceExhausted);
    assert!(refused.message().contains("try again"), "{refused}");
    bench.wait(5_000);
    assert_eq!(status(&bench, 2), JobStatus::Failed);
    bench.submit(QueryId(4), JobSpec::default());
    bench.event(Event::Cancel { job: QueryId(1) });
    assert_eq!(status(&bench, 4), JobStatus::Planning);
}

/// Two jobs of four tasks each, and who gets the next two slots.
fn launches(config: Config, pools: [&str; 2]) -> Vec<u64> {
    let mut bench = Bench::new(config);
    for (n, pool) in [1, 2].into_iter().zip(pools) {
        bench.submit(QueryId(n), in_pool(pool));
        bench.plan(QueryId(n), vec![stage(0, 4, Rerun::Equal, &[])]);
    }
    bench.register(0, 4);
    bench.launched.iter().map(|l| l.attempt.task.job.0).collect()
}

#[test]
fn fifo_serves_the_first_and_fair_serves_both() {
    assert_eq!(launches(Config::default(), ["", ""]), [1, 1, 1, 1]);
    let fair = Config {
        default_pool: Pool {
            mode: PoolMode::Fair,
            ..Pool::default()
        },
        ..Config::default()
    };
    assert_eq!(launches(fair, ["", ""]), [1, 2, 1, 2]);
}

#[test]
fn pools_share_by_weight_and_minimum() {
    let pool = |weight, min_share| Pool {
        weight,
        min_share,
        ..Pool::default()
    };
    let with = |a: Pool, b: Pool| {
        let mut config = Config::default();
        config.pools.insert("a".to_string(), a);
        config.pools.insert("b".to_string(), b);
        launches(config, ["a", "b"])
    };
    let count = |launches: Vec<u64>, job| launches.into_iter().filter(|j| *j == job).count();
    assert_eq!(count(with(pool(3, 0), pool(1, 0)), 1), 3);
    assert_eq!(count(with(pool(1, 0), pool(1, 4)), 2), 4);
}

#[test]
fn an_allocation_file_says_who_runs() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("fairscheduler.xml");
    let launched = |pools: &str, sessions: [&str; 2]| {
        std::fs::write(&file, format!("<allocations>{pools}</allocations>")).unwrap();
        let settings = Settings::default()
            .with("spark.scheduler.allocation.file", &file.to_string_lossy())
            .unwrap();
        launches(crate::master::core_config(&settings).unwrap(), sessions)
    };
    let weights = "<pool name='a'><weight>1</weight></pool><pool name='b'><weight>3</weight></pool>";
    assert_eq!(launched(weights, ["a", "b"]), [1, 2, 2, 2]);
    let shares = "<pool name='a'><minShare>1</minShare></pool><pool name='b'><minShare>3</minShare></pool>";
    assert_eq!(launched(shares, ["a", "b"]), [1, 2, 2, 2]);
    // The default pool can be described as well; it has who names no pool and who names one that is not there.
    let fair = "<pool name='default'><schedulingMode>FAIR</schedulingMode></pool>";
    assert_eq!(launched(fair, ["", "unknown"]), [1, 2, 1, 2]);
    let one = "<pool name='a'><schedulingMode>FAIR</schedulingMode><maxRunning>1</maxRunning></pool>";
    assert_eq!(launched(one, ["a", "a"]), [1, 1, 1, 1]);
}

#[test]
fn a_task_waits_for_its_data_but_not_for_ever() {
    let mut spec = stage(0, 2, Rerun::Equal, &[]);
    for task in &mut spec.tasks {
        task.hosts = vec!["host0".to_string()];
    }
    let mut bench = Bench::new(Config::default());
    bench.register(0, 1).register(1, 1).submit(JOB, JobSpec::default());
    bench.plan(JOB, vec![spec]);
    assert_eq!(bench.take(0, 0).executor, ExecutorId(0));
    assert!(bench.launched.is_empty(), "host0 is busy, host1 is free");
    bench.wait(3_000);
    assert_eq!(bench.take(0, 1).executor, ExecutorId(1));
}

#[test]
fn limits_of_a_query_end_it() {
    let limited = |limits: JobLimits| {
        let mut bench = Bench::new(Config::default());
        bench.register(0, 2).submit(
            JOB,
            JobSpec {
                limits,
                ..JobSpec::default()
            },
        );
        bench.plan(JOB, vec![stage(0, 2, Rerun::Equal, &[])]);
        bench
    };
    let mut bench = limited(JobLimits {
        run: Some(2_000),
        ..JobLimits::default()
    });
    bench.wait(1_900);
    assert_eq!(bench.job().status, JobStatus::Running);
    bench.wait(200);
    assert_eq!(bench.error_kind(), Some(ErrorKind::ResourceExhausted));
    let mut bench = limited(JobLimits {
        output_bytes: Some(15),
        ..JobLimits::default()
    });
    bench.succeed(0, 0);
    assert_eq!(bench.job().status, JobStatus::Running);
    bench.succeed(0, 1);
    assert_eq!(bench.error_kind(), Some(ErrorKind::ResourceExhausted));
    let mut bench = limited(JobLimits {
        result_bytes: Some(15),
        ..JobLimits::default()
    });
    bench.succeed(0, 0);
    assert_eq!(bench.job().status, JobStatus::Running);
    bench.succeed(0, 1);
    assert!(
        bench
            .job()
            .error
            .as_ref()
            .unwrap()
            .to_string()
            .contains("maxResultSize")
    );
}

#[test]
fn a_straggler_is_raced_and_the_loser_stopped() {
    let mut config = Config::default();
    config.speculation.enabled = true;
    let mut bench = Bench::running(config, 2, vec![stage(0, 4, Rerun::Equal, &[])]);
    for task in 0..4 {
        let launch = bench.take(0, task);
        bench.run(&launch);
        bench.launched.push(launch);
    }
    bench.wait(1_000);
    for task in 0..3 {
        bench.succeed(0, task);
    }
    let slow = bench.take(0, 3);
    bench.wait(8_000);
    assert!(bench.launched.is_empty());
    bench.wait(2_000);
    let racer = bench.take(0, 3);
    assert_ne!(racer.executor, slow.executor);
    bench.succeed_with(&racer, 3);
    let lost =
        |a: &Action| matches!(a, Action::Kill { attempt, why: KillReason::LostRace, .. } if *attempt == slow.attempt);
    assert!(bench.orders.iter().any(lost), "{:?}", bench.orders);
    // The loser was done before it heard: what it wrote is dropped.
    bench.succeed_with(&slow, 3);
    assert_eq!(bench.drops(), [slow.attempt.output()]);
}
