//! Bucketed tables: their rows lie where Spark would put them, and joins, groups and windows over them need no exchange.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rsql_cluster::in_process::InProcessRunner;
use rsql_engine::{Session, SessionBuilder};
use rsql_expr::format::Notation;

const TABLES: &str = "CREATE TABLE l (k INT, v INT) USING parquet CLUSTERED BY (k) SORTED BY (v) INTO 4 BUCKETS;
INSERT INTO l SELECT id % 100, 3000 - id FROM range(3000);
CREATE TABLE r USING parquet CLUSTERED BY (k) INTO 4 BUCKETS AS SELECT CAST(id AS INT) AS k, CAST(id % 9 AS INT) AS w FROM range(500);
CREATE TABLE r8 USING parquet CLUSTERED BY (k) INTO 8 BUCKETS AS SELECT * FROM r;
CREATE TABLE plain USING parquet AS SELECT * FROM r";

fn rows(session: &Session, sql: &str) -> Vec<String> {
    let output = session.sql(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let cells = rsql_tests::text::cells(&output, Notation::Hive, "UTC").unwrap();
    let line = |r: Vec<Option<String>>| {
        r.into_iter()
            .map(Option::unwrap_or_default)
            .collect::<Vec<_>>()
            .join("\t")
    };
    cells.into_iter().map(line).collect()
}

fn builder(warehouse: &Path, slots: usize) -> SessionBuilder {
    let runner = InProcessRunner::new(slots, &warehouse.join("shuffle")).unwrap();
    let settings = [
        ("rsql.cluster.scanTaskBytes", "1"),
        ("spark.sql.autoBroadcastJoinThreshold", "-1"),
        ("spark.sql.warehouse.dir", warehouse.to_str().unwrap()),
    ];
    let builder = Session::builder().runner(Arc::new(runner));
    settings.iter().fold(builder, |b, (k, v)| b.set(k, v).unwrap())
}

fn session(slots: usize) -> (Session, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let session = builder(dir.path(), slots).build().unwrap();
    for sql in TABLES.split(";\n") {
        session.sql(sql).unwrap();
    }
    (session, dir)
}

fn explain(session: &Session, sql: &str) -> String {
    rows(session, &format!("EXPLAIN {sql}")).join("\n")
}

/// What moves rows that are not the result's, from the result down; columns without their ids.
fn exchanges(session: &Session, sql: &str) -> Vec<String> {
    let text = explain(session, sql);
    let of_line = |l: &str| {
        let stage = l.trim_start_matches([':', '|', '+', '-', ' ']).strip_prefix("stage")?;
        let (how, _) = stage.split_once(", ")?.1.split_once(", read")?;
        let mut out = String::new();
        how.split('#').enumerate().for_each(|(i, part)| match i {
            0 => out.push_str(part),
            _ => out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit())),
        });
        Some(out)
    };
    text.lines().filter_map(of_line).collect()
}

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    entries
        .filter(|p| !p.file_name().unwrap().to_string_lossy().starts_with('.'))
        .collect()
}

fn bucket(file: &Path) -> u32 {
    rsql_catalog::buckets::bucket_of(file.to_str().unwrap()).unwrap()
}

#[test]
fn buckets_that_meet_need_no_exchange() {
    let (session, _dir) = session(3);
    for sql in [
        "SELECT l.k, v, w FROM l JOIN r ON l.k = r.k",
        "SELECT l.k, v, w FROM l FULL JOIN r ON r.k = l.k",
        "SELECT k, count(*), sum(v) FROM l GROUP BY k",
        "SELECT k, v % 2, count(DISTINCT v) FROM l GROUP BY k, v % 2",
        "SELECT k, row_number() OVER (PARTITION BY k ORDER BY v) FROM l",
        "SELECT l.k, sum(v) FROM l JOIN r ON l.k = r.k AND l.v = r.w GROUP BY l.k",
        "SELECT k, sum(n) FROM (SELECT k, v AS n FROM l UNION ALL SELECT k, w FROM r) GROUP BY k",
        "SELECT k, count(*) FROM l WHERE k IN (1, 2, 3) GROUP BY k",
        "SELECT DISTINCT k FROM l WHERE v > 5",
    ] {
        assert_eq!(exchanges(&session, sql), [""; 0], "{sql}");
        assert!(explain(&session, sql).contains(" of 4"), "{sql}");
    }
}

#[test]
fn one_bucketed_side_is_followed_by_the_other() {
    let (session, _dir) = session(3);
    let of = |sql: &str| exchanges(&session, sql);
    assert_eq!(
        of("SELECT v, w FROM l JOIN plain p ON l.k = p.k"),
        ["bucket hash [k] 4 partitions"]
    );
    assert_eq!(
        of("SELECT v, w FROM l JOIN r8 ON l.k = r8.k"),
        ["bucket hash [k] 4 partitions"]
    );
    assert_eq!(
        of("SELECT v, w FROM l JOIN r ON l.v = r.k"),
        ["bucket hash [v] 4 partitions"]
    );
    assert_eq!(
        of("SELECT v, w FROM l JOIN r ON l.v = r.w"),
        ["hash [v] 3 partitions", "hash [w] 3 partitions"]
    );
    assert_eq!(of("SELECT v, count(*) FROM l GROUP BY v"), ["hash [v] 3 partitions"]);
    // Another type, another hash.
    assert_eq!(
        of("SELECT v FROM l JOIN (SELECT bigint(k) AS k FROM r) x ON l.k = x.k").len(),
        2
    );
}

