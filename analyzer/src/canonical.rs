//! Expressions that group alike though written differently: operands of commutative operators in any order.

use std::convert::Infallible;

use rsql_expr::tree::{ArithExpr, ArithOp, CompareOp};
use rsql_expr::{Expr, SqlType};

/// True if both are the same group key.
pub(crate) fn same_key(a: &Expr, b: &Expr) -> bool {
    a == b || reorders(a) && reorders(b) && a.ty() == b.ty() && canonical(a.clone()) == canonical(b.clone())
}

/// True if the expression holds an operator whose operands may change places.
fn reorders(e: &Expr) -> bool {
    e.any(&|e| match e {
        Expr::Arith(a) => commutes(a),
        Expr::And(_) | Expr::Or(_) | Expr::Compare { .. } => true,
        _ => false,
    })
}

fn commutes(a: &ArithExpr) -> bool {
    matches!(
        a.op,
        ArithOp::Add | ArithOp::Multiply | ArithOp::BitAnd | ArithOp::BitOr | ArithOp::BitXor
    )
}

/// The expression with such operands in one order.
fn canonical(e: Expr) -> Expr {
    let mapped: std::result::Result<Expr, Infallible> = e.try_map_children(&mut |c| Ok(canonical(c)));
    let e = match mapped {
        Ok(e) => e,
        Err(never) => match never {},
    };
    match e {
        Expr::Arith(a) if commutes(&a) => sum(*a),
        Expr::And(parts) => Expr::And(sorted(parts)),
        Expr::Or(parts) => Expr::Or(sorted(parts)),
        Expr::Compare { op, left, right } if rank(&left) > rank(&right) => Expr::Compare {
            op: mirrored(op),
            left: right,
            right: left,
        },
        e => e,
    }
}

/// `a + b + c` with all operands sorted; decimals change their type on the way and keep their grouping.
fn sum(a: ArithExpr) -> Expr {
    let (op, ty) = (a.op, a.ty.clone());
    let mut operands = Vec::new();
    if matches!(ty, SqlType::Decimal(..)) {
        operands.extend([a.left.clone(), a.right.clone()]);
    } else {
        flatten(Expr::Arith(Box::new(a.clone())), op, &mut operands);
    }
    let mut operands = sorted(operands).into_iter();
    let first = operands.next().unwrap_or_default();
    operands.fold(first, |left, right| {
        Expr::Arith(Box::new(ArithExpr {
            op,
            left,
            right,
            ty: ty.clone(),
            mode: a.mode,
            origin: a.origin,
        }))
    })
}

fn flatten(e: Expr, op: ArithOp, out: &mut Vec<Expr>) {
    match e {
        Expr::Arith(a) if a.op == op => {
            flatten(a.left, op, out);
            flatten(a.right, op, out);
        }
        e => out.push(e),
    }
}

fn rank(e: &Expr) -> String {
    format!("{e:?}")
}

fn sorted(mut parts: Vec<Expr>) -> Vec<Expr> {
    parts.sort_by_cached_key(rank);
    parts
}

fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::LtEq => CompareOp::GtEq,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::GtEq => CompareOp::LtEq,
        op => op,
    }
}

#[cfg(test)]
mod tests {
    use rsql_common::ids::IdGen;
    use rsql_expr::tree::Origin;
    use rsql_expr::{Column, EvalMode};

    use super::*;

    #[test]
    fn commutative_operands_may_change_places() {
        let ids = IdGen::default();
        let column = || {
            Expr::Column(Column {
                id: ids.column(),
                ty: SqlType::Int,
            })
        };
        let (a, b, c) = (column(), column(), column());
        let arith = |op, left: &Expr, right: &Expr| {
            Expr::Arith(Box::new(ArithExpr {
                op,
                left: left.clone(),
                right: right.clone(),
                ty: SqlType::Int,
                mode: EvalMode::Ansi,
                origin: Origin::default(),
            }))
        };
        use ArithOp::{Add, Subtract};
        let left = arith(Add, &arith(Add, &a, &b), &c);
        assert!(same_key(&left, &arith(Add, &c, &arith(Add, &b, &a))));
        assert!(!same_key(&arith(Subtract, &a, &b), &arith(Subtract, &b, &a)));
        let less = |l: &Expr, r: &Expr| Expr::compare(CompareOp::Lt, l.clone(), r.clone());
        let more = |l: &Expr, r: &Expr| Expr::compare(CompareOp::Gt, l.clone(), r.clone());
        assert!(same_key(&less(&a, &b), &more(&b, &a)));
        assert!(!same_key(&less(&a, &b), &less(&b, &a)));
    }
}
