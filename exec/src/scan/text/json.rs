//! Objects of JSON files: one a line, or any with `multiLine`.

use arrow::array::{Array, ArrayRef, AsArray};
use rsql_catalog::FileSource;
use rsql_common::{Error, Result};
use rsql_expr::eval::scalars_to_array;
use rsql_expr::{EvalMode, EvalOptions, Origin, Scalar, SqlType, cast, scalar_at};
use serde_json::{Map, Value};
use std::sync::Arc;

use super::{Cells, Mode, Shared};

/// How the files are read.
pub(super) struct JsonFormat {
    multi_line: bool,
    corrupt: String,
}

impl JsonFormat {
    pub fn new(source: &FileSource) -> Self {
        let option = |key: &str| source.options.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        Self {
            multi_line: option("multiline").is_some_and(|v| v.eq_ignore_ascii_case("true")),
            corrupt: option("columnnameofcorruptrecord")
                .unwrap_or("_corrupt_record")
                .to_string(),
        }
    }

    /// Reads the line at `at` (or the whole file); gives the start of the next.
    pub fn records(&self, bytes: &[u8], at: usize, shared: &Shared, cells: &mut Cells) -> Result<usize> {
        let (end, next) = match memchr::memchr(b'\n', &bytes[at..]) {
            Some(n) if !self.multi_line => (at + n, at + n + 1),
            _ => (bytes.len(), bytes.len()),
        };
        let line = &bytes[at..end];
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(next);
        }
        match serde_json::from_slice(line) {
            Ok(Value::Object(row)) => self.row(&row, shared, cells),
            Ok(Value::Array(rows)) => {
                for row in rows {
                    match row {
                        Value::Object(row) => self.row(&row, shared, cells),
                        _ => self.malformed(line, shared, cells)?,
                    }
                }
            }
            _ => self.malformed(line, shared, cells)?,
        }
        Ok(next)
    }

    fn row(&self, row: &Map<String, Value>, shared: &Shared, cells: &mut Cells) {
        for (i, column) in shared.columns.iter().enumerate() {
            let name: &str = &shared.table[*column].name;
            let value = row
                .get(name)
                .or_else(|| row.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v));
            match value {
                None | Some(Value::Null) => cells.push(i, None),
                Some(Value::String(s)) if !shared.table[*column].ty.is_nested() => cells.push(i, Some(s)),
                Some(other) => cells.push(i, Some(&other.to_string())),
            }
        }
        cells.rows += 1;
    }

    fn malformed(&self, line: &[u8], shared: &Shared, cells: &mut Cells) -> Result<()> {
        let text = String::from_utf8_lossy(line);
        match shared.mode {
            Mode::DropMalformed => Ok(()),
            Mode::FailFast => Err(Error::user("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION")
                .param("badRecord", text)
                .param("failFastMode", "FAILFAST")),
            Mode::Permissive => {
                for (i, column) in shared.columns.iter().enumerate() {
                    let corrupt = shared.table[*column].name.eq_ignore_ascii_case(&self.corrupt);
                    cells.push(i, corrupt.then_some(&*text));
                }
                cells.rows += 1;
                Ok(())
            }
        }
    }
}

/// JSON text of arrays, maps and structs as values; NULL where it does not fit.
pub(super) fn nested(text: &ArrayRef, ty: &SqlType) -> Result<ArrayRef> {
    let text = text.as_string_view();
    let values = (0..text.len())
        .map(|row| {
            if text.is_null(row) {
                return Ok(Scalar::Null);
            }
            let value: Value = serde_json::from_str(text.value(row)).unwrap_or(Value::Null);
            scalar_of(&value, ty)
        })
        .collect::<Result<Vec<_>>>()?;
    scalars_to_array(&values, ty)
}

fn scalar_of(value: &Value, ty: &SqlType) -> Result<Scalar> {
    Ok(match (value, ty) {
        (Value::Null, _) => Scalar::Null,
        (Value::Array(items), SqlType::Array(a)) => {
            Scalar::Array(items.iter().map(|v| scalar_of(v, &a.element)).collect::<Result<_>>()?)
        }
        (Value::Object(map), SqlType::Map(m)) => {
            let entries = map.iter().map(|(k, v)| {
                let key = scalar_of(&Value::String(k.clone()), &m.key)?;
                Ok((key, scalar_of(v, &m.value)?))
            });
            Scalar::Map(entries.collect::<Result<_>>()?)
        }
        (Value::Object(map), SqlType::Struct(fields)) => {
            let values = fields.iter().map(|f| {
                let found = map.get(&*f.name).or_else(|| {
                    map.iter()
                        .find(|(k, _)| k.eq_ignore_ascii_case(&f.name))
                        .map(|(_, v)| v)
                });
                found.map_or(Ok(Scalar::Null), |v| scalar_of(v, &f.ty))
            });
            Scalar::Struct(values.collect::<Result<_>>()?)
        }
        (_, t) if t.is_nested() => Scalar::Null,
        (Value::String(s), t) if t.is_string() => Scalar::Str(s.as_str().into()),
        (other, t) if t.is_string() => Scalar::Str(other.to_string().into()),
        (value, t) => {
            let text = match value {
                Value::String(s) => s.clone(),
                other => other.to_string(),
            };
            let array: ArrayRef = Arc::new(arrow::array::StringViewArray::from(vec![text]));
            let options = EvalOptions::default();
            let cast = cast::cast_array(&array, &SqlType::String, t, EvalMode::Try, &options, Origin::default())?;
            scalar_at(cast.as_ref(), 0, t)?
        }
    })
}
