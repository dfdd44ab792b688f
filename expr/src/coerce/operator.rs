//! Operands of arithmetic and comparison operators.

use rsql_common::{Error, Result, quoted_name};

use super::wider::{legacy_comparison, tightest, with_string};
use super::{cast_exactly, cast_to, decimal};
use crate::function::{ResolveCx, TypeSpec};
use crate::tree::{ArithExpr, ArithOp, CompareOp, collation_key};
use crate::{Expr, Literal, Scalar, SqlType};

fn diff_types(left: &SqlType, right: &SqlType, cx: &ResolveCx<'_>) -> Error {
    Error::user("DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES")
        .param("left", left.quoted())
        .param("right", right.quoted())
        .at(cx.origin.0)
}

fn wrong_type(op: ArithOp, actual: &SqlType, cx: &ResolveCx<'_>) -> Error {
    use ArithOp::*;
    if op == Negate {
        return Error::user("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE")
            .param("paramIndex", "first")
            .param("requiredType", super::implicit::required(TypeSpec::NumericOrInterval))
            .param("inputType", actual.quoted())
            .at(cx.origin.0);
    }
    let input = match op {
        Add | Subtract => super::implicit::required(TypeSpec::NumericOrInterval),
        Multiply | Remainder | Pmod | Negate => "\"NUMERIC\"",
        Divide => "(\"DOUBLE\" or \"DECIMAL\")",
        IntegralDivide => "(\"BIGINT\" or \"DECIMAL\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL DAY TO SECOND\")",
        BitAnd | BitOr | BitXor => "\"INTEGRAL\"",
    };
    Error::user("DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE")
        .param("inputType", input)
        .param("actualDataType", actual.quoted())
        .at(cx.origin.0)
}

/// What an untyped NULL beside an untyped NULL becomes.
fn null_operand(op: ArithOp) -> SqlType {
    match op {
        ArithOp::IntegralDivide => SqlType::Long,
        ArithOp::BitAnd | ArithOp::BitOr | ArithOp::BitXor => SqlType::Int,
        _ => SqlType::Double,
    }
}

/// `left op right` of numbers with Spark's casts. `None` where an operand is a date, time, timestamp or interval: the
/// caller tries function rewrites. Unary minus reads `left` only.
pub fn binary_arith(op: ArithOp, left: Expr, right: Expr, cx: &ResolveCx<'_>) -> Result<Option<Expr>> {
    let temporal = |t: &SqlType| t.is_datetime() || t.is_interval() || matches!(t, SqlType::Time(_));
    let (lt, rt) = (left.ty(), right.ty());
    if op == ArithOp::IntegralDivide
        && let Some(ty) = tightest(&lt, &rt, cx.options).filter(SqlType::is_ansi_interval)
    {
        // How often an interval goes into another.
        let (left, right) = (cast_to(left, &ty, cx), cast_to(right, &ty, cx));
        return Ok(Some(node(op, left, right, SqlType::Long, cx)));
    }
    if temporal(&lt) || op != ArithOp::Negate && temporal(&rt) {
        return Ok(None);
    }
    if op == ArithOp::Negate {
        let ty = match &lt {
            t if t.is_string() || *t == SqlType::Void => SqlType::Double,
            t if t.is_numeric() => lt.clone(),
            t => return Err(wrong_type(op, t, cx)),
        };
        let operand = cast_to(left, &ty, cx);
        return Ok(Some(node(op, operand.clone(), operand, ty, cx)));
    }
    let (left, right) = promote_strings(left, right, cx);
    let (left, right) = promote_decimals(left, right, cx);
    let (left, right) = match op {
        // `/` is of doubles unless it is of decimals, DIV of BIGINTs.
        ArithOp::Divide if !left.ty().is_decimal() && both(&left, &right, numeric_or_null) => (
            cast_to(left, &SqlType::Double, cx),
            cast_to(right, &SqlType::Double, cx),
        ),
        ArithOp::IntegralDivide => {
            let long = |e: Expr| {
                if e.ty().is_integral() {
                    cast_to(e, &SqlType::Long, cx)
                } else {
                    e
                }
            };
            (long(left), long(right))
        }
        _ => (left, right),
    };
    let (lt, rt) = (left.ty(), right.ty());
    if let (SqlType::Decimal(p1, s1), SqlType::Decimal(p2, s2)) = (&lt, &rt) {
        let (a, b, loss) = ((*p1, *s1), (*p2, *s2), cx.options.decimal_precision_loss);
        let ty = match op {
            ArithOp::Add | ArithOp::Subtract => decimal::add(a, b, loss),
            ArithOp::Multiply => decimal::multiply(a, b, loss),
            ArithOp::Divide => decimal::divide(a, b, loss),
            ArithOp::Remainder | ArithOp::Pmod => decimal::remainder(a, b, loss),
            ArithOp::IntegralDivide => SqlType::Long,
            _ if lt == rt => return Err(wrong_type(op, &lt, cx)),
            _ => return Err(diff_types(&lt, &rt, cx)),
        };
        return Ok(Some(node(op, left, right, ty, cx)));
    }
    let ty = match (&lt, &rt) {
        (SqlType::Void, SqlType::Void) => null_operand(op),
        (a, b) => tightest(a, b, cx.options).ok_or_else(|| diff_types(a, b, cx))?,
    };
    let fine = match op {
        ArithOp::BitAnd | ArithOp::BitOr | ArithOp::BitXor => ty.is_integral(),
        ArithOp::IntegralDivide => matches!(ty, SqlType::Long | SqlType::Decimal(..)),
        ArithOp::Divide => matches!(ty, SqlType::Double | SqlType::Decimal(..)),
        _ => ty.is_numeric(),
    };
    if !fine {
        return Err(if lt.same_type(&rt) {
            wrong_type(op, &ty, cx)
        } else {
            diff_types(&lt, &rt, cx)
        });
    }
    let (left, right) = (cast_to(left, &ty, cx), cast_to(right, &ty, cx));
    if ty.is_decimal() {
        // A NULL beside a decimal took its type.
        return binary_arith(op, left, right, cx);
    }
    Ok(Some(node(op, left, right, ty, cx)))
}

