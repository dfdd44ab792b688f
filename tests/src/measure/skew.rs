//! A join one of whose keys holds half of the rows, beside the same join with rows spread evenly.

use std::time::{Duration, Instant};

use rsql_common::Result;
use rsql_engine::Session;

/// Times of a join of `rows` rows with `rows / 10`, both sides shuffled: spread evenly, and with half of the rows in one
/// key. The faster of `rounds` runs each.
pub fn times(session: &Session, rows: u64, rounds: usize) -> Result<(Duration, Duration)> {
    session.set("spark.sql.autoBroadcastJoinThreshold", "-1")?;
    let keys = rows / 10;
    let join = |key: &str| {
        format!(
            "SELECT count(*), sum(l.v * r.w) FROM (SELECT {key} AS k, id AS v FROM range({rows})) l \
             JOIN (SELECT id AS k, id % 7 AS w FROM range({keys})) r ON l.k = r.k"
        )
    };
    let even = join(&format!("id % {keys}"));
    let skewed = join(&format!("CASE WHEN id % 2 = 0 THEN 77 ELSE id % {keys} END"));
    let (mut best_even, mut best_skewed) = (Duration::MAX, Duration::MAX);
    for _ in 0..rounds {
        best_even = best_even.min(timed(session, &even)?);
        best_skewed = best_skewed.min(timed(session, &skewed)?);
    }
    Ok((best_even, best_skewed))
}

fn timed(session: &Session, sql: &str) -> Result<Duration> {
    let start = Instant::now();
    session.sql(sql)?;
    Ok(start.elapsed())
}
