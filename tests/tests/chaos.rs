//! Queries on three executors survive each kind of fault, and each kind is deadly with retries off.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rsql_tests::chaos::fault::{Durations, FAULTS};
use rsql_tests::chaos::fixed::run_fixed;
use rsql_tests::chaos::trial::{Ending, clean_run};
use rsql_tests::chaos::{ClusterOptions, Fault, TestCluster, Trial, run_trial};

use crate::distributed::EAGER;
use crate::tpch::{SF, data};

/// Queries of several stages.
const QUERIES: [usize; 4] = [3, 5, 9, 18];

const DURATIONS: Durations = Durations {
    pause: Duration::from_secs(7),
    full: Duration::from_millis(1500),
    cut: Duration::from_secs(2),
};

fn start(local_reads: bool, settings: &[(&str, &str)]) -> Arc<TestCluster> {
    rsql_cluster::install_tls_provider();
    let settings = settings
        .iter()
        .map(|(k, v)| ((*k).to_string(), (*v).to_string()))
        .collect();
    let options = ClusterOptions {
        executors: 3,
        memory: 1 << 30,
        program: PathBuf::from(env!("CARGO_BIN_EXE_executor")),
        local_reads,
        settings,
        disk: Some(64 << 20),
    };
    Arc::new(TestCluster::start(&options).unwrap())
}

#[test]
fn right_answers_whatever_dies() {
    survives(true, &[]);
}

#[test]
fn right_answers_whatever_dies_when_outputs_are_fetched() {
    survives(false, &[]);
}

#[test]
fn right_answers_whatever_dies_when_plans_change_under_way() {
    survives(false, &[&EAGER[..], &[("rsql.cluster.scanTaskBytes", "64k")]].concat());
}

fn survives(local_reads: bool, settings: &[(&str, &str)]) {
    let cluster = start(
        local_reads,
        &[&[("rsql.cluster.executor.lease", "4s")], settings].concat(),
    );
    let mut bad = Vec::new();
    let mut fired = Vec::new();
    for (i, fault) in FAULTS.into_iter().enumerate() {
        let query = QUERIES[i % QUERIES.len()];
        let clean = clean_run(&cluster, data(), query, SF).unwrap();
        for seed in 0..8 {
            let trial = Trial {
                query,
                sf: SF,
                fault,
                durations: DURATIONS,
                seed,
                clean,
                moment: None,
            };
            let outcome = run_trial(&cluster, data(), &trial).unwrap();
            cluster.recover().unwrap();
            if outcome.ending != Ending::Right {
                bad.push(format!("{outcome:?}"));
            }
            if outcome.fired.is_some() {
                fired.push(fault);
                break;
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(
        cluster.fetches() == 0,
        local_reads,
        "{} connections for data",
        cluster.fetches()
    );
    for fault in FAULTS {
        if fault == Fault::DiskFull && !cluster.executors()[0].has_own_disk() {
            println!("disk-full is left out: file systems cannot be mounted here");
            continue;
        }
        assert!(fired.contains(&fault), "{} never fired", fault.name());
    }
}

#[test]
fn each_kind_of_fault_is_deadly_without_retries_and_survived_with_them() {
    rsql_cluster::install_tls_provider();
    for local_reads in [true, false] {
        let runs = run_fixed(&PathBuf::from(env!("CARGO_BIN_EXE_executor")), local_reads).unwrap();
        println!("{runs}");
        assert_eq!(runs.complaints(), Vec::<String>::new(), "{runs}");
    }
}
