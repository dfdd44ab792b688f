//! `to_number`, `try_to_number`, `to_char`.

use arrow::array::ArrayRef;
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::types::Repr;
use rsql_expr::{EvalMode, Expr, Literal, ScalarFn, SqlType};

use super::number_format::NumberFormat;
use super::{Definitions, doc};
use crate::aggregate::decimal_array;
use crate::kernel::{
    StrCol, cast, check_count, constant_text, fallible, native_values, non_foldable, rewritten, some, text_rows,
};

pub(super) const ALL: Definitions = &[&TO_NUMBER, &TRY_TO_NUMBER, &TO_CHAR, &NUMBER_TO_CHAR, &PARSE_NUMBER];

/// `to_number(str, format)`
static TO_NUMBER: ScalarFn = rewritten(
    "to_number",
    &[],
    doc(
        "to_number(str, format)",
        "The decimal that a text in the format stands for.",
        "SELECT to_number('12,454', '99,999')",
    ),
    |args, cx| PARSE_NUMBER.resolve(args, cx),
);

/// `try_to_number(str, format)`
static TRY_TO_NUMBER: ScalarFn = rewritten(
    "try_to_number",
    &[],
    doc(
        "try_to_number(str, format)",
        "Like to_number; NULL if the text is not in the format.",
        "SELECT try_to_number('abc', '999')",
    ),
    |args, cx| PARSE_NUMBER.resolve(args, &cx.with_mode(EvalMode::Try)),
);

/// The constant text of the format at argument 1, whatever type it was written as.
fn format_text(args: &[Expr], cx: &ResolveCx<'_>) -> Result<Option<String>> {
    let Some(format) = args.get(1) else { return Ok(None) };
    let format = match format.ty() {
        SqlType::Binary => cast(format.clone(), &SqlType::String, cx),
        _ => rsql_expr::coerce::implicit_cast(format.clone(), TypeSpec::String, 1, cx)?,
    };
    Ok(constant_text(&format, cx))
}

/// The constant format at argument 1.
fn format_of(args: &[Expr], cx: &ResolveCx<'_>) -> Result<NumberFormat> {
    match format_text(args, cx)? {
        Some(f) => NumberFormat::read(&f).map_err(|e| e.at(cx.origin.0)),
        None => Err(non_foldable(args, 1, "format", cx)),
    }
}

/// The decimal that a text in a format stands for.
static PARSE_NUMBER: ScalarFn = fallible(
    "parse_number",
    &[],
    doc(
        "parse_number(str, format)",
        "The decimal that a text in the format stands for.",
        "SELECT to_number('454', '999')",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 2, Some(2), cx)?;
            format_of(&args, cx)?;
            let format = format_text(&args, cx)?.map(Literal::string);
            let text = rsql_expr::coerce::implicit_cast(args[0].clone(), TypeSpec::String, 0, cx)?;
            Ok(std::iter::once(text).chain(format.map(Expr::lit)).collect())
        },
        ReturnType::Of(|args, cx| {
            let (p, s) = format_of(args, cx)?.decimal();
            Ok(SqlType::Decimal(p, s))
        }),
    ),
    |args| {
        let texts = StrCol::of(args, 0)?;
        let written = literal_format(args);
        let format = NumberFormat::read(written)?;
        let mut out = Vec::with_capacity(args.rows);
        for row in 0..args.rows {
            out.push(match texts.get(row).map(|t| (t, format.parse(t))) {
                None => None,
                Some((_, Some(v))) => Some(v),
                Some((_, None)) if args.mode() == EvalMode::Try => None,
                Some((text, None)) => {
                    return Err(args.error(
                        Error::user("INVALID_FORMAT.MISMATCH_INPUT")
                            .param("inputType", "\"STRING\"")
                            .param("input", text)
                            .param("format", written),
                    ));
                }
            });
        }
        decimal_array(out, &args.call.ty)
    },
);

fn literal_format<'a>(args: &'a EvalArgs<'_>) -> &'a str {
    args.call
        .args
        .get(1)
        .and_then(Expr::as_literal)
        .and_then(|l| l.value.as_str())
        .unwrap_or("")
}

/// `to_char(expr, format)` of numbers, dates, timestamps and binaries.
static TO_CHAR: ScalarFn = rewritten(
    "to_char",
    &["to_varchar"],
    doc(
        "to_char(expr, format)",
        "A number, datetime or binary as text in a format.",
        "SELECT to_char(454, '999')",
    ),
    |args, cx| {
        check_count(&args, 2, Some(2), cx)?;
        let ty = args[0].ty();
        let by_name = |name: &str, args: Vec<Expr>| match cx.registry.scalar(name) {
            Some(f) => f.resolve(args, cx),
            None => Err(Error::unsupported(name)),
        };
        if ty.is_datetime() {
            return by_name("date_format", args);
        }
        if ty == SqlType::Binary {
            let format = constant_text(&args[1], cx).ok_or_else(|| non_foldable(&args, 1, "format", cx))?;
            let value = args[0].clone();
            return match format.to_ascii_lowercase().as_str() {
                "base64" => by_name("base64", vec![value]),
                "hex" => by_name("hex", vec![value]),
                "utf-8" => by_name("decode", vec![value, Expr::lit(Literal::string("UTF-8"))]),
                _ => Err(Error::user("INVALID_PARAMETER_VALUE.BINARY_FORMAT")
                    .param("parameter", "`format`")
                    .param("functionName", quoted_name([&cx.called_as]))
                    .param("invalidFormat", format!("'{format}'"))
                    .at(cx.origin.0)),
            };
        }
        NUMBER_TO_CHAR.resolve(args, cx)
    },
);

/// A number as text in a format.
static NUMBER_TO_CHAR: ScalarFn = ScalarFn {
    nulls: NullRule::Propagate,
    ..fallible(
        "number_to_char",
        &[],
        doc(
            "number_to_char(number, format)",
            "A number as text in a format.",
            "SELECT to_char(454, '999')",
        ),
        Signature::bind_with(
            |args, cx| {
                check_count(&args, 2, Some(2), cx)?;
                format_of(&args, cx)?;
                let value = rsql_expr::coerce::implicit_cast(args[0].clone(), TypeSpec::Numeric, 0, cx)?;
                let ty = match value.ty() {
                    t if t.is_decimal() => t,
                    t => t
                        .integral_as_decimal()
                        .map_or(SqlType::Decimal(38, 18), |(p, s)| SqlType::Decimal(p, s)),
                };
                let format = format_text(&args, cx)?.map(Literal::string);
                Ok(std::iter::once(cast(value, &ty, cx))
                    .chain(format.map(Expr::lit))
                    .collect())
            },
            ret::STRING,
        ),
        |args| {
            let format = NumberFormat::read(literal_format(args))?;
            let SqlType::Decimal(_, scale) = args.ty(0) else {
                return Err(Error::internal("to_char of a number that is no decimal"));
            };
            let array: ArrayRef = args.array(0)?;
            let values: Vec<i128> = match args.ty(0).repr() {
                Repr::I64 => native_values::<i64>(array.as_ref())?
                    .iter()
                    .map(|v| i128::from(*v))
                    .collect(),
                _ => native_values::<i128>(array.as_ref())?.to_vec(),
            };
            text_rows(args.rows, |row, out| {
                some!(arrow::array::Array::is_valid(&array, row).then_some(()));
                format.push(out, values[row], usize::try_from(scale).unwrap_or(0));
                Ok(Some(()))
            })
        },
    )
};
