//! Joins, and the other things that follow a relation: PIVOT and UNPIVOT.

use rsql_ast::Relation;
use rsql_ast::relation::{Join, JoinCondition, JoinKind};
use rsql_common::{Error, Result};

use crate::from::make_lateral;
use crate::parser::Parser;
use crate::token::Symbol;

impl Parser<'_> {
    /// A join, PIVOT or UNPIVOT follows.
    pub(crate) fn extension_ahead(&self) -> bool {
        self.join_ahead() || self.pivot_ahead() || self.unpivot_ahead() || self.bin_by_ahead()
    }

    /// Wraps `left` into all joins, PIVOTs and UNPIVOTs that follow.
    pub(crate) fn relation_extensions(&mut self, mut left: Relation) -> Result<Relation> {
        let mut length = 0;
        loop {
            left = match () {
                () if self.join_ahead() => self.join(left)?,
                () if self.pivot_ahead() => self.pivot(left)?,
                () if self.unpivot_ahead() => self.unpivot(left)?,
                () if self.bin_by_ahead() => {
                    return Err(Error::unsupported("BIN BY").at(self.peek().span()));
                }
                () => return Ok(left),
            };
            length += 1;
            self.check_chain(length)?;
        }
    }

    /// `BIN BY (`
    pub(crate) fn bin_by_ahead(&self) -> bool {
        self.at_all(&["BIN", "BY"]) && self.symbol_at(2, Symbol::LeftParen)
    }

    pub(crate) fn join_ahead(&self) -> bool {
        const STARTS: [&str; 9] = [
            "JOIN", "INNER", "CROSS", "LEFT", "RIGHT", "FULL", "SEMI", "ANTI", "NATURAL",
        ];
        self.at_any(&STARTS) || self.at_all(&["ASOF", "JOIN"])
    }

    /// `[NATURAL] [kind] JOIN [LATERAL] right [ON … | USING …]`
    pub(crate) fn join(&mut self, left: Relation) -> Result<Relation> {
        let start = self.start();
        if self.at("ASOF") {
            return Err(Error::unsupported("ASOF JOIN").at(self.peek().span()));
        }
        let natural = self.eat("NATURAL");
        let kind = self.join_kind();
        self.expect("JOIN")?;
        let lateral = self.at("LATERAL") && {
            self.advance();
            true
        };
        let right = self.relation_primary()?;
        let right = if lateral { make_lateral(right) } else { right };
        let conflict = match () {
            () if natural && lateral => Some("LATERAL"),
            () if natural && kind == JoinKind::Cross => Some("CROSS"),
            () => None,
        };
        if let Some(first) = conflict {
            return Err(Error::user("INCOMPATIBLE_JOIN_TYPES")
                .param("joinType1", first)
                .param("joinType2", "NATURAL")
                .at(self.span_since(start)));
        }
        let condition = if natural {
            JoinCondition::Natural
        } else {
            self.join_condition(lateral)?
        };
        Ok(Relation::Join(Box::new(Join {
            left,
            right,
            kind,
            condition,
            lateral,
            span: self.span_since(start),
        })))
    }

    fn join_kind(&mut self) -> JoinKind {
        let left = self.eat("LEFT");
        match () {
            () if self.eat("SEMI") => return JoinKind::LeftSemi,
            () if self.eat("ANTI") => return JoinKind::LeftAnti,
            () if self.eat("CROSS") => return JoinKind::Cross,
            () if self.eat("INNER") => return JoinKind::Inner,
            () => {}
        }
        let kind = match () {
            () if left => JoinKind::Left,
            () if self.eat("RIGHT") => JoinKind::Right,
            () if self.eat("FULL") => JoinKind::Full,
            () => return JoinKind::Inner,
        };
        self.eat("OUTER");
        kind
    }

    fn join_condition(&mut self, lateral: bool) -> Result<JoinCondition> {
        if self.eat("ON") {
            return Ok(JoinCondition::On(self.expr()?));
        }
        if self.eat("USING") {
            let columns = self.name_list()?;
            if lateral {
                return Err(Error::user("UNSUPPORTED_FEATURE.LATERAL_JOIN_USING").at(self.peek().span()));
            }
            return Ok(JoinCondition::Using(columns));
        }
        Ok(JoinCondition::None)
    }
}
