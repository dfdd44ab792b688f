//! Random FROM clauses: tables, joins of every kind, derived tables.

use super::data::{COLUMNS, TABLES};
use super::derived::derived;
use super::predicate::simple;
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
        1..=3 => derived(g, depth - 1),
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
    let ty = *g.pick(&[
        Type::Int,
        Type::Long,
        Type::Text,
        Type::Date,
        Type::Decimal,
        Type::Double,
    ]);
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
