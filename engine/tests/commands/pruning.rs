//! What scans leave out: files, row groups, fields, rows that nobody wants; and that answers stay the same.

use rsql_engine::Session;

use super::{answer, check};

fn explain(s: &Session, sql: &str) -> String {
    answer(s, &format!("EXPLAIN {sql}")).join("\n")
}

fn analyze(s: &Session, sql: &str) -> String {
    answer(s, &format!("EXPLAIN ANALYZE {sql}")).join("\n")
}

#[test]
fn joins_prune_partitions() {
    let s = Session::new().unwrap();
    check(
        &s,
        &[
            (
                "CREATE TABLE sales (v BIGINT, day STRING, n INT) USING parquet PARTITIONED BY (day, n)",
                "ok",
            ),
            (
                "INSERT INTO sales SELECT id, concat('d', id % 4), CAST(id % 4 AS INT) FROM range(8000)",
                "ok",
            ),
            (
                "CREATE TABLE days AS SELECT concat('d', id) AS day, CAST(id AS INT) AS n, id > 2 AS late FROM range(4)",
                "ok",
            ),
        ],
    );
    for key in ["day", "n"] {
        let sql = format!("SELECT count(v), min(v), sum(v) FROM sales JOIN days USING ({key}) WHERE late");
        check(&s, &[(&sql, "2000|3|8002000")]);
        let text = analyze(&s, &sql);
        assert!(text.contains("3 of 4 files pruned by runtime filters"), "{text}");
    }
    // A filter on the partition column itself needs no data of other files either.
    let sql = "SELECT count(v), sum(v) FROM sales WHERE day = 'd2'";
    check(&s, &[(sql, "2000|8000000")]);
    assert!(analyze(&s, sql).contains("of 1 row groups"), "{}", analyze(&s, sql));
    let known = [
        (
            "SELECT count(*), min(day), max(n) FROM sales WHERE day IN ('d1', 'd2')",
            "4000|d1|2",
        ),
        (
            "SELECT count(*), min(n) FROM sales WHERE n > 0 AND day < 'd3' OR n = 7",
            "4000|1",
        ),
        ("SELECT count(*), max(day) FROM sales WHERE day > 'e'", "0|NULL"),
    ];
    check(&s, &known);
    for (sql, _) in &known[..2] {
        assert!(!explain(&s, sql).contains("Scan"), "{sql}");
    }
    check(
        &s,
        &[
            ("SELECT max(v) FROM sales WHERE day = 'd1'", "7997"),
            ("SELECT count(*) FROM sales WHERE day = 'd1' AND v > 7000", "250"),
            ("SELECT count(*) FROM sales WHERE day = 'd1' OR v = 6", "2001"),
            ("SELECT count(*) FROM sales WHERE day IS NULL", "0"),
            ("INSERT INTO sales VALUES (1, NULL, NULL)", "ok"),
            ("SELECT v FROM sales WHERE day IS NULL", "1"),
            (
                "SELECT count(*), max(n) FROM sales WHERE day <=> NULL OR n = 3",
                "2001|3",
            ),
        ],
    );
}

#[test]
fn strings_filter_the_other_side_of_a_join() {
    let s = Session::new().unwrap();
    check(
        &s,
        &[
            (
                "CREATE TABLE facts AS SELECT concat('key number ', id % 500) AS k, id FROM range(20000)",
                "ok",
            ),
            (
                "CREATE TABLE dim AS SELECT concat('key number ', id) AS k, id AS d FROM range(500)",
                "ok",
            ),
            (
                "SELECT count(*), sum(id) FROM facts JOIN dim USING (k) WHERE d = 7",
                "40|390280",
            ),
        ],
    );
    let text = analyze(&s, "SELECT count(*), sum(id) FROM facts JOIN dim USING (k) WHERE d = 7");
    assert!(text.contains("19960 rows dropped by runtime filters"), "{text}");
}

#[test]
fn fields_of_structs_are_read_alone() {
    let s = Session::new().unwrap();
    let table = "CREATE TABLE n AS SELECT id, CASE WHEN id % 10 > 0 THEN named_struct('a', id, 'b', \
                 named_struct('c', CAST(id AS STRING), 'd', id % 3)) END AS s FROM range(1000)";
    check(
        &s,
        &[
            (table, "ok"),
            (
                "SELECT count(*), sum(s.a), count(s.b.c) FROM n WHERE s.b.d = 1",
                "300|149997|300",
            ),
            ("SELECT s.b.c FROM n WHERE s.a = 12", "12"),
            ("SELECT s.b FROM n WHERE s.a = 12", "{c: 12, d: 0}"),
            ("SELECT s.b, s.b.d FROM n WHERE s.a = 12", "{c: 12, d: 0}|0"),
            ("SELECT count(*) FROM n WHERE s.a IS NULL", "100"),
            ("SELECT count(*) FROM n WHERE s IS NULL", "100"),
            (
                "SELECT l.id, r.s.a FROM n l LEFT JOIN n r ON l.id = r.s.a AND r.s.b.d = 2 WHERE l.id < 4 ORDER BY 1",
                "0|NULL; 1|NULL; 2|2; 3|NULL",
            ),
            (
                "SELECT s.b.d, count(*) FROM n GROUP BY s.b.d ORDER BY 1",
                "NULL|100; 0|300; 1|300; 2|300",
            ),
            (
                "SELECT max(x.s.a) FROM (SELECT s FROM n UNION ALL SELECT s FROM n) x",
                "999",
            ),
            ("SELECT s.a FROM n WHERE s.a < 3 ORDER BY s.b.c DESC", "2; 1"),
        ],
    );
    let text = explain(&s, "SELECT sum(s.a) FROM n WHERE s.b.d = 1");
    assert!(text.contains("[s.a#") && !text.contains("[s#"), "{text}");
}

