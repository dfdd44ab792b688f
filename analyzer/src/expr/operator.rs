//! Arithmetic, comparison, bit and string operators.

use rsql_ast as ast;
use rsql_ast::ExprKind;
use rsql_ast::expr::{BinaryOp, UnaryOp};
use rsql_common::{Error, Result, Span};
use rsql_expr::coerce;
use rsql_expr::function::TypeSpec;
use rsql_expr::tree::{ArithExpr, ArithOp, CompareOp, Origin};
use rsql_expr::{Expr, SqlType};

use super::{Binder, Bound};

/// The comparison an operator writes, if it is one.
pub(crate) fn comparison(op: BinaryOp) -> Option<CompareOp> {
    Some(match op {
        BinaryOp::Eq => CompareOp::Eq,
        BinaryOp::NotEq => CompareOp::NotEq,
        BinaryOp::Lt => CompareOp::Lt,
        BinaryOp::LtEq => CompareOp::LtEq,
        BinaryOp::Gt => CompareOp::Gt,
        BinaryOp::GtEq => CompareOp::GtEq,
        BinaryOp::NullSafeEq => CompareOp::NullSafeEq,
        _ => return None,
    })
}

fn arithmetic(op: BinaryOp) -> Option<ArithOp> {
    Some(match op {
        BinaryOp::Add => ArithOp::Add,
        BinaryOp::Subtract => ArithOp::Subtract,
        BinaryOp::Multiply => ArithOp::Multiply,
        BinaryOp::Divide => ArithOp::Divide,
        BinaryOp::IntegralDivide => ArithOp::IntegralDivide,
        BinaryOp::Remainder => ArithOp::Remainder,
        BinaryOp::BitAnd => ArithOp::BitAnd,
        BinaryOp::BitOr => ArithOp::BitOr,
        BinaryOp::BitXor => ArithOp::BitXor,
        _ => return None,
    })
}

