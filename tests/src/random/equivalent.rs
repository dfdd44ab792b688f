//! Pairs of queries that say the same in two ways: one through an operator, the other without it.

use super::from::{TableUse, relation};
use super::predicate::simple;
use super::scalar::value;
use super::{Column, Gen, Type};

/// Two texts whose rows are the same multiset.
pub(crate) fn pair(g: &mut Gen) -> (String, String) {
    match g.rng_index(13) {
        0 => outer_join(g),
        1 => full_join(g),
        2 => membership(g),
        3 => scalar_aggregate(g),
        4 => range_frame(g),
        5 => rows_frame(g),
        6 => distinct_count(g),
        7 => set_operation(g),
        8 => product(g),
        9 => first_rows(g),
        10 => group(g),
        11 => semi_join(g),
        _ => expression(g),
    }
}

fn names(columns: &[Column]) -> Vec<String> {
    columns.iter().take(5).map(|c| c.name.clone()).collect()
}

fn aliased(items: &[String]) -> String {
    let items: Vec<String> = items.iter().enumerate().map(|(i, e)| format!("{e} AS c{i}")).collect();
    items.join(", ")
}

/// Two tables, and a condition over both: mostly an equality.
fn sides(g: &mut Gen) -> (TableUse, TableUse, String) {
    let (left, right) = (TableUse::random(g), TableUse::random(g));
    let ty = *g.pick(&[Type::Int, Type::Text, Type::Decimal, Type::Double]);
    let mut on = format!(
        "{} = {}",
        value(g, ty, &left.columns, 0),
        value(g, ty, &right.columns, 0)
    );
    let both: Vec<Column> = left.columns.iter().chain(&right.columns).cloned().collect();
    match g.rng_index(4) {
        0 => on = format!("{on} AND {}", simple(g, &both, 1)),
        1 => on = simple(g, &both, 1),
        _ => {}
    }
    (left, right, on)
}

/// What a join gives for the rows of `of` without partner in `other`.
fn unmatched(of: &TableUse, other: &TableUse, on: &str, items: &str) -> String {
    format!(
        "SELECT {items} FROM {} WHERE NOT EXISTS (SELECT 1 FROM {} WHERE {on})",
        of.text, other.text
    )
}

fn nulls(of: &[Column]) -> Vec<String> {
    of.iter()
        .take(5)
        .map(|c| format!("CAST(NULL AS {})", super::data::sql_type(c.ty)))
        .collect()
}

fn outer_join(g: &mut Gen) -> (String, String) {
    g.features.outer_join = true;
    let (left, right, on) = sides(g);
    let (l, r) = (names(&left.columns), names(&right.columns));
    let items = aliased(&[l.clone(), r].concat());
    let from = if g.one_in(2) {
        format!("{} LEFT JOIN {}", left.text, right.text)
    } else {
        format!("{} RIGHT JOIN {}", right.text, left.text)
    };
    let kept = unmatched(&left, &right, &on, &aliased(&[l, nulls(&right.columns)].concat()));
    (
        format!("SELECT {items} FROM {from} ON {on}"),
        format!(
            "SELECT {items} FROM {} JOIN {} ON {on} UNION ALL {kept}",
            left.text, right.text
        ),
    )
}

fn full_join(g: &mut Gen) -> (String, String) {
    g.features.outer_join = true;
    let (left, right, on) = sides(g);
    let (l, r) = (names(&left.columns), names(&right.columns));
    let items = aliased(&[l, r.clone()].concat());
    let kept = unmatched(&right, &left, &on, &aliased(&[nulls(&left.columns), r].concat()));
    let from = |kind: &str| format!("SELECT {items} FROM {} {kind} JOIN {} ON {on}", left.text, right.text);
    (from("FULL"), format!("{} UNION ALL {kept}", from("LEFT")))
}

