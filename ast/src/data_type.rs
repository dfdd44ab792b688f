//! Types as written in CAST, column definitions and DDL strings.

use rsql_common::Span;

use crate::{Expr, Ident, IntervalUnit};

/// A written type and its place.
#[derive(Debug, Clone)]
pub struct TypeExpr {
    /// What was written.
    pub kind: TypeKind,
    /// Where.
    pub span: Span,
}

/// Places do not count.
impl PartialEq for TypeExpr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// A written type.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeKind {
    /// A type without structure: lower-case name and integer arguments, e.g. `("decimal", [10, 2])`, `("varchar", [5])`,
    /// `("timestamp_ntz", [])`. The analyzer knows which exist.
    Simple {
        /// Lower-case name.
        name: String,
        /// Arguments in parentheses.
        args: Vec<i64>,
    },
    /// `INTERVAL`, `INTERVAL YEAR`, `INTERVAL DAY TO SECOND`.
    Interval(Option<(IntervalUnit, IntervalUnit)>),
    /// `ARRAY<t>`
    Array(Box<TypeExpr>),
    /// `MAP<k, v>`
    Map(Box<TypeExpr>, Box<TypeExpr>),
    /// `STRUCT<a: t, b t NOT NULL COMMENT '…'>`
    Struct(Vec<StructField>),
    /// `STRING COLLATE name`
    Collated(Box<TypeExpr>, Ident),
}

/// One field of a written STRUCT.
#[derive(Debug, Clone, PartialEq)]
pub struct StructField {
    /// Field name.
    pub name: Ident,
    /// Field type.
    pub ty: TypeExpr,
    /// `NOT NULL` given.
    pub not_null: bool,
    /// `COMMENT` text.
    pub comment: Option<String>,
}

/// One column of CREATE TABLE or a DDL schema.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDef {
    /// Column name.
    pub name: Ident,
    /// Type; absent where a view or CTAS column list names columns only.
    pub ty: Option<TypeExpr>,
    /// `NOT NULL` given.
    pub not_null: bool,
    /// `DEFAULT expr`
    pub default: Option<Expr>,
    /// `GENERATED ALWAYS AS (expr)`
    pub generated: Option<Expr>,
    /// `COMMENT` text.
    pub comment: Option<String>,
}
