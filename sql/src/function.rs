//! CREATE FUNCTION.

use rsql_ast::StatementKind;
use rsql_ast::command::{CreateFunction, NameExpr};
use rsql_ast::data_type::ColumnDef;
use rsql_common::{Error, Result, quoted_name};

use crate::parser::Parser;
use crate::token::{Symbol, TokenKind};

/// Words of each characteristic; a name or string may follow where the flag says so.
const CHARACTERISTICS: [(&[&str], bool); 13] = [
    (&["LANGUAGE"], true),
    (&["SPECIFIC"], true),
    (&["DETERMINISTIC"], false),
    (&["NOT", "DETERMINISTIC"], false),
    (&["NO", "SQL"], false),
    (&["CONTAINS", "SQL"], false),
    (&["READS", "SQL", "DATA"], false),
    (&["MODIFIES", "SQL", "DATA"], false),
    (&["RETURNS", "NULL", "ON", "NULL", "INPUT"], false),
    (&["CALLED", "ON", "NULL", "INPUT"], false),
    (&["COMMENT"], true),
    (&["SQL", "SECURITY", "INVOKER"], false),
    (&["SQL", "SECURITY", "DEFINER"], false),
];

impl Parser<'_> {
    /// What follows CREATE FUNCTION.
    pub(crate) fn create_function(&mut self, or_replace: bool, temporary: bool, start: u32) -> Result<StatementKind> {
        let if_not_exists = self.eat_if_not_exists();
        let conflict = match (or_replace, temporary) {
            _ if !if_not_exists => None,
            (true, _) => Some("INVALID_SQL_SYNTAX.CREATE_ROUTINE_WITH_IF_NOT_EXISTS_AND_REPLACE"),
            (_, true) => Some("INVALID_SQL_SYNTAX.CREATE_TEMP_FUNC_WITH_IF_NOT_EXISTS"),
            _ => None,
        };
        if let Some(condition) = conflict {
            return Err(Error::user(condition).at(self.span_since(start)));
        }
        let name = self.name_expr()?;
        if temporary {
            self.check_temporary_name(&name, "FUNCTION", start)?;
        }
        let mut function = empty_function(name);
        function.or_replace = or_replace;
        function.temporary = temporary;
        function.if_not_exists = if_not_exists;
        if self.eat("AS") {
            function.class = Some(self.string()?);
            if self.eat("USING") {
                self.comma_separated(|p| {
                    if !p.at_any(&["JAR", "FILE", "ARCHIVE"]) {
                        let message = format!("CREATE FUNCTION with resource type '{}'", p.token_text(p.peek()));
                        return Err(Error::user("_LEGACY_ERROR_TEMP_0035")
                            .param("message", message)
                            .at(p.peek().span()));
                    }
                    p.advance();
                    p.string()
                })?;
            }
        } else {
            self.sql_function(&mut function)?;
        }
        Ok(StatementKind::CreateFunction(Box::new(function)))
    }

    /// `(params) [RETURNS …] characteristics RETURN body`
    fn sql_function(&mut self, function: &mut CreateFunction) -> Result<()> {
        if self.symbol_at(1, Symbol::RightParen) {
            self.expect_symbol(Symbol::LeftParen)?;
            self.advance();
        } else {
            function.params = self.list(Self::function_parameter)?;
        }
        if self.at("RETURNS") && !self.at_n(1, "NULL") {
            self.advance();
            if self.eat("TABLE") {
                let columns = if self.at_symbol(Symbol::LeftParen) {
                    self.list(|p| {
                        let column = p.name()?;
                        p.returned_column(column)
                    })?
                } else {
                    Vec::new()
                };
                function.returns_table = Some(columns);
            } else {
                function.returns = Some(self.data_type()?);
            }
        }
        loop {
            if self.at_all(&["DEFAULT", "COLLATION"]) {
                function.collation = Some(self.default_collation()?);
            } else if let Some(characteristic) = self.characteristic()? {
                function.characteristics.push(characteristic);
            } else {
                break;
            }
        }
        if self.at("AS") || self.at("BEGIN") {
            return Err(Error::unsupported("CREATE FUNCTION with a body other than RETURN").at(self.peek().span()));
        }
        self.expect("RETURN")?;
        let start = self.start();
        if self.function_query_ahead() {
            function.query = Some(Box::new(self.query()?));
        } else {
            function.body = Some(self.expr()?);
        }
        function.body_text = self.text_since(start).to_string();
        Ok(())
    }

    /// The body is a query as a whole, not an expression that starts with one.
    fn function_query_ahead(&self) -> bool {
        if !self.query_in_parens_at(0) {
            return self.query_at(0);
        }
        let after = self.closing_of(0) + 1;
        !matches!(
            self.peek_at(after).kind,
            TokenKind::Symbol(symbol) if symbol != Symbol::Semicolon && symbol != Symbol::PipeTo
        )
    }

    fn returned_column(&mut self, name: rsql_ast::Ident) -> Result<ColumnDef> {
        let ty = Some(self.data_type()?);
        if self.at_all(&["NOT", "NULL"]) {
            return Err(Error::user("USER_DEFINED_FUNCTIONS.NOT_NULL_ON_FUNCTION_PARAMETERS")
                .param("input", quoted_name([&name.value]))
                .at(self.peek().span()));
        }
        Ok(ColumnDef {
            name,
            ty,
            not_null: false,
            default: None,
            generated: None,
            comment: self.comment()?,
        })
    }

    /// `name type [DEFAULT expr] [COMMENT '…']`
    fn function_parameter(&mut self) -> Result<ColumnDef> {
        let start = self.start();
        let name = self.name()?;
        let mut column = self.returned_column(name)?;
        loop {
            let refused = match () {
                () if self.eat("DEFAULT") => {
                    column.default = Some(self.expr()?);
                    continue;
                }
                () if self.at("COMMENT") => {
                    column.comment = self.comment()?;
                    continue;
                }
                () if self.at_any(&["CONSTRAINT", "CHECK", "UNIQUE", "PRIMARY", "REFERENCES"]) => {
                    "CREATE_FUNC_WITH_COLUMN_CONSTRAINTS"
                }
                () if self.at("GENERATED") => "CREATE_FUNC_WITH_GENERATED_COLUMNS_AS_PARAMETERS",
                () => return Ok(column),
            };
            return Err(Error::user(format!("INVALID_SQL_SYNTAX.{refused}")).at(self.span_since(start)));
        }
    }

    fn characteristic(&mut self) -> Result<Option<String>> {
        let start = self.start();
        let Some((words, argument)) = CHARACTERISTICS.iter().find(|(words, _)| self.at_all(words)) else {
            return Ok(None);
        };
        self.expect_all(words)?;
        if *argument {
            if self.at_string() {
                self.string()?;
            } else {
                self.name_parts()?;
            }
        }
        Ok(Some(self.text_since(start).to_string()))
    }
}

fn empty_function(name: NameExpr) -> CreateFunction {
    CreateFunction {
        name,
        or_replace: false,
        temporary: false,
        if_not_exists: false,
        params: Vec::new(),
        returns: None,
        returns_table: None,
        characteristics: Vec::new(),
        collation: None,
        body: None,
        query: None,
        class: None,
        body_text: String::new(),
    }
}
