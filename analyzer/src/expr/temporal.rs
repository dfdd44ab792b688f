//! Arithmetic of dates, times and intervals: operators become calls of the datetime functions.

use rsql_common::{Error, Result, Span};
use rsql_expr::coerce::cast_to;
use rsql_expr::tree::ArithOp;
use rsql_expr::types::DayTimeField;
use rsql_expr::{Expr, SqlType};

use super::{Binder, Bound};

/// A date, a time, or an interval.
pub(super) fn is_temporal(ty: &SqlType) -> bool {
    ty.is_datetime() || ty.is_interval() || matches!(ty, SqlType::Time(_))
}

/// The error for operands without such an operation.
fn no_operation(op: ArithOp, l: &Bound, r: &Bound, span: Span) -> Error {
    let (left, right) = (l.expr.ty(), r.expr.ty());
    let sql = format!("\"({} {} {})\"", l.name, op.symbol(), r.name);
    if op == ArithOp::Subtract {
        let timestamps = "(\"TIMESTAMP\" or \"TIMESTAMP_NTZ\")";
        let wrong = if left.is_timestamp() { &right } else { &left };
        return unexpected(wrong, timestamps, span).param("sqlExpr", sql);
    }
    if left.is_string() || right.is_string() || left == right {
        let wrong = if left.is_string() { &right } else { &left };
        return Error::user("DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE")
            .param("sqlExpr", sql)
            .param(
                "inputType",
                "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")",
            )
            .param("actualDataType", wrong.quoted())
            .at(span);
    }
    Error::user("DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES")
        .param("sqlExpr", sql)
        .param("left", left.quoted())
        .param("right", right.quoted())
        .at(span)
}

fn unexpected(ty: &SqlType, wanted: &str, span: Span) -> Error {
    Error::user("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE")
        .param("requiredType", wanted)
        .param("inputType", ty.quoted())
        .at(span)
}

/// Intervals beside numbers and texts, months beside days and times: Spark tries no datetime operation there.
fn never_meet(op: ArithOp, left: &SqlType, right: &SqlType) -> bool {
    let plain = |t: &SqlType| t.is_string() || t.is_numeric();
    let months = |t: &SqlType| matches!(t, SqlType::YearMonthInterval(..));
    let days = |t: &SqlType| matches!(t, SqlType::DayTimeInterval(..));
    let time = |t: &SqlType| matches!(t, SqlType::Time(_));
    match op {
        ArithOp::Add => months(left) && (plain(right) || time(right)) || (plain(left) || time(left)) && months(right),
        ArithOp::Subtract => {
            (months(left) || days(left)) && plain(right)
                || (plain(left) || days(left) || time(left)) && months(right)
                || time(left) && right.is_numeric()
        }
        ArithOp::Divide => left.is_string() && right.is_interval(),
        _ => false,
    }
}

