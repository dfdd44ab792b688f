//! The one integration-test binary: tidy checks and suites over the whole engine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step fails the test"
)]

mod bucketed;
mod cancel;
mod chaos;
mod cluster;
mod distinct;
mod distributed;
mod hints;
mod random;
mod reorder;
mod slips;
mod slt;
mod soak;
mod spark;
mod spark_sql;
mod tidy;
mod tpch;
mod writes;
