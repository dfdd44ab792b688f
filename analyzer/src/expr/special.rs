//! Calls with a syntax of their own: EXTRACT, TRIM.

use rsql_ast as ast;
use rsql_ast::Ident;
use rsql_ast::expr::TrimSide;
use rsql_common::{Result, Span};
use rsql_expr::{Expr, Literal};

use super::{Binder, Bound};

impl Binder<'_> {
    /// `EXTRACT(field FROM x)`
    pub(super) fn extract(&mut self, field: &Ident, source: &ast::Expr, span: Span) -> Result<Bound> {
        let source = self.bind(source)?;
        let args = vec![Expr::lit(Literal::string(field.value.as_str())), source.expr];
        let expr = self.scalar("extract", args, span)?;
        Ok(self.named(expr, || format!("extract({} FROM {})", field.value, source.name)))
    }

    /// `TRIM([BOTH|LEADING|TRAILING] [chars] FROM x)`
    pub(super) fn trim(
        &mut self,
        side: TrimSide,
        chars: Option<&ast::Expr>,
        source: &ast::Expr,
        span: Span,
    ) -> Result<Bound> {
        let chars = chars.map(|c| self.bind(c)).transpose()?;
        let source = self.bind(source)?;
        let (function, word) = match side {
            TrimSide::Both => ("trim", "BOTH"),
            TrimSide::Leading => ("ltrim", "LEADING"),
            TrimSide::Trailing => ("rtrim", "TRAILING"),
        };
        match chars {
            None => {
                let mut args = self.collated_arguments(function, vec![source], span)?;
                let source = args.swap_remove(0);
                let expr = self.scalar(function, vec![source.expr], span)?;
                Ok(self.named(expr, || format!("{function}({})", source.name)))
            }
            Some(chars) => {
                let (mut texts, mut exprs) = (Vec::new(), Vec::new());
                for b in self.collated_arguments(function, vec![chars, source], span)? {
                    texts.push(b.name);
                    exprs.push(b.expr);
                }
                let expr = self.scalar(function, exprs, span)?;
                Ok(self.named(expr, || format!("TRIM({word} {})", texts.join(" FROM "))))
            }
        }
    }
}
