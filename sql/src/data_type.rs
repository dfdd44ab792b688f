//! Types, and columns with types.

use rsql_ast::data_type::{ColumnDef, StructField, TypeExpr, TypeKind};
use rsql_ast::{Ident, IntervalUnit};
use rsql_common::{Error, Result, Span};

use crate::parser::Parser;
use crate::token::{Symbol, TokenKind};

/// Types without structure, and how many arguments each takes at most.
const SIMPLE_TYPES: [(&str, usize); 31] = [
    ("boolean", 0),
    ("tinyint", 0),
    ("byte", 0),
    ("smallint", 0),
    ("short", 0),
    ("int", 0),
    ("integer", 0),
    ("bigint", 0),
    ("long", 0),
    ("float", 0),
    ("real", 0),
    ("double", 0),
    ("date", 0),
    ("time", 1),
    ("timestamp", 1),
    ("timestamp_ntz", 1),
    ("timestamp_ltz", 1),
    ("string", 0),
    ("binary", 0),
    ("char", 1),
    ("character", 1),
    ("varchar", 1),
    ("decimal", 2),
    ("dec", 2),
    ("numeric", 2),
    ("void", 0),
    ("null", 0),
    ("variant", 0),
    ("interval", 0),
    ("geography", 1),
    ("geometry", 1),
];

