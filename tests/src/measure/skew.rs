//! A join one of whose keys holds half of the rows, beside the same join with rows spread evenly, and beside itself with its
//! partitions in one piece: answers are the same.

use std::time::{Duration, Instant};

use rsql_common::{Error, Result};
use rsql_engine::Session;
use rsql_expr::format::Notation;

use crate::text::cells;

/// What was measured.
#[derive(Debug)]
pub struct Skew {
    /// Rows spread evenly.
    pub even: Duration,
    /// Half of the rows in one key.
    pub skewed: Duration,
    /// The same with partitions kept in one piece.
    pub unsplit: Duration,
    /// Half of the rows in one key, grouped by the key above the join.
    pub grouped: Duration,
    /// The same with partitions kept in one piece.
    pub grouped_unsplit: Duration,
}

/// Times of a join of `rows` rows with `rows / 10`, both sides shuffled: spread evenly, and with half of the rows in one
/// key, split and not. The fastest of `rounds` runs each. Fails if splitting changes an answer.
pub fn times(session: &Session, rows: u64, rounds: usize) -> Result<Skew> {
    session.set("spark.sql.autoBroadcastJoinThreshold", "-1")?;
    let keys = rows / 10;
    let joined = |key: &str| {
        format!(
            "FROM (SELECT {key} AS k, id AS v FROM range({rows})) l \
             JOIN (SELECT id AS k, id % 7 AS w FROM range({keys})) r ON l.k = r.k"
        )
    };
    let sums = "SELECT count(*), sum(l.v * r.w)";
    let hot = joined(&format!("CASE WHEN id % 2 = 0 THEN 77 ELSE id % {keys} END"));
    let even = format!("{sums} {}", joined(&format!("id % {keys}")));
    let skewed = format!("{sums} {hot}");
    let grouped = format!(
        "SELECT count(*), sum(n), sum(s), max(s) FROM (SELECT l.k, count(*) n, sum(l.v * r.w) s {hot} GROUP BY l.k)"
    );
    let mut best = [Duration::MAX; 5];
    for _ in 0..rounds {
        let mut answers = Vec::new();
        for (best, (sql, split)) in best.iter_mut().zip([
            (&even, true),
            (&skewed, true),
            (&skewed, false),
            (&grouped, true),
            (&grouped, false),
        ]) {
            session.set(
                "spark.sql.adaptive.skewJoin.enabled",
                if split { "true" } else { "false" },
            )?;
            let start = Instant::now();
            let answer = session.sql(sql)?;
            *best = (*best).min(start.elapsed());
            answers.push(cells(&answer, Notation::Hive, "UTC")?);
        }
        session.set("spark.sql.adaptive.skewJoin.enabled", "true")?;
        for (split, whole) in [(1, 2), (3, 4)] {
            if answers[split] != answers[whole] {
                let message = format!("split: {:?}, in one piece: {:?}", answers[split], answers[whole]);
                return Err(Error::internal(message));
            }
        }
    }
    let [even, skewed, unsplit, grouped, grouped_unsplit] = best;
    Ok(Skew {
        even,
        skewed,
        unsplit,
        grouped,
        grouped_unsplit,
    })
}
