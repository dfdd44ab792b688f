//! TPC-H: generates the tables, runs the 22 queries, checks every answer.
//!
//! Reading order: [`mod@generate`] (the tables as Parquet), [`queries`] (texts and known answers), [`answer`] (comparison),
//! [`mod@run`] (the benchmark). `compare.py` beside this crate runs the same files and queries through other engines.

pub mod answer;
pub mod generate;
pub mod queries;
pub mod run;

pub use generate::{TABLES, generate};
pub use run::{Options, Report, run};