/// IN as a value is TRUE for a match, else NULL for an unknown comparison, else FALSE.
fn membership(g: &mut Gen) -> (String, String) {
    g.features.subquery = true;
    let (outer, inner) = (relation(g, 1), TableUse::random(g));
    let ty = *g.pick(&[Type::Int, Type::Text, Type::Date, Type::Double]);
    let (x, y) = (value(g, ty, &outer.columns, 0), value(g, ty, &inner.columns, 0));
    let mut scope = inner.columns.clone();
    if g.one_in(2) {
        scope.extend(outer.columns.iter().cloned());
    }
    let f = simple(g, &scope, 1);
    let first = &outer.columns[0].name;
    let exists = |c: &str| format!("EXISTS (SELECT 1 FROM {} WHERE {f} AND {c})", inner.text);
    let value = format!(
        "CASE WHEN {} THEN TRUE WHEN {} THEN NULL ELSE FALSE END",
        exists(&format!("{y} = {x}")),
        exists(&format!("({y} = {x}) IS NULL"))
    );
    let (mut a, mut b) = (format!("{x} IN (SELECT {y} FROM {} WHERE {f})", inner.text), value);
    if g.one_in(2) {
        (a, b) = (format!("NOT ({a})"), format!("NOT ({b})"));
    }
    let query = |p: &str, as_value| {
        if as_value {
            format!("SELECT {first} AS c0, {p} AS c1 FROM {}", outer.text)
        } else {
            format!("SELECT {first} AS c0 FROM {} WHERE {p}", outer.text)
        }
    };
    let as_value = g.one_in(2);
    (query(&a, as_value), query(&b, as_value))
}

/// A correlated aggregate is a join with groups.
fn scalar_aggregate(g: &mut Gen) -> (String, String) {
    g.features.subquery = true;
    let (outer, inner) = (relation(g, 1), TableUse::random(g));
    let ty = *g.pick(&[Type::Int, Type::Text, Type::Date]);
    let (k, o) = (value(g, ty, &inner.columns, 0), value(g, ty, &outer.columns, 0));
    let amount = value(g, Type::Int, &inner.columns, 0);
    let f = simple(g, &inner.columns, 1);
    let first = &outer.columns[0].name;
    let (call, missing) = *g.pick(&[("count", "0"), ("sum", "NULL"), ("max", "NULL")]);
    (
        format!(
            "SELECT {first} AS c0, (SELECT {call}({amount}) FROM {} WHERE {k} = {o} AND {f}) AS c1 FROM {}",
            inner.text, outer.text
        ),
        format!(
            "SELECT c0, coalesce(n, {missing}) AS c1 FROM (SELECT {first} AS c0, {o} AS o FROM {}) AS a LEFT JOIN \
             (SELECT {k} AS k, {call}({amount}) AS n FROM {} WHERE {f} GROUP BY 1) AS b ON k = o",
            outer.text, inner.text
        ),
    )
}

/// A partition, an order without NULL and an amount of some relation.
fn ordered(g: &mut Gen) -> String {
    g.features.window = true;
    let input = relation(g, 1);
    let (p, o, a) = (
        value(g, Type::Int, &input.columns, 0),
        value(g, Type::Int, &input.columns, 0),
        value(g, Type::Long, &input.columns, 0),
    );
    format!("SELECT {p} AS p, coalesce({o}, 0) AS o, {a} AS a FROM {}", input.text)
}

fn range_frame(g: &mut Gen) -> (String, String) {
    let input = ordered(g);
    let call = *g.pick(&["sum", "count", "min", "max"]);
    let (frame, bound) = *g.pick(&[
        ("", "v.o <= w.o"),
        (
            "RANGE BETWEEN 1 PRECEDING AND CURRENT ROW",
            "v.o BETWEEN w.o - 1 AND w.o",
        ),
        (
            "RANGE BETWEEN CURRENT ROW AND 2 FOLLOWING",
            "v.o BETWEEN w.o AND w.o + 2",
        ),
        ("RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", "TRUE"),
    ]);
    (
        format!("SELECT p, o, {call}(a) OVER (PARTITION BY p ORDER BY o {frame}) AS c FROM ({input}) AS w"),
        format!(
            "WITH w AS ({input}) SELECT p, o, (SELECT {call}(v.a) FROM w AS v WHERE v.p <=> w.p AND {bound}) AS c FROM w"
        ),
    )
}

