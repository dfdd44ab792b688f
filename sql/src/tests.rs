//! Tests of the whole parser: trees of statements, errors and their places, limits, and Spark's golden statements.

mod cases;
mod errors;
mod golden;
mod mutants;
mod tree;