impl Binder<'_> {
    /// `left op right` where one side is a date, a time or an interval.
    pub(super) fn temporal(&self, op: ArithOp, l: Bound, r: Bound, span: Span) -> Result<Bound> {
        let (l_type, r_type) = (l.expr.ty(), r.expr.ty());
        let (mut l, mut r) = (l, r);
        let cx = self.cx(op.symbol(), span);
        for (null, other) in [(&mut l, r_type), (&mut r, l_type)] {
            if null.expr.ty() == SqlType::Void {
                let partner = if matches!(op, ArithOp::Multiply | ArithOp::Divide) {
                    SqlType::Int
                } else if other.is_interval() || op == ArithOp::Subtract {
                    other
                } else {
                    SqlType::DAY_TIME
                };
                null.expr = cast_to(null.expr.clone(), &partner, &cx);
            }
        }
        let (left, right) = (l.expr.ty(), r.expr.ty());
        if never_meet(op, &left, &right) {
            return Err(Error::user("DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES")
                .param("sqlExpr", format!("\"({} {} {})\"", l.name, op.symbol(), r.name))
                .param("left", left.quoted())
                .param("right", right.quoted())
                .at(span));
        }
        let mismatch = || no_operation(op, &l, &r, span);
        let plain = |name: &str, args: Vec<Expr>, l: &Bound, r: &Bound| -> Result<Bound> {
            let expr = self.scalar(name, args, span)?;
            Ok(self.named(expr, || format!("({} {} {})", l.name, op.symbol(), r.name)))
        };
        match op {
            ArithOp::Add if left.is_interval() && right.is_interval() => {
                plain("interval_add", vec![l.expr.clone(), r.expr.clone()], &l, &r)
            }
            ArithOp::Subtract if left.is_interval() && right.is_interval() => {
                plain("interval_subtract", vec![l.expr.clone(), r.expr.clone()], &l, &r)
            }
            ArithOp::Add if left.is_interval() => self.shift(op, r, l, span),
            ArithOp::Add | ArithOp::Subtract if right.is_interval() => self.shift(op, l, r, span),
            ArithOp::Add if left == SqlType::Date => self.days("date_add", l, r, span),
            ArithOp::Add if right == SqlType::Date => self.days("date_add", r, l, span),
            ArithOp::Subtract => match (&left, &right) {
                (SqlType::Date, SqlType::Date | SqlType::String) | (SqlType::String, SqlType::Date) => {
                    let cx = self.cx("-", span);
                    let args = vec![
                        cast_to(l.expr.clone(), &SqlType::Date, &cx),
                        cast_to(r.expr.clone(), &SqlType::Date, &cx),
                    ];
                    plain("subtract_dates", args, &l, &r)
                }
                (SqlType::Time(_), SqlType::Time(_) | SqlType::String) | (SqlType::String, SqlType::Time(_)) => {
                    let time = |e: &Expr| match e.ty() {
                        SqlType::String => cast_to(e.clone(), &SqlType::Time(6), &cx),
                        _ => e.clone(),
                    };
                    let expr = self.scalar("subtract_times", vec![time(&l.expr), time(&r.expr)], span)?;
                    Ok(self.named(expr, || format!("{} - {}", l.name, r.name)))
                }
                (a, b)
                    if [a, b]
                        .iter()
                        .all(|t| t.is_datetime() || t.is_string() && cx.ansi() || **t == SqlType::Void) =>
                {
                    let both_ntz = |t: &SqlType| *t == SqlType::TimestampNtz;
                    let ty = if both_ntz(a) && both_ntz(b) {
                        SqlType::TimestampNtz
                    } else {
                        SqlType::Timestamp
                    };
                    let cx = self.cx("-", span);
                    let args = vec![cast_to(l.expr.clone(), &ty, &cx), cast_to(r.expr.clone(), &ty, &cx)];
                    plain("subtract_timestamps", args, &l, &r)
                }
                (SqlType::Date, _) => self.days("date_sub", l, r, span),
                _ => Err(mismatch()),
            },
            ArithOp::Multiply if left.is_interval() => {
                plain("multiply_interval", vec![l.expr.clone(), r.expr.clone()], &l, &r)
            }
            ArithOp::Multiply if right.is_interval() => {
                plain("multiply_interval", vec![r.expr.clone(), l.expr.clone()], &r, &l)
            }
            ArithOp::Divide if left.is_interval() => {
                plain("divide_interval", vec![l.expr.clone(), r.expr.clone()], &l, &r)
            }
            _ => Err(mismatch()),
        }
    }

    /// `date ± days`
    fn days(&self, function: &str, date: Bound, days: Bound, span: Span) -> Result<Bound> {
        let ty = days.expr.ty();
        if ty.is_string() && self.env.cx.options.ansi {
            return Err(unexpected(&ty, "(\"INT\" or \"SMALLINT\" or \"TINYINT\")", span));
        }
        let expr = self.scalar(function, vec![date.expr, days.expr], span)?;
        Ok(self.named(expr, || format!("{function}({}, {})", date.name, days.name)))
    }

    /// `datetime ± interval`
    fn shift(&self, op: ArithOp, base: Bound, interval: Bound, span: Span) -> Result<Bound> {
        let negative = op == ArithOp::Subtract;
        let (base_ty, interval_ty) = (base.expr.ty(), interval.expr.ty());
        let text = base_ty.is_string() || base_ty == SqlType::Void;
        let cx = self.cx(op.symbol(), span);
        let start = if text {
            cast_to(base.expr, &SqlType::Timestamp, &cx)
        } else {
            base.expr
        };
        let amount = if negative {
            self.negate(interval.expr, span)?
        } else {
            interval.expr
        };
        let whole_days = matches!(
            interval_ty,
            SqlType::DayTimeInterval(DayTimeField::Day, DayTimeField::Day)
        );
        let function = match (&base_ty, &interval_ty) {
            (SqlType::Time(_), SqlType::DayTimeInterval(..)) => "time_add_interval",
            (_, SqlType::YearMonthInterval(..)) => "add_year_month",
            (_, SqlType::DayTimeInterval(..)) => "add_day_time",
            _ => "add_interval",
        };
        let valid = base_ty.is_datetime() || text || function == "time_add_interval";
        if !valid {
            return Err(unexpected(
                &base_ty,
                "(\"DATE\" or \"TIMESTAMP\" or \"TIMESTAMP_NTZ\")",
                span,
            ));
        }
        let mut expr = self.scalar(function, vec![start, amount], span)?;
        if base_ty.is_string() {
            expr = cast_to(expr, &SqlType::String, &cx);
        }
        let date_days = base_ty == SqlType::Date && whole_days;
        Ok(self.named(expr, || match (date_days, negative) {
            (true, false) => format!("date_add({}, extractansiintervaldays({}))", base.name, interval.name),
            (true, true) => format!(
                "date_add({}, (- extractansiintervaldays({})))",
                base.name, interval.name
            ),
            _ => format!("{} {} {}", base.name, op.symbol(), interval.name),
        }))
    }
}
