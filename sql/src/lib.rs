//! SQL text to the unresolved tree.
