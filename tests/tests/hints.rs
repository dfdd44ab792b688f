//! What hints, DISTRIBUTE BY and SORT BY do to plans on a cluster, and that EXPLAIN shows its stages.

use std::sync::Arc;

use rsql_cluster::in_process::InProcessRunner;
use rsql_engine::Session;
use rsql_expr::format::Notation;

const TABLES: &str = "CREATE TEMP VIEW t AS SELECT id AS a, id % 7 AS b FROM range(1000);
CREATE TEMP VIEW u AS SELECT id AS a, id % 5 AS c FROM range(300)";

fn session(threshold: &str) -> (Session, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let runner = Arc::new(InProcessRunner::new(3, dir.path()).unwrap());
    let builder = [
        ("rsql.cluster.scanTaskBytes", "1"),
        ("rsql.cluster.sortInOneTaskRows", "0"),
        ("spark.sql.autoBroadcastJoinThreshold", threshold),
    ];
    let builder = builder
        .iter()
        .fold(Session::builder(), |b, (k, v)| b.set(k, v).unwrap());
    let session = builder.runner(runner).build().unwrap();
    views(&session);
    (session, dir)
}

fn views(session: &Session) {
    for sql in TABLES.split(";\n") {
        session.sql(sql).unwrap();
    }
}

fn rows(session: &Session, sql: &str) -> Vec<String> {
    let output = session.sql(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let cells = rsql_tests::text::cells(&output, Notation::Hive, "UTC").unwrap();
    cells
        .into_iter()
        .map(|r| {
            r.into_iter()
                .map(Option::unwrap_or_default)
                .collect::<Vec<_>>()
                .join("\t")
        })
        .collect()
}

fn explain(session: &Session, sql: &str) -> String {
    rows(session, &format!("EXPLAIN {sql}")).join("\n")
}

/// The exchanges of a plan, from the result down.
fn exchanges(session: &Session, sql: &str) -> Vec<String> {
    let text = explain(session, sql);
    let lines = text.lines().filter_map(|l| {
        let (_, role) = l
            .trim_start_matches([':', '|', '+', '-', ' '])
            .strip_prefix("stage")?
            .split_once(", ")?;
        role.split_once(", read").map(|(how, _)| how.to_string())
    });
    let without_ids = |l: String| {
        let mut parts = l.split('#');
        let first = parts.next().unwrap_or_default().to_string();
        parts.fold(first, |s, p| s + p.trim_start_matches(|c: char| c.is_ascii_digit()))
    };
    lines.map(without_ids).collect()
}

/// Answers on the cluster equal the local ones.
fn same_rows(session: &Session, sql: &str) {
    let local = Session::new().unwrap();
    views(&local);
    let (mut wanted, mut got) = (rows(&local, sql), rows(session, sql));
    wanted.sort();
    got.sort();
    assert_eq!(got, wanted, "{sql}");
}

#[test]
fn partition_hints_become_exchanges() {
    let (session, _dir) = session("10MB");
    let cases: [(&str, &[&str]); 10] = [
        ("SELECT /*+ REPARTITION(5) */ * FROM t", &["round-robin 5 partitions"]),
        ("SELECT /*+ REPARTITION(5, b) */ * FROM t", &["hash [b] 5 partitions"]),
        ("SELECT /*+ REPARTITION(b) */ * FROM t", &["hash [b] 3 partitions"]),
        ("SELECT /*+ REBALANCE(b) */ * FROM t", &["hash [b] 3 partitions"]),
        (
            "SELECT /*+ REPARTITION_BY_RANGE(4, b) */ * FROM t",
            &["range [b ASC NULLS FIRST] 4 partitions"],
        ),
        // What is not a scan alone is written before it is spread.
        (
            "SELECT /*+ REPARTITION_BY_RANGE(4, b) */ * FROM (SELECT DISTINCT b FROM t)",
            &[
                "range [b ASC NULLS FIRST] 4 partitions",
                "as produced",
                "hash [b] 3 partitions",
            ],
        ),
        ("SELECT /*+ COALESCE(1) */ * FROM t", &["single"]),
        ("SELECT /*+ COALESCE(2) */ * FROM t", &["as produced"]),
        // Spread again, the inner exchange would be in vain.
        (
            "SELECT /*+ REPARTITION(5) */ * FROM t DISTRIBUTE BY b",
            &["hash [b] 3 partitions"],
        ),
        ("SELECT * FROM t DISTRIBUTE BY b SORT BY a", &["hash [b] 3 partitions"]),
    ];
    for (sql, wanted) in cases {
        assert_eq!(exchanges(&session, sql), wanted, "{sql}\n{}", explain(&session, sql));
        same_rows(&session, sql);
    }
    assert!(
        explain(&session, "SELECT /*+ COALESCE(2) */ * FROM t")
            .starts_with("== Physical Plan ==\nstage1: 2 tasks, result")
    );
}

/// As Spark: a number that was asked for stays, other partitions are read together if they are small.
#[test]
fn partitions_are_coalesced_unless_their_number_was_asked_for() {
    let cases = [
        ("SELECT /*+ REPARTITION(5) */ * FROM t", false),
        ("SELECT /*+ REPARTITION(5, b) */ * FROM t", false),
        ("SELECT /*+ REPARTITION_BY_RANGE(5, b) */ * FROM t", false),
        (
            "SELECT b, count(*) FROM (SELECT /*+ REPARTITION(5, b) */ * FROM t) GROUP BY b",
            false,
        ),
        ("SELECT /*+ COALESCE(2) */ * FROM t", false),
        ("SELECT /*+ REPARTITION */ * FROM t", true),
        ("SELECT /*+ REPARTITION(b) */ * FROM t", true),
        ("SELECT /*+ REPARTITION_BY_RANGE(b) */ * FROM t", true),
        ("SELECT /*+ REBALANCE */ * FROM t", true),
        ("SELECT /*+ REBALANCE(5) */ * FROM t", true),
        ("SELECT /*+ REBALANCE(5, b) */ * FROM t", true),
        ("SELECT * FROM t DISTRIBUTE BY b", true),
        ("SELECT * FROM t CLUSTER BY b", true),
    ];
    for (sql, coalesced) in cases {
        let dir = tempfile::tempdir().unwrap();
        let runner = Arc::new(InProcessRunner::new(3, dir.path()).unwrap());
        let builder = Session::builder().set("rsql.cluster.scanTaskBytes", "1").unwrap();
        let session = builder.runner(Arc::clone(&runner) as _).build().unwrap();
        views(&session);
        same_rows(&session, sql);
        let changes = runner.changes();
        assert_eq!(
            changes.contains_key("CoalesceShufflePartitions"),
            coalesced,
            "{sql}: {changes:?}"
        );
    }
}

#[test]
fn rows_that_lie_as_asked_are_not_moved_again() {
    let (session, _dir) = session("10MB");
    let sql = "SELECT b, count(*) FROM (SELECT /*+ REPARTITION(4, b) */ * FROM t) GROUP BY b";
    assert_eq!(
        exchanges(&session, sql),
        ["hash [b] 4 partitions"],
        "{}",
        explain(&session, sql)
    );
    same_rows(&session, sql);
}

#[test]
fn join_hints_decide_how_sides_meet() {
    let by_keys: &[&str] = &["hash [a] 3 partitions", "hash [a] 3 partitions"];
    let cases: [(&str, &str, &[&str]); 9] = [
        // Small sides are copied; hints say otherwise.
        ("10MB", "SELECT * FROM t JOIN u ON t.a = u.a", &["broadcast"]),
        ("10MB", "SELECT /*+ MERGE(u) */ * FROM t JOIN u ON t.a = u.a", by_keys),
        (
            "10MB",
            "SELECT /*+ SHUFFLE_HASH(t) */ * FROM t JOIN u ON t.a = u.a",
            by_keys,
        ),
        // Nothing is copied; hints say otherwise.
        ("-1", "SELECT * FROM t JOIN u ON t.a = u.a", by_keys),
        (
            "-1",
            "SELECT /*+ BROADCAST(t) */ * FROM t JOIN u ON t.a = u.a",
            &["broadcast"],
        ),
        (
            "-1",
            "SELECT /*+ BROADCAST(u) */ * FROM t LEFT JOIN u ON t.a = u.a",
            &["broadcast"],
        ),
        (
            "-1",
            "SELECT * FROM t WHERE a IN (SELECT /*+ BROADCAST */ a FROM u)",
            &["broadcast"],
        ),
        // A preserved side is never copied.
        (
            "-1",
            "SELECT /*+ BROADCAST(t) */ * FROM t LEFT JOIN u ON t.a = u.a",
            by_keys,
        ),
        (
            "10MB",
            "SELECT /*+ SHUFFLE_REPLICATE_NL(u) */ * FROM t JOIN u ON t.a = u.a",
            &["broadcast"],
        ),
    ];
    for (threshold, sql, wanted) in cases {
        let (session, _dir) = session(threshold);
        assert_eq!(exchanges(&session, sql), wanted, "{sql}\n{}", explain(&session, sql));
        same_rows(&session, sql);
    }
}

#[test]
fn join_hints_choose_the_build_side_in_one_process() {
    let session = Session::new().unwrap();
    views(&session);
    let cases = [
        ("BROADCAST(t)", "HashJoin Inner build Left"),
        ("BROADCAST(u)", "HashJoin Inner build Right"),
        ("SHUFFLE_HASH(t)", "HashJoin Inner build Left"),
        ("SHUFFLE_REPLICATE_NL(t)", "NestedLoopJoin Inner"),
        ("SHUFFLE_REPLICATE_NL(t), BROADCAST(u)", "HashJoin Inner build Right"),
    ];
    for (hint, wanted) in cases {
        let text = explain(&session, &format!("SELECT /*+ {hint} */ * FROM t JOIN u ON t.a = u.a"));
        assert!(text.contains(wanted), "{hint}\n{text}");
    }
    let three = "SELECT /*+ BROADCAST(v) */ * FROM t, u v, range(50) w WHERE t.a = v.a AND v.c = w.id";
    let text = explain(&session, three);
    assert!(text.contains("broadcast") && !text.contains("NestedLoop"), "{text}");
    let asked = explain(&session, "SELECT /*+ REPARTITION(3) */ * FROM t DISTRIBUTE BY b");
    assert!(!asked.contains("Exchange"), "{asked}");
}

#[test]
fn a_key_that_equals_two_keys_spreads_both_sides_alike() {
    let (session, _dir) = session("-1");
    let sql = "SELECT * FROM t LEFT JOIN u ON t.a = u.a AND t.b = u.a";
    assert_eq!(
        exchanges(&session, sql),
        ["hash [a, b] 3 partitions", "hash [a, a] 3 partitions"]
    );
    same_rows(&session, sql);
}

#[test]
fn sort_by_sorts_what_lies_in_a_task() {
    let (session, _dir) = session("10MB");
    let pairs = |sql: &str| -> Vec<(i64, i64)> {
        let rows = rows(&session, sql).into_iter();
        let pair = |r: String| {
            let (a, b) = r.split_once('\t').unwrap();
            (a.parse().unwrap(), b.parse().unwrap())
        };
        rows.map(pair).collect()
    };
    let got = pairs("SELECT b, a FROM t CLUSTER BY b");
    let mut values: Vec<i64> = got.iter().map(|(b, _)| *b).collect();
    let falls = values.windows(2).filter(|w| w[1] < w[0]).count();
    assert!(falls <= 2, "three tasks give at most three runs");
    values.dedup();
    assert_eq!(values.len(), 7, "each value in one task");
}

#[test]
fn explain_shows_stages() {
    let (session, _dir) = session("10MB");
    let sql = "SELECT c, count(*) FROM t JOIN u ON t.a = u.a GROUP BY c ORDER BY c LIMIT 3";
    for mode in ["", "FORMATTED ", "EXTENDED ", "COST "] {
        let text = rows(&session, &format!("EXPLAIN {mode}{sql}")).join("\n");
        assert!(text.contains("== Physical Plan ==\nstage"), "{text}");
        assert!(text.contains("+- stage"), "{text}");
    }
    let local = Session::new().unwrap();
    views(&local);
    assert!(!explain(&local, sql).contains("stage"));
}
