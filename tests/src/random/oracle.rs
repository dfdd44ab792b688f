//! Runs random queries and compares what must be equal.

use std::collections::HashMap;

use rsql_common::{ErrorKind, Result};
use rsql_engine::{Session, SessionBuilder};
use rsql_expr::format::Notation;

use super::data::Tables;
use super::equivalent;
use super::from::relation;
use super::predicate::predicate;
use super::{Features, Gen};
use crate::text;

/// New tables after this many cases.
const CASES_PER_TABLES: u64 = 50;

/// What became of one case.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// All parts agree.
    Agreed,
    /// Refused or failed for a reason of its own (overflow, for instance).
    Invalid(String),
    /// Parts disagree, or the engine broke.
    Mismatch(String),
}

/// Counts over a run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Cases run.
    pub cases: u64,
    /// Cases that gave rows.
    pub valid: u64,
    /// Valid cases with an outer join, a subquery, a decimal, a NULL, a window.
    pub features: [u64; 5],
    /// What went wrong, with the statements that show it.
    pub failures: Vec<String>,
    /// Why cases were not valid.
    pub invalid: Vec<String>,
}

/// Runs `cases` cases from a seed.
///
/// `first_only` ends the run at the first failure.
pub fn run(seed: u64, cases: u64, first_only: bool) -> Result<Report> {
    run_cases(seed, cases, first_only, &Session::builder, None)
}

/// Runs `cases` cases from a seed in sessions that `builder` begins; each query has to give the rows that it gives in this
/// process without the optimizer.
pub fn run_against_plain(seed: u64, cases: u64, builder: &dyn Fn() -> SessionBuilder) -> Result<Report> {
    run_cases(seed, cases, false, builder, Some(PLAIN))
}

/// The number of the oracle that compares with the plain session.
const PLAIN: usize = 7;

fn run_cases(
    seed: u64,
    cases: u64,
    first_only: bool,
    builder: &dyn Fn() -> SessionBuilder,
    only: Option<usize>,
) -> Result<Report> {
    let mut report = Report::default();
    let mut sessions = Sessions::new(builder)?;
    let mut tables = Tables::generate(seed);
    for case in 0..cases {
        if case % CASES_PER_TABLES == 0 {
            sessions = Sessions::new(builder)?;
            tables = Tables::generate(seed.wrapping_add(case));
            tables.create(&sessions.usual)?;
            tables.create(&sessions.plain)?;
        }
        let (outcome, features) = one(&sessions, seed.wrapping_mul(1_000_003).wrapping_add(case), only);
        report.cases += 1;
        match outcome {
            Outcome::Agreed => {
                report.valid += 1;
                let f = features;
                for (count, had) in
                    report
                        .features
                        .iter_mut()
                        .zip([f.outer_join, f.subquery, f.decimal, f.null, f.window])
                {
                    *count += u64::from(had);
                }
            }
            Outcome::Invalid(why) => report.invalid.push(why),
            Outcome::Mismatch(what) => {
                report.failures.push(format!(
                    "case {case} of seed {seed}: {what}\ntables:\n{}",
                    tables.0.join(";\n")
                ));
                if first_only {
                    break;
                }
            }
        }
    }
    Ok(report)
}

/// The sessions that one set of tables is in. Each predicate is TRUE, FALSE or NULL there as the standard says, since
/// the partitions of TLP rest on it.
struct Sessions {
    usual: Session,
    /// Only the mandatory rewrites, tiny chunks.
    plain: Session,
}

impl Sessions {
    fn new(builder: &dyn Fn() -> SessionBuilder) -> Result<Self> {
        Ok(Self {
            usual: builder().set("rsql.sql.in_subquery_null", "true")?.build()?,
            plain: Session::builder()
                .set("rsql.sql.in_subquery_null", "true")?
                .set("rsql.optimizer.enabled", "false")?
                .set("rsql.exec.chunk_rows", "3")?
                .build()?,
        })
    }
}

