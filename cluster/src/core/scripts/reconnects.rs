//! Connections that come back, executors that leave together, and orders that the shell cannot carry out.

use rsql_common::{Error, ErrorKind, ExecutorId, OutputId};
use rsql_planner::physical::Rerun;

use super::bench::{Bench, JOB, sender, stage, two_stages};
use crate::core::{Action, AttemptId, Config, Event, ExecutorSpec, JobStatus, Report};

/// The executor comes back on a new connection and names these attempts.
fn reconnect(bench: &mut Bench, executor: u32, attempts: Vec<AttemptId>) {
    bench.event(Event::Disconnected {
        executor: ExecutorId(executor),
        incarnation: sender(executor).incarnation,
    });
    bench.now += 10;
    bench.event(Event::Register {
        from: sender(executor),
        spec: ExecutorSpec {
            host: format!("host{executor}"),
            endpoint: String::new(),
            slots: 2,
            memory: 1_000,
        },
        attempts,
    });
}

#[test]
fn an_output_whose_acknowledgement_was_lost_stands() {
    let mut bench = Bench::running(Config::default(), 2, two_stages(Rerun::Equal));
    let map = bench.succeed(0, 0);
    reconnect(&mut bench, map.executor.0, vec![map.attempt]);
    assert!(bench.kills().is_empty(), "{:?}", bench.orders);
    // What nobody needs any more is deleted as before.
    bench.event(Event::Cancel { job: JOB });
    reconnect(&mut bench, map.executor.0, vec![map.attempt]);
    assert_eq!(bench.kills(), [map.attempt]);
}

#[test]
fn a_launch_that_breaks_the_connection_each_time_ends_the_query() {
    let mut bench = Bench::running(Config::default(), 1, vec![stage(0, 1, Rerun::Equal, &[])]);
    let mut rounds = 0;
    while bench.job().status == JobStatus::Running {
        rounds += 1;
        assert!(rounds < 100, "the task goes in circles");
        let launch = bench.take(0, 0);
        reconnect(&mut bench, 0, Vec::new());
        let attempt = launch.attempt;
        bench.report(0, Report::Killed { attempt });
        while bench.launched.is_empty() && bench.job().status == JobStatus::Running {
            bench.wait(5_000);
        }
    }
    assert_eq!(bench.error().unwrap().condition(), "CLUSTER.TASK_NOT_ACCEPTED");
}

/// Copies that were ordered, as holder, taker and output.
fn copies(bench: &Bench) -> Vec<(ExecutorId, ExecutorId, OutputId)> {
    let copies = |action: &Action| match action {
        Action::MoveOutputs { from, to, outputs } => outputs.iter().map(|o| (*from, *to, *o)).collect(),
        _ => Vec::new(),
    };
    bench.orders.iter().flat_map(copies).collect()
}

fn drain(bench: &mut Bench, executor: ExecutorId) -> Vec<(ExecutorId, ExecutorId, OutputId)> {
    let grace = 60_000;
    bench.event(Event::Drain { executor, grace });
    copies(bench)
}

/// Two maps on two executors, a third executor, and a reader that waits for a third map.
fn two_holders() -> (Bench, [crate::core::Launch; 2], crate::core::Launch) {
    let stages = vec![stage(0, 3, Rerun::Equal, &[]), stage(1, 1, Rerun::Equal, &[(0, 3)])];
    let mut bench = Bench::running(Config::default(), 3, stages);
    let maps = [bench.succeed(0, 0), bench.succeed(0, 1)];
    let third = bench.take(0, 2);
    bench.run(&third);
    (bench, maps, third)
}

#[test]
fn executors_that_leave_together_have_each_output_copied_once() {
    let (mut bench, [first, second], third) = two_holders();
    assert_eq!(first.executor, ExecutorId(0));
    assert_eq!(second.executor, ExecutorId(1));
    let mut ordered = drain(&mut bench, first.executor);
    ordered.extend(drain(&mut bench, second.executor));
    // The first was copied when only the second was there to take it: that one leaves as well, so it goes on to the third.
    let [(from, to, output), rest @ ..] = &ordered[..] else {
        panic!("nothing is copied")
    };
    let (from, to, output) = (*from, *to, *output);
    assert_eq!(from, first.executor);
    bench.report(from.0, Report::Moved { output, to });
    let again = copies(&bench);
    let under_way: Vec<_> = rest.to_vec();
    assert!(under_way.iter().chain(&again).all(|(_, to, _)| *to == third.executor));
    let last = if to == third.executor { &under_way } else { &again };
    // Whoever is empty first leaves; what the other one has under way is not ordered again.
    let (from, to, output) = last[0];
    bench.report(from.0, Report::Moved { output, to });
    assert!(copies(&bench).is_empty(), "{:?}", bench.orders);
    for (from, to, output) in under_way {
        bench.report(from.0, Report::Moved { output, to });
        assert!(copies(&bench).is_empty(), "{:?}", bench.orders);
    }
    assert_eq!(bench.core.executors.len(), 1, "both have left");
    bench.succeed_with(&third, 2);
    let reader = bench.take(1, 0);
    assert!(reader.inputs.iter().all(|i| i.executor == third.executor));
    assert_eq!(bench.job().resubmits, 0);
}

#[test]
fn copies_to_an_executor_that_came_back_are_ordered_again() {
    let (mut bench, [first, _], _) = two_holders();
    let ordered = drain(&mut bench, first.executor);
    let (_, to, output) = ordered[0];
    let running = |e: ExecutorId| {
        let occupied = &bench.core.executors[&e].occupied;
        occupied.keys().copied().collect::<Vec<_>>()
    };
    let attempts = running(to);
    reconnect(&mut bench, to.0, attempts);
    assert_eq!(copies(&bench), [(first.executor, to, output)]);
}

#[test]
fn an_order_that_cannot_be_carried_out_ends_the_query_and_blames_no_executor() {
    let mut bench = Bench::running(Config::default(), 2, two_stages(Rerun::Equal));
    let launch = bench.take(0, 0);
    let error = Error::internal("the stage has no plan");
    bench.event(Event::Broken { job: JOB, error });
    assert_eq!(bench.error_kind(), Some(ErrorKind::Internal));
    assert!(bench.kills().contains(&launch.attempt), "its slots are freed");
    let ended = |a: &Action| matches!(a, Action::JobEnded { outcome: Err(_), .. });
    assert!(bench.orders.iter().any(ended), "{:?}", bench.orders);
    assert!(bench.core.executors().iter().all(|e| e.excluded_until.is_none()));
}
