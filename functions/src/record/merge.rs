//! Merging of inferred schemas.

use rsql_expr::SqlType;
use rsql_expr::types::StructField;

/// A struct with the fields of both, sorted by name; a field that both have takes the type `merge` gives.
pub(crate) fn merge_fields(a: &[StructField], b: &[StructField], merge: fn(&SqlType, &SqlType) -> SqlType) -> SqlType {
    let mut fields: Vec<(String, SqlType, bool)> = a.iter().map(|f| (f.name.to_string(), f.ty.clone(), true)).collect();
    for f in b {
        match fields.iter_mut().find(|(name, ..)| *name == *f.name) {
            Some((_, ty, _)) => *ty = merge(ty, &f.ty),
            None => fields.push((f.name.to_string(), f.ty.clone(), true)),
        }
    }
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    SqlType::structure(fields)
}
