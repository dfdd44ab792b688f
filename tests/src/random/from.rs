//! Random FROM clauses: tables, joins of every kind, derived tables with groups, windows, set operations and limits.

use super::data::{COLUMNS, TABLES, sql_type};
use super::predicate::{predicate, simple};
use super::scalar::value;
use super::{Column, Gen, Type};

/// A relation: its text, and the columns it brings.
#[derive(Debug, Clone)]
pub(crate) struct TableUse {
    pub text: String,
    pub columns: Vec<Column>,
}

impl TableUse {
    /// A plain table under a fresh alias.
    pub(crate) fn random(g: &mut Gen) -> Self {
        let alias = g.alias();
        let table = g.pick(&TABLES);
        Self {
            text: format!("{table} AS {alias}"),
            columns: COLUMNS
                .iter()
                .map(|(n, ty)| Column {
                    name: format!("{alias}.{n}"),
                    ty: *ty,
                })
                .collect(),
        }
    }
}

/// A relation with joins nested up to `depth`.
pub(crate) fn relation(g: &mut Gen, depth: u32) -> TableUse {
    if depth == 0 {
        return TableUse::random(g);
    }
    match g.rng_index(7) {
        0 => TableUse::random(g),
        1 => grouped(g, depth - 1),
        2 => windowed(g, depth - 1),
        3 => set_operation(g, depth - 1),
        _ => join(g, depth - 1),
    }
}

fn join(g: &mut Gen, depth: u32) -> TableUse {
    let left = relation(g, depth);
    let right = if g.one_in(3) {
        relation(g, depth)
    } else {
        TableUse::random(g)
    };
    let kind = *g.pick(&[
        "JOIN",
        "LEFT JOIN",
        "RIGHT JOIN",
        "FULL JOIN",
        "LEFT SEMI JOIN",
        "LEFT ANTI JOIN",
        "CROSS JOIN",
    ]);
    g.features.outer_join |= matches!(kind, "LEFT JOIN" | "RIGHT JOIN" | "FULL JOIN");
    let mut both = left.columns.clone();
    both.extend(right.columns.iter().cloned());
    if kind == "CROSS JOIN" {
        return TableUse {
            text: format!("{} CROSS JOIN {}", left.text, nested(&right)),
            columns: both,
        };
    }
    let ty = *g.pick(&[Type::Int, Type::Long, Type::Text, Type::Date, Type::Decimal]);
    let mut condition = format!("{} = {}", column(g, &left.columns, ty), column(g, &right.columns, ty));
    if g.one_in(3) {
        condition = format!("{condition} AND {}", simple(g, &both, 1));
    } else if g.one_in(5) {
        condition = simple(g, &both, 1);
    }
    let columns = if kind.contains("SEMI") || kind.contains("ANTI") {
        left.columns.clone()
    } else {
        both
    };
    TableUse {
        text: format!("{} {kind} {} ON {condition}", left.text, nested(&right)),
        columns,
    }
}

fn nested(right: &TableUse) -> String {
    if right.text.contains(" JOIN ") && !right.text.starts_with('(') {
        format!("({})", right.text)
    } else {
        right.text.clone()
    }
}

fn column(g: &mut Gen, scope: &[Column], ty: Type) -> String {
    value(g, ty, scope, 0)
}

fn derived(g: &mut Gen, body: &str, columns: &[(&str, Type)]) -> TableUse {
    let alias = g.alias();
    TableUse {
        text: format!("({body}) AS {alias}"),
        columns: columns
            .iter()
            .map(|(n, ty)| Column {
                name: format!("{alias}.{n}"),
                ty: *ty,
            })
            .collect(),
    }
}

fn grouped(g: &mut Gen, depth: u32) -> TableUse {
    let input = relation(g, depth);
    let ty = *g.pick(&[Type::Int, Type::Text, Type::Date, Type::Flag]);
    let key = value(g, ty, &input.columns, 1);
    let amount = value(g, Type::Int, &input.columns, 0);
    let filter = if g.one_in(2) {
        format!(" WHERE {}", predicate(g, &input.columns, 1))
    } else {
        String::new()
    };
    let having = if g.one_in(4) { " HAVING count(*) > 1" } else { "" };
    let distinct = if g.one_in(3) { "DISTINCT " } else { "" };
    let body = format!(
        "SELECT {key} AS k, count({distinct}{amount}) AS c, CAST(sum({amount}) AS BIGINT) AS m, max({amount}) AS x \
         FROM {}{filter} GROUP BY {key}{having}",
        input.text
    );
    derived(
        g,
        &body,
        &[("k", ty), ("c", Type::Long), ("m", Type::Long), ("x", Type::Int)],
    )
}

fn windowed(g: &mut Gen, depth: u32) -> TableUse {
    g.features.window = true;
    let input = relation(g, depth);
    let part = value(g, Type::Int, &input.columns, 0);
    let order = value(g, Type::Date, &input.columns, 0);
    let amount = value(g, Type::Long, &input.columns, 0);
    let call = *g.pick(&["rank()", "dense_rank()", "count(*)"]);
    let body = format!(
        "SELECT {part} AS p, {amount} AS a, CAST({call} OVER (PARTITION BY {part} ORDER BY {order}) AS INT) AS w, \
         sum({amount}) OVER (PARTITION BY {part}) AS q FROM {}",
        input.text
    );
    derived(
        g,
        &body,
        &[("p", Type::Int), ("a", Type::Long), ("w", Type::Int), ("q", Type::Long)],
    )
}

fn set_operation(g: &mut Gen, depth: u32) -> TableUse {
    let (a, b) = (relation(g, depth), TableUse::random(g));
    let op = *g.pick(&[
        "UNION ALL",
        "UNION",
        "INTERSECT",
        "EXCEPT",
        "INTERSECT ALL",
        "EXCEPT ALL",
    ]);
    let side = |g: &mut Gen, t: &TableUse| {
        let items = [
            format!(
                "CAST({} AS {}) AS u",
                value(g, Type::Int, &t.columns, 1),
                sql_type(Type::Int)
            ),
            format!("{} AS v", value(g, Type::Text, &t.columns, 0)),
        ];
        format!("SELECT {} FROM {}", items.join(", "), t.text)
    };
    let body = format!("{} {op} {}", side(g, &a), side(g, &b));
    derived(g, &body, &[("u", Type::Int), ("v", Type::Text)])
}
