//! Lost outputs, changed rows, drains, commits and clients.

use rsql_common::{ErrorKind, ExecutorId, FetchReason, StageId};
use rsql_planner::physical::Rerun;

use super::bench::{Bench, JOB, sender, stage, two_stages};
use crate::core::{Action, Config, Epoch, Event, JobSpec, JobStatus, KillReason, Report, StageStatus};

/// Three executors, two maps done, and the reader of them sent out.
fn reading(rerun: Rerun) -> (Bench, crate::core::Launch, crate::core::Launch) {
    let mut bench = Bench::running(Config::default(), 3, two_stages(rerun));
    let maps = (bench.succeed(0, 0), bench.succeed(0, 1));
    (bench, maps.0, maps.1)
}

#[test]
fn only_the_missing_map_runs_again_under_a_new_epoch() {
    let (mut bench, lost, kept) = reading(Rerun::Equal);
    let reader = bench.take(1, 0);
    bench.fail_fetch(&reader, &lost, FetchReason::Corrupt);
    let again = bench.take(0, 0);
    assert_eq!(again.epoch, Epoch(1));
    assert!(bench.launched.is_empty(), "{:?}", bench.launched);
    bench.succeed_with(&again, 0);
    let reader = bench.take(1, 0);
    let read: Vec<_> = reader.inputs.iter().map(|i| i.output).collect();
    assert_eq!(read, [again.attempt.output(), kept.attempt.output()]);
    assert_eq!(bench.job().resubmits, 1);
}

#[test]
fn readers_of_a_lost_output_are_stopped_as_stale() {
    let (mut bench, _, lost) = reading(Rerun::Equal);
    let reader = bench.take(1, 0);
    assert_ne!(reader.executor, lost.executor);
    bench.run(&reader).exit(lost.executor.0);
    let stale =
        |a: &Action| matches!(a, Action::Kill { attempt, why: KillReason::Stale, .. } if *attempt == reader.attempt);
    assert!(bench.orders.iter().any(stale), "{:?}", bench.orders);
    assert_eq!(bench.job().stages[0].status, StageStatus::Running);
}

#[test]
fn an_unreachable_producer_is_believed_at_the_second_reader() {
    let (mut bench, lost, _) = reading(Rerun::Equal);
    let first = bench.take(1, 0);
    bench.fail_fetch(&first, &lost, FetchReason::Unreachable);
    assert_eq!(bench.job().resubmits, 0, "one word is not enough");
    bench.wait(2_000);
    let second = bench.take(1, 0);
    assert_ne!(first.executor, second.executor);
    bench.fail_fetch(&second, &lost, FetchReason::Unreachable);
    assert_eq!(bench.job().resubmits, 1);
}

#[test]
fn a_stage_that_cannot_read_four_times_in_a_row_fails_the_job() {
    let mut config = Config::default();
    config.exclusion.enabled = false;
    let mut bench = Bench::running(config, 3, two_stages(Rerun::Equal));
    let mut map = bench.succeed(0, 0);
    bench.succeed(0, 1);
    for round in 0..4 {
        assert_eq!(bench.job().status, JobStatus::Running);
        bench.wait(10);
        let reader = bench.take(1, 0);
        bench.fail_fetch(&reader, &map, FetchReason::NotFound);
        if round < 3 {
            map = bench.take(0, 0);
            bench.succeed_with(&map, 0);
        }
    }
    assert_eq!(bench.error_kind(), Some(ErrorKind::FetchFailed));
}

/// Map 0 of two feeds two readers; the first is done when the map is lost. What happens when it gives `second` the next time.
fn rerun_gives(rerun: Rerun, second: u64) -> Bench {
    let stages = vec![
        stage(0, 1, rerun, &[]),
        stage(1, 2, Rerun::Equal, &[(0, 1)]),
        stage(2, 1, Rerun::Equal, &[(1, 2)]),
    ];
    let mut bench = Bench::running(Config::default(), 3, stages);
    let map = bench.succeed(0, 0);
    bench.succeed(1, 0);
    let reader = bench.take(1, 1);
    bench.fail_fetch(&reader, &map, FetchReason::Corrupt);
    let again = bench.take(0, 0);
    bench.succeed_with(&again, second);
    bench
}

