//! `assert_true`, `raise_error` and `raise_condition`.

use arrow::array::new_null_array;
use arrow::datatypes::DataType;
use rsql_common::Error;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{Signature, TypeSpec};
use rsql_expr::tree::Effects;
use rsql_expr::{Expr, Literal, Scalar, ScalarFn, SqlType, scalar_at};

use super::doc;
use crate::kernel::{BoolCol, StrCol, check_count, custom};

pub(super) const ALL: &[&ScalarFn] = &[&ASSERT_TRUE, &RAISE_ERROR, &RAISE_CONDITION];

const RAISES: Effects = Effects {
    deterministic: false,
    fallible: true,
};

/// `assert_true(condition[, message])`
static ASSERT_TRUE: ScalarFn = ScalarFn {
    effects: Effects::FALLIBLE,
    ..custom(
        "assert_true",
        &[],
        doc(
            "assert_true(condition[, message])",
            "NULL, or an error where the condition is not true.",
            "SELECT assert_true(0 < 1)",
        ),
        Signature::bind_with(
            |args, cx| {
                check_count(&args, 1, Some(2), cx)?;
                let message = match args.get(1) {
                    Some(m) => rsql_expr::coerce::implicit_cast(m.clone(), TypeSpec::String, 1, cx)?,
                    None => Expr::lit(Literal::string(format!("'{}' is not true!", args[0]))),
                };
                Ok(vec![
                    rsql_expr::coerce::implicit_cast(args[0].clone(), TypeSpec::Boolean, 0, cx)?,
                    message,
                ])
            },
            ret::VOID,
        ),
        |args| {
            let (conditions, messages) = (BoolCol::of(args, 0)?, StrCol::of(args, 1)?);
            match (0..args.rows).find(|row| conditions.get(*row) != Some(true)) {
                None => Ok(new_null_array(&DataType::Null, args.rows)),
                Some(row) => Err(args.error(raised(messages.get(row)))),
            }
        },
    )
};

/// `raise_error(message)`
static RAISE_ERROR: ScalarFn = ScalarFn {
    effects: RAISES,
    ..custom(
        "raise_error",
        &[],
        doc(
            "raise_error(message)",
            "Raises an error.",
            "SELECT raise_error('custom error message')",
        ),
        Signature::exact(&[TypeSpec::String], ret::VOID),
        |args| {
            let messages = StrCol::of(args, 0)?;
            match args.rows {
                0 => Ok(new_null_array(&DataType::Null, 0)),
                _ => Err(args.error(raised(messages.get(0)))),
            }
        },
    )
};

/// `raise_condition(condition, parameters)`: what the planner puts where a check of a value fails.
static RAISE_CONDITION: ScalarFn = ScalarFn {
    effects: RAISES,
    ..custom(
        "raise_condition",
        &[],
        doc(
            "raise_condition(condition, parameters)",
            "Raises an error of a condition.",
            "SELECT raise_condition('EXCEED_LIMIT_LENGTH', map('limit', '5'))",
        ),
        Signature::bind_with(
            |args, cx| {
                check_count(&args, 2, Some(2), cx)?;
                let text = rsql_expr::coerce::implicit_cast(args[0].clone(), TypeSpec::String, 0, cx)?;
                let wanted = SqlType::map(SqlType::String, SqlType::String, true);
                Ok(vec![text, rsql_expr::coerce::cast_to(args[1].clone(), &wanted, cx)])
            },
            ret::VOID,
        ),
        |args| {
            let conditions = StrCol::of(args, 0)?;
            if args.rows == 0 {
                return Ok(new_null_array(&DataType::Null, 0));
            }
            let mut error = Error::user(conditions.get(0).unwrap_or("null").to_string());
            if let Scalar::Map(pairs) = scalar_at(args.array(1)?.as_ref(), 0, &args.ty(1))? {
                for (name, value) in pairs.iter() {
                    let name = name.as_str().unwrap_or_default().to_string();
                    error = error.param(name, value.as_str().unwrap_or("null"));
                }
            }
            Err(args.error(error))
        },
    )
};

fn raised(message: Option<&str>) -> Error {
    let message = message.unwrap_or("null");
    Error::user("USER_RAISED_EXCEPTION")
        .param("errorMessage", message)
        .with_message(message)
}
