//! Frames of window calls: ROWS by offsets, RANGE by the sort key plus or minus an offset.

use rsql_ast as ast;
use rsql_ast::expr::FrameUnits as WrittenUnits;
use rsql_common::{Error, Result};
use rsql_expr::coerce::cast_to;
use rsql_expr::tree::{ArithOp, FrameBound, FrameUnits, WindowFrame};
use rsql_expr::{Expr, SqlType};

use super::window_call::Spec;
use super::{Binder, Bound};

impl Binder<'_> {
    pub(super) fn frame_or(&mut self, default: WindowFrame, spec: &Spec) -> Result<(WindowFrame, String)> {
        match &spec.frame {
            Some(written) => self.frame(written, spec),
            None if spec.order_by.is_empty() => Ok((
                default,
                "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING".to_string(),
            )),
            None => Ok((default, "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_string())),
        }
    }

    pub(super) fn frame(&mut self, written: &ast::expr::WindowFrame, spec: &Spec) -> Result<(WindowFrame, String)> {
        let units = match written.units {
            WrittenUnits::Rows => FrameUnits::Rows,
            WrittenUnits::Range => FrameUnits::Range,
            WrittenUnits::Groups => {
                return Err(Error::user("PARSE_SYNTAX_ERROR")
                    .param("error", "'GROUPS'")
                    .param("hint", "")
                    .at(spec.span));
            }
        };
        let current = ast::expr::FrameBound::CurrentRow;
        let end = written.end.as_ref().unwrap_or(&current);
        let (start, start_text) = self.bound(&written.start, units, spec, true)?;
        let (end, end_text) = self.bound(end, units, spec, false)?;
        let word = if units == FrameUnits::Rows { "ROWS" } else { "RANGE" };
        let disordered = match (&start, &end) {
            (FrameBound::Rows(a), FrameBound::Rows(b)) => a > b,
            (FrameBound::Value(_), FrameBound::Value(_)) => self.disordered(written)?,
            _ => false,
        };
        if disordered {
            return Err(Error::user("DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON")
                .param("comparison", "less than or equal")
                .param("sqlExpr", format!("\"{word} BETWEEN {start_text} AND {end_text}\""))
                .at(spec.span));
        }
        Ok((
            WindowFrame { units, start, end },
            format!("{word} BETWEEN {start_text} AND {end_text}"),
        ))
    }

    /// Whether a RANGE frame's offsets lie in the wrong order, as far as constants tell.
    fn disordered(&mut self, written: &ast::expr::WindowFrame) -> Result<bool> {
        let (Some(start), Some(end)) = (
            self.offset(&written.start)?,
            written.end.as_ref().map_or(Ok(None), |e| self.offset(e))?,
        ) else {
            return Ok(false);
        };
        Ok(start > end)
    }

    /// How far a bound lies after the current row, if that is a whole number.
    fn offset(&mut self, bound: &ast::expr::FrameBound) -> Result<Option<i64>> {
        let (e, sign) = match bound {
            ast::expr::FrameBound::Preceding(e) => (e, -1),
            ast::expr::FrameBound::Following(e) => (e, 1),
            _ => return Ok(None),
        };
        let bound = self.bind(e)?;
        if !bound.expr.ty().is_integral() {
            return Ok(None);
        }
        let value = rsql_expr::eval::fold(&bound.expr, &self.env.cx.registry)?.value;
        Ok(value.as_i64().and_then(|v| v.checked_mul(sign)))
    }

    fn bound(
        &mut self,
        written: &ast::expr::FrameBound,
        units: FrameUnits,
        spec: &Spec,
        start: bool,
    ) -> Result<(FrameBound, String)> {
        use ast::expr::FrameBound as Written;
        let (offset, preceding) = match written {
            Written::UnboundedPreceding if start => {
                return Ok((FrameBound::Unbounded, "UNBOUNDED PRECEDING".to_string()));
            }
            Written::UnboundedFollowing if !start => {
                return Ok((FrameBound::Unbounded, "UNBOUNDED FOLLOWING".to_string()));
            }
            Written::UnboundedPreceding | Written::UnboundedFollowing => {
                return Err(Error::user("DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_INVALID_BOUND")
                    .param("upper", "unboundedpreceding$")
                    .param("lower", "unboundedfollowing$")
                    .at(spec.span));
            }
            Written::CurrentRow => return Ok((FrameBound::CurrentRow, "CURRENT ROW".to_string())),
            Written::Preceding(e) => (e, true),
            Written::Following(e) => (e, false),
        };
        let bound = self.bind(offset)?;
        let word = if preceding { "PRECEDING" } else { "FOLLOWING" };
        // An offset before the row that is cast to the key's type shows as one after it.
        let cast = spec
            .order_by
            .first()
            .is_some_and(|(k, _)| k.expr.ty().is_numeric() && k.expr.ty() != bound.expr.ty());
        let text = if units == FrameUnits::Range && preceding && cast {
            format!("(- {}) FOLLOWING", bound.name)
        } else {
            format!("{} {word}", bound.name)
        };
        if !bound.expr.is_foldable() {
            return Err(Error::user("INVALID_SQL_SYNTAX.INVALID_WINDOW_FRAME_BOUND")
                .param("expression", format!("\"{}\"", bound.name))
                .at(offset.span));
        }
        if units == FrameUnits::Rows {
            let ty = bound.expr.ty();
            if !ty.is_integral() || ty == SqlType::Long {
                return Err(Error::user("DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE")
                    .param("location", if start { "lower" } else { "upper" })
                    .param("exprType", ty.quoted())
                    .param("expectedType", "\"INT\"")
                    .at(offset.span));
            }
            let n = rsql_expr::eval::fold(&bound.expr, &self.env.cx.registry)?
                .value
                .as_i64()
                .unwrap_or(0);
            return Ok(match n {
                0 => (FrameBound::CurrentRow, text),
                n => (FrameBound::Rows(if preceding { -n } else { n }), text),
            });
        }
        let [(key, _)] = spec.order_by.as_slice() else {
            let condition = if spec.order_by.is_empty() {
                "DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER"
            } else {
                "DATATYPE_MISMATCH.RANGE_FRAME_MULTI_ORDER"
            };
            return Err(Error::user(condition).at(spec.span));
        };
        let ty = key.expr.ty();
        // Spark casts the offset to the key's type first, and then finds that such values have no distance.
        let offset_ty = bound.expr.ty();
        let cast_first = ty.is_string() && !offset_ty.is_nested()
            || ty == SqlType::Boolean && (offset_ty.is_numeric() || offset_ty.is_string());
        if cast_first {
            return Err(Error::user("DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE")
                .param("location", if start { "lower" } else { "upper" })
                .param("exprType", ty.quoted())
                .param(
                    "expectedType",
                    "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")",
                )
                .at(offset.span));
        }
        let op = if preceding == key.descending {
            ArithOp::Add
        } else {
            ArithOp::Subtract
        };
        let plain = |expr: Expr| Bound {
            expr,
            name: String::new(),
        };
        let value = self
            .arithmetic(op, plain(key.expr.clone()), plain(bound.expr.clone()), offset.span)
            .map_err(|_| {
                Error::user("DATATYPE_MISMATCH.RANGE_FRAME_INVALID_TYPE")
                    .param("orderSpecType", ty.quoted())
                    .param("valueBoundaryType", bound.expr.ty().quoted())
                    .at(spec.span)
            })?;
        let value = cast_to(value.expr, &ty, &self.cx(op.symbol(), offset.span));
        Ok((FrameBound::Value(Box::new(value)), text))
    }
}
