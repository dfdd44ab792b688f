//! SELECT, FROM-first queries, LATERAL VIEW, and when a word is an alias.

use rsql_ast::query::{LateralView, Select, SetOp};
use rsql_ast::{Expr, ExprKind, Relation, SetExpr};
use rsql_common::{Error, Result, Span};

use crate::parser::Parser;
use crate::token::{Symbol, TokenKind};

impl Parser<'_> {
    /// `SELECT … [FROM …] …`
    pub(crate) fn select_statement(&mut self) -> Result<SetExpr> {
        let start = self.start();
        let mut select = self.select_clause()?;
        if self.eat("FROM") {
            select.from = self.relation_list()?;
        }
        self.select_rest(select, start)
    }

    /// `FROM … [SELECT …]…`; without SELECT the relation itself is the query.
    pub(crate) fn leading_from(&mut self) -> Result<SetExpr> {
        let start = self.start();
        self.expect("FROM")?;
        let mut from = self.relation_list()?;
        let views = self.lateral_views()?;
        let mut bodies = Vec::new();
        while self.at("SELECT") {
            let mut select = self.select_clause()?;
            select.from = from.clone();
            select.lateral_views = views.clone();
            bodies.push(self.select_rest(select, start)?);
        }
        match bodies.len() {
            0 if !views.is_empty() => {
                let span = self.span_since(start);
                Ok(SetExpr::Select(Box::new(Select {
                    items: vec![star(span)],
                    from,
                    lateral_views: views,
                    span,
                    ..Select::default()
                })))
            }
            0 => {
                let first = from.remove(0);
                let relation = from.into_iter().fold(first, |left, right| self.comma_join(left, right));
                Ok(SetExpr::From(Box::new(relation)))
            }
            1 => Ok(bodies.remove(0)),
            _ => Ok(SetExpr::SetOp {
                op: SetOp::Union,
                all: true,
                by_name: false,
                inputs: bodies,
            }),
        }
    }

    /// `SELECT [hints] [DISTINCT | ALL] items`
    pub(crate) fn select_clause(&mut self) -> Result<Select> {
        self.expect("SELECT")?;
        let mut select = Select::default();
        while self.peek().kind == TokenKind::HintStart {
            select.hints.extend(self.hint()?);
        }
        if self.at("TRANSFORM") && self.symbol_at(1, Symbol::LeftParen) {
            let after = self.closing_of(1) + 1;
            if ["USING", "ROW", "RECORDWRITER"].iter().any(|k| self.at_n(after, k)) {
                return Err(Error::unsupported("TRANSFORM").at(self.peek().span()));
            }
        }
        if self.at("DISTINCT") && !self.ends_item(1) {
            self.advance();
            select.distinct = true;
        } else if self.at("ALL") && !self.ends_item(1) {
            self.advance();
        }
        select.items = self.comma_separated(Self::named_expr)?;
        Ok(select)
    }

    /// The token `n` ahead ends a select item, so that the word before it is a column.
    fn ends_item(&self, n: usize) -> bool {
        self.ends_operand(n) || self.at_n(n, "FROM") || self.at_n(n, "AS")
    }

    /// WHERE, GROUP BY, HAVING, QUALIFY and WINDOW behind select list and FROM.
    pub(crate) fn select_rest(&mut self, mut select: Select, start: u32) -> Result<SetExpr> {
        select.lateral_views.extend(self.lateral_views()?);
        if self.eat("WHERE") {
            select.filter = Some(self.expr()?);
        }
        if self.at_all(&["GROUP", "BY"]) {
            select.group_by = Some(self.group_by()?);
        }
        if self.eat("HAVING") {
            select.having = Some(self.expr()?);
        }
        if self.eat("QUALIFY") {
            select.qualify = Some(self.expr()?);
        }
        select.windows = self.window_clause()?;
        if select.qualify.is_none() && self.eat("QUALIFY") {
            select.qualify = Some(self.expr()?);
        }
        select.span = self.span_since(start);
        Ok(SetExpr::Select(Box::new(select)))
    }

    /// All `LATERAL VIEW …` that follow.
    pub(crate) fn lateral_views(&mut self) -> Result<Vec<LateralView>> {
        let mut views = Vec::new();
        while self.at_all(&["LATERAL", "VIEW"]) {
            self.eat_all(&["LATERAL", "VIEW"]);
            views.push(self.lateral_view()?);
        }
        Ok(views)
    }

    /// What follows LATERAL VIEW.
    pub(crate) fn lateral_view(&mut self) -> Result<LateralView> {
        let outer = self.at("OUTER") && !self.symbol_at(1, Symbol::LeftParen) && {
            self.advance();
            true
        };
        let start = self.start();
        let name = self.name_parts()?;
        let args = if self.symbol_at(1, Symbol::RightParen) {
            self.expect_symbol(Symbol::LeftParen)?;
            self.expect_symbol(Symbol::RightParen)?;
            Vec::new()
        } else {
            self.list(Self::positional)?
        };
        let mut call = Expr::call("", Vec::new());
        if let ExprKind::Function(f) = &mut call.kind {
            f.name.0 = name;
            f.args = args;
        }
        call.span = self.span_since(start);
        let table = if self.at("AS") || !self.table_alias_ahead() {
            None
        } else {
            Some(self.ident()?)
        };
        let columns = if self.eat("AS") || (table.is_some() && self.table_alias_ahead()) {
            self.comma_separated(Self::ident)?
        } else {
            Vec::new()
        };
        if table.is_none() && columns.is_empty() {
            return Err(self.expected("a name"));
        }
        Ok(LateralView {
            outer,
            call,
            table,
            columns,
        })
    }

    /// True when the current word is an alias of a select item rather than the start of the next clause.
    pub(crate) fn implicit_alias_ahead(&self) -> bool {
        match self.peek().kind {
            TokenKind::Quoted => true,
            TokenKind::Word => self.identifier_at(0) && !self.clause_ahead(),
            _ => false,
        }
    }

    /// True when the current word starts a clause that may follow a select item or a table.
    pub(crate) fn clause_ahead(&self) -> bool {
        const ALWAYS: [&str; 12] = [
            "FROM",
            "WHERE",
            "HAVING",
            "QUALIFY",
            "UNION",
            "EXCEPT",
            "MINUS",
            "INTERSECT",
            "AS",
            "INTO",
            "AND",
            "OR",
        ];
        const WITH_BY: [&str; 5] = ["GROUP", "ORDER", "SORT", "CLUSTER", "DISTRIBUTE"];
        let word = self.token_text(self.peek());
        let one_of = |list: &[&str]| list.iter().any(|k| k.eq_ignore_ascii_case(word));
        one_of(&ALWAYS)
            || (one_of(&WITH_BY) && self.at_n(1, "BY"))
            || self.at_all(&["LATERAL", "VIEW"])
            || (self.at_all(&["GROUPING", "SETS"]) && self.symbol_at(2, Symbol::LeftParen))
            || self.window_clause_ahead()
            || self.limit_ahead()
            || self.offset_ahead()
            || (self.at("FOR") && self.pivot_for_ahead())
            || self.at_all(&["INSERT", "INTO"])
            || self.at_all(&["INSERT", "OVERWRITE"])
            || (self.at("SELECT") && !self.ends_operand(1))
            || (self.at("USING") && !self.ends_operand(1))
    }

    /// Joins two relations of FROM that a comma separates.
    pub(crate) fn comma_join(&self, left: Relation, right: Relation) -> Relation {
        Relation::Join(Box::new(rsql_ast::relation::Join {
            left,
            right,
            kind: rsql_ast::relation::JoinKind::Comma,
            condition: rsql_ast::relation::JoinCondition::None,
            lateral: false,
            span: rsql_common::Span::NONE,
        }))
    }
}

/// `*`
pub(crate) fn star(span: Span) -> Expr {
    let kind = ExprKind::Star {
        qualifier: Vec::new(),
        except: Vec::new(),
    };
    Expr::new(kind, span)
}
