//! Adaptors between plain Rust functions on one row's values and kernels on arrays.
