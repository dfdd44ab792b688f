//! Maps by row, and new maps put together from keys and values with Spark's rules for them.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, MapArray, StructArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::DataType;
use rsql_common::{Error, Result};
use rsql_expr::SqlType;
use rsql_expr::function::EvalArgs;

use super::ranges::{Ranges, RowEnds};
use super::{Keys, canonical_floats};

/// A map column: keys and values of all rows, and each row's range in them.
pub(crate) struct Maps {
    /// Keys of all rows.
    pub(crate) keys: ArrayRef,
    /// Values of all rows.
    pub(crate) values: ArrayRef,
    rows: Ranges,
}

impl Maps {
    /// Reads a map array.
    pub(crate) fn new(array: &ArrayRef) -> Result<Self> {
        let map = array
            .as_map_opt()
            .ok_or_else(|| Error::internal(format!("expected a map column, found {}", array.data_type())))?;
        let (rows, (from, n)) = Ranges::new(map.offsets(), map.nulls());
        Ok(Self {
            keys: map.keys().slice(from, n),
            values: map.values().slice(from, n),
            rows,
        })
    }

    /// Argument `i` of a call.
    pub(crate) fn arg(args: &EvalArgs<'_>, i: usize) -> Result<Self> {
        Self::new(&args.array(i)?)
    }

    /// For every entry of a row that is not NULL: the row, with its position.
    pub(crate) fn rows_and_positions(&self) -> (Vec<u32>, UInt32Array) {
        let (rows, positions) = self.rows.rows_and_positions();
        (rows, UInt32Array::from(positions))
    }
}

impl Deref for Maps {
    type Target = Ranges;

    fn deref(&self) -> &Ranges {
        &self.rows
    }
}

/// Type of the keys of the map that a call gives.
fn key_type(args: &EvalArgs<'_>) -> SqlType {
    match &args.call.ty {
        SqlType::Map(m) => m.key.clone(),
        _ => SqlType::Void,
    }
}

/// Maps put together row by row from positions of keys and values. Keys must not be NULL and not repeat within a row.
pub(crate) struct MapGather<'a> {
    keys: &'a ArrayRef,
    bytes: Keys,
    last_wins: bool,
    seen: HashMap<Vec<u8>, usize>,
    key_picks: Vec<u32>,
    value_picks: Vec<Option<u32>>,
    rows: RowEnds,
}

impl<'a> MapGather<'a> {
    /// An empty result over `keys`.
    pub(crate) fn new(keys: &'a ArrayRef, args: &EvalArgs<'_>) -> Result<Self> {
        Ok(Self {
            bytes: Keys::new(keys, &key_type(args))?,
            keys,
            last_wins: args.options().map_key_last_wins,
            seen: HashMap::new(),
            key_picks: Vec::with_capacity(keys.len()),
            value_picks: Vec::with_capacity(keys.len()),
            rows: RowEnds::with_capacity(args.rows),
        })
    }

    /// Adds an entry to the current row; a value of `None` is NULL.
    pub(crate) fn push(&mut self, key: usize, value: Option<usize>) -> Result<()> {
        if self.keys.is_null(key) || *self.keys.data_type() == DataType::Null {
            return Err(Error::user("NULL_MAP_KEY"));
        }
        let value = value.map(|v| v as u32);
        let start = self.rows.start();
        let bytes = self.bytes.get(key);
        // Few entries are compared one by one; a hash table pays off only for larger maps.
        let earlier = if self.key_picks.len() - start < 16 {
            (start..self.key_picks.len()).find(|i| self.bytes.get(self.key_picks[*i] as usize) == bytes)
        } else {
            if self.seen.is_empty() {
                for i in start..self.key_picks.len() {
                    self.seen.insert(self.bytes.get(self.key_picks[i] as usize).to_vec(), i);
                }
            }
            let found = self.seen.get(bytes).copied();
            if found.is_none() {
                self.seen.insert(bytes.to_vec(), self.key_picks.len());
            }
            found
        };
        match earlier {
            Some(i) if self.last_wins => self.value_picks[i] = value,
            Some(_) => return Err(self.duplicate(key)),
            None => {
                self.key_picks.push(key as u32);
                self.value_picks.push(value);
            }
        }
        Ok(())
    }

    /// Ends the current row.
    pub(crate) fn end_row(&mut self) -> Result<()> {
        self.seen.clear();
        self.rows.end_row(self.key_picks.len(), "entries of the maps")
    }

    /// Adds a NULL row.
    pub(crate) fn null_row(&mut self) {
        self.rows.null_row();
    }

    /// Builds the maps of type `ty`.
    pub(crate) fn finish(self, values: &ArrayRef, ty: &SqlType) -> Result<ArrayRef> {
        let keys = arrow::compute::take(&canonical_floats(self.keys)?, &UInt32Array::from(self.key_picks), None)?;
        let values = arrow::compute::take(values, &UInt32Array::from(self.value_picks), None)?;
        let (offsets, nulls) = self.rows.finish();
        map_of(offsets, keys, values, nulls, ty)
    }

    fn duplicate(&self, key: usize) -> Error {
        let shown = arrow::util::display::array_value_to_string(self.keys, key).unwrap_or_default();
        Error::user("DUPLICATED_MAP_KEY")
            .param("key", shown)
            .param("mapKeyDedupPolicy", "\"spark.sql.mapKeyDedupPolicy\"")
    }
}

/// A map array of a Spark type.
pub(crate) fn map_of(
    offsets: OffsetBuffer<i32>,
    keys: ArrayRef,
    values: ArrayRef,
    nulls: Option<NullBuffer>,
    ty: &SqlType,
) -> Result<ArrayRef> {
    let DataType::Map(field, sorted) = ty.arrow() else {
        return Err(Error::internal(format!("expected a map type, found {ty}")));
    };
    let DataType::Struct(fields) = field.data_type() else {
        return Err(Error::internal("the entries of a map are not a struct"));
    };
    let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(field, offsets, entries, nulls, sorted)?))
}
