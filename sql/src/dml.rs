//! INSERT, DELETE, UPDATE, TRUNCATE, and the WITH and FROM that may stand before an INSERT.

use rsql_ast::command::{Insert, InsertTarget, Properties};
use rsql_ast::query::{Select, With};
use rsql_ast::relation::TableAlias;
use rsql_ast::{Expr, ExprKind, Ident, Query, SetExpr, StatementKind};
use rsql_common::{Error, Result, quoted_name};

use crate::parser::Parser;
use crate::query::with_tail;
use crate::token::Symbol;

impl Parser<'_> {
    /// A query, or an INSERT whose query the CTEs belong to.
    pub(crate) fn with_statement(&mut self) -> Result<StatementKind> {
        let start = self.start();
        let with = self.with_clause()?;
        if self.at("INSERT") {
            return self.insert_statement(with);
        }
        if self.at_any(&["DELETE", "UPDATE", "MERGE"]) && self.identifier_at(1) {
            return self.unsupported("WITH before DELETE, UPDATE or MERGE");
        }
        if self.at("FROM") && self.multi_insert_ahead() {
            let inserts = self.multi_insert(with)?;
            return Ok(StatementKind::MultiInsert(inserts));
        }
        let query = self.nested(|p| p.query_after_with(with, start))?;
        Ok(StatementKind::Query(Box::new(query)))
    }

    /// `FROM t SELECT …`, or `FROM t INSERT INTO a SELECT … INSERT INTO b SELECT …`.
    pub(crate) fn query_or_multi_insert(&mut self) -> Result<StatementKind> {
        if self.multi_insert_ahead() {
            return Ok(StatementKind::MultiInsert(self.multi_insert(None)?));
        }
        self.query_statement()
    }

    /// An INSERT stands outside parentheses behind this FROM.
    fn multi_insert_ahead(&self) -> bool {
        let mut n = 1;
        while !self.end_at(n) {
            if self.symbol_at(n, Symbol::LeftParen) {
                n = self.closing_of(n).max(n);
            }
            if self.at_n(n, "INSERT") && (self.at_n(n + 1, "INTO") || self.at_n(n + 1, "OVERWRITE")) {
                return true;
            }
            n += 1;
        }
        false
    }

    fn multi_insert(&mut self, with: Option<With>) -> Result<Vec<Insert>> {
        self.expect("FROM")?;
        let from = self.relation_list()?;
        let views = self.lateral_views()?;
        let mut inserts = Vec::new();
        while self.at("INSERT") {
            let mut insert = self.insert_head()?;
            let start = self.start();
            let mut select: Select = self.select_clause()?;
            select.from = from.clone();
            select.lateral_views = views.clone();
            let body = self.select_rest(select, start)?;
            let tail = self.query_tail()?;
            let mut query = with_tail(body, tail);
            query.with = with.clone();
            query.span = self.span_since(start);
            insert.query = Box::new(query);
            inserts.push(insert);
        }
        Ok(inserts)
    }

    pub(crate) fn insert_statement(&mut self, with: Option<With>) -> Result<StatementKind> {
        let mut insert = self.insert_head()?;
        let mut query = self.query()?;
        query.with = match (with, query.with) {
            (Some(mut outer), Some(inner)) => {
                outer.recursive |= inner.recursive;
                outer.ctes.extend(inner.ctes);
                Some(outer)
            }
            (outer, inner) => outer.or(inner),
        };
        insert.query = Box::new(query);
        Ok(StatementKind::Insert(Box::new(insert)))
    }

    /// Everything of an INSERT before its query.
    fn insert_head(&mut self) -> Result<Insert> {
        self.expect("INSERT")?;
        let overwrite = self.eat("OVERWRITE");
        if !overwrite {
            self.expect("INTO")?;
        }
        let mut insert = Insert {
            target: InsertTarget::Directory {
                path: None,
                format: None,
                options: Vec::new(),
            },
            overwrite,
            replace_where: None,
            partition: Vec::new(),
            if_not_exists: false,
            columns: Vec::new(),
            by_name: false,
            query: Box::new(Query::of(SetExpr::Values(Vec::new()))),
        };
        if overwrite && (self.at("DIRECTORY") || self.at_all(&["LOCAL", "DIRECTORY"])) {
            insert.target = self.insert_directory()?;
            return Ok(insert);
        }
        if self.at("TABLE") && self.identifier_at(1) && !self.symbol_at(1, Symbol::LeftParen) {
            self.advance();
        }
        insert.target = InsertTarget::Table(self.name_expr()?);
        if self.at("WITH") && self.symbol_at(1, Symbol::LeftParen) {
            self.advance();
            self.properties()?;
        }
        if self.eat("REPLACE") {
            if !self.eat("WHERE") {
                return Err(Error::unsupported("INSERT … REPLACE ON/USING").at(self.peek().span()));
            }
            insert.replace_where = Some(self.expr()?);
        }
        if self.at("PARTITION") && self.symbol_at(1, Symbol::LeftParen) {
            insert.partition = self.partition_spec()?;
        }
        let start = self.start();
        insert.if_not_exists = self.eat_if_not_exists();
        if insert.if_not_exists && !overwrite {
            return Err(Error::user("INVALID_STATEMENT_OR_CLAUSE")
                .param("operation", "INSERT INTO ... IF NOT EXISTS")
                .at(self.span_since(start)));
        }
        if self.eat_all(&["BY", "NAME"]) {
            insert.by_name = true;
        } else if self.at_symbol(Symbol::LeftParen) && !self.query_in_parens_at(0) {
            insert.columns = self.name_list()?;
        }
        Ok(insert)
    }

    fn insert_directory(&mut self) -> Result<InsertTarget> {
        self.eat("LOCAL");
        self.expect("DIRECTORY")?;
        let path = if self.at_string() { Some(self.string()?) } else { None };
        if self.at_all(&["ROW", "FORMAT"]) || self.at_all(&["STORED", "AS"]) {
            return Err(Error::unsupported("INSERT OVERWRITE DIRECTORY in Hive's form").at(self.peek().span()));
        }
        let format = if self.at("USING") {
            Some(self.table_provider()?)
        } else {
            None
        };
        let options: Properties = if self.eat("OPTIONS") {
            self.properties()?
        } else {
            Vec::new()
        };
        Ok(InsertTarget::Directory { path, format, options })
    }

    /// `PARTITION (a = 1, b)`
    pub(crate) fn partition_spec(&mut self) -> Result<Vec<(Ident, Option<Expr>)>> {
        self.expect("PARTITION")?;
        let spec: Vec<(Ident, Option<Expr>)> = self.list(|p| {
            let name = p.ident()?;
            let value = if p.eat_symbol(Symbol::Eq) {
                let start = p.start();
                if p.eat("DEFAULT") {
                    Some(Expr::new(ExprKind::Default, p.span_since(start)))
                } else {
                    Some(p.value()?)
                }
            } else if p.eat_symbol(Symbol::Lt)
                || p.eat_symbol(Symbol::Gt)
                || p.eat_symbol(Symbol::LtEq)
                || p.eat_symbol(Symbol::GtEq)
                || p.eat_symbol(Symbol::NotEq)
            {
                return Err(Error::unsupported("comparison in a partition specification").at(p.peek().span()));
            } else {
                None
            };
            Ok((name, value))
        })?;
        for (i, (key, _)) in spec.iter().enumerate() {
            if spec[..i]
                .iter()
                .any(|(other, _)| other.value.eq_ignore_ascii_case(&key.value))
            {
                return Err(Error::user("DUPLICATE_KEY")
                    .param("keyColumn", quoted_name([&key.value]))
                    .at(key.span));
            }
        }
        Ok(spec)
    }

    pub(crate) fn delete(&mut self) -> Result<StatementKind> {
        self.expect_all(&["DELETE", "FROM"])?;
        let name = self.name_expr()?;
        let alias = self.dml_alias("DELETE")?;
        let filter = if self.eat("WHERE") { Some(self.expr()?) } else { None };
        Ok(StatementKind::Delete { name, alias, filter })
    }

    pub(crate) fn update(&mut self) -> Result<StatementKind> {
        self.expect("UPDATE")?;
        let name = self.name_expr()?;
        let alias = self.dml_alias("UPDATE")?;
        self.expect("SET")?;
        let assignments = self.comma_separated(|p| {
            let target = p.name_parts()?;
            p.expect_symbol(Symbol::Eq)?;
            Ok((target, p.expr()?))
        })?;
        let filter = if self.eat("WHERE") { Some(self.expr()?) } else { None };
        Ok(StatementKind::Update {
            name,
            alias,
            assignments,
            filter,
        })
    }

    fn dml_alias(&mut self, op: &str) -> Result<TableAlias> {
        let start = self.start();
        let alias = self.table_alias()?;
        if !alias.columns.is_empty() {
            return Err(Error::user("COLUMN_ALIASES_NOT_ALLOWED")
                .param("op", op)
                .at(self.span_since(start)));
        }
        Ok(alias)
    }

    pub(crate) fn truncate(&mut self) -> Result<StatementKind> {
        self.expect_all(&["TRUNCATE", "TABLE"])?;
        let name = self.name_expr()?;
        let partition = if self.at("PARTITION") {
            self.partition_spec()?
        } else {
            Vec::new()
        };
        Ok(StatementKind::Truncate { name, partition })
    }
}
