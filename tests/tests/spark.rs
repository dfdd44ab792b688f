//! Spark's golden files and function examples: the scores never fall below what was reached.
//!
//! Skipped with a printed reason where the files are missing.

use rsql_engine::Session;
use rsql_tests::examples;
use rsql_tests::golden::{Scene, Score, read_folder, run_file};
use rsql_tests::spark_files;

fn percent(part: usize, whole: usize) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

/// A part of the files, one that covers queries, expressions, errors and commands and takes a minute.
const GOLDEN_FILES: [&str; 14] = [
    "cast.sql.out",
    "cte.sql.out",
    "group-by.sql.out",
    "group-by-filter.sql.out",
    "grouping_set.sql.out",
    "interval.sql.out",
    "natural-join.sql.out",
    "order-by.sql.out",
    "postgreSQL/boolean.sql.out",
    "postgreSQL/select_having.sql.out",
    "subquery/in-subquery/in-having.sql.out",
    "subquery/scalar-subquery/scalar-subquery-count-bug.sql.out",
    "typeCoercion/native/implicitTypeCasts.sql.out",
    "operators.sql.out",
];

#[test]
fn golden_files_keep_their_score() {
    let Some(dir) = spark_files::find("spark-sql-tests") else {
        return;
    };
    let scene = Scene::load(&dir).unwrap();
    let mut score = Score::default();
    for file in read_folder(&dir)
        .unwrap()
        .iter()
        .filter(|f| GOLDEN_FILES.contains(&f.name.as_str()))
    {
        run_file(&scene, file).unwrap().iter().for_each(|v| score.add(v));
    }
    println!("{score}");
    assert!(percent(score.rows_equal, score.rows) >= 50.0, "{score}");
    assert!(percent(score.different, score.rows) < 5.0, "{score}");
    assert!(percent(score.same_condition, score.errors) >= 35.0, "{score}");
}

#[test]
fn function_examples_keep_their_score() {
    let Some(path) = spark_files::find("spark-functions/examples.jsonl") else {
        return;
    };
    let session = Session::builder()
        .set("rsql.sql.strict", "true")
        .unwrap()
        .build()
        .unwrap();
    let all = examples::read(&path).unwrap();
    let equal = all.iter().filter(|e| examples::run(&session, e).equal).count();
    println!("{equal} of {} examples", all.len());
    assert!(percent(equal, all.len()) >= 55.0, "{equal} of {}", all.len());
}