fn node(op: ArithOp, left: Expr, right: Expr, ty: SqlType, cx: &ResolveCx<'_>) -> Expr {
    Expr::Arith(Box::new(ArithExpr {
        op,
        left,
        right,
        ty,
        mode: cx.mode,
        origin: cx.origin,
    }))
}

fn both(left: &Expr, right: &Expr, test: fn(&SqlType) -> bool) -> bool {
    test(&left.ty()) && test(&right.ty())
}

fn numeric_or_null(t: &SqlType) -> bool {
    t.is_numeric() || *t == SqlType::Void
}

fn promote_strings(left: Expr, right: Expr, cx: &ResolveCx<'_>) -> (Expr, Expr) {
    let (lt, rt) = (left.ty(), right.ty());
    if cx.ansi() {
        return match with_string(&lt, &rt) {
            Some(ty) => (cast_to(left, &ty, cx), cast_to(right, &ty, cx)),
            None => (left, right),
        };
    }
    let number = |e: Expr| {
        if e.ty().is_string() {
            cast_to(e, &SqlType::Double, cx)
        } else {
            e
        }
    };
    (number(left), number(right))
}

/// Integers beside decimals become decimals (constants the narrowest), decimals beside floats become doubles.
fn promote_decimals(left: Expr, right: Expr, cx: &ResolveCx<'_>) -> (Expr, Expr) {
    match (left.ty(), right.ty()) {
        (i, SqlType::Decimal(..)) if i.is_integral() => (integer_as_decimal(left, cx), right),
        (SqlType::Decimal(..), i) if i.is_integral() => (left, integer_as_decimal(right, cx)),
        (f, SqlType::Decimal(..)) if f.is_floating() => (
            cast_to(left, &SqlType::Double, cx),
            cast_to(right, &SqlType::Double, cx),
        ),
        (SqlType::Decimal(..), f) if f.is_floating() => (
            cast_to(left, &SqlType::Double, cx),
            cast_to(right, &SqlType::Double, cx),
        ),
        _ => (left, right),
    }
}

fn integer_as_decimal(e: Expr, cx: &ResolveCx<'_>) -> Expr {
    let literal = e.as_literal().and_then(|l| l.value.as_i128());
    let precision = match literal {
        Some(v) => v.unsigned_abs().checked_ilog10().map_or(1, |d| d + 1) as u8,
        None => e.ty().integral_as_decimal().map_or(20, |(p, _)| p),
    };
    cast_to(e, &SqlType::Decimal(precision, 0), cx)
}

