//! Views, functions, variables and statements from strings.

use rsql_engine::Session;

use super::check;

#[test]
fn views_come_and_go() {
    let s = Session::new().unwrap();
    check(
        &s,
        &[
            ("CREATE TEMPORARY VIEW v (x, y) AS SELECT 1, 'a'", "ok"),
            (
                "CREATE TEMPORARY VIEW v AS SELECT 2",
                "!TEMP_TABLE_OR_VIEW_ALREADY_EXISTS",
            ),
            ("CREATE OR REPLACE TEMPORARY VIEW w AS SELECT x + 1 AS z FROM v", "ok"),
            ("SELECT * FROM w", "2"),
            (
                "CREATE OR REPLACE TEMPORARY VIEW w AS SELECT * FROM w",
                "!RECURSIVE_VIEW",
            ),
            ("CREATE VIEW p AS SELECT * FROM v", "!INVALID_TEMP_OBJ_REFERENCE"),
            (
                "CREATE VIEW p (a, b) AS SELECT 1",
                "!CREATE_VIEW_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS",
            ),
            ("CREATE VIEW p AS SELECT 1 AS a, 2 AS a", "!COLUMN_ALREADY_EXISTS"),
            (
                "CREATE VIEW p AS SELECT nosuch",
                "!UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
            ),
            ("CREATE TABLE t (a INT)", "ok"),
            ("CREATE VIEW p AS SELECT a FROM t", "ok"),
            ("INSERT INTO t VALUES (5)", "ok"),
            ("SELECT * FROM p", "5"),
            ("INSERT INTO p VALUES (1)", "!EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE"),
            ("SHOW VIEWS", "default|p|false; |v|true; |w|true"),
            (
                "SHOW CREATE TABLE p",
                "CREATE VIEW default.p (\n  a)\nWITH SCHEMA COMPENSATION\nAS SELECT a FROM t\n",
            ),
            ("ALTER VIEW p AS SELECT a + 1 AS b FROM t", "ok"),
            ("SELECT b FROM p", "6"),
            ("ALTER VIEW p RENAME TO q", "ok"),
            ("DROP VIEW t", "!WRONG_COMMAND_FOR_OBJECT_TYPE"),
            ("DROP VIEW q", "ok"),
            ("CREATE GLOBAL TEMPORARY VIEW g AS SELECT 7 AS a", "ok"),
            ("SELECT * FROM global_temp.g", "7"),
            ("DROP VIEW global_temp.g", "ok"),
            ("DROP VIEW v", "ok"),
            ("SELECT * FROM w", "!TABLE_OR_VIEW_NOT_FOUND"),
            ("CACHE TABLE c AS SELECT 3 AS a", "ok"),
            ("SELECT * FROM c", "3"),
            ("UNCACHE TABLE nosuch", "!TABLE_OR_VIEW_NOT_FOUND"),
        ],
    );
}

#[test]
fn functions_are_checked_when_made() {
    let s = Session::new().unwrap();
    check(
        &s,
        &[
            (
                "CREATE FUNCTION f(x INT, y INT DEFAULT 10) RETURNS INT RETURN x + y",
                "ok",
            ),
            ("SELECT f(1), f(1, 2)", "11|3"),
            ("CREATE FUNCTION g(x INT) RETURNS INT RETURN f(x) * 2", "ok"),
            ("SELECT g(1)", "22"),
            (
                "CREATE OR REPLACE FUNCTION f(x INT) RETURNS INT RETURN g(x)",
                "!CYCLIC_FUNCTION_REFERENCE",
            ),
            (
                "CREATE FUNCTION h(x INT) RETURNS INT RETURN nosuch",
                "!UNRESOLVED_COLUMN.WITH_SUGGESTION",
            ),
            (
                "CREATE FUNCTION h(x INT, X INT) RETURN 1",
                "!DUPLICATE_ROUTINE_PARAMETER_NAMES",
            ),
            (
                "CREATE FUNCTION h(x INT) RETURNS INT RETURN sum(x)",
                "!USER_DEFINED_FUNCTIONS.CANNOT_CONTAIN_COMPLEX_FUNCTIONS",
            ),
            ("CREATE TEMPORARY FUNCTION tf(x INT) RETURNS INT RETURN x", "ok"),
            (
                "CREATE FUNCTION h(x INT) RETURNS INT RETURN tf(x)",
                "!INVALID_TEMP_OBJ_REFERENCE",
            ),
            (
                "CREATE FUNCTION rows_of(n INT) RETURNS TABLE (a INT) RETURN SELECT n + 1",
                "ok",
            ),
            ("SELECT * FROM rows_of(1)", "2"),
            ("CREATE FUNCTION f() RETURN 1", "!ROUTINE_ALREADY_EXISTS"),
            ("SHOW USER FUNCTIONS LIKE 'f'", "spark_catalog.default.f"),
            ("DROP FUNCTION f", "ok"),
            ("DROP FUNCTION f", "!ROUTINE_NOT_FOUND"),
            ("DROP FUNCTION abs", "!FORBIDDEN_OPERATION"),
        ],
    );
}

