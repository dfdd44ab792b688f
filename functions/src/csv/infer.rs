//! `schema_of_csv`: the schema a line of CSV has.

use rsql_expr::datetime::parse::{parse_date, parse_timestamp_ntz};
use rsql_expr::function::Signature;
use rsql_expr::function::signature::ret;
use rsql_expr::{Expr, Literal, ScalarFn, SqlType};

use super::doc;
use super::line::Dialect;
use crate::kernel::{check_count, constant, fallible, mismatch, non_foldable, text_rows, unexpected_input};
use crate::record::{Options, options_argument};

/// `schema_of_csv(csv[, options])`
pub(super) static SCHEMA_OF_CSV: ScalarFn = fallible(
    "schema_of_csv",
    &[],
    doc(
        "schema_of_csv(csv[, options])",
        "The schema of a line of CSV, in DDL.",
        "SELECT schema_of_csv('1,abc')",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 1, Some(2), cx)?;
            if !args[0].ty().is_string() && args[0].ty() != SqlType::Void {
                return Err(unexpected_input(&args, 0, "\"STRING\"", cx));
            }
            let text = match constant(&args[0], cx) {
                None => return Err(non_foldable(&args, 0, "csv", cx)),
                Some(l) => match l.value.as_str() {
                    None => return Err(mismatch("UNEXPECTED_NULL", &args, cx).param("exprName", "csv")),
                    Some(t) => Expr::lit(Literal::string(t)),
                },
            };
            Ok(std::iter::once(text).chain(options_argument(&args, 1, cx)?).collect())
        },
        ret::STRING,
    ),
    |args| {
        let text = args
            .call
            .args
            .first()
            .and_then(Expr::as_literal)
            .and_then(|l| l.value.as_str())
            .unwrap_or("");
        let values = Dialect::new(&Options::of(args, 1), false).split(text);
        let fields = values
            .iter()
            .enumerate()
            .map(|(i, v)| (format!("_c{i}"), infer(v.as_deref()), true));
        let schema = SqlType::structure(fields).sql();
        text_rows(args.rows, |_, out| {
            out.push_str(&schema);
            Ok(Some(()))
        })
    },
);

fn infer(value: Option<&str>) -> SqlType {
    let Some(text) = value.filter(|v| !v.is_empty()) else {
        return SqlType::String;
    };
    if text.parse::<i32>().is_ok() {
        return SqlType::Int;
    }
    if text.parse::<i64>().is_ok() {
        return SqlType::Long;
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.len() <= 38 && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.is_empty() {
        return SqlType::Decimal(digits.len() as u8, 0);
    }
    let numeric = text.bytes().any(|b| b.is_ascii_digit()) || matches!(text, "NaN" | "Inf" | "-Inf");
    if numeric && text.parse::<f64>().is_ok() {
        return SqlType::Double;
    }
    let dated = text.as_bytes().get(4) == Some(&b'-');
    if dated && text.len() == 10 && parse_date(text).is_some() {
        return SqlType::Date;
    }
    if dated && parse_timestamp_ntz(text, true).is_some() {
        return SqlType::Timestamp;
    }
    if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        return SqlType::Boolean;
    }
    SqlType::String
}
