//! `collation_key`: what stands for a value where it is compared, grouped or sorted by its collation.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewBuilder, ListArray, MapArray, StructArray};
use arrow::datatypes::{Field, Fields};
use rsql_common::{Error, Result};
use rsql_expr::function::{Doc, Family, ReturnType, Signature, TypeSpec};
use rsql_expr::tree::key_type;
use rsql_expr::types::map_entries;
use rsql_expr::{Collation, ScalarFn, SqlType};

use super::Rules;
use crate::kernel::pure;

pub(super) const ALL: &[&ScalarFn] = &[&COLLATION_KEY];

/// `collation_key(expr)`: the optimizer puts it around what is compared.
static COLLATION_KEY: ScalarFn = pure(
    "collation_key",
    &[],
    Doc {
        family: Family::String,
        usage: "collation_key(expr)",
        text: "Bytes that compare as the value does by its collation.",
        example: "SELECT collation_key(collate('A', 'UTF8_LCASE')) = collation_key(collate('a', 'UTF8_LCASE'))",
    },
    Signature::exact(
        &[TypeSpec::Any],
        ReturnType::Of(|args, _| Ok(args.first().map_or(SqlType::Void, |a| key_type(&a.ty())))),
    ),
    |args| comparable(&args.array(0)?, &args.ty(0)),
);

/// True if texts of this collation are compared by keys.
fn has_key(ty: &SqlType) -> bool {
    ty.collation().is_some_and(|c| !c.is_binary() && !c.is_indeterminate())
}

/// The values with keys in place of texts that do not compare by bytes, at any depth.
pub(crate) fn comparable(array: &ArrayRef, ty: &SqlType) -> Result<ArrayRef> {
    if !ty.any_text(&has_key) {
        return Ok(Arc::clone(array));
    }
    Ok(match ty {
        SqlType::Array(a) => {
            let list = array.as_list::<i32>();
            let values = comparable(list.values(), &a.element)?;
            let field = Arc::new(Field::new("item", values.data_type().clone(), true));
            Arc::new(ListArray::try_new(
                field,
                list.offsets().clone(),
                values,
                list.nulls().cloned(),
            )?)
        }
        SqlType::Map(m) => {
            let map = array.as_map();
            let (keys, values) = (comparable(map.keys(), &m.key)?, comparable(map.values(), &m.value)?);
            let field = map_entries(keys.data_type().clone(), values.data_type().clone());
            let fields = Fields::from(vec![
                Field::new("key", keys.data_type().clone(), false),
                Field::new("value", values.data_type().clone(), true),
            ]);
            let entries = StructArray::try_new(fields, vec![keys, values], None)?;
            let offsets = map.offsets().clone();
            Arc::new(MapArray::try_new(field, offsets, entries, map.nulls().cloned(), false)?)
        }
        SqlType::Struct(fields) => {
            let columns = array
                .as_struct()
                .columns()
                .iter()
                .zip(fields.iter())
                .map(|(c, f)| comparable(c, &f.ty))
                .collect::<Result<Vec<_>>>()?;
            let fields: Fields = fields
                .iter()
                .zip(&columns)
                .map(|(f, c)| Field::new(f.name.as_ref(), c.data_type().clone(), true))
                .collect();
            Arc::new(StructArray::try_new(fields, columns, array.nulls().cloned())?)
        }
        text => keys(array, text.collation().unwrap_or(Collation::UTF8_BINARY))?,
    })
}

fn keys(array: &ArrayRef, collation: Collation) -> Result<ArrayRef> {
    let texts = array
        .as_string_view_opt()
        .ok_or_else(|| Error::internal(format!("a text column of type {}", array.data_type())))?;
    let rules = Rules::get(collation)?;
    let mut out = BinaryViewBuilder::with_capacity(texts.len());
    let mut key = Vec::new();
    for text in texts {
        match text {
            None => out.append_null(),
            Some(text) => {
                key.clear();
                rules.key(text, &mut key);
                out.append_value(&key);
            }
        }
    }
    Ok(Arc::new(out.finish()))
}