fn one(sessions: &Sessions, seed: u64, only: Option<usize>) -> (Outcome, Features) {
    let mut g = Gen::new(seed);
    let session = &sessions.usual;
    let drawn = g.rng_index(8);
    let oracle = only.unwrap_or(drawn);
    if oracle < 2 {
        let (a, b) = equivalent::pair(&mut g);
        return (same(session, &a, session, &b, "equivalent"), g.features);
    }
    let from = relation(&mut g, 2);
    let p = predicate(&mut g, &from.columns, 2);
    let mut shown = from.columns.clone();
    while shown.len() > 6 {
        let at = g.rng_index(shown.len());
        shown.remove(at);
    }
    let items: Vec<String> = shown
        .iter()
        .enumerate()
        .map(|(i, c)| format!("{} AS c{i}", c.name))
        .collect();
    let base = format!("SELECT {} FROM {}", items.join(", "), from.text);
    let outcome = match oracle {
        2 | 3 => norec(session, &from.text, &p),
        4 => tlp_aggregate(session, &from.text, &from.columns[0].name, &p),
        5 | 6 => tlp(session, &base, &p),
        _ => {
            let filtered = format!("{base} WHERE {p}");
            same(session, &filtered, &sessions.plain, &filtered, "plain")
        }
    };
    (outcome, g.features)
}

/// `a` in one session gives the rows of `b` in another, in whatever order.
fn same(one: &Session, a: &str, other: &Session, b: &str, oracle: &str) -> Outcome {
    match (rows(one, a), rows(other, b)) {
        (Ok(x), Ok(y)) if multiset(&x) == multiset(&y) => Outcome::Agreed,
        (Ok(x), Ok(y)) => Outcome::Mismatch(format!("{oracle}: {} and {} rows\n{a}\n{b}", x.len(), y.len())),
        (Err(o @ Outcome::Mismatch(_)), _) | (_, Err(o @ Outcome::Mismatch(_))) => o,
        (Err(o), _) | (_, Err(o)) => o,
    }
}

fn tlp(session: &Session, base: &str, p: &str) -> Outcome {
    let whole = match rows(session, base) {
        Ok(rows) => rows,
        Err(o) => return o,
    };
    let parted = format!("{base} WHERE {p} UNION ALL {base} WHERE NOT ({p}) UNION ALL {base} WHERE ({p}) IS NULL");
    match rows(session, &parted) {
        Ok(parts) if multiset(&parts) == multiset(&whole) => Outcome::Agreed,
        Ok(parts) => Outcome::Mismatch(format!(
            "TLP: {} rows, in parts {}\n{base}\n{parted}",
            whole.len(),
            parts.len()
        )),
        Err(o) => o,
    }
}

fn tlp_aggregate(session: &Session, from: &str, column: &str, p: &str) -> Outcome {
    let whole = format!("SELECT count(*), min({column}), max({column}) FROM {from}");
    let part = |condition: &str| {
        format!("SELECT count(*) AS n, min({column}) AS a, max({column}) AS b FROM {from} WHERE {condition}")
    };
    let parted = format!(
        "SELECT sum(n), min(a), max(b) FROM ({} UNION ALL {} UNION ALL {}) AS parts",
        part(p),
        part(&format!("NOT ({p})")),
        part(&format!("({p}) IS NULL"))
    );
    compare(session, "TLP aggregate", &whole, &parted)
}

fn norec(session: &Session, from: &str, p: &str) -> Outcome {
    let optimized = format!("SELECT count(*) FROM {from} WHERE {p}");
    let plain = format!("SELECT coalesce(sum(CASE WHEN {p} THEN 1 ELSE 0 END), 0) FROM {from}");
    compare(session, "NoREC", &optimized, &plain)
}

fn compare(session: &Session, oracle: &str, a: &str, b: &str) -> Outcome {
    match (rows(session, a), rows(session, b)) {
        (Ok(x), Ok(y)) if x == y => Outcome::Agreed,
        (Ok(x), Ok(y)) => Outcome::Mismatch(format!("{oracle}: {x:?} and {y:?}\n{a}\n{b}")),
        (Err(o @ Outcome::Mismatch(_)), _) | (_, Err(o @ Outcome::Mismatch(_))) => o,
        (Err(o), _) | (_, Err(o)) => o,
    }
}

type Rows = Vec<Vec<Option<String>>>;

fn rows(session: &Session, sql: &str) -> Result<Rows, Outcome> {
    let run = || {
        session
            .sql(sql)
            .and_then(|output| text::cells(&output, Notation::Cast, "UTC"))
    };
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(Ok(rows)) => Ok(rows),
        Ok(Err(e)) if e.kind() == ErrorKind::Internal => Err(Outcome::Mismatch(format!("{e}\n{sql}"))),
        Ok(Err(e)) => Err(Outcome::Invalid(format!("{e}\n{sql}"))),
        Err(_) => Err(Outcome::Mismatch(format!("the engine panicked\n{sql}"))),
    }
}

fn multiset(rows: &Rows) -> HashMap<&Vec<Option<String>>, usize> {
    let mut counts = HashMap::new();
    for row in rows {
        *counts.entry(row).or_insert(0) += 1;
    }
    counts
}
