//! Kernels: arithmetic, comparison, decimals.

pub mod decimal;
