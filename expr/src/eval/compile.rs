//! Expressions to nodes.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use rsql_common::{Error, Result};

use super::lambda::LambdaProgram;
use super::literal_array;
use super::node::{Arg, CallOp, CastOp, Node, Op};
use crate::kernel::{ArithSpec, Membership};
use crate::tree::{ArithExpr, CallExpr, CastExpr};
use crate::{CompareOp, Expr, FunctionRegistry, Literal, SqlType};

type Registry = Arc<FunctionRegistry>;

/// Compiles an expression whose columns are slots.
pub(super) fn compile(expr: &Expr, registry: &Registry) -> Result<Node> {
    let op = match expr {
        Expr::Column(c) => return Err(Error::internal(format!("column {} was not lowered to a slot", c.id))),
        Expr::Lambda(_) => return Err(Error::internal("a lambda stands outside a higher-order function")),
        Expr::Slot(s) => Op::Slot(s.index),
        Expr::Literal(l) => Op::Constant(literal_array(l)?),
        Expr::Arith(a) => arith(a, registry)?,
        Expr::Compare { op, left, right } => compare(*op, left, right, registry)?,
        Expr::And(parts) => Op::And(all(parts, registry)?),
        Expr::Or(parts) => Op::Or(all(parts, registry)?),
        Expr::Not(e) => match e.as_ref() {
            // NOT of a comparison is the opposite comparison, in three-valued logic too.
            Expr::Compare { op, left, right } if op.negate().is_some() => {
                compare(op.negate().unwrap_or(*op), left, right, registry)?
            }
            e => Op::Not(Box::new(compile(e, registry)?)),
        },
        Expr::IsNull(e) => Op::NullTest(Box::new(compile(e, registry)?), true),
        Expr::IsNotNull(e) => Op::NullTest(Box::new(compile(e, registry)?), false),
        Expr::In { expr, list } => membership(expr, list, registry)?,
        Expr::Case {
            branches, otherwise, ..
        } => Op::Case {
            branches: branches
                .iter()
                .map(|(c, v)| Ok((compile(c, registry)?, compile(v, registry)?)))
                .collect::<Result<_>>()?,
            otherwise: match otherwise {
                Some(e) => Some(Box::new(compile(e, registry)?)),
                None => None,
            },
        },
        Expr::Coalesce { args, .. } => Op::Coalesce(all(args, registry)?),
        Expr::Cast(c) => cast(c, registry)?,
        Expr::Field { expr, index, .. } => Op::Field(Box::new(compile(expr, registry)?), *index),
        Expr::Call(c) => call(c, registry)?,
    };
    Ok(Node {
        op,
        ty: expr.ty(),
        slots: slots(expr),
        deterministic: expr.is_deterministic(),
        fallible: expr.is_fallible(),
        constant: RefCell::default(),
        dicts: RefCell::default(),
    })
}

fn all(parts: &[Expr], registry: &Registry) -> Result<Vec<Node>> {
    parts.iter().map(|p| compile(p, registry)).collect()
}

fn arith(a: &ArithExpr, registry: &Registry) -> Result<Op> {
    let spec = ArithSpec {
        op: a.op,
        left: a.left.ty(),
        right: a.right.ty(),
        ty: a.ty.clone(),
        mode: a.mode,
        origin: a.origin,
    };
    let sides = [compile(&a.left, registry)?, compile(&a.right, registry)?];
    Ok(Op::Arith(Box::new(spec), Box::new(sides)))
}

/// A comparison with a constant on the left is turned round.
fn compare(op: CompareOp, left: &Expr, right: &Expr, registry: &Registry) -> Result<Op> {
    let (l, r) = (compile(left, registry)?, compile(right, registry)?);
    Ok(if l.is_constant() && !r.is_constant() {
        Op::Compare(op.flip(), Box::new([r, l]))
    } else {
        Op::Compare(op, Box::new([l, r]))
    })
}

fn membership(expr: &Expr, list: &[Expr], registry: &Registry) -> Result<Op> {
    let operand = Box::new(compile(expr, registry)?);
    let constants: Option<Vec<&Literal>> = list.iter().map(Expr::as_literal).collect();
    Ok(match constants {
        Some(constants) => Op::Member(operand, Box::new(Membership::new(&constants, &expr.ty())?)),
        None => Op::In(operand, all(list, registry)?),
    })
}

fn cast(c: &CastExpr, registry: &Registry) -> Result<Op> {
    Ok(Op::Cast(Box::new(CastOp {
        input: compile(&c.expr, registry)?,
        mode: c.mode,
        options: Arc::clone(&c.options),
        origin: c.origin,
    })))
}

fn call(c: &CallExpr, registry: &Registry) -> Result<Op> {
    let function = registry
        .scalar(&c.func)
        .ok_or_else(|| Error::internal(format!("there is no scalar function {}", c.func)))?;
    let args = c
        .args
        .iter()
        .map(|a| match a {
            Expr::Lambda(l) => Ok(Arg::Lambda(Box::new(LambdaProgram::compile(l, registry)?))),
            a => Ok(Arg::Value(compile(a, registry)?)),
        })
        .collect::<Result<_>>()?;
    Ok(Op::Call(Box::new(CallOp {
        function,
        call: c.clone(),
        args,
    })))
}

/// Columns of the surrounding chunk that an expression reads; those of a lambda's own parameters are none of them.
fn slots(expr: &Expr) -> Vec<usize> {
    fn collect(e: &Expr, limit: usize, out: &mut BTreeSet<usize>) {
        match e {
            Expr::Slot(s) if s.index < limit => {
                out.insert(s.index);
            }
            Expr::Lambda(l) => collect(&l.body, limit.min(l.first_slot), out),
            e => e.children().into_iter().for_each(|c| collect(c, limit, out)),
        }
    }
    let mut out = BTreeSet::new();
    collect(expr, usize::MAX, &mut out);
    out.into_iter().collect()
}

/// Types a slot-only program of a lambda reads beyond its outer columns.
pub(super) fn outer_slots(body: &Expr, first_slot: usize) -> Vec<(usize, SqlType)> {
    let mut out: Vec<(usize, SqlType)> = Vec::new();
    body.visit(&mut |e| {
        if let Expr::Slot(s) = e
            && s.index < first_slot
            && !out.iter().any(|(i, _)| *i == s.index)
        {
            out.push((s.index, s.ty.clone()));
        }
    });
    out
}
