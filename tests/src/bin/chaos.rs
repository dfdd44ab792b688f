//! Runs TPC-H on three executors with a fault at a random point of every run, and prints how they ended.
//!
//! ```text
//! cargo build --release --workspace --bins
//! target/release/chaos --sf 1 --runs 10 --results target/chaos.jsonl
//! ```
//!
//! Outputs are read from files in half of the runs and fetched in the others, by seed (`--reads` says otherwise).
//!
//! `--fixed` prints one fault of each kind at a fixed point of a fixed query, with retries off and on.
//!
//! Outcomes are appended to the results file as JSON lines; runs that stand there already are not repeated, so a long
//! series can be cut into sittings. Exit code 1 if any run ended otherwise than with the right answer.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use rsql_common::{Error, Result};
use rsql_tests::chaos::fault::{Durations, FAULTS};
use rsql_tests::chaos::table::{Table, reads};
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

    /// How executors read each other's outputs.
    #[arg(long, value_enum, default_value_t = Reads::BySeed)]
    reads: Reads,

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

/// How executors read each other's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Reads {
    /// From files with even seeds, fetched with odd ones.
    BySeed,
    /// From files, which one machine allows.
    Files,
    /// Through the fetch services, as between machines.
    Fetched,
}

impl Reads {
    /// The ways to run.
    fn ways(self) -> &'static [bool] {
        match self {
            Self::BySeed => &[true, false],
            Self::Files => &[true],
            Self::Fetched => &[false],
        }
    }

    fn takes(self, seed: u64, local_reads: bool) -> bool {
        self != Self::BySeed || seed.is_multiple_of(2) == local_reads
    }
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
        let mut fine = true;
        for way in args.reads.ways() {
            let runs = rsql_tests::chaos::fixed::run_fixed(&program, *way)?;
            println!(
                "outputs are {}\n{runs}",
                if *way { "read from files" } else { "fetched" }
            );
            let complaints = runs.complaints();
            complaints.iter().for_each(|c| println!("{c}"));
            fine &= complaints.is_empty();
        }
        return Ok(fine);
    }
    let data = rsql_tpch::generate(&args.data, args.sf, &|_, _| {})?;
    let done = earlier(args)?;
    let mut series = Series {
        args,
        data: &data,
        known: done.iter().map(|o| (o.query, o.seed)).collect(),
        table: Table::default(),
        results: match &args.results {
            Some(path) => Some(OpenOptions::new().create(true).append(true).open(path)?),
            None => None,
        },
    };
    done.iter().for_each(|o| series.table.add(o));
    for way in args.reads.ways() {
        let cluster = Arc::new(TestCluster::start(&ClusterOptions {
            executors: args.executors,
            memory: 2 << 30,
            program: program.clone(),
            local_reads: *way,
            settings: settings(&args.conf)?,
            // Small, so that filling it takes less time than a query.
            disk: Some(192 << 20),
        })?);
        series.run(&cluster)?;
    }
    println!("{}", series.table);
    Ok(series.table.bad() == 0)
}

/// The runs of all clusters.
struct Series<'a> {
    args: &'a Args,
    data: &'a Path,
    /// Queries and seeds of runs that are done.
    known: HashSet<(usize, u64)>,
    table: Table,
    results: Option<File>,
}

impl Series<'_> {
    /// Runs what is to be run on this cluster.
    fn run(&mut self, cluster: &Arc<TestCluster>) -> Result<()> {
        let args = self.args;
        let faults: &[Fault] = if args.faults.is_empty() { &FAULTS } else { &args.faults };
        let all: Vec<usize> = (1..=22).collect();
        let queries = if args.queries.is_empty() { &all } else { &args.queries };
        let durations = Durations {
            pause: Duration::from_secs(args.pause),
            full: Duration::from_secs(3),
            cut: Duration::from_secs(5),
        };
        for query in queries {
            let seeds: Vec<u64> = (args.seed..args.seed + args.runs)
                .filter(|s| args.reads.takes(*s, cluster.local_reads()) && !self.known.contains(&(*query, *s)))
                .collect();
            if seeds.is_empty() {
                continue;
            }
            clean_run(cluster, self.data, *query, args.sf)?;
            let clean = clean_run(cluster, self.data, *query, args.sf)?;
            for seed in seeds {
                let turn = *query as u64 + seed - args.seed;
                let trial = Trial {
                    query: *query,
                    sf: args.sf,
                    fault: faults[turn as usize % faults.len()],
                    durations,
                    seed,
                    clean,
                    moment: None,
                };
                self.one(cluster, &trial)?;
                cluster.recover()?;
            }
        }
        Ok(())
    }

    fn one(&mut self, cluster: &Arc<TestCluster>, trial: &Trial) -> Result<()> {
        let outcome = run_trial(cluster, self.data, trial)?;
        println!(
            "Q{:<3} seed {:<3} {:<10} {:>7} ms  {}  {}",
            outcome.query,
            outcome.seed,
            reads(&outcome),
            outcome.millis,
            outcome.ending,
            outcome.fired.as_deref().unwrap_or("(did not fire)")
        );
        if let Some(file) = &mut self.results {
            let line = serde_json::to_string(&outcome).map_err(|e| Error::internal(e.to_string()))?;
            writeln!(file, "{line}")?;
        }
        self.table.add(&outcome);
        if outcome.ending == Ending::Hung {
            println!("{}", self.table);
            return Err(Error::internal("a query hangs; the cluster is left as it is"));
        }
        Ok(())
    }
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
