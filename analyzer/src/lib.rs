//! The unresolved tree to a typed logical plan.
