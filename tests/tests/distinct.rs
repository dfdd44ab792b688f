//! DISTINCT aggregates without groups run in many tasks and give what one task gives.

use std::sync::Arc;

use rsql_cluster::in_process::InProcessRunner;
use rsql_engine::Session;
use rsql_expr::format::Notation;

const TABLE: &str = "CREATE TEMP VIEW t AS SELECT id AS i, if(id % 7 = 0, NULL, id % 13) AS a, if(id % 5 = 0, NULL, cast(id % 11 AS string)) AS b,
  cast(id % 17 AS decimal(10,2)) AS d, id % 2 = 0 AS p, cast(id % 9 AS double) / 4 AS x FROM range(1000)";

fn rows(session: &Session, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
    let output = session.sql(sql).map_err(|e| e.condition().to_string())?;
    Ok(rsql_tests::text::cells(&output, Notation::Hive, "UTC").unwrap())
}

fn sessions() -> (Session, Session, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let runner = Arc::new(InProcessRunner::new(3, dir.path()).unwrap());
    let many = Session::builder().set("rsql.cluster.scanTaskBytes", "1").unwrap();
    let (one, many) = (Session::new().unwrap(), many.runner(runner).build().unwrap());
    one.sql(TABLE).unwrap();
    many.sql(TABLE).unwrap();
    (one, many, dir)
}

#[test]
fn distinct_aggregates_without_groups_agree_with_one_task() {
    let (one, many, _dir) = sessions();
    for calls in [
        "count(DISTINCT a), count(DISTINCT b)",
        "count(DISTINCT a), sum(i)",
        "count(DISTINCT a), count(DISTINCT b), count(*), sum(d), avg(x), min(b), max(DISTINCT i)",
        "sum(DISTINCT a), sum(DISTINCT a), avg(DISTINCT d), count(DISTINCT a, b), count(DISTINCT d, b)",
        "count(DISTINCT a) FILTER (WHERE p), count(DISTINCT a) FILTER (WHERE i < 30), count(DISTINCT a), sum(i) FILTER (WHERE p)",
        "count(DISTINCT a + 1), count(DISTINCT a * 2), count(a) + count(DISTINCT b)",
        "count(DISTINCT a), count(DISTINCT b), count_if(p), bool_and(p), max(struct(a, b)), stddev(DISTINCT x)",
        "count(DISTINCT NULL), count(DISTINCT b), sum(a), approx_count_distinct(a)",
        "count(DISTINCT 1), count(DISTINCT b)",
        // What must be constant stays so.
        "count(DISTINCT 0.8), percentile_approx(DISTINCT a, 0.8), percentile(a, array(0.2, 0.7)), count(DISTINCT a, 1)",
        // The function sees NULL as a value.
        "count(DISTINCT coalesce(b, 'none')), count(DISTINCT struct(a, b)), any_value(p)",
    ] {
        for from in [
            "t",
            "t WHERE i < 0",
            "t WHERE a IS NULL",
            "(SELECT * FROM t UNION ALL SELECT * FROM t)",
        ] {
            let sql = format!("SELECT {calls} FROM {from}");
            assert_eq!(rows(&many, &sql), rows(&one, &sql), "{sql}");
        }
    }
    // An argument that a FILTER guards is not computed for other rows, and errors are errors.
    for calls in [
        "count(DISTINCT 1 / i) FILTER (WHERE i > 0), count(DISTINCT b)",
        "count(DISTINCT 1 / i), count(DISTINCT b)",
        "count(DISTINCT a), sum(cast(b AS int)), round(sum(1 / i) FILTER (WHERE i > 0), 6)",
    ] {
        let sql = format!("SELECT {calls} FROM t");
        assert_eq!(rows(&many, &sql), rows(&one, &sql), "{sql}");
    }
}

#[test]
fn distinct_values_are_counted_where_they_meet() {
    let (_, many, _dir) = sessions();
    let plan = |sql: &str| rows(&many, &format!("EXPLAIN {sql}")).unwrap()[0][0].clone().unwrap();
    let text = plan("SELECT count(DISTINCT a), count(DISTINCT b), sum(i) FROM t");
    assert!(text.contains("HashAggregate partial [gid"), "{text}");
    assert!(text.contains("hash [gid"), "{text}");
    // Of lists the order of all rows is wanted.
    let text = plan("SELECT count(DISTINCT a), collect_list(i) FROM t");
    assert!(!text.contains("gid") && text.contains("1 task"), "{text}");
}