/// An integer compared with a decimal literal is compared with the next whole number instead (Spark's
/// `DecimalPrecision`): `i > 1.5` is `i > 1`.
pub fn whole_bounds(op: CompareOp, left: Expr, right: Expr) -> (Expr, Expr) {
    let (literal, up) = match (&left, &right, op) {
        (i, Expr::Literal(l), CompareOp::Lt | CompareOp::GtEq) if i.ty().is_integral() => (l, true),
        (i, Expr::Literal(l), CompareOp::Gt | CompareOp::LtEq) if i.ty().is_integral() => (l, false),
        (Expr::Literal(l), i, CompareOp::Gt | CompareOp::LtEq) if i.ty().is_integral() => (l, true),
        (Expr::Literal(l), i, CompareOp::Lt | CompareOp::GtEq) if i.ty().is_integral() => (l, false),
        _ => return (left, right),
    };
    let (SqlType::Decimal(_, scale), Some(value)) = (&literal.ty, literal.value.as_i128()) else {
        return (left, right);
    };
    let Some(unit) = u32::try_from(*scale).ok().and_then(|s| 10i128.checked_pow(s)) else {
        return (left, right);
    };
    let whole = value.div_euclid(unit) + i128::from(up && value.rem_euclid(unit) != 0);
    let Ok(whole) = i64::try_from(whole) else {
        return (left, right);
    };
    let bound = Expr::lit(Literal::new(Scalar::I64(whole), SqlType::Long));
    if matches!(left, Expr::Literal(_)) && left.ty().is_decimal() {
        (bound, right)
    } else {
        (left, bound)
    }
}

/// `ty` with the names that the fields of `like` have at their places.
fn named_as(ty: &SqlType, like: &SqlType) -> SqlType {
    match (ty, like) {
        (SqlType::Array(a), SqlType::Array(b)) => SqlType::array_of(named_as(&a.element, &b.element), a.contains_null),
        (SqlType::Struct(a), SqlType::Struct(b)) if a.len() == b.len() => SqlType::structure(
            a.iter()
                .zip(b.iter())
                .map(|(f, g)| (g.name.clone(), named_as(&f.ty, &g.ty), f.nullable))
                .collect::<Vec<_>>(),
        ),
        (other, _) => other.clone(),
    }
}

