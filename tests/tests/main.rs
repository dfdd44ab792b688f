//! The one integration-test binary: tidy checks and suites over the whole engine.

mod slt;
mod tidy;
mod tpch;
