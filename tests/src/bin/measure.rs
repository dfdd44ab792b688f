//! Measures a local cluster: `sort`, `skew`, `soak`.
//!
//! ```text
//! cargo build --release --workspace --bins
//! target/release/measure sort --sf 10 --master 'local-cluster[2,1,4g]'
//! target/release/measure skew --rows 40000000 --master 'local-cluster[2,1,4g]'
//! target/release/measure soak --queries 1000 --at-once 32 --master 'local-cluster[2,1,1g]'
//! ```

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};
use rsql_common::{Error, Result};
use rsql_tests::measure::growth::growth;
use rsql_tests::measure::order::{Fingerprint, fingerprint};
use rsql_tests::measure::process::Held;
use rsql_tests::measure::soak::{Sample, settled, soak};
use rsql_tests::measure::{Bench, local, skew};
use rsql_tpch::run::register;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MIB: u64 = 1 << 20;

#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    what: What,

    /// The cluster.
    #[arg(long, global = true, default_value = "local-cluster[2,1,4g]")]
    master: String,

    /// Folder that holds the data.
    #[arg(long, global = true, default_value = "target/tpch")]
    data: PathBuf,

    /// A setting, `key=value`.
    #[arg(long, global = true)]
    conf: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// ORDER BY over lineitem, against the local rows.
    Sort {
        /// Scale factor.
        #[arg(long, default_value_t = 1.0)]
        sf: f64,
        /// Only in this process.
        #[arg(long)]
        local_only: bool,
    },
    /// A join with half of the rows in one key, against the same join without skew.
    Skew {
        /// Rows of the larger side.
        #[arg(long, default_value_t = 10_000_000)]
        rows: u64,
        /// Runs of each; the fastest counts.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
    /// Many queries, and what they leave behind.
    Soak {
        /// Scale factor, one with known answers.
        #[arg(long, default_value_t = 0.01)]
        sf: f64,
        /// Queries.
        #[arg(long, default_value_t = 1000)]
        queries: usize,
        /// Queries at a time.
        #[arg(long, default_value_t = 1)]
        at_once: usize,
        /// Times to look at what is held.
        #[arg(long, default_value_t = 20)]
        looks: usize,
        /// Fails if more is held at the end than when the first part was over.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("RSQL_LOG"))
        .with_writer(std::io::stderr)
        .init();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("measure: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let conf = args
        .conf
        .iter()
        .map(|c| {
            let (key, value) = c
                .split_once('=')
                .ok_or_else(|| Error::usage(format!("--conf takes key=value, not {c}.")))?;
            Ok((key.to_string(), value.to_string()))
        })
        .collect::<Result<Vec<_>>>()?;
    let bench = Bench::start(&args.master, &conf)?;
    let data = |sf: f64| args.data.join(format!("sf{sf}"));
    match args.what {
        What::Sort { sf, local_only: true } => sort_here(&conf, &data(sf)).map(drop),
        What::Sort { sf, local_only: false } => sort(&bench, &conf, &data(sf)),
        What::Skew { rows, rounds } => {
            let times = skew::times(&bench.session()?, rows, rounds)?;
            let (even, skewed) = (times.even, times.skewed);
            let ratio = skewed.as_secs_f64() / even.as_secs_f64();
            println!("even {even:.2?}, skewed {skewed:.2?}, ratio {ratio:.2}");
            println!(
                "in one piece {:.2?}; grouped by the key {:.2?}, in one piece {:.2?}; answers agree",
                times.unsplit, times.grouped, times.grouped_unsplit
            );
            Ok(())
        }
        What::Soak {
            sf,
            queries,
            at_once,
            looks,
            check,
        } => {
            let data = rsql_tpch::generate(&args.data, sf, &|_, _| {})?;
            println!("queries seconds | master MiB threads fds | executors MiB threads fds files folders");
            let (start, mut samples) = (Instant::now(), Vec::new());
            let size = (queries, at_once, queries.div_ceil(looks.max(1)));
            soak(&bench, (sf, &data), size, &mut |s| {
                show(s);
                samples.push(*s);
            })?;
            if !check || growth(&samples).is_empty() {
                return Ok(());
            }
            let last = settled(&bench, queries, start);
            show(&last);
            samples.push(last);
            match growth(&samples) {
                grown if grown.is_empty() => Ok(()),
                grown => Err(Error::internal(grown.join("; "))),
            }
        }
    }
}

fn show(s: &Sample) {
    let (m, e) = (s.master, s.executors);
    println!(
        "{:7} {:7.1} | {:10} {:7} {:3} | {:13} {:7} {:3} {:5} {:7}",
        s.queries,
        s.elapsed.as_secs_f64(),
        m.memory / MIB,
        m.threads,
        m.descriptors,
        e.memory / MIB,
        e.threads,
        e.descriptors,
        e.files,
        e.folders
    );
}

const SORTED: &str = "SELECT * FROM lineitem ORDER BY l_extendedprice, l_orderkey, l_linenumber";

fn sort_here(conf: &[(String, String)], data: &Path) -> Result<Fingerprint> {
    let session = local(conf)?;
    register(&session, data)?;
    let (here, time) = fingerprint(&session, SORTED)?;
    println!("local: {} rows in {time:.1?}", here.rows);
    Ok(here)
}

fn sort(bench: &Bench, conf: &[(String, String)], data: &Path) -> Result<()> {
    let session = bench.session()?;
    register(&session, data)?;
    let (there, time) = fingerprint(&session, SORTED)?;
    println!("cluster: {} rows in {time:.1?}", there.rows);
    for (name, rows) in bench.rest()?.rows_by_task()? {
        println!("  rows by task {rows:?}  {name}");
    }
    let held = Held::by(&bench.pids(), &bench.folder());
    println!("  the most memory an executor held: {} MiB", held.peak / MIB);
    if sort_here(conf, data)? == there {
        println!("the same rows in the same order");
        Ok(())
    } else {
        Err(Error::internal("the cluster's rows are not the local ones"))
    }
}
