//! Logical and physical plans, lowering and EXPLAIN.
