//! The unresolved tree: what SQL text and the DataFrame DSL build, and what the analyzer reads.
//!
//! Nothing here is typed or resolved, and nothing depends on a parser: names are names, a literal is what the user
//! wrote, every node knows its [`Span`]. Chains (`a AND b AND c`, `UNION` of many) are n-ary, so that long inputs do
//! not nest. Reading order: [`ident`], [`literal`], [`expr`], [`query`], [`relation`], [`command`].

pub mod command;
pub mod data_type;
pub mod expr;
pub mod ident;
pub mod literal;
pub mod query;
pub mod relation;

pub use command::{Statement, StatementKind};
pub use data_type::{TypeExpr, TypeKind};
pub use expr::{Expr, ExprKind};
pub use ident::{Ident, ObjectName};
pub use literal::{IntervalUnit, Literal};
pub use query::{Query, Select, SetExpr};
pub use relation::Relation;
pub use rsql_common::Span;
