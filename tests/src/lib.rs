//! Suites over the whole engine: Spark's golden files and function examples, random queries, `.slt` files, tidy checks.
//!
//! The library holds what the binaries (`spark-golden`, `spark-functions`, `random-queries`) and the tests share.

pub mod chaos;
pub mod cluster;
pub mod docs;
pub mod examples;
pub mod golden;
pub mod measure;
pub mod ordered;
pub mod random;
pub mod spark_files;
pub mod text;