fn rows_frame(g: &mut Gen) -> (String, String) {
    let input = ordered(g);
    let numbered = format!("SELECT p, a, row_number() OVER (PARTITION BY p ORDER BY o, a) AS n FROM ({input}) AS i");
    let call = *g.pick(&["sum", "count", "min", "max"]);
    let (frame, bound) = *g.pick(&[
        ("UNBOUNDED PRECEDING AND CURRENT ROW", "v.n <= w.n"),
        ("1 PRECEDING AND 1 FOLLOWING", "v.n BETWEEN w.n - 1 AND w.n + 1"),
        ("3 PRECEDING AND 1 PRECEDING", "v.n BETWEEN w.n - 3 AND w.n - 1"),
        ("CURRENT ROW AND 2 FOLLOWING", "v.n BETWEEN w.n AND w.n + 2"),
        ("1 FOLLOWING AND UNBOUNDED FOLLOWING", "v.n > w.n"),
    ]);
    (
        format!(
            "SELECT p, n, {call}(a) OVER (PARTITION BY p ORDER BY n ROWS BETWEEN {frame}) AS c FROM ({numbered}) AS w"
        ),
        format!(
            "WITH w AS ({numbered}) SELECT p, n, (SELECT {call}(v.a) FROM w AS v WHERE v.p <=> w.p AND {bound}) AS c FROM w"
        ),
    )
}

fn distinct_count(g: &mut Gen) -> (String, String) {
    let input = relation(g, 1);
    let ty = *g.pick(&[Type::Int, Type::Text, Type::Double, Type::Decimal]);
    let (k, x) = (value(g, Type::Date, &input.columns, 0), value(g, ty, &input.columns, 0));
    let rows = format!("SELECT {k} AS k, {x} AS x FROM {}", input.text);
    (
        format!("SELECT k, count(DISTINCT x) AS c FROM ({rows}) AS a GROUP BY k"),
        format!("SELECT k, count(x) AS c FROM (SELECT k, x FROM ({rows}) AS a GROUP BY k, x) AS b GROUP BY k"),
    )
}

fn set_operation(g: &mut Gen) -> (String, String) {
    let (a, b) = (relation(g, 1), TableUse::random(g));
    let ty = *g.pick(&[Type::Text, Type::Double, Type::Decimal]);
    let side = |g: &mut Gen, t: &TableUse| {
        let (u, v) = (value(g, Type::Int, &t.columns, 0), value(g, ty, &t.columns, 0));
        format!("SELECT {u} AS u, {v} AS v FROM {}", t.text)
    };
    let (l, r) = (side(g, &a), side(g, &b));
    let same = format!("EXISTS (SELECT 1 FROM ({r}) AS r WHERE r.u <=> l.u AND r.v <=> l.v)");
    let (op, plain) = match g.rng_index(3) {
        0 => (
            "INTERSECT",
            format!("SELECT DISTINCT u, v FROM ({l}) AS l WHERE {same}"),
        ),
        1 => (
            "EXCEPT",
            format!("SELECT DISTINCT u, v FROM ({l}) AS l WHERE NOT {same}"),
        ),
        _ => (
            "UNION",
            format!("SELECT u, v FROM ({l} UNION ALL {r}) AS b GROUP BY u, v"),
        ),
    };
    (format!("{l} {op} {r}"), plain)
}

/// Decimals multiply as whole numbers of their last digit do.
fn product(g: &mut Gen) -> (String, String) {
    g.features.decimal = true;
    let input = relation(g, 1);
    let (a, b) = (
        value(g, Type::Decimal, &input.columns, 0),
        value(g, Type::Decimal, &input.columns, 0),
    );
    let whole = |e: &str| format!("CAST({e} * 100 AS BIGINT)");
    let (op, unit) = *g.pick(&[("*", "10000"), ("+", "100"), ("-", "100")]);
    (
        format!(
            "SELECT CAST(({a} {op} {b}) * {unit} AS BIGINT) AS c FROM {}",
            input.text
        ),
        format!("SELECT {} {op} {} AS c FROM {}", whole(&a), whole(&b), input.text),
    )
}

