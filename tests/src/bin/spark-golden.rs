//! Runs Spark's golden SQL files and prints how many statements behave as in Spark.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use rsql_common::{Error, Result};
use rsql_tests::golden::{Scene, Score, read_folder, run_file};

/// Scores the engine on Spark's golden SQL files.
#[derive(Parser)]
struct Args {
    /// Folder with `results`, `inputs`, `data` and the list of statements that count.
    dir: PathBuf,
    /// Only files whose name contains this.
    #[arg(long, default_value = "")]
    filter: String,
    /// Where verdicts go, one JSON object a line.
    #[arg(long, default_value = "target/spark-golden.jsonl")]
    verdicts: PathBuf,
    /// Runs plans on a cluster of processes, `local-cluster[executors,cores,memory]`, or as stages within this one,
    /// `in-process[slots]`.
    #[arg(long)]
    master: Option<String>,
    /// A setting of every session, `key=value`; with `rsql.cluster.scanTaskBytes=1` and
    /// `rsql.cluster.sortInOneTaskRows=0` a cluster divides also the small tables of these files.
    #[arg(long = "conf")]
    settings: Vec<String>,
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
    std::panic::set_hook(Box::new(|_| {}));
    let settings = args.settings.iter().map(|s| match s.split_once('=') {
        Some((key, value)) => Ok((key.to_string(), value.to_string())),
        None => Err(Error::usage(format!("{s} is not key=value."))),
    });
    let mut scene = Scene::load(&args.dir)?.with_settings(settings.collect::<Result<_>>()?);
    if let Some(master) = &args.master {
        scene = scene.on(rsql_tests::cluster::start(master)?);
    }
    if let Some(folder) = args.verdicts.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut out = BufWriter::new(File::create(&args.verdicts)?);
    let mut total = Score::default();
    for file in read_folder(&args.dir)?.iter().filter(|f| f.name.contains(&args.filter)) {
        let mut score = Score::default();
        for verdict in run_file(&scene, file)? {
            score.add(&verdict);
            total.add(&verdict);
            let line = serde_json::to_string(&verdict).map_err(|e| Error::internal(e.to_string()))?;
            writeln!(out, "{line}")?;
        }
        println!("{}: {score}", file.name);
    }
    out.flush()?;
    println!("ALL: {total}");
    Ok(())
}
