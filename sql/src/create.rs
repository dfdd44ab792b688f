//! CREATE: views, databases, and which module has the rest.

use rsql_ast::command::{NameExpr, Properties, ViewScope};
use rsql_ast::data_type::ColumnDef;
use rsql_ast::{Ident, StatementKind};
use rsql_common::{Error, Result, Span};

use crate::parser::Parser;
use crate::token::Symbol;

impl Parser<'_> {
    /// `DEFAULT COLLATION name`
    pub(crate) fn default_collation(&mut self) -> Result<Ident> {
        self.expect_all(&["DEFAULT", "COLLATION"])?;
        self.name()
    }

    pub(crate) fn create(&mut self) -> Result<StatementKind> {
        let start = self.start();
        self.advance();
        let or_replace = self.eat_all(&["OR", "REPLACE"]);
        let global = self.at("GLOBAL") && {
            self.advance();
            true
        };
        let temporary = self.eat("TEMPORARY") || self.eat("TEMP");
        match () {
            () if self.eat("VIEW") => {
                let scope = match (global, temporary) {
                    (true, _) => ViewScope::GlobalTemporary,
                    (_, true) => ViewScope::Temporary,
                    _ => ViewScope::Permanent,
                };
                self.create_view(scope, or_replace, start)
            }
            () if global => self.fail(),
            () if self.at("FUNCTION") => {
                self.advance();
                self.create_function(or_replace, temporary, start)
            }
            () if self.at("TABLE") || self.at_all(&["EXTERNAL", "TABLE"]) => self.create_table(or_replace, temporary),
            () if self.eat_namespace() && !temporary && !or_replace => self.create_database(),
            () if self.at("VARIABLE") || self.at("VAR") => self.unsupported("CREATE VARIABLE"),
            () if self.at("INDEX") => self.unsupported("CREATE INDEX"),
            () if self.at("MATERIALIZED") || self.at("STREAMING") || self.at("FLOW") => {
                self.unsupported("pipeline datasets")
            }
            () if self.at("ROLE") => Err(self.invalid_statement("CREATE ROLE")),
            () => self.fail(),
        }
    }

    /// `DATABASE`, `SCHEMA` or `NAMESPACE`
    pub(crate) fn eat_namespace(&mut self) -> bool {
        self.eat("DATABASE") || self.eat("SCHEMA") || self.eat("NAMESPACE")
    }

    fn create_view(&mut self, scope: ViewScope, or_replace: bool, start: u32) -> Result<StatementKind> {
        let if_not_exists = self.eat_if_not_exists();
        let name_start = self.start();
        let name = self.name_expr()?;
        self.check_view(&name, (scope, or_replace, if_not_exists), start)?;
        if self.view_using_ahead() {
            return self.create_view_using(name_start, name, scope, or_replace);
        }
        let columns = if self.at_symbol(Symbol::LeftParen) {
            self.list(Self::view_column)?
        } else {
            Vec::new()
        };
        let mut comment = None;
        let mut properties: Option<Properties> = None;
        let mut collation = None;
        loop {
            let clause = self.start();
            let repeated = match () {
                () if self.at("COMMENT") => std::mem::replace(&mut comment, self.comment()?).map(|_| "COMMENT"),
                () if self.eat("TBLPROPERTIES") => properties.replace(self.properties()?).map(|_| "TBLPROPERTIES"),
                () if self.at_all(&["WITH", "SCHEMA"]) => {
                    self.schema_binding()?;
                    None
                }
                () if self.at_all(&["WITH", "METRICS"]) => return self.unsupported("metric views"),
                () if self.eat_all(&["PARTITIONED", "ON"]) => {
                    self.name_list()?;
                    None
                }
                () if self.at_all(&["DEFAULT", "COLLATION"]) => collation
                    .replace(self.default_collation()?)
                    .map(|_| "DEFAULT COLLATION"),
                () => break,
            };
            if let Some(clause_name) = repeated {
                return Err(duplicate_clause(clause_name, self.span_since(clause)));
            }
        }
        self.expect("AS")?;
        let query_start = self.start();
        let query = Box::new(self.query()?);
        let query_text = self.text_since(query_start).to_string();
        Ok(StatementKind::CreateView {
            name,
            scope,
            or_replace,
            if_not_exists,
            columns,
            comment,
            properties: properties.unwrap_or_default(),
            collation,
            query,
            query_text,
        })
    }

    /// IF NOT EXISTS goes with neither OR REPLACE nor TEMPORARY; a temporary view's name has no qualifier.
    fn check_view(&self, name: &NameExpr, view: (ViewScope, bool, bool), start: u32) -> Result<()> {
        let (scope, or_replace, if_not_exists) = view;
        let span = self.span_since(start);
        if if_not_exists && or_replace {
            let view_name = match name {
                NameExpr::Name(name) => name.to_string(),
                NameExpr::Identifier(expr) => expr.span.text(self.text).to_string(),
            };
            return Err(Error::user("CREATE_VIEW_WITH_IF_NOT_EXISTS_AND_REPLACE")
                .param("viewName", view_name)
                .at(span));
        }
        if scope == ViewScope::Permanent {
            return Ok(());
        }
        if if_not_exists {
            return Err(Error::user("_LEGACY_ERROR_TEMP_0053").at(span));
        }
        self.check_temporary_name(name, "VIEW", start)
    }

    /// `name [COMMENT '…']`
    fn view_column(&mut self) -> Result<ColumnDef> {
        let name = self.ident()?;
        Ok(ColumnDef {
            name,
            ty: None,
            not_null: false,
            default: None,
            generated: None,
            comment: self.comment()?,
        })
    }

    /// `WITH SCHEMA BINDING | COMPENSATION | [TYPE] EVOLUTION`
    pub(crate) fn schema_binding(&mut self) -> Result<()> {
        self.expect_all(&["WITH", "SCHEMA"])?;
        self.eat("TYPE");
        if self.eat("BINDING") || self.eat("COMPENSATION") || self.eat("EVOLUTION") {
            return Ok(());
        }
        self.fail()
    }

    fn view_using_ahead(&self) -> bool {
        if self.at_symbol(Symbol::LeftParen) {
            return self.at_n(self.closing_of(0) + 1, "USING");
        }
        self.at("USING")
    }

    /// `(columns) USING format OPTIONS (…)`
    fn create_view_using(
        &mut self,
        name_start: u32,
        name: NameExpr,
        scope: ViewScope,
        or_replace: bool,
    ) -> Result<StatementKind> {
        let NameExpr::Name(name) = name else {
            return Err(Error::unsupported("IDENTIFIER(expr) before USING").at(self.span_since(name_start)));
        };
        if scope == ViewScope::Permanent {
            return self.fail();
        }
        let columns = if self.at_symbol(Symbol::LeftParen) {
            self.list(Self::schema_column)?
        } else {
            Vec::new()
        };
        let format = self.table_provider()?;
        let options = if self.eat("OPTIONS") {
            self.properties()?
        } else {
            Vec::new()
        };
        Ok(StatementKind::CreateViewUsing {
            name,
            scope,
            or_replace,
            columns,
            format,
            options,
        })
    }

    /// `USING format`
    pub(crate) fn table_provider(&mut self) -> Result<String> {
        self.expect("USING")?;
        let parts = self.name_parts()?;
        let texts: Vec<String> = parts.into_iter().map(|p| p.value).collect();
        Ok(texts.join("."))
    }

    fn create_database(&mut self) -> Result<StatementKind> {
        let if_not_exists = self.eat_if_not_exists();
        let name = self.name_expr()?;
        let mut comment = None;
        let mut location = None;
        let mut properties: Option<Properties> = None;
        let mut collation = None;
        loop {
            let clause = self.start();
            let repeated = match () {
                () if self.at("COMMENT") => std::mem::replace(&mut comment, self.comment()?).map(|_| "COMMENT"),
                () if self.eat("LOCATION") => location.replace(self.string()?).map(|_| "LOCATION"),
                () if self.eat_all(&["WITH", "DBPROPERTIES"]) || self.eat_all(&["WITH", "PROPERTIES"]) => {
                    properties.replace(self.properties()?).map(|_| "WITH PROPERTIES")
                }
                () if self.at_all(&["DEFAULT", "COLLATION"]) => collation
                    .replace(self.default_collation()?)
                    .map(|_| "DEFAULT COLLATION"),
                () => break,
            };
            if let Some(clause_name) = repeated {
                return Err(duplicate_clause(clause_name, self.span_since(clause)));
            }
        }
        Ok(StatementKind::CreateDatabase {
            name,
            if_not_exists,
            comment,
            location,
            properties: properties.unwrap_or_default(),
            collation,
        })
    }
}

/// The error for a clause that stands twice.
pub(crate) fn duplicate_clause(name: &str, span: Span) -> Error {
    Error::user("DUPLICATE_CLAUSES").param("clauseName", name).at(span)
}
