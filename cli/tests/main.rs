//! The binary as people use it: on a terminal, in pipes, in scripts, against a server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed step fails the test"
)]

mod batch;
mod cluster;
mod event_log;
mod parts;
mod remote;
mod shell;
mod standalone;
mod terminal;
