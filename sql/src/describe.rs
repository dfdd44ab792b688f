//! DESCRIBE.

use rsql_ast::command::{Describe, NameExpr};
use rsql_ast::{Ident, ObjectName, StatementKind};
use rsql_common::{Error, Result, quoted_name};

use crate::parser::Parser;
use crate::token::{Symbol, TokenKind};

impl Parser<'_> {
    pub(crate) fn describe(&mut self) -> Result<StatementKind> {
        let start = self.start();
        self.advance();
        let what = match () {
            () if self.at("FUNCTION") && !self.ends_name(1) => {
                self.advance();
                let extended = self.at("EXTENDED") && !self.ends_name(1) && {
                    self.advance();
                    true
                };
                Describe::Function {
                    name: self.described_function()?,
                    extended,
                }
            }
            () if self.at_any(&["DATABASE", "SCHEMA", "NAMESPACE"]) && !self.ends_name(1) => {
                self.advance();
                let extended = self.at("EXTENDED") && !self.ends_name(1) && {
                    self.advance();
                    true
                };
                Describe::Database {
                    name: self.name_expr()?,
                    extended,
                }
            }
            () if self.at("PROCEDURE") && !self.ends_name(1) => return self.unsupported("DESCRIBE PROCEDURE"),
            () if self.at("QUERY") && (self.query_at(1) || self.query_in_parens_at(1)) => {
                self.advance();
                Describe::Query(Box::new(self.query()?))
            }
            () if self.query_at(0) && !self.table_keyword() || self.query_in_parens_at(0) => {
                Describe::Query(Box::new(self.query()?))
            }
            () => self.describe_table(start)?,
        };
        Ok(StatementKind::Describe(Box::new(what)))
    }

    /// The token `n` ahead ends the statement, so that the word before it is a name.
    fn ends_name(&self, n: usize) -> bool {
        matches!(
            self.peek_at(n).kind,
            TokenKind::End | TokenKind::Symbol(Symbol::Semicolon | Symbol::Period)
        )
    }

    /// `TABLE` as the optional word of DESCRIBE rather than the start of a query.
    fn table_keyword(&self) -> bool {
        self.at("TABLE") && !self.ends_name(1)
    }

    fn described_function(&mut self) -> Result<ObjectName> {
        let token = self.peek();
        match token.kind {
            TokenKind::String => {
                let value = self.string()?;
                Ok(ObjectName(vec![Ident {
                    value,
                    quoted: true,
                    span: token.span(),
                }]))
            }
            TokenKind::Symbol(_) => {
                self.advance();
                let value = self.token_text(token).to_string();
                Ok(ObjectName(vec![Ident {
                    value,
                    quoted: true,
                    span: token.span(),
                }]))
            }
            _ => self.object_name(),
        }
    }

    /// `[TABLE] [EXTENDED | FORMATTED] t [PARTITION (…)] [column] [AS JSON]`
    fn describe_table(&mut self, start: u32) -> Result<Describe> {
        if self.table_keyword() {
            self.advance();
        }
        let extended = self.at_any(&["EXTENDED", "FORMATTED"]) && !self.ends_name(1) && {
            self.advance();
            true
        };
        let table = self.name_expr()?;
        let partition = if self.at("PARTITION") && self.symbol_at(1, Symbol::LeftParen) {
            self.partition_spec()?
        } else {
            Vec::new()
        };
        if let Some((key, _)) = partition.iter().find(|(_, value)| value.is_none()) {
            return Err(Error::user("INVALID_SQL_SYNTAX.EMPTY_PARTITION_VALUE")
                .param("partKey", quoted_name([&key.value]))
                .at(self.span_since(start)));
        }
        let column = if self.identifier_at(0) && !self.at("AS") {
            Some(self.name_parts()?)
        } else {
            None
        };
        let as_json = self.eat_all(&["AS", "JSON"]);
        if as_json && column.is_some() {
            return Err(Error::user("UNSUPPORTED_FEATURE.DESC_TABLE_COLUMN_JSON").at(self.span_since(start)));
        }
        if as_json && !extended {
            let name = match &table {
                NameExpr::Name(name) => name.last().to_string(),
                NameExpr::Identifier(expr) => expr.span.text(self.text).to_string(),
            };
            return Err(Error::user("DESCRIBE_JSON_NOT_EXTENDED")
                .param("tableName", name)
                .at(self.span_since(start)));
        }
        Ok(Describe::Table {
            table,
            extended,
            partition,
            column,
            as_json,
        })
    }
}
