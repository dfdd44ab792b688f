//! Tables: definitions, rows, partitions, and what is refused.

use rsql_engine::Session;

use super::check;

#[test]
fn rows_go_in_and_come_out() {
    let s = Session::new().unwrap();
    check(
        &s,
        &[
            ("CREATE TABLE t (a INT, b STRING DEFAULT 'x', c INT)", "ok"),
            ("INSERT INTO t VALUES (1, 'one', 10)", "ok"),
            ("INSERT INTO t (c, a) VALUES (20, 2)", "ok"),
            ("INSERT INTO t VALUES (3, DEFAULT, DEFAULT)", "ok"),
            ("INSERT INTO t BY NAME SELECT 40 AS c, 4 AS a", "ok"),
            ("SELECT * FROM t ORDER BY a", "1|one|10; 2|x|20; 3|x|NULL; 4|x|40"),
            (
                "INSERT INTO t VALUES (1)",
                "!INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS",
            ),
            (
                "INSERT INTO t VALUES ('a', 'b', 1)",
                "!INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST",
            ),
            ("INSERT INTO t (zz) VALUES (1)", "!UNRESOLVED_COLUMN.WITH_SUGGESTION"),
            ("INSERT INTO t (a, A) VALUES (1, 2)", "!COLUMN_ALREADY_EXISTS"),
            (
                "INSERT INTO t BY NAME SELECT 1 AS zz",
                "!INCOMPATIBLE_DATA_FOR_TABLE.EXTRA_COLUMNS",
            ),
            ("INSERT INTO nosuch VALUES (1)", "!TABLE_OR_VIEW_NOT_FOUND"),
            ("INSERT OVERWRITE t SELECT a * 10, b, c FROM t WHERE a < 3", "ok"),
            ("SELECT * FROM t ORDER BY a", "10|one|10; 20|x|20"),
            ("TRUNCATE TABLE t", "ok"),
            ("SELECT count(*) FROM t", "0"),
            ("DROP TABLE t", "ok"),
            ("DROP TABLE t", "!TABLE_OR_VIEW_NOT_FOUND"),
            ("DROP TABLE IF EXISTS t", "ok"),
        ],
    );
}

#[test]
fn all_types_survive_storage() {
    let s = Session::new().unwrap();
    let values = "SELECT true AS b, 1Y AS i8, 2S AS i16, 3 AS i32, 4L AS i64, CAST(1.5 AS FLOAT) AS f, 2.5D AS d, \
                  1.23 AS dec, CAST(7 AS DECIMAL(30, 2)) AS big, 'text' AS s, X'00FF' AS bin, DATE '2024-02-29' AS day, \
                  TIMESTAMP '2024-02-29 12:34:56.789' AS ts, TIMESTAMP_NTZ '2024-02-29 12:34:56' AS ntz, \
                  INTERVAL '1-2' YEAR TO MONTH AS ym, INTERVAL '3 04:05:06' DAY TO SECOND AS dt, \
                  array(1, 2) AS arr, map('k', 1) AS m, named_struct('x', 1, 'y', 'z') AS st";
    check(&s, &[(&format!("CREATE TABLE t USING parquet AS {values}"), "ok")]);
    let stored = super::answer(&s, "SELECT * FROM t");
    assert_eq!(stored, super::answer(&s, values));
    assert_eq!(stored.len(), 1);
}

#[test]
fn other_formats_are_read_back() {
    for format in ["csv", "json"] {
        let s = Session::new().unwrap();
        check(
            &s,
            &[
                (&format!("CREATE TABLE t (a INT, b STRING) USING {format}"), "ok"),
                ("INSERT INTO t VALUES (1, 'x,y'), (2, NULL), (NULL, 'quo\"te')", "ok"),
                ("SELECT * FROM t ORDER BY a", "NULL|quo\"te; 1|x,y; 2|NULL"),
            ],
        );
    }
}

