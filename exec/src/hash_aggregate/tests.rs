//! Aggregation against a naive reference.
