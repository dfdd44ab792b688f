//! What of an answer's order a query decides: the columns of its ORDER BY that are columns of the answer, up to the first key
//! that is none. Rows with equal keys may stand in any order; the keys may not.

use rsql_ast::expr::OrderItem;
use rsql_ast::{ExprKind, Literal, StatementKind};

/// One row in text.
pub type Row = Vec<Option<String>>;

/// The places of the answer's columns that its order is decided by; none if the statement orders nothing.
pub fn key_columns(sql: &str, names: &[&str]) -> Vec<usize> {
    let Ok(parsed) = rsql_sql::parse_statement(sql, &rsql_sql::ParseOptions::default()) else {
        return Vec::new();
    };
    match parsed.kind {
        StatementKind::Query(q) => q.order_by.iter().map_while(|item| place(item, names)).collect(),
        _ => Vec::new(),
    }
}

fn place(item: &OrderItem, names: &[&str]) -> Option<usize> {
    match &item.expr.kind {
        ExprKind::Literal(Literal::Int(n)) => usize::try_from(*n).ok()?.checked_sub(1).filter(|i| *i < names.len()),
        ExprKind::Column(parts) => {
            let [name] = parts.as_slice() else { return None };
            let mut found = (0..names.len()).filter(|i| names[*i].eq_ignore_ascii_case(&name.value));
            // A name that two columns have says nothing.
            found.next().filter(|_| found.next().is_none())
        }
        _ => None,
    }
}

/// The keys of all rows, in their order.
pub fn keys(rows: &[Row], columns: &[usize]) -> Vec<Row> {
    let key = |row: &Row| columns.iter().map(|c| row.get(*c).cloned().flatten()).collect();
    rows.iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_columns_count() {
        let names = ["a", "b", "x", "x"];
        let of = |order: &str| key_columns(&format!("SELECT * FROM t ORDER BY {order}"), &names);
        assert_eq!(of("B DESC, 1"), [1, 0]);
        assert_eq!(of("a, b + 1, b"), [0], "behind what is no column nothing is known");
        assert_eq!(of("x"), [0; 0]);
        assert_eq!(of("9"), [0; 0]);
        assert_eq!(key_columns("SELECT a FROM t", &names), [0; 0]);
        assert_eq!(key_columns("not sql", &names), [0; 0]);
    }

    #[test]
    fn rows_are_cut_to_their_keys() {
        let row = |a: &str, b: &str| vec![Some(a.to_string()), Some(b.to_string())];
        let rows = [row("1", "x"), row("2", "y")];
        assert_eq!(keys(&rows, &[1]), [[Some("x".to_string())], [Some("y".to_string())]]);
    }
}
