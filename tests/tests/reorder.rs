//! Joins change their order while a query runs, when the rows of its finished stages say so; answers stay.

use std::sync::Arc;

use rsql_cluster::in_process::InProcessRunner;
use rsql_engine::Session;
use rsql_expr::format::Notation;

/// No expression tells that `d1` keeps nearly all of its rows and `d2` nearly none.
const TABLES: &str =
    "CREATE TEMP VIEW f AS SELECT id, id % 2000 AS k1, id % 1999 AS k2, id % 500 AS k3 FROM range(40000);
CREATE TEMP VIEW d1 AS SELECT id % 2000 AS k, id AS v FROM range(8000)
  WHERE length(cast(id AS string)) < 9 AND substr(cast(id AS string), 1, 1) <> 'x' AND cast(id AS string) LIKE '%'
    AND hash(id) % 1000 <> 2000 AND abs(id) + 1 = id + 1;
CREATE TEMP VIEW d2 AS SELECT id AS k, id AS w FROM range(1999) WHERE sqrt(id) < 3;
CREATE TEMP VIEW d3 AS SELECT id AS k, id AS z FROM range(500)";

const QUERY: &str = "SELECT count(*), sum(v), sum(w), sum(z) FROM f JOIN d1 ON f.k1 = d1.k JOIN d2 ON f.k2 = d2.k
  JOIN d3 ON f.k3 = d3.k";

fn session(conf: &[(&str, &str)]) -> (Session, Arc<InProcessRunner>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let runner = Arc::new(InProcessRunner::new(3, dir.path()).unwrap());
    let usual = [
        ("rsql.cluster.scanTaskBytes", "1"),
        ("spark.sql.autoBroadcastJoinThreshold", "-1"),
        ("rsql.adaptive.joinReorder.minSavedRows", "0"),
    ];
    let all = usual.iter().chain(conf);
    let builder = all.fold(Session::builder(), |b, (k, v)| b.set(k, v).unwrap());
    let session = builder.runner(Arc::clone(&runner) as _).build().unwrap();
    for sql in TABLES.split(";\n") {
        session.sql(sql).unwrap();
    }
    (session, runner, dir)
}

fn answer(session: &Session, sql: &str) -> Vec<Vec<Option<String>>> {
    let output = session.sql(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let mut rows = rsql_tests::text::cells(&output, Notation::Hive, "UTC").unwrap();
    rows.sort();
    rows
}

#[test]
fn joins_change_their_order_when_estimates_were_wrong() {
    let (kept, kept_runner, _a) = session(&[("rsql.adaptive.joinReorder.enabled", "false")]);
    let expected = answer(&kept, QUERY);
    assert!(!kept_runner.changes().contains_key("ReorderJoin"));
    let (session, runner, _b) = session(&[]);
    assert_eq!(answer(&session, QUERY), expected);
    assert!(runner.changes()["ReorderJoin"] > 0, "{:?}", runner.changes());
    let (before, after) = (kept_runner.rows_passed(), runner.rows_passed());
    assert!(after < before, "{after} rows passed on instead of {before}");
}
