//! Every transition of every state machine, with a script that takes it. A line that is missing fails the test.

use rsql_common::{Error, ExecutorId};
use rsql_planner::physical::Rerun;

use super::bench::{Bench, JOB, figures, stage, two_stages};
use crate::core::state::format_transition;
use crate::core::{
    AttemptStatus, Config, Event, ExecutorStatus, JobLimits, JobSpec, JobStatus, Machine, Report, StageStatus,
};

type Script = fn(&mut Bench);

fn job(bench: &mut Bench, writes: bool) {
    let spec = JobSpec {
        writes,
        ..JobSpec::default()
    };
    bench.submit(JOB, spec);
}

fn started(bench: &mut Bench) {
    bench.register(0, 2).register(1, 2);
    job(bench, false);
    bench.plan(JOB, two_stages(Rerun::Equal));
}

fn written(bench: &mut Bench) {
    bench.register(0, 2);
    job(bench, true);
    bench.plan(JOB, vec![stage(0, 1, Rerun::Equal, &[])]);
    bench.succeed(0, 0);
}

fn cancel(bench: &mut Bench) {
    bench.event(Event::Cancel { job: JOB });
}

fn queued(bench: &mut Bench) {
    bench.core.config.admission.max_running = 0;
    let limits = JobLimits {
        queue: Some(10),
        ..JobLimits::default()
    };
    bench.submit(
        JOB,
        JobSpec {
            limits,
            ..JobSpec::default()
        },
    );
}

fn commit(bench: &mut Bench, outcome: Result<(), Error>) {
    written(bench);
    bench.event(Event::Committed { job: JOB, outcome });
}

/// Brings an attempt to a state, then ends it.
fn attempt(bench: &mut Bench, reports: &[fn(crate::core::AttemptId) -> Report]) {
    started(bench);
    let launch = bench.take(0, 0);
    for report in reports {
        bench.report(launch.executor.0, report(launch.attempt));
    }
}

fn accepted(attempt: crate::core::AttemptId) -> Report {
    Report::Accepted { attempt }
}

fn running(attempt: crate::core::AttemptId) -> Report {
    Report::Running { attempt }
}

fn succeeded(attempt: crate::core::AttemptId) -> Report {
    Report::Succeeded {
        attempt,
        figures: figures(0),
    }
}

fn failed(attempt: crate::core::AttemptId) -> Report {
    Report::Failed {
        attempt,
        error: Error::io("reset"),
    }
}

fn killed(attempt: crate::core::AttemptId) -> Report {
    Report::Killed { attempt }
}

/// Two stages done, so that the maps are dropped; then the result is lost.
fn result_lost(bench: &mut Bench) {
    started(bench);
    bench.succeed(0, 0);
    bench.succeed(0, 1);
    let result = bench.succeed(1, 0);
    bench.exit(result.executor.0);
}

