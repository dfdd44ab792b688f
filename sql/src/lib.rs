//! SQL text to the unresolved tree.
//!
//! The way of a statement: [`scan`] finds what sqlparser's tokenizer would misread, the `lexer` tokenizes with a
//! dialect of our own and mends numbers, operators and hints, and the `parser` descends over the tokens and builds
//! [`rsql_ast`] with byte offsets as spans. No name is resolved here, no catalog is known, and no sqlparser type
//! leaves the crate. Reading order: [`options`], [`scan`], `token`, `lexer`, `parser`, then one module per concept.

mod aggregation;
mod alter;
mod call;
mod call_forms;
mod conditional;
mod create;
mod cte;
mod data_type;
mod describe;
mod dialect;
mod dml;
mod expr;
mod from;
mod function;
mod hint;
mod interval;
mod join;
mod keyword;
mod lexer;
mod name;
mod number;
pub mod options;
mod parser;
mod pipe;
mod pivot;
mod predicate;
mod primary;
mod property;
mod query;
mod sample;
pub mod scan;
mod select;
mod session;
mod show;
mod statement;
mod string_literal;
mod table;
mod token;
mod variable;
mod window;

#[cfg(test)]
mod tests;

use rsql_ast::command::Statement;
use rsql_ast::data_type::ColumnDef;
use rsql_ast::{Expr, ObjectName, TypeExpr};
use rsql_common::Result;

pub use options::ParseOptions;
pub use scan::{is_complete, split_statements};

use parser::Parser;

/// Parses statements separated by `;`; empty ones are skipped.
pub fn parse_statements(sql: &str, options: &ParseOptions) -> Result<Vec<Statement>> {
    Parser::new(sql, options)?.statements()
}

/// Parses exactly one statement; a `;` may follow.
pub fn parse_statement(sql: &str, options: &ParseOptions) -> Result<Statement> {
    Parser::new(sql, options)?.single_statement()
}

/// Parses one expression, possibly with an alias.
pub fn parse_expression(text: &str, options: &ParseOptions) -> Result<Expr> {
    let mut parser = Parser::new(text, options)?;
    let expr = parser.named_expr()?;
    parser.expect_end()?;
    Ok(expr)
}

/// Parses a type such as `array<struct<a: int>>`.
pub fn parse_type(text: &str, options: &ParseOptions) -> Result<TypeExpr> {
    let mut parser = Parser::new(text, options)?;
    let ty = parser.data_type()?;
    parser.expect_end()?;
    Ok(ty)
}

/// Parses a schema such as `a INT, b STRING NOT NULL COMMENT 'x'`.
pub fn parse_columns(ddl: &str, options: &ParseOptions) -> Result<Vec<ColumnDef>> {
    let mut parser = Parser::new(ddl, options)?;
    let columns = parser.comma_separated(Parser::schema_column)?;
    parser.expect_end()?;
    Ok(columns)
}

/// Parses a dotted name such as `` db.`my table` ``.
pub fn parse_object_name(text: &str, options: &ParseOptions) -> Result<ObjectName> {
    let mut parser = Parser::new(text, options)?;
    let name = parser.object_name()?;
    parser.expect_end()?;
    Ok(name)
}
