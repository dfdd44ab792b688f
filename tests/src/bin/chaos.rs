//! Runs TPC-H on three executors with a fault at a random point of every run, and prints how they ended.
//!
//! ```text
//! cargo build --release --workspace --bins
//! target/release/chaos --sf 1 --runs 10 --results target/chaos.jsonl
//! ```
//!
//! `--fixed` prints one fault of each kind at a fixed point of a fixed query, with retries off and on.
//!
//! Outcomes are appended to the results file as JSON lines; runs that stand there already are not repeated, so a long
//! series can be cut into sittings. Exit code 1 if any run ended otherwise than with the right answer.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use rsql_common::{Error, Result};
use rsql_tests::chaos::fault::{Durations, FAULTS};
use rsql_tests::chaos::table::Table;
use rsql_tests::chaos::trial::{Ending, clean_run};
use rsql_tests::chaos::{ClusterOptions, Fault, Outcome, TestCluster, Trial, run_trial};

#[derive(Debug, Parser)]
struct Args {
    /// Scale factor: 0.01, 0.1 or 1, whose answers are known.
    #[arg(long, default_value_t = 0.1)]
    sf: f64,

    /// Runs of each query.
    #[arg(long, default_value_t = 10)]
    runs: u64,

    /// First seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Queries; all if absent.
    #[arg(long, value_delimiter = ',')]
    queries: Vec<usize>,

    /// Faults; all if absent, in turn.
    #[arg(long, value_delimiter = ',', value_parser = |s: &str| Fault::parse(s).ok_or("no such fault"))]
    faults: Vec<Fault>,

    /// Executors.
    #[arg(long, default_value_t = 3)]
    executors: usize,

    /// Seconds between SIGSTOP and SIGCONT.
    #[arg(long, default_value_t = 45)]
    pause: u64,

    /// Outcomes are appended here.
    #[arg(long)]
    results: Option<PathBuf>,

    /// Folder that holds the data.
    #[arg(long, default_value = "target/tpch")]
    data: PathBuf,

    /// The binary that runs executors.
    #[arg(long)]
    program: Option<PathBuf>,

    /// Runs one fault of each kind at a fixed point instead, with retries off and on.
    #[arg(long)]
    fixed: bool,

    /// A setting, `key=value`.
    #[arg(long)]
    conf: Vec<String>,
}

fn main() -> ExitCode {
    rsql_cluster::install_tls_provider();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("RSQL_LOG"))
        .with_writer(std::io::stderr)
        .init();
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(e) => {
            eprintln!("{e}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<bool> {
    let program = match &args.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("executor"),
    };
    if args.fixed {
        let runs = rsql_tests::chaos::fixed::run_fixed(&program)?;
        println!("{runs}");
        let complaints = runs.complaints();
        complaints.iter().for_each(|c| println!("{c}"));
        return Ok(complaints.is_empty());
    }
    let data = rsql_tpch::generate(&args.data, args.sf, &|_, _| {})?;
    let cluster = Arc::new(TestCluster::start(&ClusterOptions {
        executors: args.executors,
        memory: 2 << 30,
        program,
        settings: settings(&args.conf)?,
        // Small, so that filling it takes less time than a query.
        disk: Some(192 << 20),
    })?);
    let faults = if args.faults.is_empty() {
        FAULTS.to_vec()
    } else {
        args.faults.clone()
    };
    let queries: Vec<usize> = if args.queries.is_empty() {
        (1..=22).collect()
    } else {
        args.queries.clone()
    };
    let durations = Durations {
        pause: Duration::from_secs(args.pause),
        full: Duration::from_secs(3),
        cut: Duration::from_secs(5),
    };
    let done = earlier(args)?;
    let mut table = Table::default();
    done.iter().for_each(|o| table.add(o));
    let known: HashSet<(usize, u64)> = done.iter().map(|o| (o.query, o.seed)).collect();
    let mut results = match &args.results {
        Some(path) => Some(OpenOptions::new().create(true).append(true).open(path)?),
        None => None,
    };
    for query in queries {
        clean_run(&cluster, &data, query, args.sf)?;
        let clean = clean_run(&cluster, &data, query, args.sf)?;
        for run in 0..args.runs {
            let seed = args.seed + run;
            if known.contains(&(query, seed)) {
                continue;
            }
            let fault = faults[(query as u64 + run) as usize % faults.len()];
            let trial = Trial {
                query,
                sf: args.sf,
                fault,
                durations,
                seed,
                clean,
                moment: None,
            };
            let outcome = run_trial(&cluster, &data, &trial)?;
            let fired = outcome.fired.as_deref().unwrap_or("(did not fire)");
            println!(
                "Q{query:<3} seed {seed:<3} {:>7} ms  {}  {fired}",
                outcome.millis, outcome.ending
            );
            if let Some(file) = &mut results {
                let line = serde_json::to_string(&outcome).map_err(|e| Error::internal(e.to_string()))?;
                writeln!(file, "{line}")?;
            }
            table.add(&outcome);
            if outcome.ending == Ending::Hung {
                println!("{table}");
                return Err(Error::internal("a query hangs; the cluster is left as it is"));
            }
            cluster.recover()?;
        }
    }
    println!("{table}");
    Ok(table.bad() == 0)
}

fn settings(conf: &[String]) -> Result<Vec<(String, String)>> {
    conf.iter()
        .map(|c| {
            c.split_once('=')
                .map(|(k, v)| (k.to_string(), v.to_string()))
                .ok_or_else(|| Error::usage(format!("--conf takes key=value, not {c}.")))
        })
        .collect()
}

fn earlier(args: &Args) -> Result<Vec<Outcome>> {
    let Some(path) = args.results.as_ref().filter(|p| p.exists()) else {
        return Ok(Vec::new());
    };
    std::fs::read_to_string(path)?
        .lines()
        .map(|l| {
            serde_json::from_str(l).map_err(|e| Error::internal(e.to_string()).in_file(path.display().to_string()))
        })
        .collect()
}
