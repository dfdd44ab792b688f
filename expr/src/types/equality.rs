//! Equality of types: `STRING COLLATE UTF8_BINARY` is STRING.

use std::hash::{Hash, Hasher};
use std::mem::discriminant;

use super::SqlType;

impl PartialEq for SqlType {
    fn eq(&self, other: &Self) -> bool {
        use SqlType::{Array, DayTimeInterval, Decimal, Map, Struct, Time, YearMonthInterval};
        match (self, other) {
            (Decimal(p1, s1), Decimal(p2, s2)) => p1 == p2 && s1 == s2,
            (Time(a), Time(b)) => a == b,
            (YearMonthInterval(a, b), YearMonthInterval(c, d)) => a == c && b == d,
            (DayTimeInterval(a, b), DayTimeInterval(c, d)) => a == c && b == d,
            (Array(a), Array(b)) => a == b,
            (Map(a), Map(b)) => a == b,
            (Struct(a), Struct(b)) => a == b,
            (a, b) if a.is_string() => a.length() == b.length() && a.collation() == b.collation(),
            (a, b) => discriminant(a) == discriminant(b),
        }
    }
}

impl Eq for SqlType {}

impl Hash for SqlType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        use SqlType::{Array, DayTimeInterval, Decimal, Map, String, Struct, Time, YearMonthInterval};
        if self.is_string() {
            discriminant(&String).hash(state);
            self.length().hash(state);
            self.collation().hash(state);
            return;
        }
        discriminant(self).hash(state);
        match self {
            Decimal(p, s) => (p, s).hash(state),
            Time(p) => p.hash(state),
            YearMonthInterval(a, b) => (a, b).hash(state),
            DayTimeInterval(a, b) => (a, b).hash(state),
            Array(a) => a.hash(state),
            Map(m) => m.hash(state),
            Struct(fields) => fields.hash(state),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::SqlType;
    use crate::types::{Collation, Length};

    #[test]
    fn written_binary_is_no_other_type() {
        let binary = SqlType::collated(Collation::UTF8_BINARY);
        let lcase = SqlType::collated(Collation::UTF8_LCASE);
        assert_eq!(binary, SqlType::String);
        assert_eq!(
            SqlType::Collated(Collation::UTF8_BINARY, Length::Char(3)),
            SqlType::Char(3)
        );
        assert_ne!(lcase, SqlType::String);
        assert_ne!(SqlType::String, lcase);
        assert_eq!(SqlType::array(binary.clone()), SqlType::array(SqlType::String));
        assert_ne!(SqlType::Decimal(3, 1), SqlType::Decimal(3, 2));
        let set: std::collections::HashSet<SqlType> = [binary, SqlType::String, lcase].into();
        assert_eq!(set.len(), 2);
    }
}