#[test]
fn partitions_are_folders() {
    let s = Session::new().unwrap();
    check(
        &s,
        &[
            (
                "CREATE TABLE p (a INT, k STRING, n INT) USING parquet PARTITIONED BY (k, n)",
                "ok",
            ),
            ("INSERT INTO p VALUES (1, 'x', 1), (2, 'y:/', 2), (3, NULL, 3)", "ok"),
            ("INSERT INTO p PARTITION (k = 'x', n = 1) VALUES (4)", "ok"),
            ("INSERT INTO p PARTITION (k = 'x', n) VALUES (5, 9)", "ok"),
            ("SELECT * FROM p ORDER BY a", "1|x|1; 2|y:/|2; 3|NULL|3; 4|x|1; 5|x|9"),
            ("SELECT a FROM p WHERE k = 'x' AND n = 1 ORDER BY a", "1; 4"),
            (
                "SHOW PARTITIONS p",
                "k=__HIVE_DEFAULT_PARTITION__/n=3; k=x/n=1; k=x/n=9; k=y%3A%2F/n=2",
            ),
            ("SHOW PARTITIONS p PARTITION (k = 'x')", "k=x/n=1; k=x/n=9"),
            ("INSERT OVERWRITE p PARTITION (k = 'x', n = 1) SELECT 7", "ok"),
            ("SELECT a FROM p ORDER BY a", "2; 3; 5; 7"),
            (
                "SET spark.sql.sources.partitionOverwriteMode=dynamic",
                "spark.sql.sources.partitionOverwriteMode|dynamic",
            ),
            ("INSERT OVERWRITE p VALUES (8, 'x', 9)", "ok"),
            ("SELECT a FROM p ORDER BY a", "2; 3; 7; 8"),
            ("RESET spark.sql.sources.partitionOverwriteMode", "ok"),
            ("ALTER TABLE p ADD PARTITION (k = 'z', n = 5)", "ok"),
            (
                "ALTER TABLE p ADD PARTITION (k = 'z', n = 5)",
                "!PARTITIONS_ALREADY_EXIST",
            ),
            ("ALTER TABLE p DROP PARTITION (k = 'z', n = 5)", "ok"),
            ("ALTER TABLE p DROP PARTITION (k = 'z', n = 5)", "!PARTITIONS_NOT_FOUND"),
            ("TRUNCATE TABLE p PARTITION (k = 'x')", "ok"),
            ("SELECT a FROM p ORDER BY a", "2; 3"),
            ("INSERT INTO p PARTITION (zz = 1) VALUES (1)", "!PARTITIONS_NOT_FOUND"),
            (
                "INSERT INTO p PARTITION (k, n = 1) VALUES (1, 's')",
                "!_LEGACY_ERROR_TEMP_1147",
            ),
            ("INSERT OVERWRITE p VALUES (1, 'q', 1)", "ok"),
            ("SHOW PARTITIONS p", "k=q/n=1"),
        ],
    );
}

#[test]
fn definitions_are_checked() {
    let s = Session::new().unwrap();
    check(
        &s,
        &[
            ("CREATE TABLE t (a INT, A INT)", "!COLUMN_ALREADY_EXISTS"),
            (
                "CREATE TABLE t (a INT) PARTITIONED BY (b)",
                "!COLUMN_NOT_DEFINED_IN_TABLE",
            ),
            (
                "CREATE TABLE t (a INT) PARTITIONED BY (a)",
                "!ALL_PARTITION_COLUMNS_NOT_ALLOWED",
            ),
            ("CREATE TABLE t (a INT) USING nosuch", "!DATA_SOURCE_NOT_FOUND"),
            ("CREATE TABLE t USING parquet", "!UNABLE_TO_INFER_SCHEMA"),
            (
                "CREATE TABLE t (a INT DEFAULT b)",
                "!INVALID_DEFAULT_VALUE.NOT_CONSTANT",
            ),
            (
                "CREATE TABLE t (a INT DEFAULT 'abc')",
                "!INVALID_DEFAULT_VALUE.DATA_TYPE",
            ),
            (
                "CREATE TABLE t (a INT DEFAULT (SELECT 1))",
                "!INVALID_DEFAULT_VALUE.SUBQUERY_EXPRESSION",
            ),
            ("CREATE TABLE nodb.t (a INT)", "!SCHEMA_NOT_FOUND"),
            (
                "CREATE EXTERNAL TABLE t (a INT)",
                "!CREATE_EXTERNAL_TABLE_WITHOUT_LOCATION",
            ),
            ("CREATE TABLE t AS SELECT 1 AS a, 2 AS a", "!COLUMN_ALREADY_EXISTS"),
            ("CREATE TABLE t AS SELECT 1 / 0 AS a", "!DIVIDE_BY_ZERO"),
            ("CREATE TABLE t (a INT)", "ok"),
            ("CREATE TABLE t (a INT)", "!TABLE_OR_VIEW_ALREADY_EXISTS"),
            ("CREATE TABLE IF NOT EXISTS t (a INT)", "ok"),
            ("CREATE OR REPLACE TABLE t AS SELECT 5 AS z", "ok"),
            ("SELECT * FROM t", "5"),
            ("CREATE TABLE l LIKE t", "ok"),
            ("DESCRIBE l", "z|int|NULL"),
        ],
    );
}

