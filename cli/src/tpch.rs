//! `rsql tpch`: the main job on an embedded default.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use rsql_common::Result;
use rsql_engine::Session;
use rsql_tpch::queries::QUERIES;

use crate::args::{self, TpchArgs};
use crate::output::stdout;

/// Generates, runs, checks and prints; 1 if an answer is wrong.
pub(crate) fn run(options: &TpchArgs) -> Result<ExitCode> {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("generating {bar:40} {pos}/{len} files {elapsed}") {
        bar.set_style(style);
    }
    let progress = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    if options.generate_only {
        let at = rsql_tpch::generate(&options.data, options.sf, &progress)?;
        bar.finish_and_clear();
        stdout::line(at.display())?;
        return Ok(ExitCode::SUCCESS);
    }
    let session = args::session(&options.conf, options.master.as_deref())?;
    if options.plan_only {
        let data = rsql_tpch::generate(&options.data, options.sf, &progress)?;
        bar.finish_and_clear();
        return plan_only(&session, &data, options.runs);
    }
    if options.on_demand {
        let data = rsql_tpch::generate(&options.data, options.sf, &progress)?;
        bar.finish_and_clear();
        return on_demand(&session, &data);
    }
    let run = rsql_tpch::Options {
        sf: options.sf,
        data: options.data.clone(),
        queries: options.query.clone(),
        runs: options.runs,
    };
    let mut header = false;
    let report = rsql_tpch::run(&session, &run, &progress, &mut |outcome| {
        if !header {
            bar.finish_and_clear();
            stdout::line(format_args!("{:<6} {:>8} {:>13}  verdict", "query", "rows", "time"))?;
            header = true;
        }
        Ok(stdout::line(outcome)?)
    })?;
    stdout::line(format_args!(
        "{:<6} {:>8} {:>10.1} ms  scale factor {}",
        "total",
        "",
        report.total().as_secs_f64() * 1e3,
        report.sf
    ))?;
    Ok(if report.is_right() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// One line in, one line out: `ok <milliseconds> <rows>` or `failed <why>`.
fn on_demand(session: &Session, data: &Path) -> Result<ExitCode> {
    rsql_tpch::run::register(session, data)?;
    for line in std::io::stdin().lines() {
        let number: usize = line?.trim().parse().unwrap_or(0);
        let Some(query) = QUERIES.iter().find(|q| q.number == number) else {
            stdout::line(format_args!("failed there is no query {number}"))?;
            continue;
        };
        let start = Instant::now();
        match session.sql(query.sql) {
            Ok(output) => {
                let time = start.elapsed().as_secs_f64() * 1e3;
                stdout::line(format_args!("ok {time:.3} {}", output.n_rows()))?;
            }
            Err(e) => stdout::line(format_args!("failed {}", e.to_string().replace('\n', " ")))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Plans every query `runs` times (metadata cached from the second on) and prints the fastest of each and the median.
fn plan_only(session: &Session, data: &Path, runs: usize) -> Result<ExitCode> {
    rsql_tpch::run::register(session, data)?;
    let mut times = Vec::new();
    for query in &QUERIES {
        let mut best = f64::INFINITY;
        for _ in 0..runs.max(2) {
            let start = Instant::now();
            session.plan(query.sql)?;
            best = best.min(start.elapsed().as_secs_f64() * 1e3);
        }
        stdout::line(format_args!("Q{:<5} {best:>8.3} ms", query.number))?;
        times.push(best);
    }
    times.sort_by(f64::total_cmp);
    stdout::line(format_args!("median {:>8.3} ms", (times[10] + times[11]) / 2.0))?;
    Ok(ExitCode::SUCCESS)
}
