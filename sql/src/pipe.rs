//! Pipe operators: `|> WHERE …`, `|> AGGREGATE …` and the rest.

use rsql_ast::query::{GroupBy, GroupItem, PipeOp, Select};
use rsql_ast::relation::TableAlias;
use rsql_ast::{Expr, Relation};
use rsql_common::{Error, Result};

use crate::parser::Parser;
use crate::token::{Symbol, TokenKind};

impl Parser<'_> {
    /// `|>`, or `|` before a word that starts a pipe operator and something that word takes.
    pub(crate) fn pipe_ahead(&self) -> bool {
        const WORDS: [&str; 9] = [
            "SELECT",
            "EXTEND",
            "SET",
            "DROP",
            "AS",
            "WHERE",
            "AGGREGATE",
            "LIMIT",
            "OFFSET",
        ];
        self.at_symbol(Symbol::PipeTo)
            || (self.at_symbol(Symbol::Pipe)
                && ((WORDS.iter().any(|k| self.at_n(1, k)) && !self.ends_operand(2))
                    || (self.at_n(1, "ORDER") && self.at_n(2, "BY"))
                    || self.at_n(1, "JOIN")
                    || self.at_n(2, "JOIN")))
    }

    /// What follows `|>`.
    pub(crate) fn pipe_operator(&mut self) -> Result<PipeOp> {
        Ok(match () {
            () if self.at("SELECT") => self.pipe_select()?,
            () if self.eat("EXTEND") => PipeOp::Extend(self.comma_separated(Self::extend_item)?),
            () if self.eat("SET") => PipeOp::Set(self.comma_separated(Self::pipe_assignment)?),
            () if self.eat("DROP") => PipeOp::Drop(self.comma_separated(Self::dropped_column)?),
            () if self.eat("AS") => PipeOp::As(TableAlias {
                name: Some(self.name()?),
                columns: Vec::new(),
            }),
            () if self.eat("WHERE") => {
                let filter = self.expr()?;
                if self.window_clause_ahead() {
                    return Err(Error::user("NOT_ALLOWED_IN_PIPE_OPERATOR_WHERE.WINDOW_CLAUSE").at(self.peek().span()));
                }
                PipeOp::Where(filter)
            }
            () if self.eat("AGGREGATE") => self.pipe_aggregate()?,
            () if self.at_all(&["LATERAL", "VIEW"]) => {
                self.eat_all(&["LATERAL", "VIEW"]);
                PipeOp::LateralView(self.lateral_view()?)
            }
            () if self.join_ahead() => PipeOp::Join(Box::new(self.join(Relation::PipeInput)?)),
            () if self.pivot_ahead() => PipeOp::Pivot(Box::new(self.pivot(Relation::PipeInput)?)),
            () if self.unpivot_ahead() => PipeOp::Pivot(Box::new(self.unpivot(Relation::PipeInput)?)),
            () if self.at("TABLESAMPLE") => match self.sample()? {
                Some(sample) => PipeOp::Sample(sample),
                None => return self.fail(),
            },
            () if self.set_operator().is_some() => self.pipe_set_operator()?,
            () => self.pipe_organize()?,
        })
    }

    fn dropped_column(&mut self) -> Result<rsql_ast::Ident> {
        let start = self.start();
        let mut parts = self.name_parts()?;
        match (parts.pop(), parts.is_empty()) {
            (Some(column), true) => Ok(column),
            _ => Err(Error::unsupported("|> DROP of a qualified or nested column").at(self.span_since(start))),
        }
    }

    fn pipe_select(&mut self) -> Result<PipeOp> {
        let start = self.start();
        let mut select: Select = self.select_clause()?;
        if self.at_all(&["GROUP", "BY"]) {
            select.group_by = Some(self.group_by()?);
        }
        select.windows = self.window_clause()?;
        select.span = self.span_since(start);
        Ok(PipeOp::Select {
            select: Box::new(select),
        })
    }

    fn extend_item(&mut self) -> Result<Expr> {
        if self.at("DISTINCT") && self.identifier_at(1) && self.at_n(2, "AS") {
            self.advance();
            self.advance();
            return self.fail();
        }
        self.named_expr()
    }

    fn pipe_assignment(&mut self) -> Result<(rsql_ast::Ident, Expr)> {
        let start = self.start();
        let mut parts = self.name_parts()?;
        self.expect_symbol(Symbol::Eq)?;
        let value = self.expr()?;
        match (parts.pop(), parts.is_empty()) {
            (Some(column), true) => Ok((column, value)),
            _ => Err(Error::user("_LEGACY_ERROR_TEMP_0035")
                .param(
                    "message",
                    "SQL pipe syntax |> SET operator with multi-part assignment key (only single-part keys are allowed)",
                )
                .at(self.span_since(start))),
        }
    }

    fn pipe_aggregate(&mut self) -> Result<PipeOp> {
        let start = self.start();
        let at_group = self.at_all(&["GROUP", "BY"]) && !self.end_at(2);
        let nothing = self.at_end() || self.at_symbol(Symbol::RightParen) || self.at_symbol(Symbol::PipeTo);
        if nothing {
            return Err(Error::user("_LEGACY_ERROR_TEMP_0035")
                .param(
                    "message",
                    "The AGGREGATE clause requires a list of aggregate expressions or a list of grouping \
                     expressions, or both",
                )
                .at(self.span_since(start)));
        }
        let items = if at_group {
            Vec::new()
        } else {
            self.comma_separated(Self::named_expr)?
        };
        if let Some(case) = self.unsupported_aggregate(start) {
            return Err(
                Error::user("UNSUPPORTED_FEATURE.PIPE_OPERATOR_AGGREGATE_UNSUPPORTED_CASE")
                    .param("case", case)
                    .at(self.span_since(start)),
            );
        }
        let group_by = if self.at_all(&["GROUP", "BY"]) {
            Some(self.named_group_by()?)
        } else {
            None
        };
        if let Some(case) = group_by.as_ref().and_then(unsupported_grouping) {
            return Err(
                Error::user("UNSUPPORTED_FEATURE.PIPE_OPERATOR_AGGREGATE_UNSUPPORTED_CASE")
                    .param("case", case)
                    .at(self.span_since(start)),
            );
        }
        Ok(PipeOp::Aggregate { items, group_by })
    }

    /// A form among the aggregates from `start` on that `|> AGGREGATE` does not take; subqueries do not count.
    fn unsupported_aggregate(&self, start: u32) -> Option<&'static str> {
        let mut after_call = false;
        for (token, next) in self.tokens_since(start) {
            let word = if token.kind == TokenKind::Word {
                self.token_text(token)
            } else {
                ""
            };
            let call = next.kind == TokenKind::Symbol(Symbol::LeftParen);
            match () {
                () if call && word.eq_ignore_ascii_case("GROUPING") => return Some("GROUPING"),
                () if call && word.eq_ignore_ascii_case("GROUPING_ID") => return Some("GROUPING_ID"),
                () if after_call && word.eq_ignore_ascii_case("OVER") => {
                    return Some(
                        "window functions; please update the query to move the window functions to a subsequent \
                         |> SELECT operator instead",
                    );
                }
                () => after_call = token.kind == TokenKind::Symbol(Symbol::RightParen),
            }
        }
        None
    }

    fn pipe_set_operator(&mut self) -> Result<PipeOp> {
        let Some((op, _)) = self.set_operator() else {
            return self.fail();
        };
        self.advance();
        let all = self.set_quantifier();
        let by_name = self.eat_all(&["BY", "NAME"]);
        Ok(PipeOp::SetOp {
            op,
            all,
            by_name,
            right: Box::new(self.query_primary()?),
        })
    }

    /// Exactly one kind of ordering or limit, as one operator.
    fn pipe_organize(&mut self) -> Result<PipeOp> {
        let start = self.start();
        let tail = self.query_tail()?;
        let present: Vec<&str> = [
            ("ORDER BY", !tail.order_by.is_empty()),
            ("CLUSTER BY", !tail.cluster_by.is_empty()),
            ("DISTRIBUTE BY", !tail.distribute_by.is_empty()),
            ("SORT BY", !tail.sort_by.is_empty()),
            ("LIMIT", tail.limit.is_some()),
            ("OFFSET", tail.offset.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, here)| here.then_some(name))
        .collect();
        match present.as_slice() {
            [] => self.fail(),
            [_] | ["LIMIT", "OFFSET"] | ["DISTRIBUTE BY", "SORT BY"] => Ok(PipeOp::Organize(Box::new(tail))),
            [first, second, ..] => Err(Error::user("MULTIPLE_QUERY_RESULT_CLAUSES_WITH_PIPE_OPERATORS")
                .param("clause1", *first)
                .param("clause2", *second)
                .at(self.span_since(start))),
        }
    }
}

/// The grouping form that `|> AGGREGATE` does not take.
fn unsupported_grouping(group_by: &GroupBy) -> Option<&'static str> {
    if group_by.all {
        return Some("GROUP BY ALL");
    }
    group_by.items.iter().find_map(|item| match item {
        GroupItem::Rollup(_) | GroupItem::WithRollup => Some("GROUP BY ROLLUP"),
        GroupItem::Cube(_) | GroupItem::WithCube => Some("GROUP BY CUBE"),
        GroupItem::GroupingSets(_) | GroupItem::WithSets(_) => Some("GROUPING SETS"),
        GroupItem::Expr(_) | GroupItem::Set(_) => None,
    })
}