#[test]
fn equal_rows_let_finished_readers_stand_and_other_rows_do_not() {
    let launched = |bench: &Bench| {
        let mut tasks: Vec<u32> = bench.launched.iter().map(|l| l.attempt.task.task).collect();
        tasks.sort_unstable();
        tasks
    };
    assert_eq!(launched(&rerun_gives(Rerun::Equal, 0)), [1]);
    assert_eq!(launched(&rerun_gives(Rerun::Equal, 7)), [0, 1]);
    assert_eq!(launched(&rerun_gives(Rerun::Mergeable, 7)), [1]);
    assert_eq!(launched(&rerun_gives(Rerun::Indeterminate, 0)), [0, 1]);
}

#[test]
fn mergeable_rows_whose_groups_vanish_are_other_rows() {
    let stages = vec![stage(0, 1, Rerun::Mergeable, &[]), stage(1, 2, Rerun::Equal, &[(0, 1)])];
    let mut bench = Bench::running(Config::default(), 3, stages);
    let map = bench.succeed(0, 0);
    bench.succeed(1, 0);
    let reader = bench.take(1, 1);
    bench.fail_fetch(&reader, &map, FetchReason::Corrupt);
    let again = bench.take(0, 0);
    let mut figures = super::bench::figures(0);
    figures.partitions[0].rows = 0;
    bench.report(
        again.executor.0,
        Report::Succeeded {
            attempt: again.attempt,
            figures,
        },
    );
    assert_eq!(bench.launched.len(), 2, "{:?}", bench.launched);
}

#[test]
fn rows_that_left_cannot_be_called_back() {
    let stages = vec![
        stage(0, 1, Rerun::Indeterminate, &[]),
        stage(1, 2, Rerun::Equal, &[(0, 1)]),
    ];
    let mut bench = Bench::running(Config::default(), 3, stages);
    bench.succeed(0, 0);
    let first = bench.succeed(1, 0);
    let second = bench.succeed(1, 1);
    bench.event(Event::ResultTaken {
        output: first.attempt.output(),
    });
    // The second output is lost, and the map, which was dropped, has to run again.
    let failure = rsql_common::FetchFailure {
        output: second.attempt.output(),
        executor: second.executor,
        reason: FetchReason::NotFound,
    };
    bench.event(Event::ResultFetchFailed { job: JOB, failure });
    bench.succeed(0, 0);
    assert_eq!(bench.error().unwrap().condition(), "CLUSTER.NONDETERMINISTIC_INPUT");
}

#[test]
fn outputs_are_dropped_when_their_readers_are_done_and_the_result_when_it_is_taken() {
    let (mut bench, first, second) = reading(Rerun::Equal);
    let result = bench.succeed(1, 0);
    let mut drops = bench.drops();
    drops.sort();
    assert_eq!(drops, [first.attempt.output(), second.attempt.output()]);
    let ready = |a: &Action| matches!(a, Action::ResultReady { outputs, .. } if outputs.len() == 1);
    assert!(bench.orders.iter().any(ready), "{:?}", bench.orders);
    let output = result.attempt.output();
    bench.event(Event::ResultTaken { output });
    assert_eq!(bench.drops(), [output]);
    assert_eq!(bench.job().status, JobStatus::Finished);
}

