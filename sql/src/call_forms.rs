//! Calls with words between their arguments: CAST, EXTRACT, TRIM, SUBSTRING, POSITION, OVERLAY, STRUCT.

use rsql_ast::expr::{CastKind, TrimSide};
use rsql_ast::{Expr, ExprKind};
use rsql_common::Result;

use crate::call::plain_call;
use crate::parser::Parser;
use crate::token::Symbol;

impl Parser<'_> {
    /// The special form that the current word starts; `None` when it is an ordinary name.
    pub(crate) fn special_form(&mut self, upper: &str) -> Result<Option<ExprKind>> {
        if !self.symbol_at(1, Symbol::LeftParen) {
            return Ok(None);
        }
        let kind = match upper {
            "CAST" => self.cast(CastKind::Cast)?,
            "TRY_CAST" => self.cast(CastKind::TryCast)?,
            "EXTRACT" if self.at_n(3, "FROM") => self.extract()?,
            "TRIM" => self.trim()?,
            "SUBSTRING" | "SUBSTR" => self.with_words("substring", |p, first| p.substring_rest(first))?,
            "POSITION" => self.with_words("locate", |p, first| p.position_rest(first))?,
            "OVERLAY" => self.with_words("overlay", |p, first| p.overlay_rest(first))?,
            "STRUCT" => self.struct_call()?,
            _ => return Ok(None),
        };
        Ok(Some(kind))
    }

    fn cast(&mut self, kind: CastKind) -> Result<ExprKind> {
        self.advance();
        self.parenthesized(|p| {
            let expr = Box::new(p.expr()?);
            p.expect("AS")?;
            Ok(ExprKind::Cast {
                kind,
                expr,
                ty: p.data_type()?,
            })
        })
    }

    fn extract(&mut self) -> Result<ExprKind> {
        self.advance();
        self.parenthesized(|p| {
            let field = p.ident()?;
            p.expect("FROM")?;
            let expr = Box::new(p.value()?);
            Ok(ExprKind::Extract { field, expr })
        })
    }

    fn trim(&mut self) -> Result<ExprKind> {
        let start = self.start();
        let name = self.ident()?;
        self.expect_symbol(Symbol::LeftParen)?;
        let side = match () {
            () if self.ends_operand(1) => None,
            () if self.eat("BOTH") => Some(TrimSide::Both),
            () if self.eat("LEADING") => Some(TrimSide::Leading),
            () if self.eat("TRAILING") => Some(TrimSide::Trailing),
            () => None,
        };
        let chars = if side.is_some() && self.at("FROM") {
            None
        } else if self.at_symbol(Symbol::RightParen) {
            return self.fail();
        } else {
            let first = self.expr()?;
            if side.is_none() && !self.at("FROM") {
                return self.call_with_first(name, first, start);
            }
            Some(Box::new(first))
        };
        self.expect("FROM")?;
        let expr = Box::new(self.value()?);
        self.expect_symbol(Symbol::RightParen)?;
        Ok(ExprKind::Trim {
            side: side.unwrap_or(TrimSide::Both),
            chars,
            expr,
        })
    }

    /// Reads `name ( value`, then what `rest` accepts, as a call of `function`; falls back to an ordinary call.
    fn with_words(
        &mut self,
        function: &str,
        rest: impl FnOnce(&mut Self, &Expr) -> Result<Option<Vec<Expr>>>,
    ) -> Result<ExprKind> {
        let start = self.start();
        let mut name = self.ident()?;
        self.expect_symbol(Symbol::LeftParen)?;
        if self.at_symbol(Symbol::RightParen) {
            let call = rsql_ast::expr::FunctionCall {
                name: rsql_ast::ObjectName(vec![name]),
                args: Vec::new(),
                distinct: false,
                bare: false,
                within_group: Vec::new(),
                filter: None,
                ignore_nulls: None,
                over: None,
            };
            return self.finish_call(call, start);
        }
        let first = self.value()?;
        match rest(self, &first)? {
            Some(args) => {
                self.expect_symbol(Symbol::RightParen)?;
                name.value = function.into();
                Ok(plain_call(name, args))
            }
            None => self.call_with_first(name, first, start),
        }
    }

    fn substring_rest(&mut self, first: &Expr) -> Result<Option<Vec<Expr>>> {
        if !self.eat("FROM") {
            return Ok(None);
        }
        let mut args = vec![first.clone(), self.value()?];
        if self.eat("FOR") || self.eat_symbol(Symbol::Comma) {
            args.push(self.value()?);
        }
        Ok(Some(args))
    }

    fn position_rest(&mut self, first: &Expr) -> Result<Option<Vec<Expr>>> {
        if !self.eat("IN") {
            return Ok(None);
        }
        Ok(Some(vec![first.clone(), self.value()?]))
    }

    fn overlay_rest(&mut self, first: &Expr) -> Result<Option<Vec<Expr>>> {
        if !self.eat("PLACING") {
            return Ok(None);
        }
        let mut args = vec![first.clone(), self.value()?];
        self.expect("FROM")?;
        args.push(self.value()?);
        if self.eat("FOR") {
            args.push(self.value()?);
        }
        Ok(Some(args))
    }

    /// `STRUCT(a, b AS c)`
    fn struct_call(&mut self) -> Result<ExprKind> {
        let name = self.ident()?;
        if self.symbol_at(1, Symbol::RightParen) {
            self.advance();
            self.advance();
            return Ok(plain_call(name, Vec::new()));
        }
        let members = self.list(Self::named_expr)?;
        Ok(plain_call(name, members))
    }
}
