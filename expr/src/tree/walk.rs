//! Traversal of expressions, and the facts found by it.
//!
//! [`Expr`] also implements `TreeNode`, so `transform_up`, `transform_down` and `apply` work on it.

use std::collections::BTreeSet;

use datafusion_common::Result as DfResult;
use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeContainer, TreeNodeRecursion};
use rsql_common::{ColumnId, Result};

use super::{Expr, NullRule};

impl Expr {
    /// Direct operands, in evaluation order.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Column(_) | Expr::Slot(_) | Expr::Literal(_) => vec![],
            Expr::Arith(a) => vec![&a.left, &a.right],
            Expr::Compare { left, right, .. } => vec![left, right],
            Expr::And(v) | Expr::Or(v) | Expr::Coalesce { args: v, .. } => v.iter().collect(),
            Expr::Not(e) | Expr::IsNull(e) | Expr::IsNotNull(e) | Expr::Field { expr: e, .. } => vec![e],
            Expr::In { expr, list } => std::iter::once(expr.as_ref()).chain(list).collect(),
            Expr::Case {
                branches, otherwise, ..
            } => branches
                .iter()
                .flat_map(|(c, v)| [c, v])
                .chain(otherwise.as_deref())
                .collect(),
            Expr::Cast(c) => vec![&c.expr],
            Expr::Call(c) => c.args.iter().collect(),
            Expr::Lambda(l) => vec![&l.body],
        }
    }

    /// Replaces each direct operand by `f` of it.
    pub fn try_map_children<E>(self, f: &mut dyn FnMut(Expr) -> std::result::Result<Expr, E>) -> Result<Expr, E> {
        fn all<E>(
            v: Vec<Expr>,
            f: &mut dyn FnMut(Expr) -> std::result::Result<Expr, E>,
        ) -> std::result::Result<Vec<Expr>, E> {
            v.into_iter().map(f).collect()
        }
        Ok(match self {
            leaf @ (Expr::Column(_) | Expr::Slot(_) | Expr::Literal(_)) => leaf,
            Expr::Arith(mut a) => {
                let (l, r) = (take(&mut a.left), take(&mut a.right));
                a.left = f(l)?;
                a.right = f(r)?;
                Expr::Arith(a)
            }
            Expr::Compare { op, left, right } => Expr::Compare {
                op,
                left: Box::new(f(*left)?),
                right: Box::new(f(*right)?),
            },
            Expr::And(v) => Expr::And(all(v, f)?),
            Expr::Or(v) => Expr::Or(all(v, f)?),
            Expr::Coalesce { args, ty } => Expr::Coalesce {
                args: all(args, f)?,
                ty,
            },
            Expr::Not(e) => Expr::Not(Box::new(f(*e)?)),
            Expr::IsNull(e) => Expr::IsNull(Box::new(f(*e)?)),
            Expr::IsNotNull(e) => Expr::IsNotNull(Box::new(f(*e)?)),
            Expr::Field { expr, index, ty } => Expr::Field {
                expr: Box::new(f(*expr)?),
                index,
                ty,
            },
            Expr::In { expr, list } => Expr::In {
                expr: Box::new(f(*expr)?),
                list: all(list, f)?,
            },
            Expr::Case {
                branches,
                otherwise,
                ty,
            } => Expr::Case {
                branches: branches
                    .into_iter()
                    .map(|(c, v)| Ok((f(c)?, f(v)?)))
                    .collect::<Result<_, E>>()?,
                otherwise: otherwise.map(|e| f(*e).map(Box::new)).transpose()?,
                ty,
            },
            Expr::Cast(mut c) => {
                let e = take(&mut c.expr);
                c.expr = f(e)?;
                Expr::Cast(c)
            }
            Expr::Call(mut c) => {
                c.args = all(std::mem::take(&mut c.args), f)?;
                Expr::Call(c)
            }
            Expr::Lambda(mut l) => {
                let e = take(&mut l.body);
                l.body = f(e)?;
                Expr::Lambda(l)
            }
        })
    }

    /// Bottom-up rewrite: operands first, then the node itself.
    pub fn try_transform_up<E>(self, f: &mut dyn FnMut(Expr) -> std::result::Result<Expr, E>) -> Result<Expr, E> {
        let node = self.try_map_children(&mut |e| e.try_transform_up(f))?;
        f(node)
    }

    /// Visits this node and all below, parents first.
    pub fn visit<'a>(&'a self, f: &mut dyn FnMut(&'a Expr)) {
        f(self);
        for child in self.children() {
            child.visit(f);
        }
    }

    /// True if `f` holds for this node or any below.
    pub fn any(&self, f: &dyn Fn(&Expr) -> bool) -> bool {
        f(self) || self.children().into_iter().any(|c| c.any(f))
    }

    /// Ids of the columns read, lambda parameters excluded.
    pub fn columns(&self) -> BTreeSet<ColumnId> {
        let mut out = BTreeSet::new();
        self.columns_into(&mut out);
        out
    }

    /// Adds the ids of the columns read to `out`, lambda parameters excluded.
    pub fn columns_into(&self, out: &mut BTreeSet<ColumnId>) {
        match self {
            Expr::Column(c) => {
                out.insert(c.id);
            }
            Expr::Lambda(l) => {
                let mut inner = l.body.columns();
                for p in &l.params {
                    inner.remove(&p.id);
                }
                out.extend(inner);
            }
            other => other.children().into_iter().for_each(|c| c.columns_into(out)),
        }
    }

    /// Same arguments give the same value, here and below.
    pub fn is_deterministic(&self) -> bool {
        !self.any(&|e| matches!(e, Expr::Call(c) if !c.effects.deterministic))
    }

    /// May raise an error for some rows.
    pub fn is_fallible(&self) -> bool {
        use crate::EvalMode;
        self.any(&|e| match e {
            Expr::Arith(a) => a.mode == EvalMode::Ansi && arith_may_fail(a),
            Expr::Cast(c) => {
                let from = c.expr.ty();
                // Casts of intervals raise errors in legacy mode too.
                let interval = from.is_ansi_interval() || c.ty.is_ansi_interval();
                (c.mode == EvalMode::Ansi || c.mode == EvalMode::Legacy && interval)
                    && !crate::types::is_widening(&from, &c.ty)
            }
            Expr::Call(c) => c.effects.fallible && c.mode != EvalMode::Try,
            _ => false,
        })
    }

    /// Can be computed without input rows.
    pub fn is_foldable(&self) -> bool {
        self.columns().is_empty() && self.is_deterministic() && !self.any(&|e| matches!(e, Expr::Slot(_)))
    }

    /// May be NULL, given which columns may be.
    pub fn nullable(&self, column: &dyn Fn(ColumnId) -> bool) -> bool {
        match self {
            Expr::Column(c) => column(c.id),
            Expr::Slot(_) => true,
            Expr::Literal(l) => l.value.is_null(),
            Expr::IsNull(_) | Expr::IsNotNull(_) => false,
            Expr::Compare {
                op: super::CompareOp::NullSafeEq,
                ..
            } => false,
            Expr::Arith(a) => {
                use super::ArithOp::{Divide, IntegralDivide, Pmod, Remainder};
                let overflow_gives_null = a.mode != crate::EvalMode::Ansi
                    && (a.ty.is_decimal() || matches!(a.op, Divide | IntegralDivide | Remainder | Pmod));
                let try_gives_null = a.mode == crate::EvalMode::Try;
                overflow_gives_null || try_gives_null || a.left.nullable(column) || a.right.nullable(column)
            }
            Expr::Coalesce { args, .. } => args.iter().all(|a| a.nullable(column)),
            Expr::Case {
                branches, otherwise, ..
            } => {
                otherwise.as_ref().is_none_or(|e| e.nullable(column))
                    || branches.iter().any(|(_, v)| v.nullable(column))
            }
            Expr::Cast(c) => {
                c.expr.nullable(column)
                    || c.mode != crate::EvalMode::Ansi && !crate::types::is_widening(&c.expr.ty(), &c.ty)
            }
            Expr::Call(c) => match c.nulls {
                NullRule::Never => false,
                NullRule::Propagate => c.args.iter().any(|a| a.nullable(column)),
                NullRule::PropagateOrNull | NullRule::Custom => true,
            },
            Expr::Field { expr, index, .. } => {
                expr.nullable(column)
                    || match expr.ty() {
                        crate::SqlType::Struct(fields) => fields.get(*index).is_none_or(|f| f.nullable),
                        _ => true,
                    }
            }
            other => other.children().into_iter().any(|c| c.nullable(column)),
        }
    }

    /// Replaces columns by what `f` gives for them; lambda parameters are asked for too.
    pub fn replace_columns(self, f: &dyn Fn(&super::Column) -> Option<Expr>) -> Expr {
        let done: Result<Expr, std::convert::Infallible> = self.try_transform_up(&mut |e| {
            Ok(match &e {
                Expr::Column(c) => f(c).unwrap_or(e),
                _ => e,
            })
        });
        match done {
            Ok(e) => e,
        }
    }
}