#[test]
fn a_write_becomes_visible_once_with_winners_only() {
    let mut bench = Bench::new(Config::default());
    bench.register(0, 2).register(1, 2).submit(
        JOB,
        JobSpec {
            writes: true,
            ..JobSpec::default()
        },
    );
    bench.plan(JOB, vec![stage(0, 2, Rerun::Equal, &[])]);
    let first = bench.take(0, 0);
    bench.fail(&first, rsql_common::Error::io("reset"));
    bench.wait(1_000);
    let commit = |bench: &Bench| {
        bench.orders.iter().find_map(|a| match a {
            Action::Commit { winners, .. } => Some(winners.clone()),
            _ => None,
        })
    };
    let one = bench.succeed(0, 1);
    assert_eq!(commit(&bench), None);
    // Its executor's death does not matter: what it staged is not on it.
    bench.exit(one.executor.0);
    bench.launched.retain(|l| l.executor != one.executor);
    let zero = bench.succeed(0, 0);
    let winners = vec![zero.attempt.output(), one.attempt.output()];
    assert_eq!(commit(&bench), Some(winners));
    bench.event(Event::Cancel { job: JOB });
    assert_eq!(bench.job().status, JobStatus::Committing, "too late to cancel");
    bench.wait(30_000);
    assert_eq!(bench.job().status, JobStatus::Committing);
    bench.event(Event::Committed {
        job: JOB,
        outcome: Ok(()),
    });
    assert_eq!(bench.job().status, JobStatus::Finished);
}

#[test]
fn a_write_that_is_committed_and_not_complete_ends_well_and_says_so() {
    let mut bench = Bench::new(Config::default());
    bench.register(0, 1);
    let spec = JobSpec {
        writes: true,
        ..JobSpec::default()
    };
    bench.submit(JOB, spec);
    bench.plan(JOB, vec![stage(0, 1, Rerun::Equal, &[])]);
    bench.succeed(0, 0);
    let unfinished = rsql_common::Error::new(ErrorKind::Io, "WRITE_UNFINISHED.CLEANUP");
    bench.event(Event::Committed {
        job: JOB,
        outcome: Err(unfinished.clone()),
    });
    assert_eq!(bench.job().status, JobStatus::Finished);
    let told = bench
        .orders
        .iter()
        .any(|a| matches!(a, Action::JobEnded { outcome: Err(e), .. } if *e == unfinished));
    assert!(told, "the client learns what is left to do");
    assert!(!bench.orders.iter().any(|a| matches!(a, Action::AbortWrite { .. })));
}

/// Reports the copies that were ordered as made.
fn move_all(bench: &mut Bench) {
    let orders: Vec<_> = bench
        .orders
        .iter()
        .filter_map(|a| match a {
            Action::MoveOutputs { from, to, outputs } => Some((*from, *to, outputs.clone())),
            _ => None,
        })
        .collect();
    assert!(!orders.is_empty(), "{:?}", bench.orders);
    for (from, to, outputs) in orders {
        for output in outputs {
            bench.report(from.0, Report::Moved { output, to });
        }
    }
}

#[test]
fn a_drained_executor_loses_nothing() {
    let (mut bench, map, _) = reading(Rerun::Equal);
    let reader = bench.take(1, 0);
    assert_eq!(reader.executor, map.executor);
    bench.event(Event::Drain {
        executor: map.executor,
        grace: 60_000,
    });
    move_all(&mut bench);
    bench.succeed_with(&reader, 100);
    move_all(&mut bench);
    let released = |a: &Action| matches!(a, Action::Release { executor } if *executor == map.executor);
    assert!(bench.orders.iter().any(released), "{:?}", bench.orders);
    bench.exit(map.executor.0);
    assert_eq!(bench.job().resubmits, 0);
    assert_eq!(bench.job().stages[1].status, StageStatus::Done);
}

