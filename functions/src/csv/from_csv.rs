//! `from_csv`: a line of CSV as a struct. A value that does not fit its type is NULL.

use arrow::array::ArrayRef;
use rsql_common::{Error, Result};
use rsql_expr::function::{EvalArgs, Signature};
use rsql_expr::tree::NullRule;
use rsql_expr::{Scalar, ScalarFn, SqlType, scalars_to_array};

use super::doc;
use super::line::Dialect;
use crate::kernel::{StrCol, fallible};
use crate::record::{
    Options, READER_TYPE, TextReader, bind_reader, corrupt_field, keep_text, malformed, only_flat_struct,
};

/// `from_csv(csv, schema[, options])`
pub(super) static FROM_CSV: ScalarFn = ScalarFn {
    nulls: NullRule::PropagateOrNull,
    ..fallible(
        "from_csv",
        &[],
        doc(
            "from_csv(csv, schema[, options])",
            "A line of CSV as a struct.",
            "SELECT from_csv('1, 0.8', 'a INT, b DOUBLE')",
        ),
        Signature::bind_with(|args, cx| bind_reader(&args, only_flat_struct, cx), READER_TYPE),
        from_csv,
    )
};

fn from_csv(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let texts = StrCol::of(args, 0)?;
    let options = Options::of(args, 2);
    let (dialect, reader) = (
        Dialect::new(&options, false),
        TextReader::new(&options, args.options())?,
    );
    let corrupt = corrupt_field(&options);
    let SqlType::Struct(fields) = &args.call.ty else {
        return Err(Error::internal("from_csv gives a struct"));
    };
    let mut rows = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let Some(text) = texts.get(row) else {
            rows.push(Scalar::Null);
            continue;
        };
        let mut values = dialect.split(text).into_iter();
        let mut whole = true;
        let mut parts = Vec::with_capacity(fields.len());
        for field in fields.iter() {
            if field.name.as_ref() == corrupt {
                parts.push(Scalar::Null);
                continue;
            }
            let value = values.next();
            whole &= value.is_some();
            parts.push(match value.flatten() {
                None => Scalar::Null,
                Some(v) => reader.read(number_text(&v, &field.ty), &field.ty).unwrap_or_else(|| {
                    whole = false;
                    Scalar::Null
                }),
            });
        }
        whole &= values.next().is_none();
        if !whole && options.fail_fast() {
            return Err(malformed(args, text));
        }
        if !whole {
            keep_text(&mut parts, fields, corrupt, text);
        }
        rows.push(Scalar::Struct(parts.into()));
    }
    scalars_to_array(&rows, &args.call.ty)
}

/// Spaces around fractions do not count; around everything else they do.
fn number_text<'a>(text: &'a str, ty: &SqlType) -> &'a str {
    if ty.is_floating() || ty.is_decimal() {
        text.trim()
    } else {
        text
    }
}
