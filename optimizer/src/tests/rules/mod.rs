//! What rules do to whole queries.

mod predicates;
mod shape;
mod sharing;
mod subqueries;
