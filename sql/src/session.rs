//! Statements about the session: SET, RESET, USE, CACHE, REFRESH, ANALYZE, COMMENT ON.

use rsql_ast::command::{NameExpr, SetCommand, SetTimeZone};
use rsql_ast::{Expr, ExprKind, StatementKind};
use rsql_common::{Error, Result};

use crate::parser::Parser;
use crate::token::{Symbol, TokenKind};

impl Parser<'_> {
    /// `USE [DATABASE | SCHEMA | NAMESPACE] name`
    pub(crate) fn use_statement(&mut self) -> Result<StatementKind> {
        self.advance();
        if !self.end_at(1) && !self.symbol_at(1, Symbol::Period) && !self.symbol_at(1, Symbol::Semicolon) {
            self.eat_namespace();
        }
        Ok(StatementKind::Use(self.name_expr()?))
    }

    /// `SET …`
    pub(crate) fn set(&mut self) -> Result<StatementKind> {
        let start = self.start();
        self.advance();
        let assigns = |p: &Self| p.symbol_at(1, Symbol::Eq) || p.symbol_at(1, Symbol::Period);
        match () {
            () if (self.at("VARIABLE") || self.at("VAR")) && !assigns(self) && !self.end_at(1) => {
                self.advance();
                return self.set_variable(start);
            }
            () if self.at_all(&["TIME", "ZONE"]) => {
                self.eat_all(&["TIME", "ZONE"]);
                return self.set_time_zone(start);
            }
            () if self.at("CATALOG") && (self.identifier_at(1) || self.peek_at(1).kind == TokenKind::String) => {
                self.advance();
                if self.at_string() {
                    let name = self.string()?;
                    return Ok(StatementKind::Use(NameExpr::Name(rsql_ast::ObjectName::of(&[&name]))));
                }
                return Ok(StatementKind::Use(self.name_expr()?));
            }
            () if self.at("ROLE") => return Err(self.invalid_statement("SET ROLE")),
            () => {}
        }
        let (text, span) = self.rest_of_statement();
        parse_set(text)
            .map(StatementKind::Set)
            .ok_or_else(|| Error::user("INVALID_SET_SYNTAX").at(span))
    }

    /// The text up to `;`, trimmed; the tokens are passed over.
    fn rest_of_statement(&mut self) -> (&str, rsql_common::Span) {
        let start = self.start();
        while !self.at_end() && !self.at_symbol(Symbol::Semicolon) {
            self.advance();
        }
        let end = self.start();
        let span = rsql_common::Span { start, end };
        (span.text(self.text).trim(), span)
    }

    fn set_time_zone(&mut self, start: u32) -> Result<StatementKind> {
        let zone = match () {
            () if self.at("INTERVAL") && self.interval_ahead() => {
                let begin = self.start();
                let literal = self.interval()?;
                SetTimeZone::Interval(Expr::new(ExprKind::Literal(literal), self.span_since(begin)))
            }
            () if self.at_string() => SetTimeZone::Zone(self.string()?),
            () if self.eat("LOCAL") => SetTimeZone::Local,
            () => {
                self.rest_of_statement();
                return Err(Error::user("_LEGACY_ERROR_TEMP_0045").at(self.span_since(start)));
            }
        };
        Ok(StatementKind::SetTimeZone(zone))
    }

    /// `RESET [key]`
    pub(crate) fn reset(&mut self) -> Result<StatementKind> {
        self.advance();
        let (text, span) = self.rest_of_statement();
        if text.is_empty() {
            return Ok(StatementKind::Reset(None));
        }
        match config_key(text) {
            Some(key) => Ok(StatementKind::Reset(Some(key))),
            None => Err(Error::user("INVALID_RESET_COMMAND_FORMAT").at(span)),
        }
    }

    /// `CACHE [LAZY] TABLE name [OPTIONS (…)] [[AS] query]`
    pub(crate) fn cache(&mut self) -> Result<StatementKind> {
        self.advance();
        let lazy = self.eat("LAZY");
        self.expect("TABLE")?;
        let name = self.name_expr()?;
        let options = if self.eat("OPTIONS") {
            self.properties()?
        } else {
            Vec::new()
        };
        let query = if self.eat("AS") || self.query_at(0) || self.query_in_parens_at(0) {
            Some(Box::new(self.query()?))
        } else {
            None
        };
        if let (Some(_), NameExpr::Name(parts)) = (&query, &name)
            && let [qualifier @ .., _] = parts.0.as_slice()
            && !qualifier.is_empty()
        {
            let quoted: Vec<&str> = qualifier.iter().map(|q| q.value.as_str()).collect();
            return Err(Error::user("_LEGACY_ERROR_TEMP_0037")
                .param("quoted", quoted.join("."))
                .at(parts.span()));
        }
        Ok(StatementKind::CacheTable {
            name,
            lazy,
            query,
            options,
        })
    }

    pub(crate) fn uncache(&mut self) -> Result<StatementKind> {
        self.expect_all(&["UNCACHE", "TABLE"])?;
        let if_exists = self.eat_if_exists();
        Ok(StatementKind::UncacheTable {
            name: self.name_expr()?,
            if_exists,
        })
    }

    pub(crate) fn clear_cache(&mut self) -> Result<StatementKind> {
        self.expect_all(&["CLEAR", "CACHE"])?;
        Ok(StatementKind::ClearCache)
    }

    /// `REFRESH TABLE t`, `REFRESH FUNCTION f`, `REFRESH path`
    pub(crate) fn refresh(&mut self) -> Result<StatementKind> {
        self.advance();
        if (self.at("TABLE") || self.at("FUNCTION")) && !self.end_at(1) {
            self.advance();
            let start = self.start();
            let name = self.name_expr()?;
            return Ok(StatementKind::Refresh(match name {
                NameExpr::Name(name) => name.to_string(),
                NameExpr::Identifier(_) => {
                    return Err(Error::unsupported("IDENTIFIER(expr) in REFRESH").at(self.span_since(start)));
                }
            }));
        }
        if self.at_string() {
            return Ok(StatementKind::Refresh(self.string()?));
        }
        let (text, span) = self.rest_of_statement();
        if text.is_empty() || text.contains([' ', '\n', '\t']) {
            return Err(Error::user("INVALID_SQL_SYNTAX.INVALID_REFRESH_RESOURCE_PATH").at(span));
        }
        Ok(StatementKind::Refresh(text.to_string()))
    }

    /// `ANALYZE TABLE t [PARTITION (…)] COMPUTE STATISTICS [NOSCAN | FOR COLUMNS a, b | FOR ALL COLUMNS]`
    pub(crate) fn analyze(&mut self) -> Result<StatementKind> {
        self.advance();
        if self.at("TABLES") {
            return self.unsupported("ANALYZE TABLES");
        }
        self.expect("TABLE")?;
        let name = self.name_expr()?;
        if self.at("PARTITION") && self.symbol_at(1, Symbol::LeftParen) {
            self.partition_spec()?;
        }
        self.expect_all(&["COMPUTE", "STATISTICS"])?;
        let start = self.start();
        let mut columns = Vec::new();
        let mut noscan = false;
        if self.eat_all(&["FOR", "COLUMNS"]) {
            columns = self.comma_separated(Self::name)?;
        } else if !self.eat_all(&["FOR", "ALL", "COLUMNS"]) && self.identifier_at(0) {
            noscan = self.eat("NOSCAN");
            if !noscan {
                let word = self.ident()?.value.to_ascii_uppercase();
                return Err(Error::user("INVALID_SQL_SYNTAX.ANALYZE_TABLE_UNEXPECTED_NOSCAN")
                    .param("ctx", word)
                    .at(self.span_since(start)));
            }
        }
        Ok(StatementKind::AnalyzeTable { name, columns, noscan })
    }

    /// `COMMENT ON DATABASE | TABLE name IS 'text' | NULL`
    pub(crate) fn comment_on(&mut self) -> Result<StatementKind> {
        self.expect_all(&["COMMENT", "ON"])?;
        if self.at("COLUMN") {
            return self.unsupported("COMMENT ON COLUMN");
        }
        let database = self.eat_namespace();
        if !database {
            self.expect("TABLE")?;
        }
        let name = self.name_expr()?;
        self.expect("IS")?;
        let comment = if self.eat("NULL") { None } else { Some(self.string()?) };
        Ok(StatementKind::CommentOn {
            database,
            name,
            comment,
        })
    }
}

/// Reads what follows SET.
fn parse_set(text: &str) -> Option<SetCommand> {
    if text.is_empty() {
        return Some(SetCommand::All);
    }
    if text == "-v" {
        return Some(SetCommand::Verbose);
    }
    match text.split_once('=') {
        Some((key, value)) => {
            let value = value.trim();
            let quoted = value.len() > 1 && value.starts_with('`') && value.ends_with('`');
            let value = if quoted {
                value[1..value.len() - 1].replace("``", "`")
            } else {
                value.to_string()
            };
            Some(SetCommand::Assign(config_key(key.trim())?, value))
        }
        None => Some(SetCommand::Get(config_key(text)?)),
    }
}

/// A configuration key: letters, digits, `_`, `.`, `:`, `\`; anything in backquotes.
fn config_key(text: &str) -> Option<String> {
    if text.len() > 2 && text.starts_with('`') && text.ends_with('`') {
        return Some(text[1..text.len() - 1].replace("``", "`"));
    }
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "_.:\\-".contains(c));
    (plain && !text.is_empty()).then(|| text.to_string())
}