#[test]
fn lengths_are_checked_on_the_way_in() {
    let s = Session::new().unwrap();
    check(
        &s,
        &[
            ("CREATE TABLE t (c CHAR(3), v VARCHAR(3)) USING parquet", "ok"),
            ("INSERT INTO t VALUES ('a', 'b')", "ok"),
            ("SELECT length(c), length(v) FROM t", "3|1"),
            ("INSERT INTO t VALUES ('abcd', 'b')", "!EXCEED_LIMIT_LENGTH"),
            ("CREATE TABLE u AS SELECT c FROM t", "ok"),
            ("DESCRIBE u", "c|char(3)|NULL"),
        ],
    );
}

#[test]
fn external_tables_outlive_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("t").display().to_string();
    let s = Session::new().unwrap();
    check(
        &s,
        &[
            (&format!("CREATE TABLE t (a INT) USING parquet LOCATION '{at}'"), "ok"),
            ("INSERT INTO t VALUES (1), (2)", "ok"),
            ("DROP TABLE t", "ok"),
            (&format!("SELECT sum(a) FROM parquet.`{at}`"), "3"),
            (&format!("CREATE TABLE u USING parquet LOCATION '{at}'"), "ok"),
            ("DESCRIBE u", "a|int|NULL"),
            (
                &format!("INSERT OVERWRITE DIRECTORY '{at}' USING parquet SELECT 9 AS a"),
                "ok",
            ),
            ("SELECT * FROM u", "9"),
        ],
    );
}

#[test]
fn tables_change() {
    let s = Session::new().unwrap();
    check(
        &s,
        &[
            (
                "CREATE TABLE t (a INT COMMENT 'first') USING parquet COMMENT 'tc' TBLPROPERTIES ('k' = 'v')",
                "ok",
            ),
            ("INSERT INTO t VALUES (1)", "ok"),
            ("ALTER TABLE t ADD COLUMNS (b STRING)", "ok"),
            ("SELECT * FROM t", "1|NULL"),
            ("ALTER TABLE t ALTER COLUMN b COMMENT 'second'", "ok"),
            ("DESCRIBE t", "a|int|first; b|string|second"),
            (
                "ALTER TABLE t ALTER COLUMN a TYPE BIGINT",
                "!NOT_SUPPORTED_CHANGE_COLUMN",
            ),
            ("ALTER TABLE t DROP COLUMN a", "!UNSUPPORTED_FEATURE.TABLE_OPERATION"),
            ("ALTER TABLE t RENAME TO u", "ok"),
            ("SELECT a FROM u", "1"),
            ("ALTER TABLE u SET TBLPROPERTIES ('x' = 'y', 'password' = 'p')", "ok"),
            ("SHOW TBLPROPERTIES u", "k|v; password|*********(redacted); x|y"),
            ("ALTER TABLE u UNSET TBLPROPERTIES ('k')", "ok"),
            (
                "SHOW TBLPROPERTIES u ('k')",
                "k|Table spark_catalog.default.u does not have property: k",
            ),
            (
                "SHOW CREATE TABLE u",
                "CREATE TABLE spark_catalog.default.u (\n  a INT COMMENT 'first',\n  b STRING COLLATE UTF8_BINARY COMMENT \
                 'second')\nUSING parquet\nCOMMENT 'tc'\nTBLPROPERTIES (\n  'password' = '*********(redacted)',\n  'x' = \
                 'y')\n",
            ),
            ("SHOW COLUMNS IN u", "a; b"),
            ("ANALYZE TABLE u COMPUTE STATISTICS", "ok"),
            ("DELETE FROM u", "!UNSUPPORTED_FEATURE.TABLE_OPERATION"),
        ],
    );
}

#[test]
fn databases_hold_tables() {
    let s = Session::new().unwrap();
    check(
        &s,
        &[
            ("CREATE DATABASE d COMMENT 'hello'", "ok"),
            ("USE d", "ok"),
            ("CREATE TABLE t (a INT)", "ok"),
            ("SHOW TABLES", "d|t|false"),
            ("SHOW TABLES IN default", ""),
            ("SHOW DATABASES", "d; default"),
            ("SHOW CURRENT NAMESPACE", "spark_catalog|d"),
            ("DROP DATABASE d", "!SCHEMA_NOT_EMPTY"),
            ("DROP DATABASE d CASCADE", "ok"),
            ("SHOW CURRENT NAMESPACE", "spark_catalog|default"),
            ("USE d", "!SCHEMA_NOT_FOUND"),
        ],
    );
}
