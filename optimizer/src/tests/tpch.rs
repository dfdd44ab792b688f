//! The TPC-H queries get plans without cross products, with and without the optimizer.

use super::physical;

fn queries() -> Vec<(usize, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tpch/queries");
    (1..=22)
        .map(|i| {
            let text = std::fs::read_to_string(format!("{folder}/q{i:02}.sql")).unwrap();
            (i, text.trim().trim_end_matches(';').to_string())
        })
        .collect()
}

#[test]
fn all_queries_are_planned() {
    let only: Option<usize> = std::env::var("TPCH_QUERY").ok().and_then(|v| v.parse().ok());
    for (i, sql) in queries() {
        if only.is_some_and(|q| q != i) {
            continue;
        }
        let (_, text) = physical(&sql, &[]);
        if only.is_some() || std::env::var("TPCH_PLANS").is_ok() {
            println!("-- q{i}\n{text}");
        }
        let loops = text.matches("NestedLoopJoin").count();
        // Comparisons with a scalar subquery are loops over one row.
        let most = match i {
            11 | 22 => 1,
            // A pair of two-row nations.
            7 => 1,
            _ => 0,
        };
        assert!(loops <= most, "q{i}:\n{text}");
    }
}

#[test]
fn mandatory_batches_suffice() {
    for (i, sql) in queries() {
        let (_, text) = physical(&sql, &[("rsql.optimizer.enabled", "false")]);
        let loops = text.matches("NestedLoopJoin").count();
        assert!(loops <= 1, "q{i}:\n{text}");
    }
}