fn first_rows(g: &mut Gen) -> (String, String) {
    g.features.window = true;
    let input = relation(g, 1);
    let (a, b) = (
        value(g, Type::Int, &input.columns, 0),
        value(g, Type::Text, &input.columns, 0),
    );
    let rows = format!("SELECT {a} AS y, {b} AS z FROM {}", input.text);
    let down = *g.pick(&["", " DESC", " NULLS LAST"]);
    let (skip, n) = (*g.pick(&[0, 0, 1, 2]), *g.pick(&[1, 2, 4]));
    (
        format!("SELECT y, z FROM ({rows}) AS a ORDER BY y{down}, z LIMIT {n} OFFSET {skip}"),
        format!(
            "SELECT y, z FROM (SELECT y, z, row_number() OVER (ORDER BY y{down}, z) AS n FROM ({rows}) AS a) AS b \
             WHERE n > {skip} AND n <= {}",
            skip + n
        ),
    )
}

fn group(g: &mut Gen) -> (String, String) {
    g.features.subquery = true;
    let input = relation(g, 1);
    let ty = *g.pick(&[Type::Int, Type::Text, Type::Flag, Type::Double]);
    let (k, a) = (value(g, ty, &input.columns, 0), value(g, Type::Long, &input.columns, 0));
    let rows = format!("SELECT {k} AS k, {a} AS a FROM {}", input.text);
    let call = *g.pick(&["count", "sum", "min", "max"]);
    (
        format!("SELECT k, {call}(a) AS c FROM ({rows}) AS v GROUP BY k"),
        format!(
            "WITH w AS ({rows}) SELECT k, (SELECT {call}(v.a) FROM w AS v WHERE v.k <=> d.k) AS c \
             FROM (SELECT DISTINCT k FROM w) AS d"
        ),
    )
}

/// Semi and anti join by counting partners.
fn semi_join(g: &mut Gen) -> (String, String) {
    let (left, right, on) = sides(g);
    let items = aliased(&names(&left.columns));
    let (kind, test) = *g.pick(&[("SEMI", "> 0"), ("ANTI", "= 0")]);
    (
        format!(
            "SELECT {items} FROM {} LEFT {kind} JOIN {} ON {on}",
            left.text, right.text
        ),
        format!(
            "SELECT {items} FROM {} WHERE (SELECT count(*) FROM {} WHERE {on}) {test}",
            left.text, right.text
        ),
    )
}

fn expression(g: &mut Gen) -> (String, String) {
    let input = relation(g, 1);
    let scope = &input.columns;
    let ty = *g.pick(&[Type::Int, Type::Text, Type::Double, Type::Decimal, Type::Date]);
    let (a, b, c) = (value(g, ty, scope, 1), value(g, ty, scope, 0), value(g, ty, scope, 0));
    let (p, q) = (simple(g, scope, 1), simple(g, scope, 0));
    let (x, y) = match g.rng_index(8) {
        0 => (
            format!("{a} BETWEEN {b} AND {c}"),
            format!("NOT ({a} < {b} OR {a} > {c})"),
        ),
        1 => (format!("coalesce({a}, {b})"), format!("if({a} IS NULL, {b}, {a})")),
        2 => (
            format!("{a} <=> {b}"),
            format!("coalesce({a} = {b}, {a} IS NULL AND {b} IS NULL)"),
        ),
        3 => (
            format!("{p} AND {q}"),
            format!("CASE WHEN NOT {p} THEN FALSE WHEN NOT {q} THEN FALSE WHEN {p} AND {q} THEN TRUE END"),
        ),
        4 => (
            format!("{p} OR {q}"),
            format!("CASE WHEN {p} THEN TRUE WHEN {q} THEN TRUE WHEN NOT {p} THEN {q} END"),
        ),
        5 => (format!("{a} IN ({b}, {c})"), format!("({a} = {b} OR {a} = {c})")),
        6 => (
            format!("nullif({a}, {b})"),
            format!("CASE WHEN {a} = {b} THEN NULL ELSE {a} END"),
        ),
        _ => (format!("NOT ({p} AND {q})"), format!("(NOT {p}) OR (NOT {q})")),
    };
    let query = |e: &str| format!("SELECT {e} AS c FROM {}", input.text);
    (query(&x), query(&y))
}
