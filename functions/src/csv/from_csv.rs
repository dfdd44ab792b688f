//! `from_csv`: a line of CSV as a struct. A value that does not fit its type is NULL.

use arrow::array::ArrayRef;
use rsql_common::{Error, Result};
use rsql_expr::function::{EvalArgs, ReturnType, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::{Expr, Literal, Scalar, ScalarFn, SqlType, scalars_to_array};

use super::doc;
use super::line::Dialect;
use crate::kernel::{StrCol, check_count, constant_text, fallible, unexpected_input};
use crate::record::{Options, TextReader, as_nullable, options_argument, schema_argument};

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
        Signature::bind_with(
            |args, cx| {
                check_count(&args, 2, Some(3), cx)?;
                if !matches!(schema_argument(&args, 1, cx)?, SqlType::Struct(_)) {
                    return Err(unexpected_input(&args, 1, "\"STRUCT\"", cx));
                }
                let text = rsql_expr::coerce::implicit_cast(args[0].clone(), TypeSpec::String, 0, cx)?;
                let schema = Expr::lit(Literal::string(constant_text(&args[1], cx).unwrap_or_default()));
                Ok([text, schema]
                    .into_iter()
                    .chain(options_argument(&args, 2, cx)?)
                    .collect())
            },
            ReturnType::Of(|args, cx| schema_argument(args, 1, cx).map(|t| as_nullable(&t))),
        ),
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
    let corrupt = options.get("columnnameofcorruptrecord").unwrap_or("_corrupt_record");
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
            return Err(args.error(
                Error::user("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION")
                    .param("badRecord", text)
                    .param("failFastMode", "FAILFAST"),
            ));
        }
        if !whole
            && let Some(i) = fields
                .iter()
                .position(|f| f.name.as_ref() == corrupt && f.ty.is_string())
        {
            parts[i] = Scalar::Str(text.into());
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
