//! LIKE, ILIKE, RLIKE, also over several patterns.

use rsql_ast as ast;
use rsql_ast::expr::{LikeKind, Quantifier};
use rsql_common::{Error, Result, Span};
use rsql_expr::{Expr, Literal};

use super::{Binder, Bound};

impl Binder<'_> {
    /// `x [NOT] LIKE p [ESCAPE c]`
    pub(super) fn like(
        &mut self,
        kind: LikeKind,
        x: &ast::Expr,
        pattern: &ast::Expr,
        escape: Option<&ast::Expr>,
        negated: bool,
        span: Span,
    ) -> Result<Bound> {
        let (x, pattern) = (self.bind(x)?, self.bind(pattern)?);
        let mut mark = "\\".to_string();
        let mut args = vec![x.expr.clone(), pattern.expr.clone()];
        if kind != LikeKind::RLike {
            if let Some(escape) = escape {
                let bound = self.bind(escape)?;
                let text = bound
                    .expr
                    .as_literal()
                    .and_then(|l| l.value.as_str().map(str::to_string));
                match text {
                    Some(text) if text.chars().count() == 1 => mark = text,
                    other => {
                        return Err(Error::user("INVALID_ESCAPE_CHAR")
                            .param("sqlExpr", format!("\"{}\"", other.unwrap_or_default()))
                            .at(span));
                    }
                }
                args.push(bound.expr);
            } else {
                args.push(Expr::lit(Literal::string("\\")));
            }
        }
        let function = match kind {
            LikeKind::Like => "like",
            LikeKind::ILike => "ilike",
            LikeKind::RLike => "rlike",
        };
        let text = {
            let (x, pattern) = (&x.name, &pattern.name);
            let escape = if mark == "\\" {
                String::new()
            } else {
                format!(" ESCAPE '{mark}'")
            };
            match kind {
                LikeKind::Like => format!("{x} LIKE {pattern}{escape}"),
                LikeKind::ILike => format!("ilike({x}, {pattern})"),
                LikeKind::RLike => format!("RLIKE({x}, {pattern})"),
            }
        };
        let expr = self.matched(function, args, &[x, pattern], &text, span)?;
        let bound = self.named(expr, || text);
        Ok(self.negated(bound, negated))
    }

    /// The call, if the operands' collations let patterns match.
    fn matched(&self, function: &str, args: Vec<Expr>, shown: &[Bound], text: &str, span: Span) -> Result<Expr> {
        if let Some(error) = crate::collation::unsupported(function, shown, &|| text.to_string()) {
            return Err(error.at(span));
        }
        self.scalar(function, args, span)
    }

    /// `x [NOT] LIKE ANY|ALL (p, …)`
    pub(super) fn like_quantified(
        &mut self,
        kind: LikeKind,
        x: &ast::Expr,
        quantifier: Quantifier,
        patterns: &[ast::Expr],
        negated: bool,
        span: Span,
    ) -> Result<Bound> {
        if patterns.is_empty() {
            return Err(Error::user("_LEGACY_ERROR_TEMP_0064")
                .param("msg", "Expected something between '(' and ')'.")
                .at(span));
        }
        let operand = self.bind(x)?;
        let (name, function) = match (kind, quantifier, negated) {
            (LikeKind::ILike, ..) => (None, "ilike"),
            (_, Quantifier::Any, false) => (Some("likeany"), "like"),
            (_, Quantifier::Any, true) => (Some("notlikeany"), "like"),
            (_, Quantifier::All, false) => (Some("likeall"), "like"),
            (_, Quantifier::All, true) => (Some("notlikeall"), "like"),
        };
        let mut parts = Vec::with_capacity(patterns.len());
        let mut texts = String::new();
        for (i, pattern) in patterns.iter().enumerate() {
            let pattern = self.bind(pattern)?;
            let mut args = vec![operand.expr.clone(), pattern.expr.clone()];
            if kind != LikeKind::RLike {
                args.push(Expr::lit(Literal::string("\\")));
            }
            let bound = [operand.clone(), pattern.clone()];
            let text = format!("{function}({}, {})", operand.name, pattern.name);
            let matches = self.matched(function, args, &bound, &text, span)?;
            parts.push(if negated { Expr::not(matches) } else { matches });
            if self.naming {
                let one = format!("ilike({}, {})", operand.name, pattern.name);
                let one = if negated { format!("(NOT {one})") } else { one };
                let word = if quantifier == Quantifier::Any { "OR" } else { "AND" };
                texts = if i == 0 { one } else { format!("({texts} {word} {one})") };
            }
        }
        let expr = match (parts.len(), quantifier) {
            (1, _) => parts.swap_remove(0),
            (_, Quantifier::Any) => Expr::Or(parts),
            (_, Quantifier::All) => Expr::And(parts),
        };
        Ok(self.named(expr, || match name {
            Some(name) => format!("{name}({})", operand.name),
            None => texts,
        }))
    }
}
