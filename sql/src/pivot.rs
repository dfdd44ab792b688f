//! PIVOT and UNPIVOT.

use rsql_ast::relation::{Pivot, TableAlias, Unpivot};
use rsql_ast::{Expr, ExprKind, Ident, Relation};
use rsql_common::{Error, Result};

use crate::parser::Parser;
use crate::token::Symbol;

impl Parser<'_> {
    pub(crate) fn pivot_ahead(&self) -> bool {
        self.at("PIVOT") && self.symbol_at(1, Symbol::LeftParen)
    }

    pub(crate) fn unpivot_ahead(&self) -> bool {
        self.at("UNPIVOT")
            && (self.symbol_at(1, Symbol::LeftParen)
                || ((self.at_n(1, "INCLUDE") || self.at_n(1, "EXCLUDE")) && self.at_n(2, "NULLS")))
    }

    /// At `FOR`: columns and IN follow, as in PIVOT and UNPIVOT.
    pub(crate) fn pivot_for_ahead(&self) -> bool {
        if self.symbol_at(1, Symbol::LeftParen) {
            return self.at_n(self.closing_of(1) + 1, "IN");
        }
        self.identifier_at(1) && self.at_n(2, "IN")
    }

    /// `PIVOT (aggregates FOR columns IN (values)) [alias]`
    pub(crate) fn pivot(&mut self, input: Relation) -> Result<Relation> {
        let start = self.start();
        self.advance();
        let (aggregates, columns, values) = self.parenthesized(|p| {
            let aggregates = p.comma_separated(Self::named_expr)?;
            p.expect("FOR")?;
            let columns = if p.at_symbol(Symbol::LeftParen) {
                p.name_list()?
            } else {
                vec![p.name()?]
            };
            p.expect("IN")?;
            let values = p.list(Self::named_expr)?;
            Ok((aggregates, columns, values))
        })?;
        if self.unpivot_ahead() {
            return Err(Error::user("NOT_ALLOWED_IN_FROM.UNPIVOT_WITH_PIVOT").at(self.peek().span()));
        }
        let alias = self.pivot_alias()?;
        Ok(Relation::Pivot(Box::new(Pivot {
            input,
            aggregates,
            columns,
            values,
            alias,
            span: self.span_since(start),
        })))
    }

    /// `UNPIVOT [INCLUDE | EXCLUDE NULLS] (values FOR name IN (columns)) [alias]`
    pub(crate) fn unpivot(&mut self, input: Relation) -> Result<Relation> {
        let start = self.start();
        self.advance();
        let include_nulls = self.eat("INCLUDE");
        if include_nulls || self.eat("EXCLUDE") {
            self.expect("NULLS")?;
        }
        let (values, name, columns) = self.parenthesized(|p| {
            let several = p.at_symbol(Symbol::LeftParen);
            let values = if several { p.name_list()? } else { vec![p.ident()?] };
            p.expect("FOR")?;
            let name = p.ident()?;
            p.expect("IN")?;
            let columns = p.list(|p| p.unpivot_columns(several))?;
            Ok((values, name, columns))
        })?;
        if self.pivot_ahead() {
            return Err(Error::user("NOT_ALLOWED_IN_FROM.UNPIVOT_WITH_PIVOT").at(self.peek().span()));
        }
        let alias = self.pivot_alias()?;
        Ok(Relation::Unpivot(Box::new(Unpivot {
            input,
            include_nulls,
            values,
            name,
            columns,
            alias,
            span: self.span_since(start),
        })))
    }

    fn unpivot_columns(&mut self, several: bool) -> Result<(Vec<Expr>, Option<Ident>)> {
        let columns = if several {
            self.list(Self::plain_column)?
        } else {
            vec![self.plain_column()?]
        };
        let alias = if self.eat("AS") || self.identifier_at(0) {
            Some(self.name()?)
        } else {
            None
        };
        Ok((columns, alias))
    }

    fn plain_column(&mut self) -> Result<Expr> {
        let start = self.start();
        let parts = self.name_parts()?;
        Ok(Expr::new(ExprKind::Column(parts), self.span_since(start)))
    }

    fn pivot_alias(&mut self) -> Result<TableAlias> {
        self.table_alias()
    }
}
