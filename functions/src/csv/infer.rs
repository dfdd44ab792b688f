//! `schema_of_csv`: the schema a line of CSV has.

use rsql_expr::datetime::parse::{parse_date, parse_timestamp_ntz};
use rsql_expr::function::Signature;
use rsql_expr::{ScalarFn, SqlType};

use super::doc;
use super::line::Dialect;
use crate::kernel::{fallible, text_rows};
use crate::record::{Options, TEXT_TYPE, bind_schema_of, schema_text};

/// `schema_of_csv(csv[, options])`
pub(super) static SCHEMA_OF_CSV: ScalarFn = fallible(
    "schema_of_csv",
    &[],
    doc(
        "schema_of_csv(csv[, options])",
        "The schema of a line of CSV, in DDL.",
        "SELECT schema_of_csv('1,abc')",
    ),
    Signature::bind_with(|args, cx| bind_schema_of(&args, "csv", cx), TEXT_TYPE),
    |args| {
        let text = schema_text(args);
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