#[test]
fn a_lost_executor_is_fenced_and_its_words_are_air() {
    let mut bench = Bench::running(Config::default(), 2, two_stages(Rerun::Equal));
    let launch = bench.take(0, 0);
    bench.exit(launch.executor.0);
    let before = bench.core.clone();
    let attempt = launch.attempt;
    bench.report(
        launch.executor.0,
        Report::Succeeded {
            attempt,
            figures: super::bench::figures(0),
        },
    );
    assert!(bench.core == before, "the state changed");
    let fence = |a: &Action| matches!(a, Action::Fence { executor, .. } if *executor == sender(launch.executor.0));
    assert!(bench.orders.iter().any(fence));
    bench.register(launch.executor.0, 2);
    assert!(
        !bench.core.executors.contains_key(&launch.executor),
        "numbers are not used twice"
    );
}

#[test]
fn a_master_that_stood_still_blames_nobody() {
    let mut bench = Bench::running(Config::default(), 2, two_stages(Rerun::Equal));
    bench.now += 300_000;
    bench.event(Event::Tick);
    assert_eq!(bench.core.executors.len(), 2);
    bench.silence(31_000);
    assert_eq!(bench.core.executors.len(), 0);
}

#[test]
fn a_task_that_waits_for_its_input_holds_no_executor() {
    let mut bench = Bench::running(Config::default(), 1, two_stages(Rerun::Equal));
    let map = bench.succeed(0, 0);
    bench.succeed(0, 1);
    let reader = bench.take(1, 0);
    bench.fail(&reader, rsql_common::Error::exhausted("memory"));
    let reader = bench.take(1, 0);
    bench.core.executors.get_mut(&ExecutorId(0)).unwrap().held_for = Some(crate::core::AttemptId {
        attempt: reader.attempt.attempt + 1,
        ..reader.attempt
    });
    bench.fail_fetch(&reader, &map, FetchReason::NotFound);
    assert_eq!(bench.take(0, 0).executor, ExecutorId(0), "the map runs again first");
}

#[test]
fn bounds_are_asked_once_and_kept() {
    let mut stages = two_stages(Rerun::Equal);
    stages[1].bounds_of = Some(StageId(0));
    let mut bench = Bench::running(Config::default(), 2, stages);
    bench.succeed(0, 0);
    bench.succeed(0, 1);
    assert!(
        bench
            .orders
            .iter()
            .any(|a| matches!(a, Action::ComputeBounds { outputs, .. } if outputs.len() == 2))
    );
    assert!(bench.launched.is_empty());
    let bounds = crate::core::Bounds(std::sync::Arc::new(vec![1]));
    bench.event(Event::BoundsReady {
        job: JOB,
        stage: StageId(0),
        bounds: Ok(bounds.clone()),
    });
    assert_eq!(bench.take(1, 0).bounds, Some(bounds));
}

#[test]
fn a_new_plan_replaces_stages_that_have_not_started() {
    let mut stages = vec![stage(0, 2, Rerun::Equal, &[]), stage(1, 4, Rerun::Equal, &[(0, 2)])];
    stages[0].replan = true;
    let mut bench = Bench::running(Config::default(), 2, stages);
    bench.succeed(0, 0);
    bench.succeed(0, 1);
    assert!(
        bench
            .orders
            .iter()
            .any(|a| matches!(a, Action::Replan { figures, .. } if figures.len() == 2))
    );
    assert!(bench.launched.is_empty(), "readers wait for the answer");
    // Changing what has run is refused as a whole; the plan that stood goes on.
    let changes = vec![stage(0, 1, Rerun::Equal, &[]), stage(1, 1, Rerun::Equal, &[(0, 1)])];
    bench.event(Event::Replanned {
        job: JOB,
        stage: StageId(0),
        changes,
    });
    assert_eq!(bench.launched.len(), 4);
}

#[test]
fn fewer_partitions_make_fewer_tasks() {
    let mut stages = vec![stage(0, 2, Rerun::Equal, &[]), stage(1, 4, Rerun::Equal, &[(0, 2)])];
    stages[0].replan = true;
    let mut bench = Bench::running(Config::default(), 2, stages);
    bench.succeed(0, 0);
    bench.succeed(0, 1);
    bench.event(Event::Replanned {
        job: JOB,
        stage: StageId(0),
        changes: vec![stage(1, 1, Rerun::Equal, &[(0, 2)])],
    });
    assert_eq!(bench.launched.len(), 1);
    bench.succeed(1, 0);
    assert!(
        bench
            .orders
            .iter()
            .any(|a| matches!(a, Action::ResultReady { outputs, .. } if outputs.len() == 1))
    );
}

