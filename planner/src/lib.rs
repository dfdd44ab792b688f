//! Logical and physical plans, lowering between them, and EXPLAIN.
//!
//! Both plans are closed enums of plain structs without run-time state. [`logical`] columns are ids, [`physical`]
//! expressions use ordinals. Reading order: [`logical`], [`physical`].

pub mod logical;
pub mod physical;

pub use logical::LogicalPlan;
pub use physical::PhysicalPlan;
