//! `schema_of_json`: the schema a JSON text has.

use rsql_common::{Error, Result};
use rsql_expr::datetime::parse::parse_timestamp_ntz;
use rsql_expr::function::{EvalArgs, Signature};
use rsql_expr::{ScalarFn, SqlType};

use super::doc;
use super::parser::{Syntax, parse};
use super::value::Json;
use crate::kernel::{fallible, text_rows};
use crate::record::{Options, TEXT_TYPE, bind_schema_of, malformed, merge_fields, schema_text};

/// `schema_of_json(json[, options])`
pub(super) static SCHEMA_OF_JSON: ScalarFn = fallible(
    "schema_of_json",
    &[],
    doc(
        "schema_of_json(json[, options])",
        "The schema of a JSON text, in DDL.",
        "SELECT schema_of_json('[{\"col\":0}]')",
    ),
    Signature::bind_with(|args, cx| bind_schema_of(&args, "json", cx), TEXT_TYPE),
    |args| {
        let options = Options::of(args, 1);
        let text = schema_text(args);
        let inferred = match parse(text, &Syntax::of(&options)) {
            Some(json) => infer(&json, &options, args)?,
            None if text.trim().is_empty() => SqlType::String,
            None => return Err(malformed(args, text)),
        };
        let kept = if options.flag("dropfieldifallnull", false) {
            without_unknown(&inferred)
        } else {
            inferred
        };
        let schema = canonical(&kept).sql();
        text_rows(args.rows, |_, out| {
            out.push_str(&schema);
            Ok(Some(()))
        })
    },
);

fn infer(json: &Json, options: &Options, args: &EvalArgs<'_>) -> Result<SqlType> {
    if options.flag("primitivesasstring", false) && !matches!(json, Json::Array(_) | Json::Object(_) | Json::Null) {
        return Ok(SqlType::String);
    }
    Ok(match json {
        Json::Null => SqlType::Void,
        Json::Bool(_) => SqlType::Boolean,
        Json::Text(t) if options.flag("infertimestamp", false) && parse_timestamp_ntz(t, true).is_some() => {
            SqlType::Timestamp
        }
        Json::Text(_) => SqlType::String,
        Json::Number(n) if n.contains(['.', 'e', 'E']) && options.flag("prefersdecimal", false) => decimal_of(n, args)?,
        Json::Number(n) if n.contains(['.', 'e', 'E', 'N', 'I']) => SqlType::Double,
        Json::Number(n) if n.parse::<i64>().is_ok() => SqlType::Long,
        Json::Number(n) => match n.trim_start_matches('-').len() {
            digits @ 1..=38 => SqlType::Decimal(digits as u8, 0),
            _ => SqlType::Double,
        },
        Json::Array(items) => {
            let mut element = SqlType::Void;
            for item in items {
                element = merge(&element, &infer(item, options, args)?);
            }
            SqlType::array(element)
        }
        Json::Object(members) => {
            let mut fields = Vec::with_capacity(members.len());
            for (name, value) in members {
                fields.push((name.clone(), infer(value, options, args)?, true));
            }
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            SqlType::structure(fields)
        }
    })
}

/// The decimal type that a number is written in; DOUBLE where none is wide enough.
fn decimal_of(number: &str, args: &EvalArgs<'_>) -> Result<SqlType> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
    let precision = digits.trim_start_matches('0').len().max(1) as i64;
    let scale = fraction.len() as i64 - exponent.parse::<i64>().unwrap_or(i64::MAX / 2);
    if scale < 0 {
        return Err(args.error(
            Error::user("NEGATIVE_SCALE_DISALLOWED")
                .param("scale", scale.to_string())
                .param("sqlConf", "\"spark.sql.legacy.allowNegativeScaleOfDecimal\""),
        ));
    }
    Ok(match u8::try_from(precision.max(scale)) {
        Ok(width @ ..=38) => SqlType::Decimal(width, scale as i8),
        _ => SqlType::Double,
    })
}

/// The type without fields that no value is known of; arrays of such are unknown too.
fn without_unknown(ty: &SqlType) -> SqlType {
    match ty {
        SqlType::Array(a) => match without_unknown(&a.element) {
            SqlType::Void => SqlType::Void,
            element => SqlType::array(element),
        },
        SqlType::Struct(fields) => {
            let kept = fields
                .iter()
                .map(|f| (f.name.to_string(), without_unknown(&f.ty), true));
            SqlType::structure(kept.filter(|(_, ty, _)| *ty != SqlType::Void))
        }
        other => other.clone(),
    }
}

/// The type that holds values of both.
fn merge(a: &SqlType, b: &SqlType) -> SqlType {
    match (a, b) {
        (a, b) if a == b => a.clone(),
        (SqlType::Void, other) | (other, SqlType::Void) => other.clone(),
        (SqlType::Array(x), SqlType::Array(y)) => SqlType::array(merge(&x.element, &y.element)),
        (SqlType::Struct(x), SqlType::Struct(y)) => merge_fields(x, y, merge),
        (SqlType::Decimal(p, _), SqlType::Decimal(q, _)) => SqlType::Decimal(*p.max(q), 0),
        (SqlType::Long, SqlType::Decimal(p, _)) | (SqlType::Decimal(p, _), SqlType::Long) => {
            SqlType::Decimal((*p).max(20), 0)
        }
        (a, b) if a.is_numeric() && b.is_numeric() => SqlType::Double,
        _ => SqlType::String,
    }
}

/// Unknown types as STRING.
fn canonical(ty: &SqlType) -> SqlType {
    match ty {
        SqlType::Void => SqlType::String,
        SqlType::Array(a) => SqlType::array(canonical(&a.element)),
        SqlType::Struct(fields) => {
            SqlType::structure(fields.iter().map(|f| (f.name.to_string(), canonical(&f.ty), true)))
        }
        other => other.clone(),
    }
}
