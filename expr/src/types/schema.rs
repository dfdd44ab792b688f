//! Output columns of a plan node.

use std::sync::Arc;

use arrow::datatypes::{Field as ArrowField, Schema as ArrowSchema, SchemaRef};
use rsql_common::ColumnId;
use serde::{Deserialize, Serialize};

use super::SqlType;

/// One output column: identity, display name, type, nullability.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Field {
    /// Identity; what expressions refer to.
    pub id: ColumnId,
    /// Name for display; never looked at after analysis.
    pub name: Arc<str>,
    /// Type.
    pub ty: SqlType,
    /// NULL may occur.
    pub nullable: bool,
}

/// Output columns in order; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub struct Schema {
    /// The columns.
    pub fields: Arc<[Field]>,
}

impl Schema {
    /// A schema of `fields`.
    pub fn new(fields: impl IntoIterator<Item = Field>) -> Self {
        Self {
            fields: fields.into_iter().collect(),
        }
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// True without columns.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Columns in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Field> {
        self.fields.iter()
    }

    /// Position of a column.
    pub fn index_of(&self, id: ColumnId) -> Option<usize> {
        self.fields.iter().position(|f| f.id == id)
    }

    /// The column with this id.
    pub fn field(&self, id: ColumnId) -> Option<&Field> {
        self.fields.iter().find(|f| f.id == id)
    }

    /// This schema's columns, then the other's.
    #[must_use]
    pub fn join(&self, other: &Schema) -> Schema {
        Schema::new(self.iter().chain(other.iter()).cloned())
    }

    /// The same columns with every one nullable.
    #[must_use]
    pub fn all_nullable(&self) -> Schema {
        Schema::new(self.iter().cloned().map(|f| Field { nullable: true, ..f }))
    }

    /// Spark's text of it: `struct<a:int,b:string>`.
    pub fn simple_string(&self) -> String {
        let fields: Vec<String> = self.iter().map(|f| format!("{}:{}", f.name, f.ty)).collect();
        format!("struct<{}>", fields.join(","))
    }

    /// Arrow's view of it.
    pub fn arrow(&self) -> SchemaRef {
        Arc::new(ArrowSchema::new(
            self.iter()
                .map(|f| ArrowField::new(f.name.as_ref(), f.ty.arrow(), f.nullable))
                .collect::<Vec<_>>(),
        ))
    }
}
