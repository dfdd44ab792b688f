//! Random queries: enough of them are valid and rich, and none disagrees with itself.

use rsql_tests::random;

use crate::distributed::{COALESCED, COPIED, EAGER, REORDERED, SPLIT, builder};

/// Cases of one run; each compares two to four queries.
const CASES: u64 = 5000;

#[test]
fn random_queries_agree() {
    let halves: Vec<_> = [1, 2]
        .map(|seed| {
            std::thread::Builder::new()
                .stack_size(64 << 20)
                .spawn(move || random::run(seed, CASES / 2, false))
                .unwrap()
        })
        .into_iter()
        .map(|t| t.join().unwrap().unwrap())
        .collect();
    let failures: Vec<&String> = halves.iter().flat_map(|r| &r.failures).collect();
    assert!(
        failures.is_empty(),
        "{} mismatches, the first: {}",
        failures.len(),
        failures[0]
    );
    let (cases, valid): (u64, u64) = (
        halves.iter().map(|r| r.cases).sum(),
        halves.iter().map(|r| r.valid).sum(),
    );
    assert!(valid * 10 >= cases * 6, "only {valid} of {cases} cases are valid");
    for (i, name) in ["outer joins", "subqueries", "decimals", "NULLs", "windows"]
        .iter()
        .enumerate()
    {
        let n: u64 = halves.iter().map(|r| r.features[i]).sum();
        assert!(n * 10 >= valid, "{name} occur in only {n} of {valid} cases");
    }
}

#[test]
fn random_queries_agree_when_they_are_distributed() {
    for (seed, conf) in (1..).zip([&[][..], &COALESCED, &SPLIT, &COPIED, &EAGER, &REORDERED]) {
        let dir = tempfile::tempdir().unwrap();
        let report = random::run_against_plain(seed, 200, &|| builder(3, conf, dir.path())).unwrap();
        let failures = &report.failures;
        assert!(
            failures.is_empty(),
            "{conf:?}: {} mismatches, the first: {}",
            failures.len(),
            failures[0]
        );
        assert!(
            report.valid * 10 >= report.cases * 6,
            "{} of {}",
            report.valid,
            report.cases
        );
    }
}
