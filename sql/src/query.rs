//! Queries: set operations by precedence, their leaves, and ordering and limits behind them.

use rsql_ast::expr::OrderItem;
use rsql_ast::query::{QueryTail, SetOp, With};
use rsql_ast::{Expr, ExprKind, Query, SetExpr};
use rsql_common::{Error, Result};

use crate::parser::Parser;
use crate::token::{Symbol, TokenKind};

/// Binding strength of UNION and EXCEPT.
const UNION: u8 = 1;
/// Binding strength of INTERSECT.
const INTERSECT: u8 = 2;

impl Parser<'_> {
    /// `[WITH …] body [ORDER BY …] [LIMIT …] …`
    pub(crate) fn query(&mut self) -> Result<Query> {
        self.nested(|p| {
            let start = p.start();
            let with = p.with_clause()?;
            p.query_after_with(with, start)
        })
    }

    /// The rest of a query whose WITH has been read.
    pub(crate) fn query_after_with(&mut self, with: Option<With>, start: u32) -> Result<Query> {
        let body = self.query_body()?;
        let tail = self.query_tail()?;
        let mut query = with_tail(body, tail);
        query.with = with;
        query.span = self.span_since(start);
        Ok(query)
    }

    /// Set operations, and pipe operators over them.
    pub(crate) fn query_body(&mut self) -> Result<SetExpr> {
        let mut body = self.set_operations(UNION)?;
        let mut ops = Vec::new();
        while self.pipe_ahead() {
            self.advance();
            ops.push(self.pipe_operator()?);
        }
        if !ops.is_empty() {
            body = SetExpr::Pipe {
                input: Box::new(body),
                ops,
            };
        }
        Ok(body)
    }

    fn set_operations(&mut self, weakest: u8) -> Result<SetExpr> {
        let mut left = self.query_primary()?;
        let mut length = 0;
        while let Some((op, strength)) = self.set_operator() {
            if strength < weakest {
                break;
            }
            self.advance();
            let all = self.set_quantifier();
            let by_name = self.eat_all(&["BY", "NAME"]);
            let tighter = if self.options.legacy_set_operators {
                INTERSECT + 1
            } else {
                strength + 1
            };
            let right = self.set_operations(tighter)?;
            left = match left {
                SetExpr::SetOp {
                    op: o,
                    all: a,
                    by_name: b,
                    mut inputs,
                } if (o, a, b) == (op, all, by_name) && length > 0 => {
                    inputs.push(right);
                    SetExpr::SetOp {
                        op,
                        all,
                        by_name,
                        inputs,
                    }
                }
                left => {
                    self.check_chain(length)?;
                    SetExpr::SetOp {
                        op,
                        all,
                        by_name,
                        inputs: vec![left, right],
                    }
                }
            };
            length += 1;
        }
        Ok(left)
    }

    /// `ALL` (true) or `DISTINCT`, which is the default.
    pub(crate) fn set_quantifier(&mut self) -> bool {
        let all = self.eat("ALL");
        if !all {
            self.eat("DISTINCT");
        }
        all
    }

    /// The set operator at the current word.
    pub(crate) fn set_operator(&self) -> Option<(SetOp, u8)> {
        match () {
            () if self.at("UNION") => Some((SetOp::Union, UNION)),
            () if self.at("EXCEPT") || self.at("MINUS") => Some((SetOp::Except, UNION)),
            () if self.at("INTERSECT") => Some((SetOp::Intersect, INTERSECT)),
            () => None,
        }
    }

    /// SELECT, FROM, TABLE, VALUES, or a query in parentheses.
    pub(crate) fn query_primary(&mut self) -> Result<SetExpr> {
        if self.at_symbol(Symbol::LeftParen) {
            let query = self.parenthesized(Self::query)?;
            return Ok(SetExpr::Query(Box::new(query)));
        }
        match () {
            () if self.at("SELECT") => self.select_statement(),
            () if self.at("FROM") => self.leading_from(),
            () if self.at("VALUES") => {
                self.advance();
                let rows = self.comma_separated(Self::values_row)?;
                let start = self.start();
                let alias = self.table_alias()?;
                if alias.name.is_none() && alias.columns.is_empty() {
                    return Ok(SetExpr::Values(rows));
                }
                let relation = rsql_ast::Relation::Values {
                    rows,
                    alias,
                    span: self.span_since(start),
                };
                Ok(SetExpr::From(Box::new(relation)))
            }
            () if self.at("TABLE") => {
                self.advance();
                if self.at("IDENTIFIER") && self.symbol_at(1, Symbol::LeftParen) && !self.at_identifier_literal() {
                    let relation = self.named_relation(rsql_ast::relation::TableAlias::default())?;
                    return Ok(SetExpr::From(Box::new(relation)));
                }
                Ok(SetExpr::Table(self.object_name()?))
            }
            () if (self.at("MAP") || self.at("REDUCE")) && !self.ends_operand(1) => {
                Err(Error::unsupported("TRANSFORM").at(self.peek().span()))
            }
            () => Err(self.expected("a query")),
        }
    }

    /// One row of VALUES: the members of a row or STRUCT, or one bare value.
    pub(crate) fn values_row(&mut self) -> Result<Vec<Expr>> {
        let row = self.named_row()?;
        Ok(match row.kind {
            ExprKind::Row(members) => members,
            ExprKind::Function(call)
                if call.name.0.len() == 1
                    && call.name.last().eq_ignore_ascii_case("struct")
                    && call.over.is_none()
                    && call.filter.is_none() =>
            {
                call.args.into_iter().map(|a| a.value).collect()
            }
            kind => vec![Expr::new(kind, row.span)],
        })
    }

    fn named_row(&mut self) -> Result<Expr> {
        self.expr()
    }

    /// ORDER BY, CLUSTER BY, DISTRIBUTE BY, SORT BY, WINDOW, LIMIT, OFFSET, each if it follows.
    pub(crate) fn query_tail(&mut self) -> Result<QueryTail> {
        let start = self.start();
        let mut tail = QueryTail::default();
        if self.eat_all(&["ORDER", "BY"]) {
            tail.order_by = self.comma_separated(Self::order_item)?;
        }
        if self.eat_all(&["CLUSTER", "BY"]) {
            tail.cluster_by = self.expr_list()?;
        }
        if self.eat_all(&["DISTRIBUTE", "BY"]) {
            tail.distribute_by = self.expr_list()?;
        }
        if self.eat_all(&["SORT", "BY"]) {
            tail.sort_by = self.comma_separated(Self::order_item)?;
        }
        let (order, sort) = (!tail.order_by.is_empty(), !tail.sort_by.is_empty());
        let (cluster, distribute) = (!tail.cluster_by.is_empty(), !tail.distribute_by.is_empty());
        if (order || cluster) && (sort || distribute) || (order && cluster) {
            return Err(Error::user("UNSUPPORTED_FEATURE.COMBINATION_QUERY_RESULT_CLAUSES").at(self.span_since(start)));
        }
        tail.windows = self.window_clause()?;
        if self.limit_ahead() {
            self.advance();
            if self.at("ALL") && !self.symbol_at(1, Symbol::LeftParen) {
                self.advance();
            } else {
                tail.limit = Some(self.expr()?);
            }
        }
        if self.offset_ahead() {
            self.advance();
            tail.offset = Some(self.expr()?);
        }
        Ok(tail)
    }

    pub(crate) fn limit_ahead(&self) -> bool {
        self.at("LIMIT") && !self.ends_operand(1) && !self.at_n(1, "FROM")
    }

    pub(crate) fn offset_ahead(&self) -> bool {
        self.at("OFFSET") && !self.ends_operand(1) && !self.at_n(1, "FROM")
    }

    /// `expr [ASC | DESC] [NULLS FIRST | LAST]`
    pub(crate) fn order_item(&mut self) -> Result<OrderItem> {
        let expr = self.expr()?;
        let descending = !self.eat("ASC") && self.eat("DESC");
        let nulls_first = if self.eat("NULLS") {
            match () {
                () if self.eat("FIRST") => Some(true),
                () if self.eat("LAST") => Some(false),
                () => return self.fail(),
            }
        } else {
            None
        };
        Ok(OrderItem {
            expr,
            descending,
            nulls_first,
        })
    }

    /// True when a query starts at the token `n` ahead.
    pub(crate) fn query_at(&self, n: usize) -> bool {
        let next = self.peek_at(n + 1).kind;
        let name_follows = matches!(next, TokenKind::Word | TokenKind::Quoted);
        let open = next == TokenKind::Symbol(Symbol::LeftParen);
        match () {
            () if self.at_n(n, "SELECT") => {
                name_follows
                    || next == TokenKind::HintStart
                    || !(self.ends_operand(n + 1) || matches!(next, TokenKind::Symbol(Symbol::Period)))
            }
            () if self.at_n(n, "WITH") => name_follows,
            () if self.at_n(n, "TABLE") => name_follows,
            () if self.at_n(n, "FROM") => name_follows || open,
            () if self.at_n(n, "VALUES") => !self.ends_operand(n + 1),
            () => false,
        }
    }

    /// True when the token `n` ahead is a `(` around a query, rather than around an expression or relation that
    /// merely begins with a query in parentheses.
    pub(crate) fn query_in_parens_at(&self, n: usize) -> bool {
        let mut inner = n;
        if !self.symbol_at(n, Symbol::LeftParen) {
            return false;
        }
        while self.symbol_at(inner + 1, Symbol::LeftParen) {
            inner += 1;
        }
        if !self.query_at(inner + 1) {
            return false;
        }
        while inner > n {
            let after = self.closing_of(inner) + 1;
            if !self.symbol_at(after, Symbol::RightParen) {
                return self.continues_query(after);
            }
            inner -= 1;
        }
        true
    }

    /// What stands at `n` goes on with a query whose first part stood in parentheses.
    fn continues_query(&self, n: usize) -> bool {
        const SET_OPERATORS: [&str; 4] = ["UNION", "EXCEPT", "MINUS", "INTERSECT"];
        const BY: [&str; 4] = ["ORDER", "SORT", "CLUSTER", "DISTRIBUTE"];
        SET_OPERATORS.iter().any(|k| self.at_n(n, k))
            || (BY.iter().any(|k| self.at_n(n, k)) && self.at_n(n + 1, "BY"))
            || ((self.at_n(n, "LIMIT") || self.at_n(n, "OFFSET")) && !self.ends_operand(n + 1))
            || self.symbol_at(n, Symbol::PipeTo)
    }
}

/// A query of `body` with ordering and limits behind it.
pub(crate) fn with_tail(body: SetExpr, tail: QueryTail) -> Query {
    let mut query = Query::of(body);
    query.order_by = tail.order_by;
    query.sort_by = tail.sort_by;
    query.cluster_by = tail.cluster_by;
    query.distribute_by = tail.distribute_by;
    query.windows = tail.windows;
    query.limit = tail.limit;
    query.offset = tail.offset;
    query
}