#[test]
fn a_second_attempt_reads_by_the_new_plan() {
    let mut stages = vec![stage(0, 2, Rerun::Equal, &[]), stage(1, 4, Rerun::Equal, &[(0, 2)])];
    stages[0].replan = true;
    let mut bench = Bench::running(Config::default(), 2, stages);
    let first = bench.succeed(0, 0);
    bench.succeed(0, 1);
    let part = |maps| crate::core::Read {
        stage: StageId(0),
        partition: 0,
        maps,
    };
    let mut changed = stage(1, 2, Rerun::Equal, &[]);
    changed.tasks[0].reads = vec![part(0..1)];
    changed.tasks[1].reads = vec![part(1..2)];
    bench.event(Event::Replanned {
        job: JOB,
        stage: StageId(0),
        changes: vec![changed],
    });
    let reader = bench.take(1, 0);
    assert_eq!(reader.reads, [part(0..1)]);
    bench.run(&reader);
    bench.fail_fetch(&reader, &first, FetchReason::NotFound);
    bench.wait(1_000);
    bench.succeed(0, 0);
    let asked = |a: &Action| matches!(a, Action::Replan { .. });
    assert!(!bench.orders.iter().any(asked), "the plan is made once");
    bench.wait(1_000);
    assert_eq!(bench.take(1, 0).reads, [part(0..1)]);
}

#[test]
fn a_stage_that_is_needed_no_more_is_stopped() {
    let mut stages = vec![
        stage(0, 1, Rerun::Equal, &[]),
        stage(1, 1, Rerun::Equal, &[]),
        stage(2, 1, Rerun::Equal, &[(0, 1), (1, 1)]),
    ];
    stages[0].replan = true;
    let mut bench = Bench::running(Config::default(), 2, stages);
    let large = bench.take(1, 0);
    bench.run(&large);
    bench.succeed(0, 0);
    bench.event(Event::Replanned {
        job: JOB,
        stage: StageId(0),
        changes: vec![stage(2, 1, Rerun::Equal, &[])],
    });
    assert_eq!(bench.kills(), [large.attempt]);
    assert_eq!(bench.drops().len(), 1);
    bench.succeed(2, 0);
    assert!(bench.orders.iter().any(|a| matches!(a, Action::ResultReady { .. })));
}

#[test]
fn cancelling_stops_and_drops_everything() {
    let (mut bench, ..) = reading(Rerun::Equal);
    let reader = bench.take(1, 0);
    bench.event(Event::ClientGone { job: JOB });
    assert_eq!(bench.job().status, JobStatus::Cancelled);
    assert_eq!(bench.kills(), [reader.attempt]);
    assert_eq!(bench.drops().len(), 2);
    bench.report(
        reader.executor.0,
        Report::Killed {
            attempt: reader.attempt,
        },
    );
    assert!(bench.core.executors.values().all(|e| e.occupied.is_empty()));
}

#[test]
fn a_task_that_does_not_die_takes_its_executor_out_of_service() {
    let mut bench = Bench::running(Config::default(), 2, two_stages(Rerun::Equal));
    let launch = bench.take(0, 0);
    bench.run(&launch);
    bench.event(Event::Cancel { job: JOB });
    let other = ExecutorId(1 - launch.executor.0);
    let second = bench.take(0, 1);
    bench.report(
        second.executor.0,
        Report::Killed {
            attempt: second.attempt,
        },
    );
    bench.wait(11_000);
    bench.wait(120_000);
    assert!(bench.core.is_draining(launch.executor));
    assert!(bench.core.executors.contains_key(&other));
}