#[test]
fn few_buckets_do_not_keep_many_slots_waiting() {
    let (session, _dir) = session(16);
    let sql = "SELECT v, w FROM l JOIN plain p ON l.k = p.k";
    assert_eq!(exchanges(&session, sql), ["hash [k] 16 partitions"; 2]);
    assert_eq!(exchanges(&session, "SELECT v, w FROM l JOIN r ON l.k = r.k"), [""; 0]);
}

#[test]
fn small_partitions_are_read_with_the_buckets_of_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let runner = Arc::new(InProcessRunner::new(3, &dir.path().join("shuffle")).unwrap());
    let session = builder(dir.path(), 3).runner(Arc::clone(&runner) as _).build().unwrap();
    session
        .sql("CREATE TABLE b USING parquet CLUSTERED BY (k) INTO 40 BUCKETS AS SELECT id AS k FROM range(2000)")
        .unwrap();
    session
        .sql("CREATE TABLE c USING parquet AS SELECT id % 500 AS k, id AS v FROM range(3000)")
        .unwrap();
    let sql = "SELECT count(*), sum(v), count(DISTINCT b.k) FROM b JOIN c ON b.k = c.k";
    assert!(explain(&session, sql).contains("40 tasks, "));
    assert_eq!(rows(&session, sql), ["3000\t4498500\t500"]);
    assert!(
        runner.changes().contains_key("CoalesceShufflePartitions"),
        "{:?}",
        runner.changes()
    );
}

#[test]
fn settings_turn_buckets_off_and_on() {
    let (session, _dir) = session(3);
    let (join, all) = ("SELECT v, w FROM l JOIN r ON l.k = r.k", "SELECT * FROM l WHERE v > 3");
    assert!(!explain(&session, all).contains("buckets"));
    session
        .sql("SET spark.sql.sources.bucketing.autoBucketedScan.enabled = false")
        .unwrap();
    assert!(explain(&session, all).contains("buckets 4 of 4"));
    session.sql("SET spark.sql.sources.bucketing.enabled = false").unwrap();
    assert!(!explain(&session, all).contains("buckets"));
    assert_eq!(exchanges(&session, join), ["hash [k] 3 partitions"; 2]);
    assert!(!explain(&session, "SELECT * FROM l WHERE k = 3").contains("buckets"));
}

#[test]
fn one_bucket_is_read_for_one_value() {
    let (session, _dir) = session(3);
    for (filter, read) in [
        ("k = 3", Some(1)),
        ("3 = k AND v > 2", Some(1)),
        ("k IN (0, 1, 2, 3)", Some(2)),
        ("k IS NULL", Some(1)),
        ("k <=> 3 OR k = 1", Some(1)),
        ("k = 3 AND k IN (0, 3)", Some(1)),
        ("k = 3 OR v = 1", None),
        ("k > 3", None),
        ("k + 0 = 3", None),
    ] {
        let plan = explain(&session, &format!("SELECT * FROM l WHERE {filter}"));
        match read {
            Some(read) => assert!(plan.contains(&format!("buckets {read} of 4")), "{filter}: {plan}"),
            None => assert!(!plan.contains("buckets"), "{filter}: {plan}"),
        }
    }
}

#[test]
fn files_that_say_no_bucket_are_read_as_any() {
    let (session, dir) = session(3);
    let sql = "SELECT count(*), sum(v), sum(w) FROM l JOIN r ON l.k = r.k";
    let before = rows(&session, sql);
    let file = files(&dir.path().join("l")).pop_first().unwrap();
    for name in ["part-0.snappy.parquet", "part-0_00009.c000.snappy.parquet"] {
        std::fs::rename(&file, file.with_file_name(name)).unwrap();
        // One side lies as its buckets still.
        assert_eq!(exchanges(&session, sql), ["single", "bucket hash [k] 4 partitions"]);
        assert_eq!(rows(&session, sql), before);
        assert_eq!(rows(&session, "SELECT count(*) FROM l WHERE k = 3"), ["30"]);
        std::fs::rename(file.with_file_name(name), &file).unwrap();
    }
}

#[test]
fn a_bucket_is_in_order_in_each_of_its_files() {
    let (_session, dir) = session(3);
    let written = files(&dir.path().join("l"));
    assert!(written.len() > 4, "several tasks write each a file a bucket");
    let of_buckets: BTreeSet<u32> = written.iter().map(|f| bucket(f)).collect();
    assert_eq!(of_buckets, BTreeSet::from([0, 1, 2, 3]));
    let local = Session::new().unwrap();
    let mut all = 0;
    for file in written {
        let values = rows(&local, &format!("SELECT v FROM parquet.`{}`", file.display()));
        let values: Vec<i32> = values.iter().map(|v| v.parse().unwrap()).collect();
        assert!(values.is_sorted(), "{}", file.display());
        all += values.len();
        let keys = rows(
            &local,
            &format!("SELECT DISTINCT pmod(hash(k), 4) FROM parquet.`{}`", file.display()),
        );
        assert_eq!(keys, [bucket(&file).to_string()]);
    }
    assert_eq!(all, 3000);
}

