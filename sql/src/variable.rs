//! Session variables and EXECUTE IMMEDIATE.

use rsql_ast::{Expr, ExprKind, StatementKind};
use rsql_common::{Error, Result};

use crate::parser::Parser;
use crate::token::{Symbol, TokenKind};

impl Parser<'_> {
    /// `DECLARE [OR REPLACE] [VARIABLE] a, b [type] [DEFAULT | = expr]`
    pub(crate) fn declare(&mut self) -> Result<StatementKind> {
        let start = self.start();
        self.advance();
        let or_replace = self.eat_all(&["OR", "REPLACE"]);
        if (self.at("VARIABLE") || self.at("VAR")) && self.identifier_at(1) {
            self.advance();
        }
        if self.at_all(&["IF", "NOT", "EXISTS"]) {
            self.advance();
            self.advance();
            return self.fail();
        }
        let names = self.comma_separated(Self::name_expr)?;
        let default_ahead = |p: &Self| p.at("DEFAULT") || p.at_symbol(Symbol::Eq);
        let ends = self.at_end() || self.at_symbol(Symbol::Semicolon);
        let ty = if ends || default_ahead(self) {
            None
        } else {
            Some(self.data_type()?)
        };
        let default = if default_ahead(self) {
            self.advance();
            Some(self.expr()?)
        } else {
            None
        };
        if ty.is_none() && default.is_none() {
            return Err(Error::user("INVALID_SQL_SYNTAX.VARIABLE_TYPE_OR_DEFAULT_REQUIRED").at(self.span_since(start)));
        }
        Ok(StatementKind::DeclareVariable {
            names,
            or_replace,
            ty,
            default,
        })
    }

    /// `a = 1, b = 2` or `(a, b) = (query)` behind SET VARIABLE.
    pub(crate) fn set_variable(&mut self, start: u32) -> Result<StatementKind> {
        if !self.at_symbol(Symbol::LeftParen) {
            let assignments = self.comma_separated(|p| {
                let target = p.object_name()?;
                p.expect_symbol(Symbol::Eq)?;
                Ok((target, p.expr()?))
            })?;
            return Ok(StatementKind::SetVariable {
                assignments,
                query: None,
            });
        }
        if self.symbol_at(1, Symbol::RightParen) {
            return Err(Error::user("INVALID_SET_SYNTAX").at(self.span_since(start)));
        }
        let targets = self.list(Self::object_name)?;
        self.expect_symbol(Symbol::Eq)?;
        let query = self.parenthesized(Self::query)?;
        let assignments = targets.into_iter().map(|t| (t, Expr::of(ExprKind::Default))).collect();
        Ok(StatementKind::SetVariable {
            assignments,
            query: Some(Box::new(query)),
        })
    }

    /// `EXECUTE IMMEDIATE sql [INTO a, b] [USING x AS p, …]`
    pub(crate) fn execute_immediate(&mut self) -> Result<StatementKind> {
        self.expect_all(&["EXECUTE", "IMMEDIATE"])?;
        let sql = self.expr()?;
        let into = if self.eat("INTO") {
            self.comma_separated(Self::object_name)?
        } else {
            Vec::new()
        };
        let using = if self.eat("USING") {
            self.using_arguments()?
        } else {
            Vec::new()
        };
        Ok(StatementKind::ExecuteImmediate { sql, into, using })
    }

    /// Named expressions, all in parentheses or not.
    fn using_arguments(&mut self) -> Result<Vec<Expr>> {
        let after = self.closing_of(0) + 1;
        let whole = self.at_symbol(Symbol::LeftParen)
            && !self.query_in_parens_at(0)
            && matches!(
                self.peek_at(after).kind,
                TokenKind::End | TokenKind::Symbol(Symbol::Semicolon)
            );
        if whole {
            self.list(Self::named_expr)
        } else {
            self.comma_separated(Self::named_expr)
        }
    }
}
