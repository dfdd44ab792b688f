//! Random values: expressions of a wanted type that cannot fail.

use super::data::literal;
use super::{Column, Gen, Type};

/// An expression of type `ty` over `scope`; `depth` bounds its nesting.
pub(crate) fn value(g: &mut Gen, ty: Type, scope: &[Column], depth: u32) -> String {
    if depth == 0 || g.one_in(3) {
        return leaf(g, ty, scope);
    }
    match g.rng_index(6) {
        0 => format!(
            "CASE WHEN {} THEN {} ELSE {} END",
            super::predicate::simple(g, scope, depth - 1),
            value(g, ty, scope, depth - 1),
            value(g, ty, scope, depth - 1)
        ),
        1 => format!(
            "coalesce({}, {})",
            value(g, ty, scope, depth - 1),
            value(g, ty, scope, depth - 1)
        ),
        2 => {
            let name = if g.one_in(2) { "greatest" } else { "least" };
            format!(
                "{name}({}, {})",
                value(g, ty, scope, depth - 1),
                value(g, ty, scope, depth - 1)
            )
        }
        3 => format!(
            "nullif({}, {})",
            value(g, ty, scope, depth - 1),
            value(g, ty, scope, depth - 1)
        ),
        4 => conversion(g, ty, scope, depth - 1),
        _ => operation(g, ty, scope, depth - 1),
    }
}

/// A value of another type made one of `ty`.
fn conversion(g: &mut Gen, ty: Type, scope: &[Column], depth: u32) -> String {
    match ty {
        Type::Int => match g.rng_index(3) {
            0 => format!("length({})", value(g, Type::Text, scope, depth)),
            1 => format!("month({})", value(g, Type::Date, scope, depth)),
            _ => format!("CAST({} AS INT)", value(g, Type::Decimal, scope, depth)),
        },
        Type::Long => format!("CAST({} AS BIGINT)", value(g, Type::Int, scope, depth)),
        Type::Decimal => format!("CAST({} AS DECIMAL(9,2))", value(g, Type::Int, scope, depth)),
        Type::Text => format!("CAST({} AS STRING)", value(g, Type::Int, scope, depth)),
        Type::Date => format!("date_sub({}, 1)", value(g, Type::Date, scope, depth)),
        Type::Flag => super::predicate::simple(g, scope, depth),
        Type::Double => format!("CAST({} AS DOUBLE)", value(g, Type::Int, scope, depth)),
    }
}

impl Gen {
    pub(crate) fn rng_index(&mut self, n: usize) -> usize {
        use rand::Rng;
        self.rng.random_range(0..n)
    }
}

fn leaf(g: &mut Gen, ty: Type, scope: &[Column]) -> String {
    let fitting: Vec<&Column> = scope.iter().filter(|c| c.ty == ty).collect();
    if fitting.is_empty() || g.one_in(6) {
        if g.one_in(8) {
            g.features.null = true;
            return format!("CAST(NULL AS {})", super::data::sql_type(ty));
        }
        return literal(g, ty);
    }
    if ty == Type::Decimal {
        g.features.decimal = true;
    }
    let at = g.rng_index(fitting.len());
    fitting[at].name.clone()
}

fn operation(g: &mut Gen, ty: Type, scope: &[Column], depth: u32) -> String {
    let a = value(g, ty, scope, depth);
    let b = value(g, ty, scope, depth);
    match ty {
        Type::Int => format!("({a} {} {b}) % 100", g.pick(&["+", "-"])),
        Type::Long => format!("({a} {} {b}) % 100L", g.pick(&["+", "-", "*"])),
        Type::Decimal => format!("CAST(({a} {} {b}) % 100 AS DECIMAL(9,2))", g.pick(&["+", "-", "*"])),
        Type::Text => {
            let op = *g.pick(&["concat", "upper", "substring", "trim"]);
            match op {
                "concat" => format!("substring({a} || {b}, 1, 4)"),
                "substring" => format!("substring({a}, 2)"),
                other => format!("{other}({a})"),
            }
        }
        Type::Date => format!("date_add({a}, {})", g.pick(&["1", "0", "-31"])),
        Type::Flag => format!("({a} {} {b})", g.pick(&["AND", "OR"])),
        Type::Double => format!("({a} {} {b})", g.pick(&["+", "-", "*"])),
    }
}