/// The buckets of eight that Spark 4.3 writes rows with these keys to.
const SPARK: &[(&str, &[(&str, u32)])] = &[
    (
        "INT",
        &[
            ("0", 7),
            ("1", 3),
            ("2", 6),
            ("-1", 5),
            ("7", 3),
            ("100", 7),
            ("2147483647", 7),
            ("-2147483648", 6),
            ("NULL", 2),
        ],
    ),
    (
        "BIGINT",
        &[
            ("0", 5),
            ("1", 5),
            ("2", 0),
            ("-1", 1),
            ("7", 3),
            ("100", 2),
            ("9223372036854775807", 3),
            ("NULL", 2),
        ],
    ),
    ("SMALLINT", &[("0", 7), ("1", 3), ("-1", 5), ("NULL", 2)]),
    ("TINYINT", &[("0", 7), ("1", 3), ("-1", 5), ("NULL", 2)]),
    ("BOOLEAN", &[("true", 3), ("false", 7), ("NULL", 2)]),
    (
        "STRING",
        &[
            ("''", 4),
            ("'a'", 2),
            ("'ab'", 3),
            ("'abc'", 4),
            ("'abcd'", 4),
            ("'Spark'", 5),
            ("'äöü€'", 7),
            ("NULL", 2),
        ],
    ),
    ("BINARY", &[("X''", 4), ("X'00ff'", 1), ("NULL", 2)]),
    (
        "DATE",
        &[
            ("DATE'1970-01-01'", 7),
            ("DATE'2024-02-29'", 3),
            ("DATE'1582-10-04'", 1),
            ("DATE'0001-01-01'", 0),
            ("NULL", 2),
        ],
    ),
    (
        "TIMESTAMP",
        &[
            ("TIMESTAMP'1970-01-01 00:00:00Z'", 5),
            ("TIMESTAMP'2024-02-29 12:34:56.789Z'", 2),
            ("NULL", 2),
        ],
    ),
    (
        "DECIMAL(10,2)",
        &[("0", 5), ("1.5", 6), ("-1.5", 5), ("99999999.99", 5), ("NULL", 2)],
    ),
    (
        "DECIMAL(38,4)",
        &[
            ("0", 7),
            ("1.5", 5),
            ("-1.5", 1),
            ("1234567890123456789012345678901234.5678", 0),
            ("NULL", 2),
        ],
    ),
    (
        "DOUBLE",
        &[
            ("0D", 5),
            ("-0D", 5),
            ("1.5D", 5),
            ("-1.5D", 6),
            ("double('NaN')", 7),
            ("double('Infinity')", 2),
            ("NULL", 2),
        ],
    ),
    (
        "FLOAT",
        &[
            ("float(0)", 7),
            ("float('-0')", 7),
            ("float(1.5)", 0),
            ("float('NaN')", 2),
            ("NULL", 2),
        ],
    ),
];

#[test]
fn rows_lie_where_spark_puts_them() {
    let dir = tempfile::tempdir().unwrap();
    let session = Session::builder()
        .set("spark.sql.warehouse.dir", dir.path().to_str().unwrap())
        .unwrap()
        .build()
        .unwrap();
    for (number, (ty, values)) in SPARK.iter().enumerate() {
        let table = format!("t{number}");
        session
            .sql(&format!(
                "CREATE TABLE {table} (k {ty}) USING parquet CLUSTERED BY (k) INTO 8 BUCKETS"
            ))
            .unwrap();
        let mut known = BTreeSet::new();
        for (value, wanted) in *values {
            session.sql(&format!("INSERT INTO {table} VALUES ({value})")).unwrap();
            let now = files(&dir.path().join(&table));
            let new: Vec<u32> = now.difference(&known).map(|f| bucket(f)).collect();
            assert_eq!(new, [*wanted], "{ty} {value}");
            known = now;
        }
    }
    // Two columns, the hash of the one being the seed of the other.
    session
        .sql("CREATE TABLE two (a INT, b STRING) USING parquet CLUSTERED BY (b, a) INTO 8 BUCKETS")
        .unwrap();
    let mut known = BTreeSet::new();
    for (values, wanted) in [
        ("1, 'x'", 4),
        ("2, 'y'", 7),
        ("NULL, 'z'", 6),
        ("3, NULL", 3),
        ("NULL, NULL", 2),
        ("4, 'x'", 3),
    ] {
        session.sql(&format!("INSERT INTO two VALUES ({values})")).unwrap();
        let now = files(&dir.path().join("two"));
        assert_eq!(
            now.difference(&known).map(|f| bucket(f)).collect::<Vec<_>>(),
            [wanted],
            "{values}"
        );
        known = now;
    }
}
