//! Runs the 22 queries on generated files and checks every answer.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use rsql_common::Result;
use rsql_engine::{Session, StatementOutput};

use crate::answer;
use crate::generate::{self, Progress, TABLES};
use crate::queries::{QUERIES, Query};

/// What to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Scale factor.
    pub sf: f64,
    /// Folder that holds (or gets) the data.
    pub data: PathBuf,
    /// Queries to run; empty means all.
    pub queries: Vec<usize>,
    /// Runs of each query; the fastest counts.
    pub runs: usize,
}

/// Outcome of one query.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Query number.
    pub number: usize,
    /// Rows of the result.
    pub rows: usize,
    /// Fastest run.
    pub time: Duration,
    /// What was found.
    pub verdict: Verdict,
}

/// Whether an answer is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As known.
    Right,
    /// Not as known; says where.
    Wrong(String),
    /// No answer is known at this scale.
    Unknown,
    /// The query failed.
    Failed(String),
}

/// Outcomes of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// Scale factor.
    pub sf: f64,
    /// One a query.
    pub outcomes: Vec<Outcome>,
}

/// Makes the tables known to a session as temporary views.
pub fn register(session: &Session, data: &Path) -> Result<()> {
    for table in TABLES {
        let folder = data.join(table);
        let path = if folder.is_dir() {
            folder
        } else {
            data.join(format!("{table}.parquet"))
        };
        let path = path.display().to_string().replace('\\', "\\\\").replace('\'', "\\'");
        session.sql(&format!(
            "CREATE OR REPLACE TEMPORARY VIEW {table} USING parquet OPTIONS (path '{path}')"
        ))?;
    }
    Ok(())
}

/// Generates what is missing, runs the queries and checks the answers. `on_outcome` sees each query as it ends; its error ends
/// the run.
pub fn run(
    session: &Session,
    options: &Options,
    progress: Progress<'_>,
    on_outcome: &mut dyn FnMut(&Outcome) -> Result<()>,
) -> Result<Report> {
    let data = generate::generate(&options.data, options.sf, progress)?;
    register(session, &data)?;
    let mut outcomes = Vec::new();
    for query in QUERIES
        .iter()
        .filter(|q| options.queries.is_empty() || options.queries.contains(&q.number))
    {
        let outcome = run_query(session, query, options);
        on_outcome(&outcome)?;
        outcomes.push(outcome);
    }
    Ok(Report {
        sf: options.sf,
        outcomes,
    })
}

fn run_query(session: &Session, query: &Query, options: &Options) -> Outcome {
    let mut time = Duration::MAX;
    let mut last = None;
    for _ in 0..options.runs.max(1) {
        let start = Instant::now();
        let output = session.sql(query.sql);
        time = time.min(start.elapsed());
        let failed = output.is_err();
        last = Some(output);
        if failed {
            break;
        }
    }
    let (rows, verdict) = match last {
        Some(Ok(output)) => (output.n_rows(), check(query, &output, options.sf)),
        Some(Err(e)) => (0, Verdict::Failed(e.to_string())),
        None => (0, Verdict::Unknown),
    };
    Outcome {
        number: query.number,
        rows,
        time,
        verdict,
    }
}

/// Compares a query's output with the answer known at `sf`.
pub fn check(query: &Query, output: &StatementOutput, sf: f64) -> Verdict {
    let Some(known) = query.answer(sf) else {
        return Verdict::Unknown;
    };
    match text_rows(output) {
        Ok(rows) => match answer::difference(known, &rows, query.order_by) {
            None => Verdict::Right,
            Some(what) => Verdict::Wrong(what),
        },
        Err(e) => Verdict::Failed(e.to_string()),
    }
}

fn text_rows(output: &StatementOutput) -> Result<Vec<Vec<String>>> {
    let format = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in output.record_batches()? {
        let columns = batch
            .columns()
            .iter()
            .map(|c| ArrayFormatter::try_new(c.as_ref(), &format))
            .collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            rows.push(columns.iter().map(|c| c.value(row).to_string()).collect());
        }
    }
    Ok(rows)
}

impl Report {
    /// Sum of the queries' times.
    pub fn total(&self) -> Duration {
        self.outcomes.iter().map(|o| o.time).sum()
    }

    /// No query failed or gave a wrong answer.
    pub fn is_right(&self) -> bool {
        self.outcomes
            .iter()
            .all(|o| matches!(o.verdict, Verdict::Right | Verdict::Unknown))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Right => f.write_str("ok"),
            Self::Wrong(what) => write!(f, "WRONG: {what}"),
            Self::Unknown => f.write_str("no known answer at this scale"),
            Self::Failed(what) => write!(f, "FAILED: {what}"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.time.as_secs_f64() * 1e3;
        write!(
            f,
            "Q{:<5} {:>8} {:>10.1} ms  {}",
            self.number, self.rows, ms, self.verdict
        )
    }
}
