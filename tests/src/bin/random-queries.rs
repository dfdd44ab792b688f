//! Runs random queries under the oracles of `rsql_tests::random`.

use std::process::ExitCode;

use clap::Parser;
use rsql_tests::random;

/// Looks for wrong answers with random queries.
#[derive(Parser)]
struct Args {
    /// Seed; the same one gives the same queries.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Cases; each compares two to four queries.
    #[arg(long, default_value_t = 5000)]
    cases: u64,
    /// End at the first failure.
    #[arg(long)]
    first_only: bool,
    /// Print what was refused or failed for a reason of its own.
    #[arg(long)]
    show_invalid: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let report = match random::run(args.seed, args.cases, args.first_only) {
        Ok(report) => report,
        Err(e) => {
            eprintln!("{e}");
            return ExitCode::from(1);
        }
    };
    for failure in &report.failures {
        println!("{failure}\n");
    }
    if args.show_invalid {
        report.invalid.iter().for_each(|why| println!("{why}\n"));
    }
    let share = |n: u64| n as f64 * 100.0 / report.valid.max(1) as f64;
    let [outer, subquery, decimal, null, window] = report.features.map(share);
    println!(
        "{} cases, {} valid, {} mismatches; of the valid: outer joins {outer:.0} %, subqueries {subquery:.0} %, \
         decimals {decimal:.0} %, NULLs {null:.0} %, windows {window:.0} %",
        report.cases,
        report.valid,
        report.failures.len()
    );
    ExitCode::from(u8::from(!report.failures.is_empty()))
}
