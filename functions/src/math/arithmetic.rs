//! Arithmetic written as functions: `mod`, `pmod`, `div`, `negative`, and the `try_` forms of the operators.

use rsql_common::Result;
use rsql_expr::function::ResolveCx;
use rsql_expr::tree::ArithOp;
use rsql_expr::{EvalMode, Expr, ScalarFn, SqlType};

use super::doc;
use crate::kernel::{cast, check_count, mismatch, rewritten, unexpected_input};

/// `positive(expr)`
pub(super) static POSITIVE: ScalarFn = rewritten(
    "positive",
    &[],
    doc("positive(expr)", "The argument.", "SELECT positive(1)"),
    |args, cx| {
        check_count(&args, 1, Some(1), cx)?;
        let arg = number(&args, cx)?;
        Ok(arg)
    },
);

/// `negative(expr)`
pub(super) static NEGATIVE: ScalarFn = rewritten(
    "negative",
    &[],
    doc(
        "negative(expr)",
        "The argument with its sign changed.",
        "SELECT negative(1)",
    ),
    |args, cx| {
        check_count(&args, 1, Some(1), cx)?;
        let arg = number(&args, cx)?;
        if arg.ty().is_interval() {
            return by_name("interval_negate", vec![arg], cx);
        }
        arithmetic(ArithOp::Negate, arg.clone(), arg, &[], cx)
    },
);

fn number(args: &[Expr], cx: &ResolveCx<'_>) -> Result<Expr> {
    match args.first() {
        Some(a) if a.ty().is_string() || a.ty() == SqlType::Void => Ok(cast(a.clone(), &SqlType::Double, cx)),
        Some(a) if a.ty().is_numeric() || a.ty().is_interval() => Ok(a.clone()),
        _ => Err(unexpected_input(
            args,
            0,
            "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")",
            cx,
        )),
    }
}

