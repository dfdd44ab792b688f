//! Comparisons of a widened column with a literal are made in the column's own type.
//!
//! ```text
//! (cast(t.a AS BIGINT) > 5L)   →   (t.a > 5)
//! ```
//! Sound: the cast keeps order and equality, and the literal has a value of the narrower type. Not applied where it has none.

use rsql_common::Result;
use rsql_expr::types::is_widening;
use rsql_expr::{Expr, Literal, Scalar, SqlType};

use crate::rule::{ExpressionContext, ExpressionRule, Transformed};

/// See the module.
pub struct UnwrapCastInBinaryComparison;

impl ExpressionRule for UnwrapCastInBinaryComparison {
    fn name(&self) -> &'static str {
        "UnwrapCastInBinaryComparison"
    }

    fn rewrite(&self, expr: Expr, _: &ExpressionContext<'_>) -> Result<Transformed<Expr>> {
        Ok(match unwrapped(&expr) {
            Some(e) => Transformed::yes(e),
            None => Transformed::no(expr),
        })
    }
}

fn unwrapped(e: &Expr) -> Option<Expr> {
    match e {
        Expr::Compare { op, left, right } => match (left.as_ref(), right.as_ref()) {
            (Expr::Cast(c), Expr::Literal(l)) if is_exact(&c.expr.ty(), &c.ty) => {
                Some(Expr::compare(*op, c.expr.clone(), Expr::lit(narrow(l, &c.expr.ty())?)))
            }
            (Expr::Literal(l), Expr::Cast(c)) if is_exact(&c.expr.ty(), &c.ty) => {
                Some(Expr::compare(*op, Expr::lit(narrow(l, &c.expr.ty())?), c.expr.clone()))
            }
            _ => None,
        },
        Expr::In { expr, list } => {
            let Expr::Cast(c) = expr.as_ref() else { return None };
            let ty = c.expr.ty();
            if !is_exact(&ty, &c.ty) {
                return None;
            }
            let list = list.iter().map(|e| Some(Expr::lit(narrow(e.as_literal()?, &ty)?)));
            Some(Expr::In {
                expr: Box::new(c.expr.clone()),
                list: list.collect::<Option<_>>()?,
            })
        }
        _ => None,
    }
}

/// Every value of `from` has an equal one of `to`, in the same order.
fn is_exact(from: &SqlType, to: &SqlType) -> bool {
    let number = |t: &SqlType| t.is_integral() || t.is_decimal();
    number(from) && number(to) && is_widening(from, to)
}

fn scale(ty: &SqlType) -> i8 {
    if let SqlType::Decimal(_, s) = ty { *s } else { 0 }
}

/// The literal as a value of `ty`, if it has one that is equal.
fn narrow(l: &Literal, ty: &SqlType) -> Option<Literal> {
    let value = l.value.as_i128()?;
    let shift = i32::from(scale(&l.ty)) - i32::from(scale(ty));
    let power = 10i128.checked_pow(shift.unsigned_abs())?;
    let value = if shift >= 0 {
        (value % power == 0).then_some(value / power)?
    } else {
        value.checked_mul(power)?
    };
    let scalar = match ty {
        SqlType::Byte => Scalar::I8(value.try_into().ok()?),
        SqlType::Short => Scalar::I16(value.try_into().ok()?),
        SqlType::Int => Scalar::I32(value.try_into().ok()?),
        SqlType::Long => Scalar::I64(value.try_into().ok()?),
        SqlType::Decimal(p, s) => {
            if value.unsigned_abs() >= 10u128.checked_pow(u32::from(*p))? {
                return None;
            }
            return Some(Literal::decimal(value, *p, *s));
        }
        _ => return None,
    };
    Some(Literal::new(scalar, ty.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_narrow_only_to_equal_values() {
        let long = Literal::long(5);
        assert_eq!(narrow(&long, &SqlType::Int), Some(Literal::int(5)));
        assert_eq!(narrow(&Literal::long(1 << 40), &SqlType::Int), None);
        let decimal = Literal::decimal(500, 10, 2);
        assert_eq!(narrow(&decimal, &SqlType::Int), Some(Literal::int(5)));
        assert_eq!(narrow(&Literal::decimal(501, 10, 2), &SqlType::Int), None);
        assert_eq!(
            narrow(&decimal, &SqlType::Decimal(5, 1)),
            Some(Literal::decimal(50, 5, 1))
        );
    }
}
