//! The runs: ten thousand schedules without a planted bug, and each planted bug found.

use std::collections::BTreeSet;

use super::world::World;
use crate::core::slips::Slip;

/// Schedules of a test run.
const SCHEDULES: u64 = 10_000;

/// Seeds after which a planted bug must have shown.
const PATIENCE: u64 = 3_000;

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What a range of seeds came to.
#[derive(Default)]
struct Tally {
    schedules: u64,
    jobs: u64,
    finished: u64,
    steps: u64,
    transitions: BTreeSet<String>,
    failures: Vec<(u64, String)>,
}

fn run_seeds(seeds: impl Iterator<Item = u64>) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let mut world = World::new(seed, None, false);
        if let Err(violation) = world.run() {
            tally.failures.push((seed, violation));
            if tally.failures.len() > 20 {
                break;
            }
        }
        tally.schedules += 1;
        tally.jobs += world.scenario.jobs.len() as u64;
        tally.finished += world.oracle.finished;
        tally.steps += world.steps;
        tally.transitions.append(&mut world.core.taken);
    }
    tally
}

#[test]
fn ten_thousand_schedules_keep_every_invariant() {
    let first = from_env("RSQL_SIM_FIRST").unwrap_or(1);
    let last = first + from_env("RSQL_SIM_SCHEDULES").unwrap_or(SCHEDULES);
    let halves: Vec<_> = [0, 1]
        .map(|half| std::thread::spawn(move || run_seeds((first..last).filter(move |s| s % 2 == half))))
        .into_iter()
        .map(|t| t.join().unwrap())
        .collect();
    let sum = |of: fn(&Tally) -> u64| halves.iter().map(of).sum::<u64>();
    let failures: Vec<_> = halves.iter().flat_map(|t| &t.failures).collect();
    for (seed, violation) in &failures {
        eprintln!("seed {seed}: {violation}\n  RSQL_SIM_SEED={seed} cargo test -p rsql-cluster replay -- --nocapture");
    }
    let (jobs, finished) = (sum(|t| t.jobs), sum(|t| t.finished));
    println!(
        "{} schedules, {} steps, {} kinds of transition, {jobs} jobs of which {finished} ended well",
        sum(|t| t.schedules),
        sum(|t| t.steps),
        halves.iter().flat_map(|t| &t.transitions).collect::<BTreeSet<_>>().len()
    );
    assert!(failures.is_empty(), "{} seeds failed", failures.len());
    assert!(finished * 2 > jobs, "a world in which most jobs fail tests little");
}

#[test]
fn replay() {
    let Some(seed) = from_env("RSQL_SIM_SEED") else { return };
    let slip = std::env::var("RSQL_SIM_SLIP").ok();
    let slip = slip.and_then(|name| Slip::ALL.into_iter().find(|s| format!("{s:?}") == name));
    let mut world = World::new(seed, slip, true);
    println!("{:#?}", world.scenario);
    let outcome = world.run();
    for line in world.trace.iter().flatten() {
        println!("{line}");
    }
    assert_eq!(outcome, Ok(()), "seed {seed}");
}

#[test]
fn a_seed_gives_the_same_run_twice() {
    for seed in 1..20 {
        let mut runs = [World::new(seed, None, true), World::new(seed, None, true)];
        let outcomes: Vec<_> = runs.iter_mut().map(World::run).collect();
        assert_eq!(outcomes[0], outcomes[1]);
        assert_eq!(runs[0].trace, runs[1].trace, "seed {seed}");
    }
}

#[test]
fn every_planted_bug_is_found() {
    let mut missed = Vec::new();
    for slip in Slip::ALL {
        let found = (1..=PATIENCE).find_map(|seed| {
            let violation = World::new(seed, Some(slip), false).run().err()?;
            Some((seed, violation))
        });
        match found {
            Some((seed, violation)) => println!("{slip:?}: found by seed {seed}: {violation}"),
            None => missed.push(slip),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