const COVERAGE: &[(&str, Script)] = &[
    ("job Queued > Planning", started),
    ("job Queued > Failed", |b| {
        queued(b);
        b.wait(20);
    }),
    ("job Queued > Cancelled", |b| {
        queued(b);
        cancel(b);
    }),
    ("job Planning > Running", started),
    ("job Planning > Failed", |b| {
        job(b, false);
        let stages = Err(Error::user("TABLE_OR_VIEW_NOT_FOUND"));
        b.event(Event::Planned { job: JOB, stages });
    }),
    ("job Planning > Cancelled", |b| {
        job(b, false);
        cancel(b);
    }),
    ("job Running > Committing", written),
    ("job Running > Finished", |b| {
        started(b);
        b.event(Event::ResultRead { job: JOB });
    }),
    ("job Running > Failed", |b| {
        started(b);
        let launch = b.take(0, 0);
        b.fail(&launch, Error::user("DIVIDE_BY_ZERO"));
    }),
    ("job Running > Cancelled", |b| {
        started(b);
        cancel(b);
    }),
    ("job Committing > Finished", |b| commit(b, Ok(()))),
    ("job Committing > Failed", |b| commit(b, Err(Error::io("full")))),
    ("stage Waiting > Ready", |b| {
        started(b);
        b.succeed(0, 0);
        b.succeed(0, 1);
    }),
    ("stage Waiting > Done", |b| {
        started(b);
        // An empty plan for the result: nothing of it is left to do.
        b.core.jobs.get_mut(&JOB).unwrap().stages.get_mut(&rsql_common::StageId(0)).unwrap().replan =
            crate::core::state::Answer::Wanted;
        b.succeed(0, 0);
        b.succeed(0, 1);
        let changes = vec![stage(1, 0, Rerun::Equal, &[])];
        b.event(Event::Replanned {
            job: JOB,
            stage: rsql_common::StageId(0),
            changes,
        });
    }),
    ("stage Ready > Waiting", |b| {
        b.register(0, 2);
        job(b, false);
        b.plan(JOB, two_stages(Rerun::Equal));
        b.succeed(0, 0);
        let last = b.take(0, 1);
        // Nothing else can start, so the result's stage stays ready until its input goes.
        b.event(Event::Disconnected {
            executor: ExecutorId(0),
            incarnation: super::bench::sender(0).incarnation,
        });
        b.succeed_with(&last, 1);
        b.exit(0);
    }),
    ("stage Ready > Running", started),
    ("stage Ready > Done", |b| {
        b.register(0, 1);
        job(b, false);
        // Stage 1 is ready and has no slot when the new plan of the result no longer reads it.
        let mut first = stage(0, 1, Rerun::Equal, &[]);
        first.replan = true;
        b.plan(
            JOB,
            vec![first, stage(1, 1, Rerun::Equal, &[]), stage(2, 1, Rerun::Equal, &[(0, 1), (1, 1)])],
        );
        b.event(Event::Disconnected {
            executor: ExecutorId(0),
            incarnation: super::bench::sender(0).incarnation,
        });
        b.succeed(0, 0);
        b.event(Event::Replanned {
            job: JOB,
            stage: rsql_common::StageId(0),
            changes: vec![stage(2, 1, Rerun::Equal, &[(0, 1)])],
        });
    }),
    ("stage Running > Done", |b| {
        started(b);
        b.succeed(0, 0);
        b.succeed(0, 1);
    }),
    ("stage Done > Running", result_lost),
    ("attempt Created > Assigned", started),
    ("attempt Created > Killed", |b| {
        job(b, false);
        b.plan(JOB, two_stages(Rerun::Equal));
        cancel(b);
    }),
    ("attempt Assigned > Accepted", |b| attempt(b, &[accepted])),
    ("attempt Assigned > Running", |b| attempt(b, &[running])),
    ("attempt Assigned > Succeeded", |b| attempt(b, &[succeeded])),
    ("attempt Assigned > Failed", |b| attempt(b, &[failed])),
    ("attempt Assigned > Killed", |b| attempt(b, &[killed])),
    ("attempt Assigned > Lost", |b| {
        started(b);
        b.exit(0).exit(1);
    }),
    ("attempt Accepted > Running", |b| attempt(b, &[accepted, running])),
    ("attempt Accepted > Succeeded", |b| attempt(b, &[accepted, succeeded])),
    ("attempt Accepted > Failed", |b| attempt(b, &[accepted, failed])),
    ("attempt Accepted > Killed", |b| attempt(b, &[accepted, killed])),
    ("attempt Accepted > Lost", |b| {
        attempt(b, &[accepted]);
        b.exit(0).exit(1);
    }),
    ("attempt Running > Succeeded", |b| attempt(b, &[running, succeeded])),
    ("attempt Running > Failed", |b| attempt(b, &[running, failed])),
    ("attempt Running > Killed", |b| {
        attempt(b, &[running]);
        cancel(b);
    }),
    ("attempt Running > Lost", |b| {
        attempt(b, &[running]);
        b.exit(0).exit(1);
    }),
    ("executor Active > Draining", |b| {
        started(b);
        b.event(Event::Drain {
            executor: ExecutorId(0),
            grace: 1_000,
        });
    }),
    ("executor Active > Lost", |b| {
        b.register(0, 1).silence(40_000);
    }),
    ("executor Draining > Released", |b| {
        b.register(0, 1);
        b.report(0, Report::Leaving { grace: 1_000 });
    }),
    ("executor Draining > Lost", |b| {
        started(b);
        b.event(Event::Drain {
            executor: ExecutorId(0),
            grace: 1_000,
        });
        b.exit(0);
    }),
];

fn all<M: Machine>() -> impl Iterator<Item = String> {
    M::TRANSITIONS.iter().map(|(from, to)| format_transition(*from, *to))
}

#[test]
fn every_transition_is_exercised() {
    let mut machines: Vec<String> = all::<JobStatus>().collect();
    machines.extend(all::<StageStatus>());
    machines.extend(all::<AttemptStatus>());
    machines.extend(all::<ExecutorStatus>());
    let missing: Vec<_> = machines.iter().filter(|t| !COVERAGE.iter().any(|(name, _)| *name == t.as_str())).collect();
    assert!(missing.is_empty(), "transitions without a script: {missing:#?}");
    assert_eq!(machines.len(), COVERAGE.len(), "a script for a transition that there is not");
    let mut untaken = Vec::new();
    for (name, script) in COVERAGE {
        let mut bench = Bench::new(Config::default());
        script(&mut bench);
        if !bench.core.taken.contains(*name) {
            untaken.push((name, bench.core.taken));
        }
    }
    assert!(untaken.is_empty(), "scripts that do not take their transition: {untaken:#?}");
}

#[test]
fn terminal_states_absorb_every_report() {
    for end in [succeeded, failed, killed] {
        let mut bench = Bench::new(Config::default());
        started(&mut bench);
        let launch = bench.take(0, 0);
        bench.run(&launch);
        bench.report(launch.executor.0, end(launch.attempt));
        let after = bench.core.attempt(launch.attempt).cloned();
        for late in [accepted, running, succeeded, failed, killed] {
            bench.report(launch.executor.0, late(launch.attempt));
            assert_eq!(bench.core.attempt(launch.attempt).cloned(), after);
        }
    }
}
