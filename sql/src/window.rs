//! Window specifications and frames.

use rsql_ast::expr::{FrameBound, FrameUnits, WindowFrame, WindowSpec};
use rsql_ast::query::NamedWindow;
use rsql_common::Result;

use crate::parser::Parser;
use crate::token::Symbol;

impl Parser<'_> {
    /// `WINDOW w AS (…), …`, if it follows.
    pub(crate) fn window_clause(&mut self) -> Result<Vec<NamedWindow>> {
        if !self.window_clause_ahead() {
            return Ok(Vec::new());
        }
        self.advance();
        self.comma_separated(|p| {
            let name = p.name()?;
            p.expect("AS")?;
            let spec = if p.at_symbol(Symbol::LeftParen) {
                p.window_spec()?
            } else {
                WindowSpec {
                    base: Some(p.name()?),
                    ..WindowSpec::default()
                }
            };
            Ok(NamedWindow { name, spec })
        })
    }

    pub(crate) fn window_clause_ahead(&self) -> bool {
        self.at("WINDOW") && self.identifier_at(1) && (self.at_n(2, "AS") || self.symbol_at(2, Symbol::LeftParen))
    }

    /// `( [base] [PARTITION BY …] [ORDER BY …] [frame] )`
    pub(crate) fn window_spec(&mut self) -> Result<WindowSpec> {
        let start = self.start();
        let mut spec = self.parenthesized(|p| {
            let mut spec = WindowSpec::default();
            if p.identifier_at(0) && !p.window_spec_word() {
                spec.base = Some(p.name()?);
            }
            if p.eat_all(&["CLUSTER", "BY"]) {
                spec.partition_by = p.expr_list()?;
                return p.framed(spec);
            }
            if p.eat_all(&["PARTITION", "BY"]) || p.eat_all(&["DISTRIBUTE", "BY"]) {
                spec.partition_by = p.expr_list()?;
            }
            if p.eat_all(&["ORDER", "BY"]) || p.eat_all(&["SORT", "BY"]) {
                spec.order_by = p.comma_separated(Self::order_item)?;
            }
            p.framed(spec)
        })?;
        spec.span = self.span_since(start);
        Ok(spec)
    }

    fn window_spec_word(&self) -> bool {
        let clause = self.at_n(1, "BY") && self.at_any(&["PARTITION", "DISTRIBUTE", "CLUSTER", "ORDER", "SORT"]);
        clause || (self.at_any(&["ROWS", "RANGE", "GROUPS"]) && !self.symbol_at(1, Symbol::RightParen))
    }

    fn framed(&mut self, mut spec: WindowSpec) -> Result<WindowSpec> {
        let units = match () {
            () if self.eat("ROWS") => FrameUnits::Rows,
            () if self.eat("RANGE") => FrameUnits::Range,
            () if self.eat("GROUPS") => FrameUnits::Groups,
            () => return Ok(spec),
        };
        let (start, end) = if self.eat("BETWEEN") {
            let start = self.frame_bound()?;
            self.expect("AND")?;
            (start, Some(self.frame_bound()?))
        } else {
            (self.frame_bound()?, None)
        };
        spec.frame = Some(WindowFrame { units, start, end });
        Ok(spec)
    }

    fn frame_bound(&mut self) -> Result<FrameBound> {
        if self.eat_all(&["UNBOUNDED", "PRECEDING"]) {
            return Ok(FrameBound::UnboundedPreceding);
        }
        if self.eat_all(&["UNBOUNDED", "FOLLOWING"]) {
            return Ok(FrameBound::UnboundedFollowing);
        }
        if self.eat_all(&["CURRENT", "ROW"]) {
            return Ok(FrameBound::CurrentRow);
        }
        let expr = Box::new(self.expr()?);
        if self.eat("PRECEDING") {
            Ok(FrameBound::Preceding(expr))
        } else if self.eat("FOLLOWING") {
            Ok(FrameBound::Following(expr))
        } else {
            self.fail()
        }
    }
}