/// The function of this name, if the registry has it.
fn by_name(name: &str, args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Expr> {
    match cx.registry.scalar(name) {
        Some(f) => f.resolve(args, cx),
        None => Err(rsql_common::Error::unsupported(name)),
    }
}

fn arithmetic(op: ArithOp, left: Expr, right: Expr, written: &[Expr], cx: &ResolveCx<'_>) -> Result<Expr> {
    if op == ArithOp::IntegralDivide && left.ty().is_ansi_interval() {
        return by_name("interval_div", vec![left, right], cx);
    }
    let moment = moment_beside_string(written, cx);
    match rsql_expr::coerce::binary_arith(op, left, right, cx)? {
        Some(e) => Ok(e),
        None if moment.is_some() => Err(mismatch("BINARY_OP_WRONG_TYPE", written, cx)
            .param("inputType", "\"NUMERIC\"")
            .param("actualDataType", moment.map(|m| m.quoted()).unwrap_or_default())),
        None if written.len() == 2 && !written[0].ty().same_type(&written[1].ty()) => {
            Err(mismatch("BINARY_OP_DIFF_TYPES", written, cx)
                .param("left", written[0].ty().quoted())
                .param("right", written[1].ty().quoted()))
        }
        None => Err(mismatch("BINARY_OP_WRONG_TYPE", written, cx)
            .param("inputType", "\"NUMERIC\"")
            .param(
                "actualDataType",
                written.first().map(|a| a.ty().quoted()).unwrap_or_default(),
            )),
    }
}

/// The type of the date or timestamp that ANSI coercion turns a string beside it into.
fn moment_beside_string(written: &[Expr], cx: &ResolveCx<'_>) -> Option<SqlType> {
    let [left, right] = written else { return None };
    match (left.ty(), right.ty()) {
        (text, moment) | (moment, text) if cx.ansi() && text.is_string() && moment.is_datetime() => Some(moment),
        _ => None,
    }
}

fn two(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<(Expr, Expr)> {
    check_count(&args, 2, Some(2), cx)?;
    let mut args = args.into_iter();
    Ok((args.next().unwrap_or_default(), args.next().unwrap_or_default()))
}

macro_rules! operator {
    ($name:ident, $sql:literal, $text:literal, $example:literal, $op:expr) => {
        #[doc = concat!("`", $sql, "(a, b)`")]
        pub(super) static $name: ScalarFn = rewritten(
            $sql,
            &[],
            doc(concat!($sql, "(a, b)"), $text, $example),
            |args, cx| {
                let (a, b) = two(args, cx)?;
                arithmetic($op, a.clone(), b.clone(), &[a, b], cx)
            },
        );
    };
}
operator!(
    MOD,
    "mod",
    "Remainder of a / b.",
    "SELECT mod(2, 1.8)",
    ArithOp::Remainder
);
operator!(
    PMOD,
    "pmod",
    "Remainder of a / b that is not negative.",
    "SELECT pmod(-10, 3)",
    ArithOp::Pmod
);
operator!(
    DIV,
    "div",
    "Whole part of a / b.",
    "SELECT div(7, 2)",
    ArithOp::IntegralDivide
);

macro_rules! try_operator {
    ($name:ident, $sql:literal, $text:literal, $op:expr, $other:expr) => {
        #[doc = concat!("`", $sql, "(a, b)`")]
        pub(super) static $name: ScalarFn = rewritten(
            $sql,
            &[],
            doc(concat!($sql, "(a, b)"), $text, concat!("SELECT ", $sql, "(2, 1)")),
            |args, cx| {
                let cx = cx.with_mode(EvalMode::Try);
                let (a, b) = two(args, &cx)?;
                let other: fn(&SqlType, &SqlType) -> Option<&'static str> = $other;
                if let Some(name) = other(&a.ty(), &b.ty()) {
                    let swap = name != "interval_add" && b.ty().is_datetime() && !a.ty().is_datetime();
                    return by_name(name, if swap { vec![b, a] } else { vec![a, b] }, &cx);
                }
                // Operands that do not fit give NULL as well.
                arithmetic($op, a.clone(), b.clone(), &[a, b], &cx)
            },
        );
    };
}
try_operator!(
    TRY_ADD,
    "try_add",
    "a + b; NULL on overflow.",
    ArithOp::Add,
    add_by_type
);
try_operator!(
    TRY_SUBTRACT,
    "try_subtract",
    "a - b; NULL on overflow.",
    ArithOp::Subtract,
    subtract_by_type
);
try_operator!(
    TRY_MULTIPLY,
    "try_multiply",
    "a * b; NULL on overflow.",
    ArithOp::Multiply,
    |a, b| { (a.is_interval() || b.is_interval()).then_some("multiply_interval") }
);
try_operator!(
    TRY_DIVIDE,
    "try_divide",
    "a / b; NULL when b is 0.",
    ArithOp::Divide,
    |a, _| { a.is_interval().then_some("divide_interval") }
);
try_operator!(
    TRY_MOD,
    "try_mod",
    "a % b; NULL when b is 0.",
    ArithOp::Remainder,
    |_, _| None
);

/// The function that adds values of these types, where they are not numbers.
fn add_by_type(a: &SqlType, b: &SqlType) -> Option<&'static str> {
    use SqlType::*;
    let (at, by) = if b.is_datetime() && !a.is_datetime() {
        (b, a)
    } else {
        (a, b)
    };
    match (at, by) {
        (Date, t) if t.is_integral() => Some("date_add"),
        (d, YearMonthInterval(..)) if d.is_datetime() => Some("add_year_month"),
        (d, DayTimeInterval(..)) if d.is_datetime() => Some("add_day_time"),
        (d, CalendarInterval) if d.is_datetime() => Some("add_interval"),
        (Time(_), DayTimeInterval(..)) => Some("time_add_interval"),
        (a, b) if a.is_interval() && b.is_interval() => Some("interval_add"),
        _ => None,
    }
}

/// The function that subtracts values of these types, where they are not numbers.
fn subtract_by_type(a: &SqlType, b: &SqlType) -> Option<&'static str> {
    use SqlType::*;
    match (a, b) {
        (Date, t) if t.is_integral() => Some("date_sub"),
        (Date, Date) => Some("subtract_dates"),
        (a, b) if a.is_datetime() && b.is_datetime() => Some("subtract_timestamps"),
        (Time(_), Time(_)) => Some("subtract_times"),
        (a, b) if a.is_interval() && b.is_interval() => Some("interval_subtract"),
        _ => None,
    }
}