#[test]
fn variables_and_statements_from_strings() {
    let s = Session::new().unwrap();
    check(
        &s,
        &[
            ("DECLARE VARIABLE v INT DEFAULT 5", "ok"),
            ("SET VARIABLE v = v + 1", "ok"),
            ("SELECT v", "6"),
            ("SET VARIABLE v = DEFAULT", "ok"),
            ("SELECT v", "5"),
            ("SET VARIABLE (v) = (SELECT max(id) FROM range(10))", "ok"),
            (
                "EXECUTE IMMEDIATE 'SELECT ? + :x' USING 1, 2 AS x",
                "!INVALID_QUERY_MIXED_QUERY_PARAMETERS",
            ),
            ("EXECUTE IMMEDIATE 'SELECT ? + v' USING 1", "10"),
            ("EXECUTE IMMEDIATE 'SELECT 77' INTO v", "ok"),
            ("SELECT v", "77"),
            ("SET v = 1", "!UNSUPPORTED_FEATURE.SET_VARIABLE_USING_SET"),
            ("DROP TEMPORARY VARIABLE v", "ok"),
            ("DROP TEMPORARY VARIABLE v", "!VARIABLE_NOT_FOUND"),
        ],
    );
}

#[test]
fn explain_shows_stages() {
    let s = Session::new().unwrap();
    let text = |sql: &str| super::answer(&s, sql).join("\n");
    assert!(text("EXPLAIN SELECT 1").starts_with("== Physical Plan =="));
    let extended = text("EXPLAIN EXTENDED SELECT 1 AS a");
    for heading in ["Parsed Logical", "Analyzed Logical", "Optimized Logical", "Physical"] {
        assert!(extended.contains(&format!("== {heading} Plan ==")), "{extended}");
    }
    assert!(text("EXPLAIN ANALYZE SELECT count(*) FROM range(10)").contains("rows: 1"));
    assert!(text("EXPLAIN CREATE TABLE t (a INT)").contains("Execute CreateTable"));
    text("SET spark.sql.maxPlanStringLength = 10");
    assert!(text("EXPLAIN SELECT 1").starts_with("Truncated plan of "));
}

#[test]
fn explain_analyze_says_what_each_node_did() {
    let s = Session::builder()
        .set("rsql.exec.force_spill", "true")
        .unwrap()
        .build()
        .unwrap();
    assert_eq!(
        super::answer(&s, "CREATE TABLE big AS SELECT id, id % 7 AS k FROM range(50000)"),
        ["ok"]
    );
    let sql = "EXPLAIN ANALYZE SELECT k, count(*) AS n FROM big WHERE id >= 40000 AND k > 1 GROUP BY k ORDER BY k";
    let text = super::answer(&s, sql).join("\n");
    let line = |node: &str| {
        let line = text.lines().find(|l| l.trim_start().starts_with(node));
        line.expect(node).to_string()
    };
    let scan = line("Scan");
    for part in [
        "row groups and",
        "rows filtered",
        "read ",
        "decompressed ",
        "bytes: ",
        "time: ",
    ] {
        assert!(scan.contains(part), "{part}: {text}");
    }
    // Five of seven keys of the last fifth.
    assert!(scan.contains("[rows: 7144,"), "{text}");
    let aggregate = line("HashAggregate");
    assert!(
        aggregate.contains("rows: 5,") && aggregate.contains("spilled: "),
        "{text}"
    );
    assert!(line("Sort").contains("memory: "), "{text}");
}
