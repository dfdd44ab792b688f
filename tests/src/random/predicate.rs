//! Random predicates: comparisons, NULL tests, LIKE, IN, EXISTS, and their combinations.

use super::from::TableUse;
use super::scalar::value;
use super::{Column, Gen, Type};

const COMPARISONS: [&str; 7] = ["=", "<>", "<", "<=", ">", ">=", "<=>"];

/// A predicate that may hold subqueries.
pub(crate) fn predicate(g: &mut Gen, scope: &[Column], depth: u32) -> String {
    if depth == 0 {
        return simple(g, scope, 0);
    }
    match g.rng_index(8) {
        0 => format!(
            "({} AND {})",
            predicate(g, scope, depth - 1),
            predicate(g, scope, depth - 1)
        ),
        1 => format!(
            "({} OR {})",
            predicate(g, scope, depth - 1),
            predicate(g, scope, depth - 1)
        ),
        2 => format!("(NOT {})", predicate(g, scope, depth - 1)),
        3 | 4 => subquery(g, scope, depth - 1),
        _ => simple(g, scope, depth),
    }
}

/// A predicate without subqueries.
pub(crate) fn simple(g: &mut Gen, scope: &[Column], depth: u32) -> String {
    let ty = *g.pick(&[
        Type::Int,
        Type::Int,
        Type::Long,
        Type::Decimal,
        Type::Text,
        Type::Date,
        Type::Flag,
        Type::Double,
    ]);
    let deeper = depth.saturating_sub(1);
    let a = value(g, ty, scope, deeper);
    match g.rng_index(7) {
        0 => {
            g.features.null = true;
            format!("({a} IS {}NULL)", g.pick(&["", "NOT "]))
        }
        1 => {
            let list: Vec<String> = (0..3).map(|_| value(g, ty, scope, 0)).collect();
            format!("({a} {}IN ({}))", g.pick(&["", "NOT "]), list.join(", "))
        }
        2 => format!(
            "({a} BETWEEN {} AND {})",
            value(g, ty, scope, 0),
            value(g, ty, scope, 0)
        ),
        3 if ty == Type::Text => format!(
            "({a} LIKE '{}')",
            g.pick(&["a%", "%b", "%b%", "_", "ab", "%", "x\\\\_y"])
        ),
        4 if ty == Type::Flag => a,
        _ => format!("({a} {} {})", g.pick(&COMPARISONS), value(g, ty, scope, deeper)),
    }
}

fn subquery(g: &mut Gen, scope: &[Column], depth: u32) -> String {
    g.features.subquery = true;
    let ty = *g.pick(&[Type::Int, Type::Long, Type::Text, Type::Date, Type::Decimal]);
    let table = TableUse::random(g);
    let mut inner = table.columns.clone();
    // Half of the subqueries are correlated: their predicate sees the outer columns too.
    let correlated = g.one_in(2);
    if correlated {
        inner.extend(scope.iter().cloned());
    }
    let filter = if depth > 0 && g.one_in(4) {
        predicate(g, &inner, depth - 1)
    } else {
        simple(g, &inner, depth.min(1))
    };
    let item = value(g, ty, &table.columns, 0);
    let from = &table.text;
    match g.rng_index(4) {
        0 => format!(
            "({} {}IN (SELECT {item} FROM {from} WHERE {filter}))",
            value(g, ty, scope, 0),
            g.pick(&["", "NOT "])
        ),
        1 => format!(
            "({}EXISTS (SELECT 1 FROM {from} WHERE {filter}))",
            g.pick(&["", "NOT "])
        ),
        2 => {
            let aggregate = *g.pick(&["max", "min", "count"]);
            let (left, item) = if aggregate == "count" {
                (value(g, Type::Long, scope, 0), "*".to_string())
            } else {
                (value(g, ty, scope, 0), item)
            };
            format!(
                "({left} {} (SELECT {aggregate}({item}) FROM {from} WHERE {filter}))",
                g.pick(&COMPARISONS)
            )
        }
        _ => format!(
            "({} {} (SELECT sum({}) FROM {from} WHERE {filter}))",
            value(g, Type::Long, scope, 0),
            g.pick(&COMPARISONS),
            value(g, Type::Int, &table.columns, 0)
        ),
    }
}