impl Parser<'_> {
    /// A type, nested ones included.
    pub(crate) fn data_type(&mut self) -> Result<TypeExpr> {
        self.nested(Self::type_here)
    }

    fn type_here(&mut self) -> Result<TypeExpr> {
        let start = self.start();
        if self.peek().kind == TokenKind::Quoted {
            let ident = self.ident()?;
            return Err(unsupported_type(
                &ident.value.to_ascii_uppercase(),
                self.span_since(start),
            ));
        }
        if self.peek().kind != TokenKind::Word {
            return Err(self.expected("a type"));
        }
        let token = self.advance();
        let name = self.token_text(token).to_ascii_lowercase();
        let kind = match name.as_str() {
            "array" | "map" | "struct" => self.nested_type(&name, start)?,
            "interval" => TypeKind::Interval(self.interval_fields()?),
            _ => self.simple_type(name, start)?,
        };
        let ty = TypeExpr {
            kind,
            span: self.span_since(start),
        };
        let text = matches!(&ty.kind, TypeKind::Simple { name, .. }
            if matches!(name.as_str(), "string" | "char" | "character" | "varchar"));
        if text && self.at("COLLATE") && self.identifier_at(1) {
            self.advance();
            let mut parts = self.name_parts()?;
            let Some(collation) = parts.pop() else {
                return self.fail();
            };
            return Ok(TypeExpr {
                kind: TypeKind::Collated(Box::new(ty), collation),
                span: self.span_since(start),
            });
        }
        Ok(ty)
    }

    fn nested_type(&mut self, name: &str, start: u32) -> Result<TypeKind> {
        if name == "struct" && self.eat_symbol(Symbol::NotEq) {
            return Ok(TypeKind::Struct(Vec::new()));
        }
        if !self.eat_symbol(Symbol::Lt) {
            let condition = format!("INCOMPLETE_TYPE_DEFINITION.{}", name.to_ascii_uppercase());
            return Err(Error::user(condition).at(self.span_since(start)));
        }
        let kind = match name {
            "array" => TypeKind::Array(Box::new(self.data_type()?)),
            "map" => {
                let key = Box::new(self.data_type()?);
                self.expect_symbol(Symbol::Comma)?;
                TypeKind::Map(key, Box::new(self.data_type()?))
            }
            _ if self.at_symbol(Symbol::Gt) => TypeKind::Struct(Vec::new()),
            _ => TypeKind::Struct(self.comma_separated(Self::struct_field)?),
        };
        self.expect_closing_angle()?;
        Ok(kind)
    }

    /// `name[:] type [NOT NULL] [COLLATE c] [COMMENT '…']`
    fn struct_field(&mut self) -> Result<StructField> {
        let name = self.name()?;
        self.eat_symbol(Symbol::Colon);
        let ty = self.data_type()?;
        let not_null = self.not_null()?;
        Ok(StructField {
            name,
            ty,
            not_null,
            comment: self.comment()?,
        })
    }

    fn not_null(&mut self) -> Result<bool> {
        if (self.at("NOT") || self.at_symbol(Symbol::Bang)) && self.at_n(1, "NULL") {
            self.advance();
            self.advance();
            return Ok(true);
        }
        Ok(false)
    }

    /// `COMMENT '…'`, if it follows.
    pub(crate) fn comment(&mut self) -> Result<Option<String>> {
        if self.at("COMMENT") {
            self.advance();
            return Ok(Some(self.string()?));
        }
        Ok(None)
    }

    /// `YEAR TO MONTH`, `DAY`, … after INTERVAL.
    fn interval_fields(&mut self) -> Result<Option<(IntervalUnit, IntervalUnit)>> {
        use IntervalUnit::{Day, Hour, Minute, Month, Second, Year};
        let start = self.start();
        let Some(from) = self.interval_field() else {
            return Ok(None);
        };
        if !self.at("TO") {
            return Ok(Some((from, from)));
        }
        let grammatical = match from {
            Year | Month => self.at_n(1, "MONTH"),
            _ => self.at_n(1, "HOUR") || self.at_n(1, "MINUTE") || self.at_n(1, "SECOND"),
        };
        if !grammatical {
            return self.fail();
        }
        self.advance();
        let to = self.interval_field();
        match (from, to) {
            (_, Some(to)) if to == from => Ok(Some((from, to))),
            (Year, Some(Month))
            | (Day, Some(Hour | Minute | Second))
            | (Hour, Some(Minute | Second))
            | (Minute, Some(Second)) => Ok(to.map(|to| (from, to))),
            (_, Some(to)) => Err(Error::user("_LEGACY_ERROR_TEMP_0028")
                .param("from", from.name().to_ascii_lowercase())
                .param("to", to.name().to_ascii_lowercase())
                .at(self.span_since(start))),
            (_, None) => self.fail(),
        }
    }

    fn interval_field(&mut self) -> Option<IntervalUnit> {
        const FIELDS: [&str; 6] = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"];
        let found = FIELDS.iter().find(|f| self.at(f))?;
        self.advance();
        IntervalUnit::parse(found)
    }

    fn simple_type(&mut self, name: String, start: u32) -> Result<TypeKind> {
        let mut args = Vec::new();
        let Some((_, max_args)) = SIMPLE_TYPES.iter().find(|(n, _)| *n == name) else {
            return Err(unsupported_type(&name.to_ascii_uppercase(), self.span_since(start)));
        };
        if self.eat_symbol(Symbol::LeftParen) {
            args = if name.starts_with("geo") && (self.at_string() || self.at("ANY")) {
                self.advance();
                Vec::new()
            } else {
                self.comma_separated(Self::integer)?
            };
            self.expect_symbol(Symbol::RightParen)?;
            if args.len() > *max_args {
                let written = self.text_since(start).to_ascii_uppercase();
                return Err(unsupported_type(&written, self.span_since(start)));
            }
        }
        if args.is_empty() && matches!(name.as_str(), "char" | "character" | "varchar") {
            return Err(Error::user("DATATYPE_MISSING_SIZE")
                .param("type", format!("\"{}\"", name.to_ascii_uppercase()))
                .at(self.span_since(start)));
        }
        if let (true, [precision, rest @ ..]) = (*max_args == 2, args.as_slice()) {
            let scale = rest.first().copied().unwrap_or(0);
            let error = match () {
                () if *precision > 38 => Error::user("DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION")
                    .param("precision", precision.to_string())
                    .param("maxPrecision", "38"),
                () if scale > *precision => Error::user("DECIMAL_SCALE_EXCEEDS_PRECISION")
                    .param("scale", scale.to_string())
                    .param("precision", precision.to_string()),
                () => return Ok(TypeKind::Simple { name, args }),
            };
            return Err(error.at(self.span_since(start)));
        }
        let name = match name.as_str() {
            "timestamp" | "time" if self.eat_all(&["WITHOUT", "TIME", "ZONE"]) => {
                if name == "time" {
                    name
                } else {
                    "timestamp_ntz".into()
                }
            }
            "timestamp" if self.eat_all(&["WITH", "LOCAL", "TIME", "ZONE"]) => "timestamp_ltz".into(),
            _ => name,
        };
        Ok(TypeKind::Simple { name, args })
    }

    /// An integer without sign.
    pub(crate) fn integer(&mut self) -> Result<i64> {
        let token = self.peek();
        match self.token_text(token).parse() {
            Ok(n) if token.kind == TokenKind::Number => {
                self.advance();
                Ok(n)
            }
            _ => self.fail(),
        }
    }

    /// A column of a schema string: `name [:] type [NOT NULL] [COMMENT '…']`
    pub(crate) fn schema_column(&mut self) -> Result<ColumnDef> {
        let name = self.name()?;
        self.eat_symbol(Symbol::Colon);
        self.column_rest(name)
    }

    /// A column of CREATE TABLE: name, type, and its options in any order.
    pub(crate) fn table_column(&mut self) -> Result<ColumnDef> {
        let name = self.name()?;
        self.column_rest(name)
    }

    pub(crate) fn column_rest(&mut self, name: Ident) -> Result<ColumnDef> {
        let mut column = ColumnDef {
            name,
            ty: Some(self.data_type()?),
            not_null: false,
            default: None,
            generated: None,
            comment: None,
        };
        loop {
            let start = self.start();
            let repeated = match () {
                () if self.not_null()? => std::mem::replace(&mut column.not_null, true).then_some("NOT NULL"),
                () if self.eat("DEFAULT") => column.default.replace(self.expr()?).map(|_| "DEFAULT"),
                () if self.at("COMMENT") => std::mem::replace(&mut column.comment, self.comment()?).map(|_| "COMMENT"),
                () if self.eat_all(&["GENERATED", "ALWAYS", "AS"]) => {
                    if self.at("IDENTITY") {
                        return Err(Error::unsupported("identity columns").at(self.span_since(start)));
                    }
                    let expr = self.parenthesized(Self::expr)?;
                    column.generated.replace(expr).map(|_| "GENERATED")
                }
                () if self.at_any(&["CONSTRAINT", "CHECK", "UNIQUE", "PRIMARY", "REFERENCES"])
                    && self.peek_at(1).kind != TokenKind::End =>
                {
                    return Err(Error::unsupported("column constraints").at(self.peek().span()));
                }
                () => return Ok(column),
            };
            if let Some(option) = repeated {
                return Err(Error::user("CREATE_TABLE_COLUMN_DESCRIPTOR_DUPLICATE")
                    .param("columnName", column.name.value)
                    .param("optionName", option)
                    .at(self.span_since(start)));
            }
        }
    }
}

fn unsupported_type(name: &str, span: Span) -> Error {
    Error::user("UNSUPPORTED_DATATYPE")
        .param("typeName", format!("\"{name}\""))
        .at(span)
}
