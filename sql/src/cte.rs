//! WITH.

use rsql_ast::query::{Cte, With};
use rsql_common::{Error, Result, quoted_name};

use crate::parser::Parser;
use crate::token::Symbol;

impl Parser<'_> {
    /// `WITH [RECURSIVE] name [(columns)] [MAX RECURSION LEVEL n] [AS] (query), …`, if it follows.
    pub(crate) fn with_clause(&mut self) -> Result<Option<With>> {
        if !self.eat("WITH") {
            return Ok(None);
        }
        let recursive = self.at("RECURSIVE") && self.identifier_at(1) && !self.at_n(1, "AS") && {
            self.advance();
            true
        };
        let ctes = self.comma_separated(Self::cte)?;
        for (i, cte) in ctes.iter().enumerate() {
            let same = |other: &Cte| other.name.value.eq_ignore_ascii_case(&cte.name.value);
            if ctes[..i].iter().any(same) {
                return Err(Error::user("DUPLICATED_CTE_NAMES")
                    .param("duplicateNames", quoted_name([cte.name.value.to_lowercase()]))
                    .at(cte.name.span));
            }
        }
        Ok(Some(With { recursive, ctes }))
    }

    fn cte(&mut self) -> Result<Cte> {
        let name = self.name()?;
        let columns = if self.at_symbol(Symbol::LeftParen) && !self.query_in_parens_at(0) {
            self.name_list()?
        } else {
            Vec::new()
        };
        let max_recursion = if self.eat_all(&["MAX", "RECURSION", "LEVEL"]) {
            Some(self.integer()?)
        } else {
            None
        };
        self.eat("AS");
        let query = Box::new(self.parenthesized(Self::query)?);
        Ok(Cte {
            name,
            columns,
            max_recursion,
            query,
        })
    }
}