/// In ANSI mode; a decimal result that was not cut to 38 digits holds every sum, difference and product.
fn arith_may_fail(a: &super::ArithExpr) -> bool {
    use super::ArithOp::*;
    use crate::SqlType::Decimal;
    let nonzero = || {
        a.right.as_literal().is_some_and(|l| match l.value {
            crate::Scalar::F64(v) => v != 0.0,
            ref v => v.as_i128().is_some_and(|v| v != 0),
        })
    };
    match (a.op, a.left.ty(), a.right.ty(), &a.ty) {
        (BitAnd | BitOr | BitXor, ..) => false,
        (Divide, _, _, ty) if ty.is_floating() => !nonzero(),
        (Remainder | Pmod, ..) => !nonzero(),
        (Divide | IntegralDivide, ..) => true,
        (Negate, _, _, Decimal(..)) => false,
        (Add | Subtract, Decimal(p1, s1), Decimal(p2, s2), Decimal(p, s)) => {
            let whole = |p: u8, s: i8| i32::from(p) - i32::from(s);
            *s < s1.max(s2) || whole(*p, *s) <= whole(p1, s1).max(whole(p2, s2))
        }
        (Multiply, Decimal(p1, s1), Decimal(p2, s2), Decimal(p, s)) => {
            i32::from(*s) != i32::from(s1) + i32::from(s2) || i32::from(*p) < i32::from(p1) + i32::from(p2)
        }
        (_, _, _, ty) => !ty.is_floating(),
    }
}