impl Binder<'_> {
    /// `left op right`
    pub(super) fn binary(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Result<Bound> {
        let (l, r) = (self.bind(left)?, self.bind(right)?);
        self.binary_of(op, l, r, span)
    }

    /// `left op right` of bound operands.
    pub(crate) fn binary_of(&self, op: BinaryOp, l: Bound, r: Bound, span: Span) -> Result<Bound> {
        if let Some(op) = comparison(op) {
            return self.compare(op, l, r, span);
        }
        if let Some(op) = arithmetic(op) {
            return self.arithmetic(op, l, r, span);
        }
        let (function, symbol) = match op {
            BinaryOp::Concat => ("concat", None),
            BinaryOp::ShiftLeft => ("shiftleft", Some("<<")),
            BinaryOp::ShiftRight => ("shiftright", Some(">>")),
            _ => ("shiftrightunsigned", Some(">>>")),
        };
        let (mut texts, mut exprs) = (Vec::new(), Vec::new());
        for b in self.collated_arguments(function, vec![l, r], span)? {
            texts.push(b.name);
            exprs.push(b.expr);
        }
        let expr = self.scalar(function, exprs, span)?;
        Ok(self.named(expr, || match symbol {
            Some(symbol) => format!("({})", texts.join(&format!(" {symbol} "))),
            None => format!("concat({})", texts.join(", ")),
        }))
    }

    /// A comparison.
    pub(crate) fn compare(&self, op: CompareOp, l: Bound, r: Bound, span: Span) -> Result<Bound> {
        let operands = self.one_collation(vec![l, r], span)?;
        self.known_collation(
            &operands,
            || {
                let names: Vec<&str> = operands.iter().map(|b| b.name.as_str()).collect();
                format!("({})", names.join(&format!(" {} ", op.symbol())))
            },
            span,
        )?;
        let (names, exprs): (Vec<String>, Vec<Expr>) = operands.into_iter().map(|b| (b.name, b.expr)).unzip();
        let mut operands = names
            .into_iter()
            .zip(self.char_padded(exprs, span)?)
            .map(|(name, expr)| Bound { expr, name });
        let (Some(l), Some(r)) = (operands.next(), operands.next()) else {
            return Err(Error::internal("a comparison without operands"));
        };
        let (left_ty, right_ty) = (l.expr.ty(), r.expr.ty());
        let (left, right) = coerce::whole_bounds(op, l.expr, r.expr);
        // A bound that became a whole number shows as one.
        let shown = |e: &Expr, before: &SqlType, name: String| match e.as_literal() {
            Some(l) if e.ty() != *before => l.value.as_i64().map_or(name, |v| v.to_string()),
            _ => name,
        };
        let l = Bound {
            name: shown(&left, &left_ty, l.name),
            expr: left,
        };
        let r = Bound {
            name: shown(&right, &right_ty, r.name),
            expr: right,
        };
        let name = if self.naming {
            format!("({} {} {})", l.name, op.symbol(), r.name)
        } else {
            String::new()
        };
        let expr = if op == CompareOp::NotEq {
            // Spark has no such expression: `a <> b` is NOT (a = b), and is named so.
            let expr = coerce::compare(op, l.expr, r.expr, &self.cx("<>", span)).map_err(|e| e.at(span))?;
            return Ok(self.named(expr, || format!("(NOT ({} = {}))", l.name, r.name)));
        } else {
            coerce::compare(op, l.expr, r.expr, &self.cx(op.symbol(), span)).map_err(|e| e.at(span))?
        };
        Ok(Bound { expr, name })
    }

    /// An arithmetic operation: of numbers, else of dates and intervals.
    pub(crate) fn arithmetic(&self, op: ArithOp, l: Bound, r: Bound, span: Span) -> Result<Bound> {
        let (left, right) = (l.expr.ty(), r.expr.ty());
        // How often one interval goes into another is a number like any quotient.
        let counted = op == ArithOp::IntegralDivide && left.is_ansi_interval() && right.is_ansi_interval();
        if !counted && (super::temporal::is_temporal(&left) || super::temporal::is_temporal(&right)) {
            return self.temporal(op, l, r, span);
        }
        let cx = self.cx(op.symbol(), span);
        match coerce::binary_arith(op, l.expr, r.expr, &cx).map_err(|e| e.at(span))? {
            Some(expr) => Ok(self.named(expr, || format!("({} {} {})", l.name, op.symbol(), r.name))),
            None => Err(Error::user("DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES")
                .param("sqlExpr", format!("\"({} {} {})\"", l.name, op.symbol(), r.name))
                .param("left", left.quoted())
                .param("right", right.quoted())
                .at(span)),
        }
    }

    /// `+x`, `-x`, `~x`; minus before a number is part of the number.
    pub(super) fn unary(&mut self, op: UnaryOp, operand: &ast::Expr, span: Span) -> Result<Bound> {
        let bound = self.bind(operand)?;
        if op == UnaryOp::Minus
            && matches!(operand.kind, ExprKind::Literal(_))
            && !bound.name.starts_with('-')
            && let Some(value) = bound.expr.as_literal().and_then(super::literal::negated)
        {
            return Ok(self.named(Expr::lit(value), || match bound.name.strip_prefix('-') {
                Some(positive) => positive.to_string(),
                None => format!("-{}", bound.name),
            }));
        }
        match op {
            UnaryOp::Minus => {
                let expr = self.negate(bound.expr, span)?;
                Ok(self.named(expr, || format!("(- {})", bound.name)))
            }
            UnaryOp::Plus => {
                let spec = TypeSpec::NumericOrInterval;
                let expr = coerce::implicit_cast(bound.expr, spec, 0, &self.cx("positive", span))?;
                Ok(self.named(expr, || format!("(+ {})", bound.name)))
            }
            UnaryOp::BitNot => {
                let cx = self.cx("~", span);
                let expr = coerce::implicit_cast(bound.expr, TypeSpec::Integral, 0, &cx)?;
                let ones = Expr::lit(rsql_expr::Literal::new(
                    match expr.ty() {
                        SqlType::Byte => rsql_expr::Scalar::I8(-1),
                        SqlType::Short => rsql_expr::Scalar::I16(-1),
                        SqlType::Long => rsql_expr::Scalar::I64(-1),
                        _ => rsql_expr::Scalar::I32(-1),
                    },
                    match expr.ty() {
                        t @ (SqlType::Byte | SqlType::Short | SqlType::Long) => t,
                        _ => SqlType::Int,
                    },
                ));
                let expr = coerce::binary_arith(ArithOp::BitXor, expr, ones, &cx)?
                    .ok_or_else(|| Error::internal("~ of a value that is no integer"))?;
                Ok(self.named(expr, || format!("~{}", bound.name)))
            }
        }
    }

    /// `-expr`
    pub(crate) fn negate(&self, expr: Expr, span: Span) -> Result<Expr> {
        let ty = expr.ty();
        if ty.is_interval() {
            return self.scalar("interval_negate", vec![expr], span);
        }
        let expr = coerce::implicit_cast(expr, TypeSpec::NumericOrInterval, 0, &self.cx("-", span))?;
        let ty = expr.ty();
        if !ty.is_numeric() {
            return Ok(expr);
        }
        Ok(Expr::Arith(Box::new(ArithExpr {
            op: ArithOp::Negate,
            right: expr.clone(),
            left: expr,
            ty,
            mode: self.env.cx.options.mode(),
            origin: Origin(span),
        })))
    }
}
