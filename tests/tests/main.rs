//! The one integration-test binary: tidy checks and suites over the whole engine.

mod random;
mod slt;
mod spark;
mod spark_sql;
mod tidy;
mod tpch;