/// `left op right` with Spark's casts.
pub fn compare(op: CompareOp, left: Expr, right: Expr, cx: &ResolveCx<'_>) -> Result<Expr> {
    let (left, right) = whole_bounds(op, left, right);
    let (lt, rt) = (left.ty(), right.ty());
    let equality = matches!(op, CompareOp::Eq | CompareOp::NotEq | CompareOp::NullSafeEq);
    let (left, right) = match (&lt, &rt) {
        // Legacy: a truth value beside a number is 1 or 0.
        (SqlType::Boolean, n) if equality && !cx.ansi() && n.is_numeric() => (cast_to(left, n, cx), right),
        (n, SqlType::Boolean) if equality && !cx.ansi() && n.is_numeric() => (left, cast_to(right, n, cx)),
        _ => (left, right),
    };
    // Rows are compared by position: the names of fields do not matter.
    let named = named_as(&right.ty(), &left.ty());
    let right = cast_exactly(right, &named, cx);
    let (lt, rt) = (left.ty(), right.ty());
    let (left, right) = if lt == rt {
        (left, right)
    } else {
        let text = if cx.ansi() {
            with_string(&lt, &rt)
        } else {
            legacy_comparison(&lt, &rt)
        };
        let (left, right) = match text {
            Some(ty) => (cast_to(left, &ty, cx), cast_to(right, &ty, cx)),
            None => promote_decimals(left, right, cx),
        };
        let ty = match (left.ty(), right.ty()) {
            (SqlType::Decimal(p1, s1), SqlType::Decimal(p2, s2)) => {
                Some(decimal::wider((p1, s1), (p2, s2), cx.options.decimal_precision_loss))
            }
            (a, b) => tightest(&a, &b, cx.options),
        };
        let ty = ty.ok_or_else(|| diff_types(&lt, &rt, cx))?;
        (cast_to(left, &ty, cx), cast_to(right, &ty, cx))
    };
    let ty = left.ty();
    if !ty.is_orderable() {
        return Err(Error::user("DATATYPE_MISMATCH.INVALID_ORDERING_TYPE")
            .param("functionName", quoted_name([op.symbol()]))
            .param("dataType", ty.quoted())
            .at(cx.origin.0));
    }
    Ok(Expr::compare(op, collation_key(left), collation_key(right)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rsql_common::Settings;
    use rsql_common::ids::IdGen;

    use super::*;
    use crate::{EvalMode, EvalOptions, FunctionRegistry, Literal, Origin, Slot};

    fn with<T>(ansi: bool, f: impl FnOnce(&ResolveCx<'_>) -> T) -> T {
        let options = Arc::new(EvalOptions {
            ansi,
            ..EvalOptions::default()
        });
        let (settings, registry, ids) = (
            Settings::default(),
            Arc::new(FunctionRegistry::default()),
            IdGen::default(),
        );
        f(&ResolveCx {
            called_as: "f",
            options: &options,
            mode: EvalMode::Ansi,
            settings: &settings,
            registry: &registry,
            ids: &ids,
            origin: Origin::default(),
        })
    }

    #[test]
    fn arithmetic() {
        use ArithOp::*;
        use SqlType as T;
        let d = T::Decimal;
        for (op, l, r, ansi, legacy) in [
            (Add, T::Int, T::Long, Some(T::Long), Some(T::Long)),
            (Add, T::Void, T::Void, Some(T::Double), Some(T::Double)),
            (Add, T::String, T::Int, Some(T::Long), Some(T::Double)),
            (Add, T::String, T::String, None, Some(T::Double)),
            (Add, T::Boolean, T::Int, None, None),
            (Add, T::Float, T::Int, Some(T::Double), Some(T::Float)),
            (Multiply, d(15, 2), d(16, 2), Some(d(32, 4)), Some(d(32, 4))),
            (Multiply, d(15, 2), T::Int, Some(d(26, 2)), Some(d(26, 2))),
            (Divide, T::Int, T::Int, Some(T::Double), Some(T::Double)),
            (Divide, d(10, 2), T::Double, Some(T::Double), Some(T::Double)),
            (IntegralDivide, T::Int, T::Int, Some(T::Long), Some(T::Long)),
            (IntegralDivide, d(10, 2), T::Int, Some(T::Long), Some(T::Long)),
            (BitAnd, T::Int, T::Byte, Some(T::Int), Some(T::Int)),
            (BitAnd, T::Double, T::Double, None, None),
            (Add, T::Void, d(5, 2), Some(d(6, 2)), Some(d(6, 2))),
            (Divide, d(3, 2), T::Void, Some(d(9, 6)), Some(d(9, 6))),
            (Divide, T::Void, d(3, 2), Some(T::Double), Some(T::Double)),
        ] {
            for (is_ansi, want) in [(true, ansi), (false, legacy)] {
                let slot = |index, ty: &T| Expr::Slot(Slot { index, ty: ty.clone() });
                let got = with(is_ansi, |cx| binary_arith(op, slot(0, &l), slot(1, &r), cx));
                assert_eq!(
                    got.ok().flatten().map(|e| e.ty()),
                    want,
                    "{l} {op:?} {r} ansi={is_ansi}"
                );
            }
        }
        let date = Expr::lit(Literal::null(T::Date));
        assert!(
            with(true, |cx| binary_arith(Add, date, Expr::lit(Literal::int(1)), cx))
                .unwrap()
                .is_none()
        );
        let sum = with(true, |cx| {
            binary_arith(
                Add,
                Expr::lit(Literal::int(1)),
                Expr::lit(Literal::decimal(20, 2, 1)),
                cx,
            )
        });
        assert_eq!(sum.unwrap().unwrap().ty(), d(3, 1));
    }

    #[test]
    fn comparison() {
        use SqlType as T;
        let slot = |ty: T| Expr::Slot(Slot { index: 0, ty });
        for (l, r, ansi, legacy) in [
            (T::String, T::Int, Some(T::Long), Some(T::Int)),
            (T::Date, T::String, Some(T::Date), Some(T::Date)),
            (
                T::Decimal(10, 2),
                T::Long,
                Some(T::Decimal(22, 2)),
                Some(T::Decimal(22, 2)),
            ),
            (T::Int, T::Date, None, None),
            (T::Boolean, T::Int, None, Some(T::Int)),
            (T::map(T::Int, T::Int, true), T::map(T::Int, T::Int, true), None, None),
        ] {
            for (is_ansi, want) in [(true, ansi), (false, legacy)] {
                let got = with(is_ansi, |cx| {
                    compare(CompareOp::Eq, slot(l.clone()), slot(r.clone()), cx)
                });
                let ty = got.ok().map(|e| e.children()[0].ty());
                assert_eq!(ty, want, "{l} = {r} ansi={is_ansi}");
            }
        }
    }
}
