//! TPC-H generator, queries, answers and comparison.
