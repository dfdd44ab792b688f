//! Tests of the whole parser: trees of statements, errors and their places, limits, and Spark's golden statements.

mod cases;
mod errors;
mod golden;
mod mutants;
// One place for all crates; a dependency on the tests' crate would run in a circle.
#[path = "../../tests/src/spark_files.rs"]
mod spark_files;
mod tree;
