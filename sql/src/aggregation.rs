//! GROUP BY and its grouping analytics.

use rsql_ast::query::{GroupBy, GroupItem};
use rsql_ast::{Expr, ExprKind};
use rsql_common::{Error, Result};

use crate::parser::Parser;
use crate::token::Symbol;

impl Parser<'_> {
    /// `GROUP BY …`
    pub(crate) fn group_by(&mut self) -> Result<GroupBy> {
        self.group_by_of(Self::expr)
    }

    /// GROUP BY whose plain items may carry aliases.
    pub(crate) fn named_group_by(&mut self) -> Result<GroupBy> {
        self.group_by_of(Self::named_expr)
    }

    fn group_by_of(&mut self, plain: fn(&mut Self) -> Result<Expr>) -> Result<GroupBy> {
        let start = self.start();
        self.expect_all(&["GROUP", "BY"])?;
        let mut items = self.comma_separated(|p| p.group_item(plain))?;
        let only_plain = items.iter().all(|i| matches!(i, GroupItem::Expr(_)));
        if only_plain {
            if self.eat_all(&["WITH", "ROLLUP"]) {
                items.push(GroupItem::WithRollup);
            } else if self.eat_all(&["WITH", "CUBE"]) {
                items.push(GroupItem::WithCube);
            } else if self.grouping_sets_ahead() {
                self.eat_all(&["GROUPING", "SETS"]);
                items.push(GroupItem::WithSets(self.list(Self::grouping_set)?));
            }
        }
        let all = match items.as_slice() {
            [
                GroupItem::Expr(Expr {
                    kind: ExprKind::Column(parts),
                    ..
                }),
            ] => matches!(parts.as_slice(), [only] if !only.quoted && only.value.eq_ignore_ascii_case("ALL")),
            _ => false,
        };
        Ok(GroupBy {
            items,
            all,
            span: self.span_since(start),
        })
    }

    fn grouping_sets_ahead(&self) -> bool {
        self.at_all(&["GROUPING", "SETS"]) && self.symbol_at(2, Symbol::LeftParen)
    }

    fn group_item(&mut self, plain: fn(&mut Self) -> Result<Expr>) -> Result<GroupItem> {
        match self.analytics()? {
            Some(item) => Ok(item),
            None if self.at_symbol(Symbol::LeftParen) && self.symbol_at(1, Symbol::RightParen) => {
                self.advance();
                self.fail()
            }
            None if self.at("WITH") && (self.at_n(1, "ROLLUP") || self.at_n(1, "CUBE")) => {
                self.advance();
                self.fail()
            }
            None => Ok(GroupItem::Expr(plain(self)?)),
        }
    }

    /// `ROLLUP (…)`, `CUBE (…)`, `GROUPING SETS (…)`
    fn analytics(&mut self) -> Result<Option<GroupItem>> {
        if self.grouping_sets_ahead() {
            self.eat_all(&["GROUPING", "SETS"]);
            return Ok(Some(GroupItem::GroupingSets(self.list(Self::grouping_element)?)));
        }
        if !self.symbol_at(1, Symbol::LeftParen) {
            return Ok(None);
        }
        if self.at("ROLLUP") {
            return Ok(Some(GroupItem::Rollup(self.grouping_members("ROLLUP")?)));
        }
        if self.at("CUBE") {
            return Ok(Some(GroupItem::Cube(self.grouping_members("CUBE")?)));
        }
        Ok(None)
    }

    /// Members of ROLLUP and CUBE; an empty one is an error.
    fn grouping_members(&mut self, element: &str) -> Result<Vec<Vec<Expr>>> {
        let start = self.start();
        self.advance();
        let sets = self.list(Self::grouping_set)?;
        let mut members = Vec::with_capacity(sets.len());
        for set in sets {
            members.push(match set {
                GroupItem::Set(exprs) if exprs.is_empty() => {
                    return Err(Error::user("_LEGACY_ERROR_TEMP_0051")
                        .param("element", element)
                        .at(self.span_since(start)));
                }
                GroupItem::Set(exprs) => exprs,
                GroupItem::Expr(expr) => vec![expr],
                _ => return self.fail(),
            });
        }
        Ok(members)
    }

    fn grouping_element(&mut self) -> Result<GroupItem> {
        match self.nested(Self::analytics)? {
            Some(item) => Ok(item),
            None => self.grouping_set(),
        }
    }

    /// `()`, `(a, b)`, or one expression.
    fn grouping_set(&mut self) -> Result<GroupItem> {
        if self.at_symbol(Symbol::LeftParen) && self.symbol_at(1, Symbol::RightParen) {
            self.advance();
            self.advance();
            return Ok(GroupItem::Set(Vec::new()));
        }
        let in_parens = self.at_symbol(Symbol::LeftParen);
        let expr = self.expr()?;
        Ok(match expr.kind {
            ExprKind::Row(members) if in_parens => GroupItem::Set(members),
            kind if in_parens && !matches!(kind, ExprKind::ScalarSubquery(_)) => {
                GroupItem::Set(vec![Expr::new(kind, expr.span)])
            }
            kind => GroupItem::Expr(Expr::new(kind, expr.span)),
        })
    }
}
