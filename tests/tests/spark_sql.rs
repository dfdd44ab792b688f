//! `--format spark` prints what `spark-sql -S` printed for the same statements, byte for byte.

use rsql_engine::Session;
use rsql_tests::text;

const STATEMENTS: &str = include_str!("../spark-sql/statements.sql");
const EXPECTED: &str = include_str!("../spark-sql/expected.txt");

#[test]
fn spark_format_is_spark_sqls() {
    let session = Session::builder()
        .set("spark.sql.session.timeZone", "UTC")
        .unwrap()
        .build()
        .unwrap();
    let mut actual = String::new();
    let mut failures = Vec::new();
    let done = session.script(STATEMENTS, &mut |statement, output| {
        let start = actual.len();
        for row in text::hive_rows(&output, "UTC")? {
            actual.push_str(&row);
            actual.push('\n');
        }
        if !EXPECTED.starts_with(&actual) {
            failures.push(format!("{statement}\n{}", &actual[start..]));
        }
        Ok(())
    });
    done.unwrap();
    assert!(failures.is_empty(), "{}", failures[0]);
    assert_eq!(actual, EXPECTED);
}