fn take(e: &mut Expr) -> Expr {
    std::mem::take(e)
}

/// NULL of no type: a cheap placeholder while a node is rebuilt.
impl Default for Expr {
    fn default() -> Self {
        Expr::Literal(crate::Literal::null(crate::SqlType::Void))
    }
}

impl<'a> TreeNodeContainer<'a, Expr> for Expr {
    fn apply_elements<F: FnMut(&'a Expr) -> DfResult<TreeNodeRecursion>>(
        &'a self,
        mut f: F,
    ) -> DfResult<TreeNodeRecursion> {
        f(self)
    }

    fn map_elements<F: FnMut(Expr) -> DfResult<Transformed<Expr>>>(self, mut f: F) -> DfResult<Transformed<Expr>> {
        f(self)
    }
}

impl TreeNode for Expr {
    fn apply_children<'n, F: FnMut(&'n Self) -> DfResult<TreeNodeRecursion>>(
        &'n self,
        mut f: F,
    ) -> DfResult<TreeNodeRecursion> {
        let mut tnr = TreeNodeRecursion::Continue;
        for child in self.children() {
            tnr = f(child)?;
            match tnr {
                TreeNodeRecursion::Continue | TreeNodeRecursion::Jump => {}
                TreeNodeRecursion::Stop => return Ok(tnr),
            }
        }
        Ok(tnr)
    }

    fn map_children<F: FnMut(Self) -> DfResult<Transformed<Self>>>(self, mut f: F) -> DfResult<Transformed<Self>> {
        let mut changed = false;
        let mut tnr = TreeNodeRecursion::Continue;
        let node = self.try_map_children::<datafusion_common::DataFusionError>(&mut |e| {
            if tnr == TreeNodeRecursion::Stop {
                return Ok(e);
            }
            let t = f(e)?;
            changed |= t.transformed;
            tnr = t.tnr;
            Ok(t.data)
        })?;
        Ok(Transformed::new(node, changed, tnr))
    }
}
