//! Logical and physical plans, lowering between them, and EXPLAIN.
//!
//! Both plans are closed enums of plain structs without run-time state. [`logical`] columns are ids, [`physical`]
//! expressions use ordinals. Reading order: [`logical`], [`physical`], [`lower()`]; for clusters
//! [`distribute`] adds exchanges, [`stages`] cuts the plan at them and [`adaptive`] plans again what is left of it.

pub mod adaptive;
pub mod buckets;
pub mod distribute;
pub mod estimates;
mod explain;
pub mod logical;
mod lower;
pub mod physical;
mod shared_scans;
pub mod stages;

pub use estimates::Estimates;
pub use explain::{
    StageNotes, explain_logical, explain_physical, explain_physical_with, explain_stages, explain_stages_with,
};
pub use logical::LogicalPlan;
pub use lower::lower;
pub use physical::PhysicalPlan;
pub use shared_scans::share_scans;
