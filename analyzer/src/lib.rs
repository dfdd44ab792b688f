//! The unresolved tree to a typed logical plan: the only name resolution, coercion and column naming.

pub mod context;

pub use context::{AnalyzerContext, ResolvedRelation, Resolver, SqlFunction, ViewDefinition};
