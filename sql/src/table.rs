//! CREATE TABLE, REPLACE TABLE, and DROP of anything.

use rsql_ast::command::{CreateTable, NameExpr, Properties};
use rsql_ast::data_type::ColumnDef;
use rsql_ast::{Ident, ObjectName, StatementKind};
use rsql_common::{Error, Result, quoted_name};

use crate::create::duplicate_clause;
use crate::parser::Parser;
use crate::token::Symbol;

impl Parser<'_> {
    /// `REPLACE TABLE …`
    pub(crate) fn replace_table(&mut self) -> Result<StatementKind> {
        self.expect("REPLACE")?;
        self.create_table(true, false)
    }

    /// `[EXTERNAL] TABLE …` behind CREATE.
    pub(crate) fn create_table(&mut self, or_replace: bool, temporary: bool) -> Result<StatementKind> {
        let start = self.start();
        let external = self.eat("EXTERNAL");
        self.expect("TABLE")?;
        let if_not_exists = self.eat_if_not_exists();
        let name = self.name_expr()?;
        let mut table = empty_table(name);
        table.or_replace = or_replace;
        table.if_not_exists = if_not_exists;
        table.external = external;
        table.temporary = temporary;
        if self.eat("LIKE") {
            table.like = Some(self.object_name()?);
        } else if self.at_symbol(Symbol::LeftParen) && !self.query_in_parens_at(0) {
            table.columns = self.list(Self::table_element)?;
        }
        if self.at("USING") {
            table.format = Some(self.table_provider()?);
        }
        self.table_clauses(&mut table)?;
        let query_follows = self.eat("AS") || self.query_at(0) || self.query_in_parens_at(0);
        if query_follows {
            table.query = Some(Box::new(self.query()?));
        }
        if temporary {
            let error = if query_follows {
                Error::user("_LEGACY_ERROR_TEMP_0035").param(
                    "message",
                    "CREATE TEMPORARY TABLE ... AS ..., use CREATE TEMPORARY VIEW instead",
                )
            } else {
                Error::user("_LEGACY_ERROR_TEMP_0046")
            };
            return Err(error.at(self.span_since(start)));
        }
        if query_follows && !table.columns.is_empty() {
            return Err(Error::user("_LEGACY_ERROR_TEMP_0035")
                .param(
                    "message",
                    "Schema may not be specified in a Create Table As Select (CTAS) statement",
                )
                .at(self.span_since(start)));
        }
        Ok(StatementKind::CreateTable(Box::new(table)))
    }

    fn table_element(&mut self) -> Result<ColumnDef> {
        let constraint = (self.at("CONSTRAINT") && self.identifier_at(1) && self.identifier_at(2))
            || (self.at("CHECK") && self.symbol_at(1, Symbol::LeftParen))
            || self.at_all(&["PRIMARY", "KEY"])
            || self.at_all(&["FOREIGN", "KEY"])
            || (self.at("UNIQUE") && self.symbol_at(1, Symbol::LeftParen));
        if constraint {
            return Err(Error::unsupported("table constraints").at(self.peek().span()));
        }
        self.table_column()
    }

    /// The clauses between columns and query, in any order, none twice.
    fn table_clauses(&mut self, table: &mut CreateTable) -> Result<()> {
        loop {
            let start = self.start();
            let repeated = match () {
                () if self.eat("OPTIONS") => set_list(&mut table.options, self.properties()?, "OPTIONS"),
                () if self.eat("TBLPROPERTIES") => set_list(&mut table.properties, self.properties()?, "TBLPROPERTIES"),
                () if self.eat_all(&["PARTITIONED", "BY"]) => {
                    let fields = self.list(Self::partition_field)?;
                    set_list(&mut table.partitioned_by, fields, "PARTITIONED BY")
                }
                () if self.eat_all(&["CLUSTERED", "BY"]) => {
                    table.buckets.replace(self.buckets()?).map(|_| "CLUSTERED BY")
                }
                () if self.at_all(&["CLUSTER", "BY"]) => {
                    return Err(Error::unsupported("CLUSTER BY of a table").at(self.peek().span()));
                }
                () if self.at_all(&["SKEWED", "BY"]) => {
                    return Err(Error::unsupported("SKEWED BY").at(self.peek().span()));
                }
                () if self.at_all(&["ROW", "FORMAT"]) => {
                    return Err(Error::unsupported("ROW FORMAT").at(self.peek().span()));
                }
                () if self.at_all(&["STORED", "BY"]) => {
                    return Err(Error::unsupported("STORED BY").at(self.peek().span()));
                }
                () if self.eat_all(&["STORED", "AS"]) => {
                    if self.at("INPUTFORMAT") && !self.ends_operand(1) {
                        return Err(Error::unsupported("STORED AS INPUTFORMAT").at(self.peek().span()));
                    }
                    table.stored_as.replace(self.ident()?.value).map(|_| "STORED AS/BY")
                }
                () if self.eat("LOCATION") => table.location.replace(self.string()?).map(|_| "LOCATION"),
                () if self.at("COMMENT") => std::mem::replace(&mut table.comment, self.comment()?).map(|_| "COMMENT"),
                () if self.at_all(&["DEFAULT", "COLLATION"]) => {
                    let collation = self.default_collation()?;
                    table.collation.replace(collation).map(|_| "DEFAULT COLLATION")
                }
                () if table.like.is_some() && table.format.is_none() && self.at("USING") => {
                    table.format = Some(self.table_provider()?);
                    None
                }
                () => return Ok(()),
            };
            if let Some(name) = repeated {
                return Err(duplicate_clause(name, self.span_since(start)));
            }
        }
    }

    /// A column name, or a typed column as in Hive.
    fn partition_field(&mut self) -> Result<ColumnDef> {
        if self.identifier_at(0) && self.symbol_at(1, Symbol::LeftParen) {
            return Err(Error::unsupported("partition transforms").at(self.peek().span()));
        }
        let name = self.name()?;
        if self.at_symbol(Symbol::Comma) || self.at_symbol(Symbol::RightParen) {
            return Ok(ColumnDef {
                name,
                ty: None,
                not_null: false,
                default: None,
                generated: None,
                comment: None,
            });
        }
        if self.at_symbol(Symbol::Period) {
            return Err(Error::unsupported("partition by a nested column").at(self.peek().span()));
        }
        self.column_rest(name)
    }

    /// `(a, b) [SORTED BY (c [ASC])] INTO n BUCKETS`
    fn buckets(&mut self) -> Result<(Vec<Ident>, Vec<Ident>, i64)> {
        let columns = self.name_list()?;
        let mut sorted = Vec::new();
        if self.eat_all(&["SORTED", "BY"]) {
            sorted = self.list(|p| {
                let name = p.name()?;
                if p.at("DESC") {
                    return Err(Error::user("_LEGACY_ERROR_TEMP_0035")
                        .param(
                            "message",
                            format!("Column ordering must be ASC, was '{}'", p.token_text(p.peek())),
                        )
                        .at(p.peek().span()));
                }
                p.eat("ASC");
                Ok(name)
            })?;
        }
        self.expect("INTO")?;
        let count = self.integer()?;
        self.expect("BUCKETS")?;
        Ok((columns, sorted, count))
    }

    /// `DROP …`
    pub(crate) fn drop_statement(&mut self) -> Result<StatementKind> {
        let start = self.start();
        self.advance();
        let temporary = (self.at("TEMPORARY") || self.at("TEMP")) && {
            self.advance();
            true
        };
        match () {
            () if self.at("FUNCTION") => {
                self.advance();
                let if_exists = self.eat_if_exists();
                let name = self.name_expr()?;
                if temporary {
                    self.check_temporary_name(&name, "FUNCTION", start)?;
                }
                Ok(StatementKind::DropFunction {
                    name,
                    temporary,
                    if_exists,
                })
            }
            () if temporary && (self.eat("VARIABLE") || self.eat("VAR")) => {
                let if_exists = self.eat_if_exists();
                Ok(StatementKind::DropVariable {
                    name: self.name_expr()?,
                    if_exists,
                })
            }
            () if temporary => self.fail(),
            () if self.at("TABLE") || self.at("VIEW") => {
                let view = self.at("VIEW");
                self.advance();
                let if_exists = self.eat_if_exists();
                let name = self.name_expr()?;
                let purge = !view && self.eat("PURGE");
                Ok(StatementKind::Drop {
                    view,
                    name,
                    if_exists,
                    purge,
                })
            }
            () if self.eat_namespace() => {
                let if_exists = self.eat_if_exists();
                let name = self.name_expr()?;
                let cascade = self.eat("CASCADE");
                if !cascade {
                    self.eat("RESTRICT");
                }
                Ok(StatementKind::DropDatabase {
                    name,
                    if_exists,
                    cascade,
                })
            }
            () if self.at("INDEX") => self.unsupported("DROP INDEX"),
            () if self.at("ROLE") => Err(self.invalid_statement("DROP ROLE")),
            () => self.fail(),
        }
    }

    /// Temporary objects have no qualifier.
    pub(crate) fn check_temporary_name(&self, name: &NameExpr, kind: &str, start: u32) -> Result<()> {
        let parts: Vec<String> = match name {
            NameExpr::Name(name) => name.0.iter().map(|p| p.value.clone()).collect(),
            NameExpr::Identifier(_) => return Ok(()),
        };
        let Some((object, qualifier)) = parts.split_last() else {
            return Ok(());
        };
        let session = qualifier.last().is_some_and(|q| q.eq_ignore_ascii_case("session"));
        if qualifier.is_empty() || session {
            return Ok(());
        }
        Err(Error::user("INVALID_TEMP_OBJ_QUALIFIER")
            .param("objectType", kind)
            .param("objectName", quoted_name([&object]))
            .param("qualifier", quoted_name(qualifier))
            .at(self.span_since(start)))
    }

    /// The error for Hive statements that Spark's grammar names to refuse them.
    pub(crate) fn invalid_statement(&self, operation: &str) -> Error {
        Error::user("INVALID_STATEMENT_OR_CLAUSE")
            .param("operation", operation)
            .at(self.peek().span())
    }
}

/// Sets a list clause; the clause's name when it was set before.
fn set_list<T>(target: &mut Vec<T>, value: Vec<T>, name: &'static str) -> Option<&'static str> {
    let repeated = !target.is_empty();
    *target = value;
    repeated.then_some(name)
}

fn empty_table(name: NameExpr) -> CreateTable {
    CreateTable {
        name,
        or_replace: false,
        if_not_exists: false,
        external: false,
        temporary: false,
        columns: Vec::new(),
        format: None,
        stored_as: None,
        partitioned_by: Vec::new(),
        buckets: None,
        options: Properties::new(),
        properties: Properties::new(),
        collation: None,
        location: None,
        comment: None,
        query: None,
        like: None::<ObjectName>,
    }
}
