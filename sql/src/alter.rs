//! ALTER TABLE, ALTER VIEW, ALTER DATABASE.

use rsql_ast::command::{AlterAction, AlterTable, NameExpr};
use rsql_ast::data_type::ColumnDef;
use rsql_ast::{Ident, StatementKind};
use rsql_common::{Error, Result};

use crate::parser::Parser;
use crate::token::Symbol;

impl Parser<'_> {
    pub(crate) fn alter(&mut self) -> Result<StatementKind> {
        self.advance();
        match () {
            () if self.eat_namespace() => self.alter_database(),
            () if self.eat("TABLE") => self.alter_table(false),
            () if self.eat("VIEW") => self.alter_table(true),
            () if self.at("INDEX") => Err(self.invalid_statement("ALTER INDEX")),
            () => self.fail(),
        }
    }

    fn alter_database(&mut self) -> Result<StatementKind> {
        let name = self.name_expr()?;
        let mut properties = Vec::new();
        let mut location = None;
        let mut collation = None;
        if self.at("UNSET") {
            return self.unsupported("ALTER DATABASE … UNSET");
        }
        if self.at_all(&["DEFAULT", "COLLATION"]) {
            collation = Some(self.default_collation()?);
            return Ok(StatementKind::AlterDatabase {
                name,
                properties,
                location,
                collation,
            });
        }
        self.expect("SET")?;
        if self.eat("DBPROPERTIES") || self.eat("PROPERTIES") {
            properties = self.properties()?;
        } else {
            self.expect("LOCATION")?;
            location = Some(self.string()?);
        }
        Ok(StatementKind::AlterDatabase {
            name,
            properties,
            location,
            collation,
        })
    }

    fn alter_table(&mut self, view: bool) -> Result<StatementKind> {
        let name = self.name_expr()?;
        if view && let Some(statement) = self.alter_view(&name)? {
            return Ok(statement);
        }
        let action = self.alter_action(view)?;
        Ok(StatementKind::AlterTable(Box::new(AlterTable { view, name, action })))
    }

    /// `AS query` or `WITH SCHEMA …`, if that follows.
    fn alter_view(&mut self, name: &NameExpr) -> Result<Option<StatementKind>> {
        if self.at_all(&["WITH", "SCHEMA"]) {
            self.schema_binding()?;
            return Ok(Some(StatementKind::Unsupported("ALTER VIEW … WITH SCHEMA".into())));
        }
        if !self.eat("AS") && !self.query_at(0) && !self.query_in_parens_at(0) {
            return Ok(None);
        }
        let start = self.start();
        let query = Box::new(self.query()?);
        Ok(Some(StatementKind::AlterViewAs {
            name: name.clone(),
            query,
            query_text: self.text_since(start).to_string(),
        }))
    }

    fn alter_action(&mut self, view: bool) -> Result<AlterAction> {
        let partition_first = self.at("PARTITION") && self.symbol_at(1, Symbol::LeftParen);
        if partition_first {
            self.partition_spec()?;
            return self.other("PARTITION (…) with an action");
        }
        match () {
            () if self.eat_all(&["RENAME", "TO"]) => Ok(AlterAction::Rename(self.object_name()?)),
            () if self.eat_all(&["RENAME", "COLUMN"]) => {
                let from = self.name_parts()?;
                self.expect("TO")?;
                Ok(AlterAction::RenameColumn(from, self.name()?))
            }
            () if self.eat_all(&["SET", "TBLPROPERTIES"]) => Ok(AlterAction::SetProperties(self.properties()?)),
            () if self.eat_all(&["UNSET", "TBLPROPERTIES"]) => {
                let if_exists = self.eat_if_exists();
                Ok(AlterAction::UnsetProperties {
                    keys: self.property_keys()?,
                    if_exists,
                })
            }
            () if self.eat_all(&["SET", "LOCATION"]) => Ok(AlterAction::SetLocation(self.string()?)),
            () if self.eat_all(&["RECOVER", "PARTITIONS"]) => Ok(AlterAction::RecoverPartitions),
            () if self.eat("ADD") => self.add(),
            () if self.eat("DROP") => self.drop_action(),
            () if self.eat("ALTER") || self.eat("CHANGE") => self.alter_column(),
            () if self.at_all(&["REPLACE", "COLUMNS"]) => self.other("REPLACE COLUMNS"),
            () if self.at("SET") && (self.at_n(1, "SERDE") || self.at_n(1, "SERDEPROPERTIES")) => {
                self.other("SET SERDE")
            }
            () if self.at_all(&["CLUSTER", "BY"]) => self.other("CLUSTER BY"),
            () if !view && self.at_all(&["DEFAULT", "COLLATION"]) => {
                Ok(AlterAction::DefaultCollation(self.default_collation()?))
            }
            () if self.at_any(&["EXCHANGE", "ARCHIVE", "UNARCHIVE", "TOUCH", "COMPACT", "CONCATENATE"])
                || self.at_all(&["SKEWED", "BY"])
                || self.at_all(&["CLUSTERED", "BY"]) =>
            {
                let word = self.token_text(self.peek()).to_ascii_uppercase();
                Err(self.invalid_statement(&format!("ALTER TABLE {word}")))
            }
            () => self.fail(),
        }
    }

    /// An action that is only named; the rest of the statement is passed over.
    fn other(&mut self, name: &str) -> Result<AlterAction> {
        self.unsupported(name)?;
        Ok(AlterAction::Other(name.to_string()))
    }

    fn add(&mut self) -> Result<AlterAction> {
        if self.at("CONSTRAINT") || self.at("CHECK") || self.at("PRIMARY") || self.at("FOREIGN") || self.at("UNIQUE") {
            return self.other("ADD CONSTRAINT");
        }
        if self.eat("COLUMN") || self.eat("COLUMNS") {
            let columns = if self.at_symbol(Symbol::LeftParen) {
                self.list(Self::added_column)?
            } else {
                self.comma_separated(Self::added_column)?
            };
            return Ok(AlterAction::AddColumns(columns));
        }
        let if_not_exists = self.eat_if_not_exists();
        let mut partitions = Vec::new();
        while self.at("PARTITION") {
            let spec = self.partition_spec()?;
            let location = if self.eat("LOCATION") {
                Some(self.string()?)
            } else {
                None
            };
            partitions.push((spec, location));
        }
        if partitions.is_empty() {
            return self.fail();
        }
        Ok(AlterAction::AddPartitions {
            if_not_exists,
            partitions,
        })
    }

    fn added_column(&mut self) -> Result<ColumnDef> {
        let mut parts = self.name_parts()?;
        let name = match (parts.pop(), parts.is_empty()) {
            (Some(name), true) => name,
            _ => return Err(Error::unsupported("ADD COLUMN of a nested column").at(self.peek().span())),
        };
        let column = self.column_rest(name)?;
        if self.at("FIRST") || (self.at("AFTER") && self.identifier_at(1)) {
            return Err(Error::unsupported("ADD COLUMN … FIRST or AFTER").at(self.peek().span()));
        }
        Ok(column)
    }

    fn drop_action(&mut self) -> Result<AlterAction> {
        if self.eat("COLUMN") || self.eat("COLUMNS") {
            if self.eat_if_exists() {
                return self.other("DROP COLUMN IF EXISTS");
            }
            let columns: Vec<Vec<Ident>> = if self.at_symbol(Symbol::LeftParen) {
                self.list(Self::name_parts)?
            } else {
                self.comma_separated(Self::name_parts)?
            };
            return Ok(AlterAction::DropColumns(columns));
        }
        if self.at("CONSTRAINT") {
            return self.other("DROP CONSTRAINT");
        }
        let if_exists = self.eat_if_exists();
        let partitions = self.comma_separated(Self::partition_spec)?;
        self.eat("PURGE");
        Ok(AlterAction::DropPartitions { if_exists, partitions })
    }

    /// `[COLUMN] name TYPE t | COMMENT '…' | SET … | DROP … | FIRST | AFTER c`, or Hive's `name new_name type`.
    fn alter_column(&mut self) -> Result<AlterAction> {
        let start = self.start();
        if self.at("COLUMN") && self.identifier_at(1) {
            self.advance();
        }
        let column = self.name_parts()?;
        let mut change = (None, None, None, None);
        let action = self.start();
        match () {
            () if self.eat("TYPE") => change.1 = Some(self.data_type()?),
            () if self.at("COMMENT") => change.2 = self.comment()?,
            () if self.at_any(&["SET", "DROP", "FIRST", "AFTER"]) => {
                self.unsupported("ALTER COLUMN")?;
                change.3 = Some(self.text_since(action).to_string());
            }
            () if self.at_end() || self.at_symbol(Symbol::Semicolon) => {
                return Err(Error::user("_LEGACY_ERROR_TEMP_0035")
                    .param(
                        "message",
                        "ALTER TABLE table CHANGE COLUMN requires a TYPE, a SET/DROP, a COMMENT, or a FIRST/AFTER",
                    )
                    .at(self.span_since(start)));
            }
            () => {
                change.0 = Some(self.name()?);
                change.1 = Some(self.data_type()?);
                change.2 = self.comment()?;
                if !self.at_end() && !self.at_symbol(Symbol::Semicolon) {
                    let rest = self.start();
                    self.unsupported("CHANGE COLUMN")?;
                    change.3 = Some(self.text_since(rest).to_string());
                }
            }
        }
        if self.at_symbol(Symbol::Comma) {
            return self.other("ALTER COLUMN of several columns");
        }
        let (rename, ty, comment, other) = change;
        Ok(AlterAction::AlterColumn {
            column,
            rename,
            ty,
            comment,
            other,
        })
    }
}
