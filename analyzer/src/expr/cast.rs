//! CAST, TRY_CAST, `::`, and COLLATE.

use std::sync::Arc;

use rsql_ast as ast;
use rsql_ast::expr::CastKind;
use rsql_ast::{ObjectName, TypeExpr};
use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::cast::can_cast;
use rsql_expr::tree::{CastExpr, Origin};
use rsql_expr::{EvalMode, Expr, Literal, SqlType};

use super::{Binder, Bound};

impl Binder<'_> {
    /// `CAST(x AS t)` in all its spellings.
    pub(super) fn cast(&mut self, kind: CastKind, inner: &ast::Expr, ty: &TypeExpr, span: Span) -> Result<Bound> {
        let bound = self.bind(inner)?;
        let ty = crate::types::resolve(ty, self.env.cx)?;
        let bounded = matches!(ty, SqlType::Char(_) | SqlType::Varchar(_));
        if bounded && bound.expr.ty() == SqlType::String && bound.expr.as_literal().is_none() {
            return Ok(bound);
        }
        // Lengths count only where texts are stored.
        let ty = ty.without_length();
        let expr = self.explicit_cast(bound.expr, &ty, kind == CastKind::TryCast, &bound.name, span)?;
        let word = if kind == CastKind::TryCast { "TRY_CAST" } else { "CAST" };
        Ok(self.named(expr, || {
            // Spark's names leave casts to nested types out.
            if ty.is_nested() {
                bound.name
            } else {
                format!("{word}({} AS {})", bound.name, ty.sql())
            }
        }))
    }

    /// A cast the user wrote.
    pub(crate) fn explicit_cast(
        &self,
        expr: Expr,
        ty: &SqlType,
        attempt: bool,
        text: &str,
        span: Span,
    ) -> Result<Expr> {
        let options = &self.env.cx.options;
        let from = expr.ty();
        let stored = ty.without_length();
        if !can_cast(&from, &stored, options.ansi || attempt) {
            // Numbers of days have functions of their own.
            let function = match (&from, &stored) {
                (f, SqlType::Date) if f.is_numeric() => Some("DATE_FROM_UNIX_DATE"),
                (SqlType::Date, t) if t.is_numeric() => Some("UNIX_DATE"),
                _ => None,
            };
            let error = if let Some(function) = function.filter(|_| options.ansi || attempt) {
                Error::user("DATATYPE_MISMATCH.CAST_WITH_FUNC_SUGGESTION")
                    .param("functionNames", quoted_name([function]))
            } else if options.ansi && !attempt && can_cast(&from, &stored, false) {
                Error::user("DATATYPE_MISMATCH.CAST_WITH_CONF_SUGGESTION")
                    .param("config", "\"spark.sql.ansi.enabled\"")
                    .param("configVal", "'false'")
            } else {
                Error::user("DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION")
            };
            return Err(error
                .param("sqlExpr", format!("\"CAST({text} AS {})\"", ty.sql()))
                .param("srcType", from.quoted())
                .param("targetType", ty.quoted())
                .at(span));
        }
        if from == stored && expr.as_literal().is_none() {
            return Ok(expr);
        }
        if expr.is_null_literal() && from == SqlType::Void {
            return Ok(Expr::lit(Literal::null(stored)));
        }
        let mode = if attempt { EvalMode::Try } else { options.mode() };
        Ok(Expr::Cast(Box::new(CastExpr {
            expr,
            ty: stored,
            mode,
            explicit: true,
            options: Arc::clone(options),
            origin: Origin(span),
        })))
    }

    /// `x COLLATE name`
    pub(super) fn collate(&mut self, inner: &ast::Expr, collation: &ObjectName, span: Span) -> Result<Bound> {
        let bound = self.bind(inner)?;
        let parts: Vec<&str> = collation.parts().collect();
        crate::collation::named(&parts, collation.span())?;
        let name = collation.last();
        let args = vec![bound.expr, Expr::lit(Literal::string(name))];
        let text = format!("collate({}, {name})", bound.name);
        let expr = self
            .scalar("collate", args, span)
            .map_err(|e| super::call::with_sql(e, || text.clone()))?;
        Ok(self.named(expr, || text))
    }
}
