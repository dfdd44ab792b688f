//! SHOW.

use rsql_ast::command::Show;
use rsql_ast::{ObjectName, StatementKind};
use rsql_common::{Error, Result, quoted_name};

use crate::parser::Parser;
use crate::token::Symbol;

impl Parser<'_> {
    pub(crate) fn show(&mut self) -> Result<StatementKind> {
        self.advance();
        let show = match () {
            () if self.eat("TABLES") => {
                let database = self.in_database()?;
                Show::Tables {
                    database,
                    pattern: self.pattern()?,
                }
            }
            () if self.eat_all(&["TABLE", "EXTENDED"]) => {
                let database = self.in_database()?;
                self.expect("LIKE")?;
                let pattern = self.string()?;
                if self.at("PARTITION") {
                    return self.unsupported("SHOW TABLE EXTENDED … PARTITION");
                }
                Show::TableExtended { database, pattern }
            }
            () if self.eat("VIEWS") => {
                let database = self.in_database()?;
                Show::Views {
                    database,
                    pattern: self.pattern()?,
                }
            }
            () if self.eat("COLUMNS") => {
                if !self.eat("FROM") {
                    self.expect("IN")?;
                }
                let table = self.name_expr()?;
                Show::Columns {
                    table,
                    database: self.in_database()?,
                }
            }
            () if self.eat("DATABASES") || self.eat("SCHEMAS") || self.eat("NAMESPACES") => {
                if self
                    .in_database()?
                    .is_some_and(|c| !c.last().eq_ignore_ascii_case("spark_catalog"))
                {
                    return self.unsupported("SHOW DATABASES IN another catalog");
                }
                Show::Databases {
                    pattern: self.pattern()?,
                }
            }
            () if self.eat("CATALOGS") => Show::Catalogs {
                pattern: self.pattern()?,
            },
            () if self.at("CURRENT") && !self.at_n(1, "FUNCTIONS") => {
                self.advance();
                if !self.eat_namespace() {
                    return self.fail();
                }
                Show::CurrentDatabase
            }
            () if self.eat_all(&["CREATE", "TABLE"]) => {
                let table = self.name_expr()?;
                Show::CreateTable {
                    table,
                    as_serde: self.eat_all(&["AS", "SERDE"]),
                }
            }
            () if self.eat("TBLPROPERTIES") => {
                let table = self.name_expr()?;
                let key = if self.at_symbol(Symbol::LeftParen) {
                    Some(self.parenthesized(Self::property_key)?)
                } else {
                    None
                };
                Show::TableProperties { table, key }
            }
            () if self.eat("PARTITIONS") => {
                let table = self.name_expr()?;
                let partition = if self.at("PARTITION") {
                    self.partition_spec()?
                } else {
                    Vec::new()
                };
                Show::Partitions { table, partition }
            }
            () if self.eat("COLLATIONS") => Show::Collations {
                pattern: self.pattern()?,
            },
            () if self.at("PROCEDURES") => return self.unsupported("SHOW PROCEDURES"),
            () if self.at("FUNCTIONS") || self.at_n(1, "FUNCTIONS") => self.show_functions()?,
            () if self.at_any(&[
                "GRANT",
                "ROLE",
                "ROLES",
                "PRINCIPALS",
                "COMPACTIONS",
                "TRANSACTIONS",
                "INDEXES",
                "LOCKS",
            ]) =>
            {
                let word = self.token_text(self.peek()).to_ascii_uppercase();
                return Err(self.invalid_statement(&format!("SHOW {word}")));
            }
            () => return self.fail(),
        };
        Ok(StatementKind::Show(Box::new(show)))
    }

    /// `[USER | SYSTEM | ALL] FUNCTIONS [FROM d] [[LIKE] p]`
    fn show_functions(&mut self) -> Result<Show> {
        let scope = if self.eat("FUNCTIONS") {
            None
        } else {
            let token = self.advance();
            let scope = self.token_text(token).to_ascii_uppercase();
            if !["USER", "SYSTEM", "ALL"].contains(&scope.as_str()) {
                return Err(Error::user("INVALID_SQL_SYNTAX.SHOW_FUNCTIONS_INVALID_SCOPE")
                    .param("scope", quoted_name([self.token_text(token)]))
                    .at(token.span()));
            }
            self.expect("FUNCTIONS")?;
            Some(scope)
        };
        let database = self.in_database()?;
        let liked = self.eat("LIKE");
        let pattern = match () {
            () if self.at_string() => Some(self.string()?),
            () if self.identifier_at(0) => {
                let name: Vec<String> = self.name_parts()?.into_iter().map(|p| p.value).collect();
                Some(name.join("."))
            }
            () if liked => return self.fail(),
            () => None,
        };
        Ok(Show::Functions {
            scope,
            database,
            pattern,
        })
    }

    /// `FROM d` or `IN d`, if it follows.
    fn in_database(&mut self) -> Result<Option<ObjectName>> {
        if !self.eat("FROM") && !self.eat("IN") {
            return Ok(None);
        }
        match self.name_expr()? {
            rsql_ast::command::NameExpr::Name(name) => Ok(Some(name)),
            rsql_ast::command::NameExpr::Identifier(expr) => {
                Err(Error::unsupported("IDENTIFIER(expr) in SHOW").at(expr.span))
            }
        }
    }

    /// `[LIKE] 'pattern'`, if it follows.
    fn pattern(&mut self) -> Result<Option<String>> {
        if self.eat("LIKE") || self.at_string() {
            return Ok(Some(self.string()?));
        }
        Ok(None)
    }
}
