//! CASE.

use rsql_ast::ExprKind;
use rsql_common::Result;

use crate::parser::Parser;

impl Parser<'_> {
    /// `CASE [x] WHEN a THEN b … [ELSE c] END`
    pub(crate) fn case(&mut self) -> Result<ExprKind> {
        self.expect("CASE")?;
        let operand = if self.at("WHEN") {
            None
        } else {
            Some(Box::new(self.expr()?))
        };
        let mut branches = Vec::new();
        while self.eat("WHEN") {
            let when = self.expr()?;
            self.expect("THEN")?;
            branches.push((when, self.expr()?));
        }
        if branches.is_empty() {
            return self.fail();
        }
        let otherwise = if self.eat("ELSE") {
            Some(Box::new(self.expr()?))
        } else {
            None
        };
        self.expect("END")?;
        Ok(ExprKind::Case {
            operand,
            branches,
            otherwise,
        })
    }
}
