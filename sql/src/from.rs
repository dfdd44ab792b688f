//! FROM: its list, tables, subqueries, VALUES, table functions, and aliases.

use rsql_ast::expr::FunctionCall;
use rsql_ast::relation::TableAlias;
use rsql_ast::{Expr, ExprKind, Ident, ObjectName, Relation};
use rsql_common::{Error, Result};

use crate::call::table_relation;
use crate::keyword;
use crate::parser::Parser;
use crate::token::{Symbol, TokenKind};

impl Parser<'_> {
    /// Relations separated by commas. Unless JOIN binds tighter than the comma, a join after a comma takes all that
    /// stands before it as its left side.
    pub(crate) fn relation_list(&mut self) -> Result<Vec<Relation>> {
        let tighter = self.options.ansi && self.options.relation_precedence;
        let mut relations: Vec<Relation> = Vec::new();
        loop {
            let primary = self.relation_start()?;
            if relations.is_empty() || tighter || !self.extension_ahead() {
                relations.push(self.relation_extensions(primary)?);
            } else {
                self.check_chain(relations.len())?;
                let mut all = relations.drain(..);
                let Some(first) = all.next() else {
                    return self.fail();
                };
                let left = all.fold(first, |l, r| self.comma_join(l, r));
                let joined = self.comma_join(left, primary);
                relations.push(self.relation_extensions(joined)?);
            }
            if !self.eat_symbol(Symbol::Comma) {
                return Ok(relations);
            }
        }
    }

    /// One relation with its joins.
    pub(crate) fn relation(&mut self) -> Result<Relation> {
        let primary = self.relation_start()?;
        self.relation_extensions(primary)
    }

    fn relation_start(&mut self) -> Result<Relation> {
        let lateral = self.lateral_ahead() && {
            self.advance();
            true
        };
        let primary = self.relation_primary()?;
        Ok(if lateral { make_lateral(primary) } else { primary })
    }

    /// LATERAL before a relation.
    fn lateral_ahead(&self) -> bool {
        self.at("LATERAL")
            && !self.at_n(1, "VIEW")
            && (self.identifier_at(1) || self.symbol_at(1, Symbol::LeftParen))
            && !matches!(self.peek_at(1).kind, TokenKind::End)
    }

    pub(crate) fn relation_primary(&mut self) -> Result<Relation> {
        if self.at_symbol(Symbol::LeftParen) {
            return self.nested(Self::relation_in_parens);
        }
        if self.at("VALUES") && !self.ends_operand(1) && !self.symbol_at(1, Symbol::Period) {
            let start = self.start();
            self.advance();
            let rows = self.comma_separated(Self::values_row)?;
            let alias = self.table_alias()?;
            return Ok(Relation::Values {
                rows,
                alias,
                span: self.span_since(start),
            });
        }
        if self.at("STREAM") && self.identifier_at(1) && !self.table_alias_end(1) {
            return Err(Error::unsupported("STREAM").at(self.peek().span()));
        }
        self.table_or_function()
    }

    fn table_alias_end(&self, n: usize) -> bool {
        self.at_n(n, "AS") || self.at_n(n, "WHERE") || !self.identifier_at(n + 1)
    }

    fn relation_in_parens(&mut self) -> Result<Relation> {
        if self.query_in_parens_at(0) {
            let query = Box::new(self.parenthesized(Self::query)?);
            let sample = self.sample()?;
            return Ok(Relation::Subquery {
                query,
                lateral: false,
                sample,
                alias: self.table_alias()?,
            });
        }
        let relation = Box::new(self.parenthesized(Self::relation)?);
        let sample = self.sample()?;
        Ok(Relation::Nested {
            relation,
            sample,
            alias: self.table_alias()?,
        })
    }

    fn table_or_function(&mut self) -> Result<Relation> {
        let start = self.start();
        let dynamic = self.at("IDENTIFIER") && self.symbol_at(1, Symbol::LeftParen) && !self.at_identifier_literal();
        if !dynamic {
            let name = self.function_or_table_name()?;
            if self.at_symbol(Symbol::LeftParen) {
                return self.table_function(name, start);
            }
            return self.table_with_clauses(table_relation(ObjectName(name)));
        }
        let table = self.named_relation(TableAlias::default())?;
        self.table_with_clauses(table)
    }

    fn function_or_table_name(&mut self) -> Result<Vec<Ident>> {
        if self.symbol_at(1, Symbol::LeftParen) && self.at_any(&["LEFT", "RIGHT"]) {
            let token = self.advance();
            return Ok(vec![self.to_ident(token)]);
        }
        self.name_parts()
    }

    /// A table by name or `IDENTIFIER(expr)`, without what may follow it.
    pub(crate) fn named_relation(&mut self, alias: TableAlias) -> Result<Relation> {
        let (name, identifier) = match self.name_expr()? {
            rsql_ast::command::NameExpr::Name(name) => (name, None),
            rsql_ast::command::NameExpr::Identifier(expr) => (ObjectName(Vec::new()), Some(expr)),
        };
        Ok(Relation::Table {
            name,
            alias,
            sample: None,
            options: Vec::new(),
            time_travel: None,
            identifier,
        })
    }

    /// Time travel, options, sample and alias of a table.
    fn table_with_clauses(&mut self, mut table: Relation) -> Result<Relation> {
        let travel = self.time_travel()?;
        let with_options = if self.at("WITH") && self.symbol_at(1, Symbol::LeftParen) {
            self.advance();
            self.properties()?
        } else {
            Vec::new()
        };
        let sampled = self.sample()?;
        let named = self.table_alias()?;
        if let Relation::Table {
            alias,
            sample,
            options,
            time_travel,
            ..
        } = &mut table
        {
            *alias = named;
            *sample = sampled;
            *options = with_options;
            *time_travel = travel;
        }
        Ok(table)
    }

    /// `[FOR] VERSION | TIMESTAMP AS OF x`
    fn time_travel(&mut self) -> Result<Option<Expr>> {
        const KINDS: [&str; 4] = ["VERSION", "SYSTEM_VERSION", "TIMESTAMP", "SYSTEM_TIME"];
        let n = usize::from(self.at("FOR"));
        let found = KINDS.iter().any(|k| self.at_n(n, k)) && self.at_n(n + 1, "AS") && self.at_n(n + 2, "OF");
        if !found {
            return Ok(None);
        }
        for _ in 0..n + 3 {
            self.advance();
        }
        Ok(Some(self.value()?))
    }

    fn table_function(&mut self, name: Vec<Ident>, start: u32) -> Result<Relation> {
        if name.len() == 1 && name[0].value.eq_ignore_ascii_case("json_table") {
            return Err(Error::unsupported("JSON_TABLE").at(self.span_since(start)));
        }
        self.expect_symbol(Symbol::LeftParen)?;
        let args = if self.at_symbol(Symbol::RightParen) {
            Vec::new()
        } else {
            self.comma_separated(Self::argument)?
        };
        self.expect_symbol(Symbol::RightParen)?;
        if self.at_all(&["WITH", "ORDINALITY"]) {
            return Err(Error::unsupported("WITH ORDINALITY").at(self.peek().span()));
        }
        let mut empty = Expr::call("", Vec::new());
        let ExprKind::Function(call) = &mut empty.kind else {
            return self.fail();
        };
        let call = FunctionCall {
            name: ObjectName(name),
            args,
            ..(**call).clone()
        };
        let span = self.span_since(start);
        Ok(Relation::Function {
            call: Box::new(call),
            lateral: false,
            alias: self.table_alias()?,
            span,
        })
    }

    /// `[AS] name [(columns)]`, if it follows.
    pub(crate) fn table_alias(&mut self) -> Result<TableAlias> {
        if self.at("AS") && self.symbol_at(1, Symbol::LeftParen) {
            self.advance();
            return Ok(TableAlias {
                name: None,
                columns: self.name_list()?,
            });
        }
        if !self.eat("AS") && !self.table_alias_ahead() {
            return Ok(TableAlias::default());
        }
        let name = self.strict_name()?;
        let columns = if self.at_symbol(Symbol::LeftParen) {
            self.name_list()?
        } else {
            Vec::new()
        };
        Ok(TableAlias {
            name: Some(name),
            columns,
        })
    }

    /// True when the current word is an alias of a table rather than the start of what may follow a table.
    pub(crate) fn table_alias_ahead(&self) -> bool {
        let token = self.peek();
        if token.kind == TokenKind::Quoted {
            return true;
        }
        if token.kind != TokenKind::Word || !self.identifier_at(0) {
            return false;
        }
        if keyword::is_strict_non_reserved(self.token_text(token)) || self.clause_ahead() {
            return false;
        }
        let pivot = (self.at("PIVOT") && self.symbol_at(1, Symbol::LeftParen)) || self.unpivot_ahead();
        let other_clause = self.at_any(&["SELECT", "SET", "WHEN"]) && !self.ends_operand(1)
            || self.at("TABLESAMPLE") && self.symbol_at(1, Symbol::LeftParen)
            || self.at_all(&["WITH", "ORDINALITY"])
            || self.at("ASOF") && self.at_n(1, "JOIN")
            || self.bin_by_ahead();
        !pivot && !other_clause
    }
}

/// Marks what stands behind LATERAL.
pub(crate) fn make_lateral(mut relation: Relation) -> Relation {
    match &mut relation {
        Relation::Subquery { lateral, .. } | Relation::Function { lateral, .. } => *lateral = true,
        _ => {}
    }
    relation
}
