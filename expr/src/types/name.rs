//! How types are written: Spark's `simpleString` (in schemas) and `sql` (in messages).

use std::fmt;

use super::{DayTimeField, Length, SqlType, YearMonthField};

impl YearMonthField {
    /// Lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
        }
    }
}

impl DayTimeField {
    /// Lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
        }
    }
}

/// Spark's `simpleString`: `struct<a:int,b:array<string>>`.
impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Void => f.write_str("void"),
            Self::Boolean => f.write_str("boolean"),
            Self::Byte => f.write_str("tinyint"),
            Self::Short => f.write_str("smallint"),
            Self::Int => f.write_str("int"),
            Self::Long => f.write_str("bigint"),
            Self::Float => f.write_str("float"),
            Self::Double => f.write_str("double"),
            Self::Decimal(p, s) => write!(f, "decimal({p},{s})"),
            Self::String => f.write_str("string"),
            Self::Char(n) => write!(f, "char({n})"),
            Self::Varchar(n) => write!(f, "varchar({n})"),
            Self::Collated(collation, Length::Any) => write!(f, "string collate {collation}"),
            Self::Collated(collation, Length::Char(n)) => write!(f, "char({n}) collate {collation}"),
            Self::Collated(collation, Length::Varchar(n)) => write!(f, "varchar({n}) collate {collation}"),
            Self::Binary => f.write_str("binary"),
            Self::Date => f.write_str("date"),
            Self::Time(p) => write!(f, "time({p})"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::TimestampNtz => f.write_str("timestamp_ntz"),
            Self::YearMonthInterval(a, b) => interval(f, a.name(), b.name()),
            Self::DayTimeInterval(a, b) => interval(f, a.name(), b.name()),
            Self::CalendarInterval => f.write_str("interval"),
            Self::Array(a) => write!(f, "array<{}>", a.element),
            Self::Map(m) => write!(f, "map<{},{}>", m.key, m.value),
            Self::Struct(fields) => {
                f.write_str("struct<")?;
                for (i, field) in fields.iter().enumerate() {
                    let comma = if i > 0 { "," } else { "" };
                    write!(f, "{comma}{}:{}", field.name, field.ty)?;
                }
                f.write_str(">")
            }
        }
    }
}

fn interval(f: &mut fmt::Formatter<'_>, from: &str, to: &str) -> fmt::Result {
    if from == to {
        write!(f, "interval {from}")
    } else {
        write!(f, "interval {from} to {to}")
    }
}

impl SqlType {
    /// Spark's `sql`, upper case: `STRUCT<a: INT NOT NULL, b: ARRAY<STRING>>`.
    pub fn sql(&self) -> String {
        match self {
            Self::Array(a) => format!("ARRAY<{}>", a.element.sql()),
            Self::Map(m) => format!("MAP<{}, {}>", m.key.sql(), m.value.sql()),
            Self::Struct(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|x| {
                        format!(
                            "{}: {}{}",
                            x.name,
                            x.ty.sql(),
                            if x.nullable { "" } else { " NOT NULL" }
                        )
                    })
                    .collect();
                format!("STRUCT<{}>", fields.join(", "))
            }
            other => other.to_string().to_uppercase(),
        }
    }

    /// `sql` in the double quotes Spark's messages put around types: `"INT"`.
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.sql())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let t = SqlType::structure([
            ("a", SqlType::Int, false),
            ("b", SqlType::array(SqlType::Decimal(10, 2)), true),
        ]);
        assert_eq!(t.to_string(), "struct<a:int,b:array<decimal(10,2)>>");
        assert_eq!(t.sql(), "STRUCT<a: INT NOT NULL, b: ARRAY<DECIMAL(10,2)>>");
        assert_eq!(SqlType::DAY_TIME.to_string(), "interval day to second");
    }
}
