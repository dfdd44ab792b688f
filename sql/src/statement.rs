//! Statements: which one it is. Each kind is parsed in its own module.

use rsql_ast::StatementKind;
use rsql_ast::command::{ExplainMode, Statement};
use rsql_common::{Error, Result};

use crate::parser::Parser;
use crate::token::Symbol;

impl Parser<'_> {
    /// Statements separated by `;`, empty ones left out.
    pub(crate) fn statements(&mut self) -> Result<Vec<Statement>> {
        let mut statements = Vec::new();
        loop {
            while self.eat_symbol(Symbol::Semicolon) {}
            if self.at_end() {
                return Ok(statements);
            }
            self.parameters = 0;
            statements.push(self.statement()?);
            if !self.at_end() && !self.at_symbol(Symbol::Semicolon) {
                return Err(self.expected("';' or the end"));
            }
        }
    }

    /// One statement, with `;` behind it or not.
    pub(crate) fn single_statement(&mut self) -> Result<Statement> {
        if self.at_end() || self.at_symbol(Symbol::Semicolon) && self.text.trim() == ";" {
            return Err(Error::user("PARSE_EMPTY_STATEMENT"));
        }
        let statement = self.statement()?;
        while self.eat_symbol(Symbol::Semicolon) {}
        self.expect_end()?;
        Ok(statement)
    }

    pub(crate) fn statement(&mut self) -> Result<Statement> {
        self.nested(|p| {
            let start = p.start();
            let kind = p.statement_kind()?;
            Ok(Statement {
                kind,
                span: p.span_since(start),
            })
        })
    }

    fn statement_kind(&mut self) -> Result<StatementKind> {
        if self.at_symbol(Symbol::LeftParen) || self.at_any(&["SELECT", "VALUES", "TABLE"]) {
            return self.query_statement();
        }
        if self.at("WITH") {
            return self.with_statement();
        }
        if self.at("FROM") {
            return self.query_or_multi_insert();
        }
        let word = self.token_text(self.peek()).to_ascii_uppercase();
        match word.as_str() {
            "EXPLAIN" => self.explain(),
            "CREATE" => self.create(),
            "REPLACE" => self.replace_table(),
            "DROP" => self.drop_statement(),
            "ALTER" => self.alter(),
            "INSERT" => self.insert_statement(None),
            "DELETE" => self.delete(),
            "UPDATE" => self.update(),
            "MERGE" => self.unsupported("MERGE INTO"),
            "TRUNCATE" => self.truncate(),
            "USE" => self.use_statement(),
            "SHOW" => self.show(),
            "DESCRIBE" | "DESC" => self.describe(),
            "SET" => self.set(),
            "RESET" => self.reset(),
            "DECLARE" => self.declare(),
            "EXECUTE" => self.execute_immediate(),
            "CACHE" => self.cache(),
            "UNCACHE" => self.uncache(),
            "CLEAR" => self.clear_cache(),
            "REFRESH" => self.refresh(),
            "ANALYZE" => self.analyze(),
            "COMMENT" => self.comment_on(),
            "MAP" | "REDUCE" => self.unsupported("TRANSFORM"),
            "BEGIN" => self.unsupported("SQL scripting (BEGIN … END)"),
            "CALL" => self.unsupported("CALL"),
            "ADD" | "LIST" if self.identifier_at(1) => self.unsupported(if word == "ADD" { "ADD" } else { "LIST" }),
            "LOAD" => self.unsupported("LOAD DATA"),
            "MSCK" | "REPAIR" => self.unsupported("MSCK REPAIR TABLE"),
            "GRANT" | "REVOKE" | "EXPORT" | "IMPORT" | "LOCK" | "UNLOCK" | "COMMIT" | "ROLLBACK" | "START" | "DFS" => {
                Err(self.invalid_statement(&word))
            }
            _ => self.fail(),
        }
    }

    pub(crate) fn query_statement(&mut self) -> Result<StatementKind> {
        Ok(StatementKind::Query(Box::new(self.query()?)))
    }

    /// A statement that the grammar knows and the engine does not have; the rest is passed over.
    pub(crate) fn unsupported(&mut self, name: &str) -> Result<StatementKind> {
        while !self.at_end() && !self.at_symbol(Symbol::Semicolon) {
            self.advance();
        }
        Ok(StatementKind::Unsupported(name.to_string()))
    }

    /// `EXPLAIN [mode] statement`
    fn explain(&mut self) -> Result<StatementKind> {
        const MODES: [(&str, ExplainMode); 6] = [
            ("LOGICAL", ExplainMode::Simple),
            ("EXTENDED", ExplainMode::Extended),
            ("CODEGEN", ExplainMode::Codegen),
            ("COST", ExplainMode::Cost),
            ("FORMATTED", ExplainMode::Formatted),
            ("ANALYZE", ExplainMode::Analyze),
        ];
        self.advance();
        let found = MODES.iter().find(|(word, _)| self.at(word));
        let analyze_table = self.at("ANALYZE") && (self.at_n(1, "TABLE") && self.at_n(3, "COMPUTE"));
        let mode = match found {
            Some((_, mode)) if !analyze_table => {
                self.advance();
                *mode
            }
            _ => ExplainMode::Simple,
        };
        let statement = Box::new(self.statement()?);
        Ok(StatementKind::Explain { mode, statement })
    }
}
