//! Runs Spark's function examples and prints how many give Spark's value, type and name.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use rsql_common::{Error, Result};
use rsql_engine::Session;
use rsql_tests::examples;

/// Scores the engine on Spark's function examples.
#[derive(Parser)]
struct Args {
    /// Examples, one JSON object a line.
    examples: PathBuf,
    /// Prints each example that differs.
    #[arg(long)]
    verbose: bool,
    /// Where outcomes go, one JSON object a line.
    #[arg(long, default_value = "target/spark-functions.jsonl")]
    outcomes: PathBuf,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::from(1)
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let session = Session::builder()
        .set("spark.sql.session.timeZone", "UTC")?
        .set("rsql.sql.strict", "true")?
        .set("spark.sql.timeType.enabled", "false")?
        .build()?;
    if let Some(folder) = args.outcomes.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut out = BufWriter::new(File::create(&args.outcomes)?);
    let (mut all, mut all_equal, mut ours, mut ours_equal) = (0u32, 0u32, 0u32, 0u32);
    for example in examples::read(&args.examples)? {
        let outcome = examples::run(&session, &example);
        all += 1;
        all_equal += u32::from(outcome.equal);
        if rsql_tests::docs::is_documented(session.registry(), &example.function) {
            ours += 1;
            ours_equal += u32::from(outcome.equal);
        }
        if args.verbose && !outcome.equal {
            println!("{}: {}\n    {}", outcome.function, outcome.sql, outcome.detail);
        }
        let line = serde_json::to_string(&outcome).map_err(|e| Error::internal(e.to_string()))?;
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    let percent = |part: u32, whole: u32| {
        if whole == 0 {
            0.0
        } else {
            f64::from(part) * 100.0 / f64::from(whole)
        }
    };
    println!(
        "documented functions: {ours_equal}/{ours} equal ({:.1} %)",
        percent(ours_equal, ours)
    );
    println!(
        "all functions: {all_equal}/{all} equal ({:.1} %)",
        percent(all_equal, all)
    );
    Ok(())
}
