//! Random derived tables: groups, windows, set operations, limits, DISTINCT, scalar subqueries in the select list.

use super::data::sql_type;
use super::from::{TableUse, relation};
use super::predicate::{predicate, simple};
use super::scalar::value;
use super::{Column, Gen, Type};

/// A derived table over relations nested up to `depth`.
pub(crate) fn derived(g: &mut Gen, depth: u32) -> TableUse {
    match g.rng_index(7) {
        0 => grouped(g, depth),
        1 => grouping_sets(g, depth),
        2 => windowed(g, depth),
        3 => set_operation(g, depth),
        4 => limited(g, depth),
        5 => distinct(g, depth),
        _ => looked_up(g, depth),
    }
}

fn named(g: &mut Gen, body: &str, columns: &[(&str, Type)]) -> TableUse {
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

fn filter(g: &mut Gen, scope: &[Column]) -> String {
    if g.one_in(2) {
        format!(" WHERE {}", predicate(g, scope, 1))
    } else {
        String::new()
    }
}

fn grouped(g: &mut Gen, depth: u32) -> TableUse {
    let input = relation(g, depth);
    let ty = *g.pick(&[
        Type::Int,
        Type::Text,
        Type::Date,
        Type::Flag,
        Type::Double,
        Type::Decimal,
    ]);
    let key = value(g, ty, &input.columns, 1);
    let amount = value(g, Type::Int, &input.columns, 0);
    let price = value(g, Type::Decimal, &input.columns, 0);
    let filter = filter(g, &input.columns);
    let having = if g.one_in(4) { " HAVING count(*) > 1" } else { "" };
    let distinct = if g.one_in(3) { "DISTINCT " } else { "" };
    let only = if g.one_in(3) {
        format!(" FILTER (WHERE {})", simple(g, &input.columns, 1))
    } else {
        String::new()
    };
    let body = format!(
        "SELECT {key} AS k, count({distinct}{amount}){only} AS c, CAST(sum({amount}) AS BIGINT) AS m, max({amount}){only} AS x, \
         CAST(avg({price}) AS DECIMAL(9,2)) AS v FROM {}{filter} GROUP BY {key}{having}",
        input.text
    );
    named(
        g,
        &body,
        &[
            ("k", ty),
            ("c", Type::Long),
            ("m", Type::Long),
            ("x", Type::Int),
            ("v", Type::Decimal),
        ],
    )
}

fn grouping_sets(g: &mut Gen, depth: u32) -> TableUse {
    let input = relation(g, depth);
    let a = value(g, Type::Int, &input.columns, 0);
    let b = value(g, Type::Text, &input.columns, 0);
    let amount = value(g, Type::Int, &input.columns, 0);
    let sets = *g.pick(&["ROLLUP (ka, kb)", "CUBE (ka, kb)", "GROUPING SETS ((ka), (kb), ())"]);
    let body = format!(
        "SELECT ka, kb, count(*) AS c, min(am) AS x FROM (SELECT {a} AS ka, {b} AS kb, {amount} AS am FROM {}) GROUP BY {sets}",
        input.text
    );
    named(
        g,
        &body,
        &[
            ("ka", Type::Int),
            ("kb", Type::Text),
            ("c", Type::Long),
            ("x", Type::Int),
        ],
    )
}

/// Frames in rows; their orders are total up to rows that are equal in all that is put out.
const FRAMES: [&str; 5] = [
    "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
    "ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING",
    "ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING",
    "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
];

fn windowed(g: &mut Gen, depth: u32) -> TableUse {
    g.features.window = true;
    let input = relation(g, depth);
    let part = value(g, Type::Int, &input.columns, 0);
    let order = value(g, Type::Date, &input.columns, 0);
    let amount = value(g, Type::Long, &input.columns, 0);
    let down = *g.pick(&["", " DESC", " NULLS LAST"]);
    let call = *g.pick(&["rank()", "dense_rank()", "count(*)", "row_number()", "ntile(3)"]);
    let aggregate = *g.pick(&["sum", "min", "max", "count"]);
    let sliding = match g.rng_index(FRAMES.len() + 1) {
        i if i < FRAMES.len() => format!(
            "{aggregate}(am) OVER (PARTITION BY pa ORDER BY od{down}, am {})",
            FRAMES[i]
        ),
        _ => format!(
            "{}(am) OVER (PARTITION BY pa ORDER BY od{down}, am)",
            g.pick(&["lag", "lead"])
        ),
    };
    let body = format!(
        "SELECT pa AS p, am AS a, od AS o, CAST({call} OVER (PARTITION BY pa ORDER BY od{down}, am) AS INT) AS w, \
         CAST({sliding} AS BIGINT) AS q, sum(am) OVER (PARTITION BY pa) AS r \
         FROM (SELECT {part} AS pa, {order} AS od, {amount} AS am FROM {})",
        input.text
    );
    named(
        g,
        &body,
        &[
            ("p", Type::Int),
            ("a", Type::Long),
            ("o", Type::Date),
            ("w", Type::Int),
            ("q", Type::Long),
            ("r", Type::Long),
        ],
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
        let filter = filter(g, &t.columns);
        format!("SELECT {} FROM {}{filter}", items.join(", "), t.text)
    };
    let body = format!("{} {op} {}", side(g, &a), side(g, &b));
    named(g, &body, &[("u", Type::Int), ("v", Type::Text)])
}

/// The first rows in an order over all columns: which rows are equal in it does not show.
fn limited(g: &mut Gen, depth: u32) -> TableUse {
    let input = relation(g, depth);
    let (a, b) = (
        value(g, Type::Int, &input.columns, 0),
        value(g, Type::Text, &input.columns, 0),
    );
    let down = *g.pick(&["", " DESC", " NULLS LAST"]);
    let skip = *g.pick(&["", "", " OFFSET 1"]);
    let body = format!(
        "SELECT {a} AS y, {b} AS z FROM {} ORDER BY y{down}, z LIMIT {}{skip}",
        input.text,
        g.pick(&[0, 1, 2, 3, 5, 8])
    );
    named(g, &body, &[("y", Type::Int), ("z", Type::Text)])
}

fn distinct(g: &mut Gen, depth: u32) -> TableUse {
    let input = relation(g, depth);
    let ty = *g.pick(&[Type::Long, Type::Decimal, Type::Double]);
    let (a, b) = (value(g, ty, &input.columns, 0), value(g, Type::Flag, &input.columns, 1));
    let filter = filter(g, &input.columns);
    let body = format!("SELECT DISTINCT {a} AS g, {b} AS h FROM {}{filter}", input.text);
    named(g, &body, &[("g", ty), ("h", Type::Flag)])
}

/// A scalar subquery as a column.
fn looked_up(g: &mut Gen, depth: u32) -> TableUse {
    g.features.subquery = true;
    let input = relation(g, depth);
    let table = TableUse::random(g);
    let a = value(g, Type::Int, &input.columns, 0);
    let inner = value(g, Type::Int, &table.columns, 0);
    let amount = value(g, Type::Long, &table.columns, 0);
    let aggregate = *g.pick(&["count", "max", "sum"]);
    let outer = value(g, Type::Int, &input.columns, 0);
    let body = format!(
        "SELECT {a} AS y, (SELECT {aggregate}({amount}) FROM {} WHERE {inner} = {outer}) AS n FROM {}",
        table.text, input.text
    );
    named(g, &body, &[("y", Type::Int), ("n", Type::Long)])
}
