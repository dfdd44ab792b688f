//! Execution: physical plans become pipelines of sources, operators and sinks, run by the workers of the process.
//!
//! Reading order: [`pipeline`] (the protocol), `build` (plan to pipelines), then one module an operator.

pub mod pipeline;
pub mod runtime_filter;
