//! Types and column lists written as DDL: `a INT, b ARRAY<STRING>`, `STRUCT<a: INT>`, `array<int>`.

use std::sync::Arc;

use rsql_expr::SqlType;
use rsql_expr::types::{DayTimeField, StructField, YearMonthField};

/// Deepest nesting read.
const MAX_DEPTH: usize = 100;

/// A type, or a struct of a column list.
pub(crate) fn parse_schema(text: &str) -> Option<SqlType> {
    let tokens = tokens(text)?;
    let mut whole = Reader { tokens: &tokens, at: 0 };
    if let Some(ty) = whole.data_type(0)
        && whole.at == tokens.len()
    {
        return Some(ty);
    }
    let mut columns = Reader { tokens: &tokens, at: 0 };
    let fields = columns.fields(0)?;
    (columns.at == tokens.len()).then_some(SqlType::Struct(fields))
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    /// A name in backticks.
    Quoted(String),
    Text(String),
    Symbol(char),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '`' => {
                let mut name = String::new();
                loop {
                    match chars.next()? {
                        '`' if chars.next_if_eq(&'`').is_some() => name.push('`'),
                        '`' => break,
                        c => name.push(c),
                    }
                }
                out.push(Token::Quoted(name));
            }
            '\'' | '"' => {
                let mut comment = String::new();
                loop {
                    match chars.next()? {
                        q if q == c => break,
                        '\\' => comment.push(chars.next()?),
                        c => comment.push(c),
                    }
                }
                out.push(Token::Text(comment));
            }
            c if c.is_alphanumeric() || c == '_' => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    word.push(c);
                }
                out.push(Token::Word(word));
            }
            '<' | '>' | '(' | ')' | ',' | ':' => out.push(Token::Symbol(c)),
            _ => return None,
        }
    }
    Some(out)
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<&Token> {
        self.at += 1;
        self.tokens.get(self.at - 1)
    }

    fn symbol(&mut self, symbol: char) -> bool {
        let found = self.tokens.get(self.at) == Some(&Token::Symbol(symbol));
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, expected: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(w)) if w.eq_ignore_ascii_case(expected));
        self.at += usize::from(found);
        found
    }

    /// The text type with the collation that COLLATE says, if it follows.
    fn collated(&mut self, ty: SqlType) -> Option<SqlType> {
        if !self.word("collate") {
            return Some(ty);
        }
        match self.next()? {
            Token::Word(name) => Some(ty.with_collation(name.parse().ok()?)),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<u32> {
        match self.next()? {
            Token::Word(w) => w.parse().ok(),
            _ => None,
        }
    }

    /// `(n)` or `(n, m)`, if there.
    fn numbers(&mut self) -> Option<Vec<u32>> {
        let mut numbers = Vec::new();
        if self.symbol('(') {
            loop {
                numbers.push(self.number()?);
                if self.symbol(')') {
                    break;
                }
                if !self.symbol(',') {
                    return None;
                }
            }
        }
        Some(numbers)
    }

    fn fields(&mut self, depth: usize) -> Option<Arc<[StructField]>> {
        let mut fields = Vec::new();
        loop {
            let name = match self.next()? {
                Token::Word(w) => w.clone(),
                Token::Quoted(q) => q.clone(),
                _ => return None,
            };
            self.symbol(':');
            let ty = self.data_type(depth + 1)?;
            let mut nullable = true;
            loop {
                if self.word("not") {
                    if !self.word("null") {
                        return None;
                    }
                    nullable = false;
                } else if self.word("comment") {
                    if !matches!(self.next()?, Token::Text(_)) {
                        return None;
                    }
                } else {
                    break;
                }
            }
            fields.push(StructField {
                name: name.into(),
                ty,
                nullable,
            });
            if !self.symbol(',') {
                return Some(fields.into());
            }
        }
    }

    fn data_type(&mut self, depth: usize) -> Option<SqlType> {
        if depth > MAX_DEPTH {
            return None;
        }
        let Token::Word(word) = self.next()? else { return None };
        Some(match word.to_ascii_lowercase().as_str() {
            "void" | "null" => SqlType::Void,
            "boolean" => SqlType::Boolean,
            "tinyint" | "byte" => SqlType::Byte,
            "smallint" | "short" => SqlType::Short,
            "int" | "integer" => SqlType::Int,
            "bigint" | "long" => SqlType::Long,
            "float" | "real" => SqlType::Float,
            "double" => SqlType::Double,
            "decimal" | "dec" | "numeric" => match *self.numbers()?.as_slice() {
                [] => SqlType::Decimal(10, 0),
                [p] if (1..=38).contains(&p) => SqlType::Decimal(p as u8, 0),
                [p, s] if (1..=38).contains(&p) && s <= p => SqlType::Decimal(p as u8, s as i8),
                _ => return None,
            },
            "string" => self.collated(SqlType::String)?,
            "char" | "character" => {
                let ty = SqlType::Char(*self.numbers()?.first()?);
                self.collated(ty)?
            }
            "varchar" => {
                let ty = SqlType::Varchar(*self.numbers()?.first()?);
                self.collated(ty)?
            }
            "binary" => SqlType::Binary,
            "date" => SqlType::Date,
            "time" => match *self.numbers()?.as_slice() {
                [] => SqlType::Time(6),
                [p] if p <= 6 => SqlType::Time(p as u8),
                _ => return None,
            },
            "timestamp" | "timestamp_ltz" => SqlType::Timestamp,
            "timestamp_ntz" => SqlType::TimestampNtz,
            "interval" => self.interval()?,
            "array" => {
                let element = self.nested(|r| r.data_type(depth + 1))?;
                SqlType::array(element)
            }
            "map" => {
                let (key, value) = self.nested(|r| {
                    let key = r.data_type(depth + 1)?;
                    if !r.symbol(',') {
                        return None;
                    }
                    Some((key, r.data_type(depth + 1)?))
                })?;
                SqlType::map(key, value, true)
            }
            "struct" => {
                if self.symbol('<') && self.symbol('>') {
                    return Some(SqlType::Struct(Arc::new([])));
                }
                let fields = self.fields(depth + 1)?;
                if !self.symbol('>') {
                    return None;
                }
                SqlType::Struct(fields)
            }
            _ => return None,
        })
    }

    /// What stands between `<` and `>`.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if !self.symbol('<') {
            return None;
        }
        let value = inner(self)?;
        self.symbol('>').then_some(value)
    }

    fn interval(&mut self) -> Option<SqlType> {
        use DayTimeField::{Day, Hour, Minute, Second};
        let days = [("day", Day), ("hour", Hour), ("minute", Minute), ("second", Second)];
        let months = [("year", YearMonthField::Year), ("month", YearMonthField::Month)];
        if let Some((_, from)) = days.iter().find(|(name, _)| self.word(name)) {
            let to = if self.word("to") {
                days.iter().find(|(name, _)| self.word(name))?.1
            } else {
                *from
            };
            return Some(SqlType::DayTimeInterval(*from, to));
        }
        if let Some((_, from)) = months.iter().find(|(name, _)| self.word(name)) {
            let to = if self.word("to") {
                months.iter().find(|(name, _)| self.word(name))?.1
            } else {
                *from
            };
            return Some(SqlType::YearMonthInterval(*from, to));
        }
        Some(SqlType::CalendarInterval)
    }
}

#[cfg(test)]
mod tests {
    use super::parse_schema;

    #[test]
    fn schemas() {
        for (text, expected) in [
            ("a INT, b DOUBLE", Some("struct<a:int,b:double>")),
            (
                "STRUCT<a: INT, b: ARRAY<STRUCT<c: STRING>>>",
                Some("struct<a:int,b:array<struct<c:string>>>"),
            ),
            ("array<decimal(5,2)>", Some("array<decimal(5,2)>")),
            (
                "`a b` timestamp NOT NULL COMMENT 'x', m map<string,int>",
                Some("struct<a b:timestamp,m:map<string,int>>"),
            ),
            ("time Timestamp", Some("struct<time:timestamp>")),
            ("i interval day to second", Some("struct<i:interval day to second>")),
            ("struct<>", Some("struct<>")),
            ("a", None),
            ("a INT,", None),
        ] {
            assert_eq!(parse_schema(text).map(|t| t.to_string()).as_deref(), expected, "{text}");
        }
    }
}