#[test]
fn fields_of_structs_in_arrays_are_read_alone() {
    let s = Session::new().unwrap();
    let table = "CREATE TABLE n AS SELECT id, IF(id = 2, NULL, array(named_struct('a', id, 'b', CAST(id AS STRING)), \
                 NULL, named_struct('a', -id, 'b', NULL))) AS l, named_struct('m', array(named_struct('x', id, 'y', \
                 named_struct('z', id * 2))), 'k', 0) AS s FROM range(4)";
    let rows = "0|3|0|0|true|0|0; 1|3|1|-1|true|1|2; 2|NULL|NULL|NULL|true|2|4; 3|3|3|-3|true|3|6";
    let sql = "SELECT id, size(l.a), l.a[0], l.a[2], l.a[1] IS NULL, s.m.x[0], s.m.y.z[0] FROM n ORDER BY id";
    check(
        &s,
        &[
            (table, "ok"),
            (sql, rows),
            ("SELECT id FROM n WHERE l.b[0] = '3' AND s.k = 0", "3"),
        ],
    );
    let exploded = "SELECT count(*), sum(e.a), count(e.a) FROM n LATERAL VIEW explode(l) q AS e";
    check(
        &s,
        &[
            (exploded, "9|0|6"),
            (
                "SELECT id, p, e.b FROM n LATERAL VIEW OUTER posexplode(l) q AS p, e WHERE id IN (2, 3)",
                "2|NULL|NULL; 3|0|3; 3|1|NULL; 3|2|NULL",
            ),
            (
                "SELECT max(y.z) FROM (SELECT e.y FROM n LATERAL VIEW explode(s.m) q AS e)",
                "6",
            ),
        ],
    );
    assert!(explain(&s, exploded).contains("[l.a#"), "{}", explain(&s, exploded));
    let text = explain(&s, sql);
    assert!(
        text.contains("l.a#") && text.contains("s.m.y.z#") && !text.contains(" l#"),
        "{text}"
    );
}

#[test]
fn counts_and_extremes_come_from_footers() {
    let s = Session::new().unwrap();
    check(
        &s,
        &[
            (
                "CREATE TABLE f AS SELECT id, CAST(id AS STRING) AS t, IF(id % 2 = 0, id, NULL) AS h, \
                 CAST(NULL AS INT) AS z, DATE '2024-01-01' + CAST(id AS INT) AS day, id / 2 AS x, \
                 CAST(id AS DECIMAL(10, 2)) AS m FROM range(100)",
                "ok",
            ),
            (
                "SELECT count(*), count(1), count(h), min(id), max(h), min(day), max(m) FROM f",
                "100|100|50|0|98|2024-01-01|99.00",
            ),
            ("SELECT max(t), min(z), count(z), max(x) FROM f", "99|NULL|0|49.5"),
            ("INSERT INTO f (id) VALUES (1000)", "ok"),
            ("SELECT count(*), max(id), count(h) FROM f", "101|1000|50"),
            ("CREATE TABLE e (a INT)", "ok"),
            ("SELECT count(*), max(a) FROM e", "0|NULL"),
            ("SELECT max(id) FROM (SELECT id FROM f LIMIT 5)", "4"),
        ],
    );
    assert!(!explain(&s, "SELECT count(*), max(id) FROM f").contains("Scan"));
    assert!(explain(&s, "SELECT max(x) FROM f").contains("Scan"));
}

#[test]
fn top_k_and_limit_stop_early() {
    let s = Session::new().unwrap();
    check(
        &s,
        &[
            (
                "CREATE TABLE big AS SELECT id, id % 10 AS k, IF(id % 3 = 0, NULL, concat('t', id)) AS t FROM range(200000)",
                "ok",
            ),
            ("SELECT id FROM big ORDER BY id DESC LIMIT 3", "199999; 199998; 199997"),
            ("SELECT id FROM big ORDER BY k, id LIMIT 3", "0; 10; 20"),
            (
                "SELECT id, t FROM big ORDER BY t DESC NULLS LAST LIMIT 2",
                "99998|t99998; 99997|t99997",
            ),
            ("SELECT id FROM big ORDER BY t, id LIMIT 2", "0; 3"),
            ("SELECT id FROM big LIMIT 2 OFFSET 3", "3; 4"),
        ],
    );
    let text = analyze(&s, "SELECT id FROM big ORDER BY id DESC LIMIT 3");
    assert!(text.contains("dropped by runtime filters"), "{text}");
    let text = analyze(&s, "SELECT id FROM big LIMIT 5");
    let scan = text.lines().find(|l| l.trim_start().starts_with("Scan")).unwrap();
    assert!(scan.contains("[rows: 5,"), "{text}");
}
