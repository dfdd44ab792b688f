//! Many queries, one after another and many at a time, and what is held meanwhile.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rsql_common::{Error, Result};
use rsql_engine::{Session, StatementOptions};
use rsql_tpch::queries::QUERIES;
use rsql_tpch::run::{Verdict, check, register};

use super::Bench;
use super::process::Held;

/// What is held at some moment.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Queries that have ended.
    pub queries: usize,
    /// Since the start.
    pub elapsed: Duration,
    /// This process, the master.
    pub master: Held,
    /// All executors.
    pub executors: Held,
}

/// Runs `queries` queries, `at_once` at a time, and looks every `every` queries, when nothing runs.
///
/// Most are TPC-H at a scale whose answers are known, and are checked. Of each hundred one fails with a division by zero
/// and one is given up after its first rows.
pub fn soak(
    bench: &Bench,
    (sf, data): (f64, &Path),
    (queries, at_once, every): (usize, usize, usize),
    seen: &mut dyn FnMut(&Sample),
) -> Result<()> {
    let start = Instant::now();
    let folder = bench.folder();
    let session = bench.session()?;
    seen(&sample(bench, &folder, 0, start));
    let mut done = 0;
    while done < queries {
        let end = (done + every).min(queries);
        let next = AtomicUsize::new(done);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..at_once)
                .map(|_| {
                    let session = session.sibling("soak");
                    let next = &next;
                    scope.spawn(move || -> Result<()> {
                        register(&session, data)?;
                        loop {
                            let number = next.fetch_add(1, Ordering::Relaxed);
                            if number >= end {
                                return Ok(());
                            }
                            one(&session, sf, number)?;
                        }
                    })
                })
                .collect();
            workers.into_iter().try_for_each(|w| {
                w.join()
                    .unwrap_or_else(|_| Err(Error::internal("a thread of the harness panicked")))
            })
        })?;
        done = end;
        // What a query held is given back within a second of its end.
        std::thread::sleep(Duration::from_secs(1));
        seen(&sample(bench, &folder, done, start));
    }
    Ok(())
}

/// What is held once more, so late that pools have let go of what they no longer need.
pub fn settled(bench: &Bench, queries: usize, start: Instant) -> Sample {
    // Idle threads of runtimes live for ten seconds.
    std::thread::sleep(Duration::from_secs(12));
    sample(bench, &bench.folder(), queries, start)
}

fn sample(bench: &Bench, folder: &Path, queries: usize, start: Instant) -> Sample {
    Sample {
        queries,
        elapsed: start.elapsed(),
        master: Held::by(&[std::process::id()], Path::new("")),
        executors: Held::by(&bench.pids(), folder),
    }
}

fn one(session: &Session, sf: f64, number: usize) -> Result<()> {
    match number % 100 {
        33 => match session.sql("SELECT sum(1 / (l_orderkey - l_orderkey)) FROM lineitem") {
            Err(e) if e.condition() == "DIVIDE_BY_ZERO" => Ok(()),
            other => Err(Error::internal(format!("a division by zero gave {other:?}"))),
        },
        66 => {
            let all = "SELECT * FROM lineitem ORDER BY l_extendedprice";
            let mut running = session.start(all, StatementOptions::default())?;
            running.next_chunk().map(drop)
        }
        n => {
            let query = &QUERIES[n % QUERIES.len()];
            match check(query, &session.sql(query.sql)?, sf) {
                Verdict::Right => Ok(()),
                verdict => Err(Error::internal(format!("Q{}: {verdict}", query.number))),
            }
        }
    }
}
